"""The passes together: each keeps the numbers, and nothing is left that the file does not have."""

from __future__ import annotations

import numpy as np
import pytest

from bmx.compiler.evaluator import evaluate
from bmx.compiler.ir import GraphError
from bmx.compiler.ops import OPERATORS
from bmx.compiler.pipeline import PASSES, run_passes
from bmx.compiler.text import parse, to_text
from bmx.compiler.verifier import verify

NET = """
graph net channels_first
input data: f32[2, 12, 11]
c0 = conv2d(data) weight=f32[5, 2, 3, 3](seed 1)
n0 = batch_norm(c0) {"epsilon": 1e-5} gamma=f32[5](1, 2, 0, -1, -2) beta=f32[5](seed 2) mean=f32[5](seed 3) \
    variance=f32[5](1, 2, 3, 4, 5)
r0 = relu(n0)
p0 = max_pool2d(r0) {"kernel": [2, 2], "strides": [2, 2]}
i0 = identity(p0)
s0 = sign(n0)
c1 = binary_conv2d(s0) {"padding": [1, 1]} weight=bits[4, 5, 3, 3](seed 4)
k1 = cast(c1)
a1 = affine(k1) scale=f32[4](1, 1, 1, 1) shift=f32[4](0.5, -0.5, 3, 0)
n1 = batch_norm(a1) {"epsilon": 1e-5} gamma=f32[4](1, 0, -3, -1) beta=f32[4](0, 1, 0.3, -1) \
    mean=f32[4](0.5, 0, 1, 2) variance=f32[4](1, 1, 2, 3)
t1 = tanh(n1)
p1 = max_pool2d(t1) {"kernel": [3, 3], "strides": [2, 2], "padding": [1, 1], "ceil_mode": true}
f1 = flatten(p1)
d1 = identity(f1)
s1 = sign(d1)
b1 = binary_dense(s1) weight=bits[6, 120](seed 5)
k2 = cast(b1)
f2 = flatten(i0)
d2 = dense(f2) weight=f32[3, 100](seed 6)
q2 = divide(d2) divisor=f32[3](0.5, -3, 0.7)
n2 = batch_norm(q2) {"epsilon": 1e-5} gamma=f32[3](1, 0, -3) beta=f32[3](0, 1, 0.3) mean=f32[3](0.5, 0, 1) \
    variance=f32[3](1, 1, 2)
o2 = softmax(n2)
unused = tanh(k2)
z0 = pad2d(data) {"padding": [1, 1, 2, 2]}
z1 = conv2d(z0) weight=f32[6, 2, 3, 3](seed 7)
z2 = reshape(z1) {"shape": [2, 3, 12, 13]}
z3 = transpose(z2) {"perm": [1, 0, 2, 3]}
z4 = reshape(z3) {"shape": [6, 12, 13]}
z5 = reshape(z4) {"shape": [72, 13]}
z6 = reshape(z5) {"shape": [36, 26]}
z7 = reshape(data) {"shape": [2, 132]}
w0 = tanh(data)
w1 = tanh(data)
w2 = batch_norm(w1) {"epsilon": 1e-5} gamma=f32[2](1, -2) beta=f32[2](3, 4) mean=f32[2](5, 6) \
    variance=f32[2](1, 2)
w3 = conv2d(w2) weight=f32[3, 2, 1, 1](seed 8)
w5 = affine(w0) scale=f32[2](0, 4) shift=f32[2](1, 2)
w6 = max_pool2d(w5) {"kernel": [2, 2]}
w4 = avg_pool2d(w0) {"kernel": [2, 2]}
output k2
output o2
output n1
output z6
output z7
output w3
output w4
output w6
"""


def inputs() -> dict[str, np.ndarray]:
    return {"data": np.random.RandomState(0).standard_normal((4, 2, 12, 11)).astype(np.float32)}


@pytest.mark.parametrize("count", range(1, len(PASSES) + 1), ids=[p.__name__ for p in PASSES])
def test_each_pass_changes_the_net_and_keeps_its_numbers(count: int) -> None:
    graph = parse(NET)
    expected = evaluate(graph, inputs())
    for run_pass in PASSES[:count]:
        before = to_text(graph, None)
        graph = run_pass(graph)
        verify(graph)
    assert to_text(graph, None) != before, "the net should give each pass something to do"
    integers, probabilities, images, moved, copied, folded, merged, pooled = evaluate(graph, inputs())
    np.testing.assert_array_equal(integers, expected[0])
    # Folding batch norms rounds a handful of float32 constants once more.
    np.testing.assert_allclose(probabilities, expected[1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(images, expected[2], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(moved, expected[3], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(copied, expected[4])
    np.testing.assert_allclose(folded, expected[5], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(merged, expected[6])
    np.testing.assert_array_equal(pooled, expected[7])


def test_what_is_left_can_be_written() -> None:
    graph = run_passes(parse(NET))
    assert all(OPERATORS[node.op].in_file for node in graph.nodes)
    assert [node.name for node in graph.nodes if "unused" in node.name] == []


def test_broken_graphs_do_not_get_in() -> None:
    graph = parse(NET)
    graph.outputs = ["missing"]
    with pytest.raises(GraphError, match="the output 'missing' is not a value"):
        run_passes(graph)
