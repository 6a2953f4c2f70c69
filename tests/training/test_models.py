"""What does not fit in the description of a net is said."""

from __future__ import annotations

import pytest

from bmx.gluon.sources import build_model
from bmx.training.models import make_net
from bmx.training.reading import ConfigError
from bmx.training.schema import Model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Model("lenett"), "no model named 'lenett'"),
        (
            Model("other:lenet"),
            "no module 'other' .*expected the name of a zoo model, gluoncv:NAME, ",
        ),
        (Model("lenet", arguments={"color": 1}), "color"),
        (Model("lenet", layers={"clipp": 1}), "clipp"),
        (Model("lenet", initializer={"name": "xavierr"}), "model.initializer"),
        (Model("lenet", params="absent.params"), "absent.params"),
    ],
)
def test_what_does_not_fit_is_said(model: Model, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_net(model, 10, (1, 1, 28, 28), build_model)
