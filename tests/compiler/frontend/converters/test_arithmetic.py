"""Arithmetic with parameters: MXNet, the compiler and the packed file agree."""

from __future__ import annotations

from typing import Any, Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, nn

from bmx import compiler
from bmx.compiler.backend import fileformat
from bmx.compiler.frontend.importer import UnsupportedError
from bmx.gluon import library
from bmx.gluon.nn import QActivation, QDense
from bmx.verification import compare_layers
from tests.support.compiled_nets import check

pytestmark = pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")

IMAGE, VECTOR = (3, 4, 5, 6), (3, 7)


class WithParameter(HybridBlock):
    """A function of F, an input and a parameter of magnitudes from 0.5 to 2."""

    def __init__(self, function: Callable, shape: tuple, value: np.ndarray | None = None) -> None:
        super().__init__(prefix="withparameter0_")
        random = np.random.RandomState(3)
        value = random.uniform(0.5, 2, shape) * random.choice([-1, 1], shape) if value is None else value
        self.p = self.params.get("p", shape=shape, init=mx.init.Constant(mx.nd.array(value)))
        self._function = function

    def hybrid_forward(self, F: Any, x: Any, p: Any) -> Any:
        return self._function(F, x, p)


@pytest.mark.parametrize(
    ("shape", "parameter"),
    [
        (IMAGE, (1,)),
        (IMAGE, (4, 1, 1)),
        (IMAGE, (1, 4, 1, 1)),
        (IMAGE, (1, 1, 1, 1)),
        (IMAGE, (1, 4, 5, 6)),
        (IMAGE, (6,)),
        (IMAGE, (1, 1, 5, 1)),
        (VECTOR, (7,)),
        (VECTOR, (1, 7)),
        (VECTOR, (1, 1)),
    ],
)
@pytest.mark.parametrize("op", ["broadcast_add", "broadcast_sub", "broadcast_mul", "broadcast_div"])
@pytest.mark.parametrize("side", ["right", "left"])
def test_a_parameter_is_broadcast(op: str, side: str, shape: tuple, parameter: tuple) -> None:
    def net(F: Any, x: Any, p: Any) -> Any:
        return getattr(F, op)(x, p) if side == "right" else getattr(F, op)(p, x)

    operators = check(WithParameter(net, parameter), shape)
    by_position = len([size for size in parameter if size > 1]) > 1 or parameter[-2:] in [(6,), (5, 1)]
    assert ("reshape" in operators) == (by_position and shape == IMAGE)
    assert set(operators) <= {"affine", "clip", "div", "flatten", "reshape", "transpose"}


def test_a_parameter_in_front_of_a_sign_is_rounded_as_in_mxnet() -> None:
    """x * p + q falls on either side of zero as each operation is rounded."""

    class Net(HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.dot, self.last = QDense(64, use_bias=False), QDense(8, use_bias=False)
            self.p = self.params.get("p", shape=(1, 64), init=mx.init.Uniform(1))
            self.q = self.params.get("q", shape=(64,), init=mx.init.Uniform(1))

        def hybrid_forward(self, F: Any, x: Any, p: Any, q: Any) -> Any:
            x = F.broadcast_sub(F.broadcast_mul(self.dot(x), p), q * 5)
            x = F.broadcast_div(x, F.abs(q) + 0.1)
            return self.last(F.clip(x, -3, 3))

    operators = check(Net(), (64, 64), exact=True)
    assert operators == ["threshold", "binary_dense", "threshold", "binary_dense", "cast"]


@pytest.mark.parametrize(
    ("name", "net"),
    [
        ("scalar / x", lambda nd, x: 3 / x),
        ("reciprocal", lambda nd, x: nd.reciprocal(x)),
        ("power", lambda nd, x: x**-1),
        ("ones", lambda nd, x: nd.ones_like(x) - x),
        ("zeros", lambda nd, x: nd.zeros_like(x) - x),
        ("squeeze", lambda nd, x: nd.squeeze(nd.mean(x, axis=(2, 3), keepdims=True))),
    ],
)
def test_further_operators(name: str, net: Callable) -> None:
    check(net, IMAGE)


@pytest.mark.parametrize(("op", "low", "high"), [("maximum", 0.5, None), ("minimum", None, 0.5)])
def test_limits_that_are_parameters(op: str, low: float, high: float) -> None:
    half = np.full((1,), 0.5)
    net = WithParameter(lambda nd, x, p: getattr(nd, f"broadcast_{op}")(p, x), (1,), half)
    assert check(net, IMAGE, exact=True) == ["clip"]


class _SignsAsNumbers(HybridBlock):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.sign, self.conv = nn.Conv2D(4, 1), QActivation(), nn.Conv2D(4, 3, padding=1)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        s = self.sign(self.first(x))
        mean = F.mean(s, axis=(2, 3), keepdims=True)
        return F.broadcast_add(self.conv(s) * s, mean), F.reshape(s, shape=(0, 2, -1)), s


def test_signs_are_read_as_numbers() -> None:
    """Convolution, arithmetic, pooling, reshaping and the net's output take the bits as -1 and +1."""
    net = _SignsAsNumbers()
    check(net, IMAGE)
    casts = [node for node in compiler.compile(net, IMAGE).nodes if node.op == "cast"]
    assert len(casts) <= 2, "one for all readers; another where the layout of an output differs"


def test_signs_as_numbers_stand_for_mxnets_signs() -> None:
    net = _SignsAsNumbers()
    net.initialize(mx.init.Normal(0.5))
    net(mx.nd.zeros(IMAGE))
    report = compare_layers(net, fileformat.to_bytes(compiler.compile(net, IMAGE)))
    assert report.passed
    casts = [row for row in report.layers if row.operator == "cast"]
    assert casts
    assert all(row.layer.startswith("sign(") and not row.fused for row in casts)


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (
            lambda nd, x, p: nd.broadcast_add(x, p),
            (3, 4, 5, 6),
            r"shape \[3, 4, 5, 6\].*broadcast to the input's",
        ),
        (
            lambda nd, x, p: nd.broadcast_mul(nd.mean(x, axis=1, keepdims=True), p),
            (1, 4, 1, 1),
            "broadcast to",
        ),
        (lambda nd, x, p: nd.broadcast_div(x, p - p), (4, 1, 1), "it divides by 0; supported: magnitudes"),
        (
            lambda nd, x, p: nd.broadcast_maximum(x, p),
            (4, 1, 1),
            "holds several values; supported: one number",
        ),
        (lambda nd, x, p: nd.broadcast_maximum(x, -x), (1,), "it reads two computed values"),
        (lambda nd, x, p: nd.mean(x, axis=0), (1,), "axis 0 is the batch"),
        (lambda nd, x, p: nd.sum(x, axis=(1, 2, 3)), (1,), "no axis but the batch's"),
        (lambda nd, x, p: x**3, (1,), "scalar is 3; supported: 2, -1"),
        (
            lambda nd, x, p: (nd.Dropout(x), x),
            (1,),
            "returns 'withparameter0_dropout0' and 'data', which are the same",
        ),
        (lambda nd, x, p: p * 2, (1,), "is a parameter that the net returns"),
    ],
)
def test_what_is_not_supported_is_said(net: Callable, shape: tuple, message: str) -> None:
    block = WithParameter(net, shape)
    block.initialize()
    with pytest.raises(UnsupportedError, match=message), mx.name.NameManager():
        compiler.compile(block, IMAGE)
