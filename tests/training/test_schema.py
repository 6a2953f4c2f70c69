"""Descriptions: defaults, one-sentence errors, stages, and TOML there and back."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bmx.training import toml
from bmx.training.reading import ConfigError
from bmx.training.schema import Config


def test_the_earlier_name_of_the_module_works() -> None:
    from bmx.training import config

    assert config.Config is Config


def test_defaults_and_values() -> None:
    config = Config.from_dict({"model": {"name": "lenet"}, "optimizer": {"wd": 1}})
    assert config.model.name == "lenet"
    assert config.optimizer.wd == 1.0
    assert isinstance(config.optimizer.wd, float)
    assert config.optimizer.name == "adam"
    assert [stage.name for stage in config.all_stages] == ["train"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"modle": {}}, r"'modle' is not known .did you mean 'model'"),
        ({"model": {"nmae": "x"}}, r"model: 'nmae' is not known|model.*'nmae'.*'name'"),
        ({"training": {"epochs": "ten"}}, r"training.epochs: expected an integer, found 'ten'"),
        ({"training": {"epochs": True}}, r"training.epochs: expected an integer, found True"),
        ({"training": {"epochs": 0}}, r"training.epochs: expected at least 1, found 0"),
        ({"optimizer": {"learning_rate": 0}}, r"learning_rate: expected above 0"),
        ({"optimizer": {"learning_rate": math.nan}}, r"learning_rate: expected above 0"),
        ({"optimizer": {"wd": math.nan}}, r"wd: expected at least 0"),
        ({"learning_rate": {"mode": "cosin"}}, r"expected one of .*'cosine'.*, found 'cosin'"),
        ({"learning_rate": {"mode": "exponential"}}, r"learning_rate.end: expected above 0"),
        ({"learning_rate": {"at": [1, 2], "values": [1.0]}}, r"one for each epoch of at"),
        (
            {"loss": {"name": "squared_hinge", "mixup": 0.2}},
            r"loss.mixup: expected 0 with 'squared_hinge', found",
        ),
        (
            {"loss": {"name": "squared_hinge", "label_smoothing": 0.2}},
            r"loss.label_smoothing: expected 0 with",
        ),
        ({"average": {"decay": 1}}, r"average.decay: expected from 0 to below 1"),
        ({"data": 3}, r"data: expected a table, found 3"),
        ({"stages": [{"weights": "ternary"}]}, r"stages\[0\].weights: expected one of 'binary', 'identity'"),
        ({"stages": [{"notes": "x"}]}, r"stages\[0\]: 'notes' is not known"),
        ({"stages": [3]}, r"stages\[0\]: expected a table"),
    ],
)
def test_errors_say_what_and_where(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config.from_dict(table)


def test_a_stage_overrides_what_is_common() -> None:
    table = {
        "optimizer": {"name": "sgd", "wd": 1e-4},
        "training": {"epochs": 7},
        "stages": [{"name": "first", "weights": "identity", "optimizer": {"wd": 0.5}}, {"name": "second"}],
    }
    config = Config.from_dict(table)
    first, second = config.of_stage(0), config.of_stage(1)
    assert (first.optimizer.name, first.optimizer.wd, first.training.epochs) == ("sgd", 0.5, 7)
    assert second.optimizer.wd == 1e-4
    assert config.stages[0].weights == "identity"
    assert Config.from_dict(config.to_dict()) == config


def test_a_description_survives_its_file() -> None:
    config = Config.from_dict(
        {"schedules": {"nu": {"kind": "exponential", "start": 1.0, "end": 9.0}}, "stages": [{"name": "one"}]}
    )
    assert Config.from_dict(toml.parse(toml.write(config.to_dict()), "test")) == config
