"""Real layers with weights of one magnitude keep a bit of each."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest

from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Origin
from bmx.compiler.ir.text import parse
from bmx.compiler.passes.binary_weights import binary_weights


def test_weights_of_one_magnitude_are_bits(check_pass: Callable) -> None:
    changed = check_pass(
        binary_weights,
        """
        graph g channels_first
        input x: f32[2, 4, 4]
        d = conv2d(x) {"padding": [1, 1]} weight=f32[3, 2, 3, 3](signs 1) bias=f32[3](1, 0, -1)
        e = conv2d(d) {"groups": 3} weight=f32[3, 1, 2, 2](seed 1)
        f = flatten(e)
        g = dense(f) weight=f32[2, 27](signs 1)
        output g
        """,
        """
        graph g channels_first
        input x: f32[2, 4, 4]
        d: f32[3, 4, 4] = binary_weight_conv2d(x) {"padding": [1, 1]} weight=bits[3, 2, 3, 3](...)
        d_scale: f32[3, 4, 4] = affine(d) scale=f32[3](1.0, 1.0, 1.0) shift=f32[3](1.0, 0.0, -1.0)
        e: f32[3, 3, 3] = conv2d(d_scale) {"groups": 3} weight=f32[3, 1, 2, 2](...)
        f: f32[27] = flatten(e)
        g: f32[2] = binary_weight_dense(f) weight=bits[2, 27](...)
        output g
        """,
        exact=False,
    )
    assert changed.rounded == set()


@pytest.mark.parametrize(
    "weight",
    [
        "f32[1, 8](1, 1, 1, 1, 1, 1, 1, 1)",
        "f32[1, 8](1, -1, 1, 1, 1, 1, 1, 2)",
        "f32[2, 8](1, -1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)",
        "f32[1, 8](seed 1)",
    ],
)
def test_other_weights_stay_real(weight: str) -> None:
    graph = parse(f"graph g channels_first\ninput x: f32[8]\nd = dense(x) weight={weight}\noutput d")
    assert binary_weights(graph) == graph


def test_magnitudes_of_filters_are_their_scale() -> None:
    weight = np.random.RandomState(0).choice([-1, 1], (4, 2, 2, 2)).astype(np.float32)
    scale = np.float32([0.1, 3, 1e-3, 7]).reshape(-1, 1, 1, 1)
    graph = parse(
        """
        graph g channels_first
        input x: f32[2, 5, 5]
        d = conv2d(x) weight=f32[4, 2, 2, 2](seed 1)
        output d
        """
    )
    graph.replace_node("d", graph.producers()["d"].with_constants(weight=weight * scale))
    graph.origins = {"d": Origin("conv0")}
    changed = binary_weights(graph)
    assert [node.op for node in changed.nodes] == ["binary_weight_conv2d", "affine"]
    np.testing.assert_array_equal(changed.producers()["d_scale"].constants["scale"], scale.ravel())
    assert changed.origins == {"d_scale": Origin("conv0")}
    x = {"x": np.random.RandomState(1).standard_normal((3, 2, 5, 5)).astype(np.float32)}
    np.testing.assert_allclose(evaluate(changed, x)[0], evaluate(graph, x)[0], rtol=1e-5, atol=1e-5)
