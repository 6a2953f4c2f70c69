"""What the tests of this folder share."""

from types import ModuleType

import pytest

from tests.support import bmx_files


@pytest.fixture(scope="session")
def writer() -> ModuleType:
    """The independent writer of packed files."""
    return bmx_files
