"""What every test shares."""

# Imports MXNet quietly: its own source warns on import, and in the tests warnings are errors.
import bmx.gluon  # noqa: F401
