"""What every test shares."""

# Imports MXNet quietly: its own source warns on import, and in the tests warnings are errors.
import bmx.gluon  # noqa: F401

# isort: split
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def net_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module that builds nets, a packed file of one of them, labels and an input."""
    from tests.support.net_folder import write_net_folder

    return write_net_folder(tmp_path_factory.mktemp("cli"))


@pytest.fixture
def inside(net_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder as working directory."""
    monkeypatch.chdir(net_folder)
    monkeypatch.syspath_prepend(str(net_folder))
    return net_folder
