"""A stage is put together without a folder, a log or a store, and the same description gives the same one."""

from __future__ import annotations

import os
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon.nn.lowerings import fastest_lowering, lowering
from bmx.training.assembly import Updates
from bmx.training.build_stage import build_stage
from bmx.training.engine import Engine
from bmx.training.mixup import Mixed, Mixup
from bmx.training.optimizers import parameters
from bmx.training.reading import ConfigError
from bmx.training.run import train
from bmx.training.seeds import Seeds
from bmx.training.sources import open_source
from tests.support.tiny_training import build, tiny


def test_the_parts_are_those_of_the_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = tiny(
        training={"accumulate": 3, "steps": 7, "clip_norm": 2.0},
        loss={"mixup": 0.5, "mixup_off": 1},
        average={"decay": 0.9},
        checkpoints={"steps": 4},
    )
    source = open_source(config.data, config.training.seed)
    stage = build_stage(config, source, build=build)
    assert stage.updates == Updates(epochs=3, accumulate=3, most=7, clip_norm=2.0)
    assert (stage.updates_per_epoch, stage.updates_in_total) == (3, 7)  # of 8 batches
    assert stage.mixup == Mixup(0.5, 1)
    assert stage.seeds == Seeds(5, 4, 0)
    assert stage.average is not None
    assert stage.rate is not None
    assert stage.rate(0) == 1e-2
    images, labels = next(iter(stage.data))
    loss, logits = stage.objective(Mixed(images, labels))
    assert (loss.shape, logits.shape) == ((8,), (8, 4))
    assert os.listdir(tmp_path) == []


def test_the_same_description_gives_the_same_net() -> None:
    config = tiny()
    source = open_source(config.data, config.training.seed)
    one, other = (build_stage(config, source, build=build).net for _ in range(2))
    for a, b in zip(parameters(one), parameters(other)):
        np.testing.assert_array_equal(a.data().asnumpy(), b.data().asnumpy())


def test_an_engine_runs_it_as_train_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bmx.training.plot.is_available", lambda: False)
    config = tiny(training={"epochs": 1})
    source = open_source(config.data, config.training.seed)
    stage = build_stage(config, source, build=build)
    with lowering(fastest_lowering()):
        Engine(stage).run()
    train(config, tmp_path, build=build, log=str)
    expected = mx.nd.load(str(tmp_path / "last.params"))
    for name, parameter in stage.net._collect_params_with_prefix().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), expected[name].asnumpy(), err_msg=name)


def test_the_first_stage_has_no_previous_one() -> None:
    config = tiny(teacher={"previous": True})
    with pytest.raises(ConfigError, match=r"teacher.previous: expected a stage before, found the first"):
        build_stage(config, open_source(config.data), build=build)
