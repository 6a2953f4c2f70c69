"""What tests of the layers share."""

from __future__ import annotations

import pytest

import bmx.gluon  # noqa: F401  first, because it makes mxnet importable
from bmx.gluon import library


@pytest.fixture(params=["native", "operator"])
def lowered(request: pytest.FixtureRequest) -> str:
    """Both lowerings; the operators' absence is skipped loudly."""
    if request.param == "operator" and not library.is_loaded():
        pytest.skip(f"{library.PATH} is not built, so the operator lowering is not tested")
    return request.param
