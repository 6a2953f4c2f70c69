"""Stages follow one another."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from bmx.training import plot
from bmx.training.run import train
from tests.support.tiny_training import build, tiny


def test_a_stage_starts_where_the_one_before_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "is_available", lambda: False)
    stages = [{"name": "float", "weights": "identity", "activations": "tanh"}, {"name": "binary"}]
    config = tiny(
        stages=stages, training={"epochs": 1, "steps": 1}, optimizer={"name": "sgd", "learning_rate": 1e-20}
    )
    train(config, tmp_path, build=build, log=str)
    before = mx.nd.load(str(tmp_path / "stages" / "1-float.params"))
    after = mx.nd.load(str(tmp_path / "last.params"))
    for name, value in before.items():
        if "running" not in name:
            limit = 1.0 if name in ("2.weight", "6.weight") else np.inf
            clipped = value.asnumpy().clip(-limit, limit)
            np.testing.assert_allclose(clipped, after[name].asnumpy(), rtol=0, atol=1e-18, err_msg=name)
    assert (tmp_path / "log.txt").read_text().count("[Stage ") == 2
