"""What tests of the layers share."""

from __future__ import annotations

import pytest

import bmx.gluon  # noqa: F401  first, because it makes mxnet importable
from bmx.gluon import library


@pytest.fixture(params=["native", "mixed", "operator"])
def lowered(request: pytest.FixtureRequest) -> str:
    """Every lowering that trains; the operators' absence is skipped loudly."""
    if request.param != "native" and not library.is_loaded():
        pytest.skip(f"{library.PATH} is not built, so the {request.param} lowering is not tested")
    return request.param
