"""Teachers: attention, temperature, and classes that fit."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon import nn

from bmx.gluon.model_zoo.support.classifier import Classifier
from bmx.training import seed_everything
from bmx.training.distill import Teacher as TeacherLoss
from bmx.training.distill import sizes
from bmx.training.reading import ConfigError
from bmx.training.schema import Teacher


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
