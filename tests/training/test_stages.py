"""Stages: what is real in them, what they start from, and teachers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon import nn

from bmx.gluon import model_zoo
from bmx.gluon.model_zoo.support.classifier import Classifier
from bmx.gluon.nn import QConv2D, QDense
from bmx.gluon.optimizer import is_binary
from bmx.gluon.sources import build_model
from bmx.training import plot, seed_everything
from bmx.training.distill import Teacher as TeacherLoss
from bmx.training.distill import sizes
from bmx.training.models import make_net
from bmx.training.precision import set_clip, set_precision
from bmx.training.reading import ConfigError
from bmx.training.run import train
from bmx.training.schema import Model, Teacher
from tests.support.tiny_training import build, tiny


def layer(**arguments: Any) -> tuple[QDense, mx.nd.NDArray]:
    seed_everything(0)
    dense = QDense(5, in_units=4, use_bias=False, **arguments)
    dense.initialize(mx.init.Uniform(1.5))
    return dense, mx.nd.random.normal(shape=(3, 4))


@pytest.mark.parametrize("activations", ["binary", "identity", "hardtanh", "tanh"])
@pytest.mark.parametrize("weights", ["binary", "identity"])
def test_what_a_layer_computes(weights: str, activations: str) -> None:
    dense, x = layer()
    set_precision(dense, weights, activations)
    w, v = dense.weight.data().asnumpy(), x.asnumpy()

    def sign(a: np.ndarray) -> np.ndarray:
        return np.where(a < 0, -1.0, 1.0)

    functions = {
        "binary": sign,
        "identity": lambda a: a,
        "hardtanh": lambda a: a.clip(-1, 1),
        "tanh": np.tanh,
    }
    expected = functions[activations](v) @ functions[weights](w).T
    for hybrid in (False, True):
        dense.hybridize(hybrid)
        np.testing.assert_allclose(dense(x).asnumpy(), expected, rtol=1e-5, atol=1e-6)
    assert is_binary(dense.weight) == (weights == "binary")


def test_the_hard_tanh_passes_gradients_inside() -> None:
    dense, _ = layer()
    set_precision(dense, "identity", "hardtanh")
    x = mx.nd.array([[-2, -0.5, 0.5, 2]])
    x.attach_grad()
    with autograd.record():
        y = dense(x).sum()
    y.backward()
    expected = dense.weight.data().asnumpy().sum(axis=0) * np.array([0, 1, 1, 0])
    np.testing.assert_allclose(x.grad.asnumpy(), expected[None], rtol=1e-5)


def test_learned_shifts_train_in_real_stages_too() -> None:
    conv = QConv2D(2, 1, in_channels=3, input_quantizer="rsign", use_bias=False)
    conv.initialize()
    conv.input_shift.set_data(mx.nd.array([0.5, -0.5, 0]))
    set_precision(conv, "identity", "identity")
    x = mx.nd.ones((1, 3, 1, 1))
    w = conv.weight.data().asnumpy().reshape(2, 3)
    np.testing.assert_allclose(conv(x).asnumpy().ravel(), w @ [1.5, 0.5, 1], rtol=1e-5)
    with autograd.record():
        y = conv(x).sum()
    y.backward()
    np.testing.assert_allclose(conv.input_shift.grad().asnumpy(), w.sum(axis=0), rtol=1e-5)


def test_a_clip_threshold_reaches_the_layers() -> None:
    net = model_zoo.get_model("lenet")
    assert set_clip(net, 0.25) == 2
    assert {q.clip for child in net for q in getattr(child, "quantizers", [])[:1]} == {0.25}
    with pytest.raises(ValueError, match=r"no layer of the net has a clip"):
        set_clip(nn.Dense(3), 0.25)


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


def pyramid(channels: int, blocks: int) -> Classifier:
    rows: list[Any] = []
    for _ in range(2):
        rows += [nn.Conv2D(channels, 3, padding=1, strides=2 if n == 0 else 1) for n in range(blocks)]
    return Classifier([*rows, nn.GlobalAvgPool2D()], channels, 4)


def test_attention_is_matched_at_the_last_features_of_each_size() -> None:
    seed_everything(0)
    student, net = pyramid(4, 2), pyramid(6, 1)
    for block in (student, net):
        block.initialize()
        block(mx.nd.zeros((1, 3, 16, 16)))
    assert sizes(student, (1, 3, 16, 16)) == {(8, 8): 1, (4, 4): 3}
    description = Teacher(model="x", loss="distillation", weight=0.5, temperature=2.0, attention=3.0)
    teacher = TeacherLoss(description, net, student, (1, 3, 16, 16))
    images = mx.nd.random.normal(shape=(2, 3, 16, 16))
    with autograd.record():
        outputs = teacher.student(images)
        loss = teacher.loss(outputs, images).asnumpy()

    def features(block: Any, taps: list[int]) -> list[np.ndarray]:
        x, found = images, []
        for number, child in enumerate(block.features):
            x = child(x)
            if number in taps:
                found.append(x.asnumpy())
        return found

    def attention(a: np.ndarray) -> np.ndarray:
        q = (a**2).mean(axis=1).reshape(len(a), -1)
        return q / q.max(axis=1, keepdims=True)

    def log_softmax(x: np.ndarray) -> np.ndarray:
        return x - np.log(np.exp(x).sum(axis=1, keepdims=True))

    p, q = (log_softmax(block(images).asnumpy() / 2) for block in (net, student))
    expected = 0.5 * 4 * (np.exp(p) * (p - q)).sum(axis=1)
    for a, b in zip(features(student, [1, 3]), features(net, [0, 1])):
        expected += 3 * ((attention(a) - attention(b)) ** 2).mean(axis=1)
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


def test_a_teacher_of_other_classes_is_refused() -> None:
    nets = []
    for classes in (4, 5):
        net = nn.Dense(classes, in_units=3)
        net.initialize()
        nets.append(net)
    with pytest.raises(ConfigError, match=r"expected 4 classes as the student has, found 5"):
        TeacherLoss(Teacher(model="x"), nets[1], nets[0], (1, 3))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Model("lenett"), "no model named 'lenett'"),
        (
            Model("other:lenet"),
            "no module 'other' .*expected the name of a zoo model, gluoncv:NAME, ",
        ),
        (Model("lenet", arguments={"colour": 1}), "colour"),
        (Model("lenet", layers={"clipp": 1}), "clipp"),
        (Model("lenet", initializer={"name": "xavierr"}), "model.initializer"),
        (Model("lenet", params="absent.params"), "absent.params"),
    ],
)
def test_what_does_not_fit_is_said(model: Model, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_net(model, 10, (1, 1, 28, 28), build_model)
