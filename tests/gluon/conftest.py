"""What tests of the layers share."""

from __future__ import annotations

from pathlib import Path

import pytest

import bmx.gluon  # noqa: F401  first, because it makes mxnet importable
from bmx.gluon import library

# MXNet 1.9.1 reads SciPy and NumPy names that are deprecated, at run time.
MXNET_WARNINGS = ("ignore::DeprecationWarning:mxnet",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for warning in MXNET_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(params=["native", "operator"])
def lowered(request: pytest.FixtureRequest) -> str:
    """Both lowerings; the operators' absence is skipped loudly."""
    if request.param == "operator" and not library.is_loaded():
        pytest.skip(f"{library.PATH} is not built, so the operator lowering is not tested")
    return request.param
