"""Losses, values and gradients, against NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from bmx.gluon.loss import (
    AttentionMatching,
    DistributionLoss,
    KnowledgeDistillation,
    LabelSmoothing,
    SquaredHinge,
)

LOGITS = (6, 5)
FEATURES = (3, 4, 3, 2)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def one_hot(labels, classes):
    return np.array([[float(c == label) for c in range(classes)] for label in labels])


def attention(a, normalization):
    q = (a**2).mean(axis=1).reshape(len(a), -1)
    norms = q.max(axis=1) if normalization == "max" else np.sqrt((q**2).sum(axis=1))
    return q / norms[:, None]


def distribution(s, t):
    p, q = softmax(t), softmax(s)
    return -(p * np.log(q)).sum(axis=-1)


def distillation(s, t, temperature):
    p, q = softmax(t / temperature), softmax(s / temperature)
    return temperature**2 * (p * np.log(p / q)).sum(axis=-1)


def attention_matching(s, t, normalization):
    return ((attention(s, normalization) - attention(t, normalization)) ** 2).mean(axis=1)


def label_smoothing(y, labels, smoothing):
    target = (1 - smoothing) * one_hot(labels, y.shape[1]) + smoothing / y.shape[1]
    return -(target * np.log(softmax(y))).sum(axis=1)


def squared_hinge(y, labels):
    target = 2 * one_hot(labels, y.shape[1]) - 1
    return (np.maximum(0, 1 - target * y) ** 2).mean(axis=1)


def distribution_gradient(s, t):
    return softmax(s) - softmax(t)


def distillation_gradient(s, t, temperature):
    return temperature * (softmax(s / temperature) - softmax(t / temperature))


def label_smoothing_gradient(y, labels, smoothing):
    return softmax(y) - (1 - smoothing) * one_hot(labels, y.shape[1]) - smoothing / y.shape[1]


def squared_hinge_gradient(y, labels):
    target = 2 * one_hot(labels, y.shape[1]) - 1
    return -2 / y.shape[1] * target * np.maximum(0, 1 - target * y)


#  loss, its value, its gradient or None for differences, other arguments, shape, whether the target is labels
CASES = {
    "distribution": (DistributionLoss, distribution, distribution_gradient, (), LOGITS, False),
    "distillation 1": (KnowledgeDistillation, distillation, distillation_gradient, (1.0,), LOGITS, False),
    "distillation 4": (KnowledgeDistillation, distillation, distillation_gradient, (4.0,), LOGITS, False),
    "attention max": (AttentionMatching, attention_matching, None, ("max",), FEATURES, False),
    "attention l2": (AttentionMatching, attention_matching, None, ("l2",), FEATURES, False),
    "smoothing 0": (LabelSmoothing, label_smoothing, label_smoothing_gradient, (0.0,), LOGITS, True),
    "smoothing 0.1": (LabelSmoothing, label_smoothing, label_smoothing_gradient, (0.1,), LOGITS, True),
    "hinge": (SquaredHinge, squared_hinge, squared_hinge_gradient, (), LOGITS, True),
}


def differences(value, y, target, arguments, width=1e-6):
    """Central differences of the sum of a loss."""
    gradient = np.zeros_like(y)
    for i in np.ndindex(*y.shape):
        step = np.zeros_like(y)
        step[i] = width
        up, down = (value(y + sign * step, target, *arguments).sum() for sign in (1, -1))
        gradient[i] = (up - down) / (2 * width)
    return gradient


def draw(name, seed=0):
    print(f"seed {seed}")
    shape, has_labels = CASES[name][4:]
    rng = np.random.RandomState(seed)
    y = rng.normal(size=shape, scale=2)
    return y, rng.randint(0, shape[1], shape[0]) if has_labels else rng.normal(size=shape, scale=2)


def run(loss, y, target, *more):
    y, target = mx.nd.array(y), mx.nd.array(target)
    y.attach_grad()
    target.attach_grad()
    with autograd.record():
        value = loss(y, target, *more)
    value.backward()
    return value.asnumpy(), y.grad.asnumpy(), target.grad.asnumpy()


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name, hybrid):
    cls, reference, gradient, arguments = CASES[name][:4]
    loss = cls(*arguments)
    if hybrid:
        loss.hybridize()
    for seed in range(5):
        y, target = draw(name, seed)
        value, y_gradient, target_gradient = run(loss, y, target)
        np.testing.assert_allclose(value, reference(y, target, *arguments), rtol=1e-3, atol=1e-5)
        expected = differences(reference, y, target, arguments)
        if gradient is not None:
            np.testing.assert_allclose(gradient(y, target, *arguments), expected, rtol=1e-4, atol=1e-6)
            expected = gradient(y, target, *arguments)
        np.testing.assert_allclose(y_gradient, expected, rtol=1e-3, atol=1e-5)
        assert not target_gradient.any()


@pytest.mark.parametrize("name", CASES)
def test_weights_of_the_loss_and_of_samples(name):
    cls, reference, _, arguments = CASES[name][:4]
    y, target = draw(name)
    sample_weight = np.arange(len(y), dtype=np.float64)
    value = run(cls(*arguments, weight=0.25), y, target, mx.nd.array(sample_weight[:, None]))[0]
    expected = 0.25 * sample_weight * reference(y, target, *arguments)
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("attention")])
def test_a_perfect_student_has_the_least_loss(name):
    cls, _, _, arguments, shape, has_labels = CASES[name]
    target = draw(name)[1]
    y = 1000 * (2 * one_hot(target, shape[1]) - 1) if has_labels else target
    if name == "smoothing 0.1":
        y = np.log(0.9 * one_hot(target, shape[1]) + 0.1 / shape[1])
    np.testing.assert_allclose(run(cls(*arguments), y, target)[1], 0, atol=2e-5)


@pytest.mark.parametrize("name", ["distribution", "distillation 4", "smoothing 0.1"])
def test_classes_along_another_axis_are_averaged_over_positions(name):
    cls, reference, _, arguments = CASES[name][:4]
    seed = 1
    print(f"seed {seed}")
    rng = np.random.RandomState(seed)
    y = rng.normal(size=(2, 5, 3))
    target = rng.randint(0, 5, (2, 3)) if cls is LabelSmoothing else rng.normal(size=(2, 5, 3))
    value = run(cls(*arguments, axis=1), y, target)[0]
    rows = [reference(y[:, :, i], target[..., i], *arguments) for i in range(3)]
    np.testing.assert_allclose(value, np.mean(rows, axis=0), rtol=1e-4)


def test_labels_of_any_type():
    y = mx.nd.array(draw("hinge")[0])
    labels = np.array([0, 4, 2, 1, 3, 0])
    values = [
        loss(y, mx.nd.array(labels, dtype=dtype)).asnumpy()
        for loss in (SquaredHinge(), LabelSmoothing())
        for dtype in ("float32", "int32", "int64")
    ]
    for group in (values[:3], values[3:]):
        np.testing.assert_array_equal(group[0], group[1])
        np.testing.assert_array_equal(group[0], group[2])


def test_attention_without_features_is_finite():
    for normalization in ("max", "l2"):
        value, gradient, _ = run(AttentionMatching(normalization), np.zeros(FEATURES), np.ones(FEATURES))
        assert np.isfinite(value).all()
        np.testing.assert_array_equal(gradient, 0)


def test_attention_does_not_depend_on_scale_or_number_of_channels():
    student, teacher = draw("attention max")
    for normalization in ("max", "l2"):
        loss = AttentionMatching(normalization)
        value = run(loss, student, teacher)[0]
        other = run(loss, 10 * student, np.concatenate([teacher, teacher], axis=1))[0]
        np.testing.assert_allclose(other, value, rtol=1e-4)


def test_smoothing_0_is_gluons_cross_entropy():
    y, labels = (mx.nd.array(a) for a in draw("smoothing 0"))
    expected = gluon.loss.SoftmaxCrossEntropyLoss()(y, labels).asnumpy()
    np.testing.assert_allclose(LabelSmoothing(0)(y, labels).asnumpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KnowledgeDistillation(0), "KnowledgeDistillation: expected temperature > 0, found 0"),
        (lambda: AttentionMatching("l1"), "expected normalization 'max' or 'l2', found 'l1'"),
        (lambda: LabelSmoothing(1.5), "expected smoothing from 0 to 1, found 1.5"),
    ],
)
def test_values_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()
