"""The passes together: each keeps the numbers, and nothing is left that the file does not have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bmx.compiler.backend import fileformat
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph, GraphError
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.text import parse, to_text
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import REGISTRY
from bmx.compiler.passes.pipeline import PASSES, run_passes

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
v0 = pad2d(w2) {"padding": [1, 1, 0, 2], "edge": true}
v1 = sign(v0)
v2 = binary_conv2d(v1) weight=bits[3, 2, 3, 3](seed 9)
v3 = cast(v2)
output k2
output o2
output n1
output z6
output z7
output w3
output w4
output w6
output v3
"""


# An image that is quantized right away; codes that are pooled, flattened, scaled and read twice; real layers
# with binary weights.
CODES_NET = """
graph codes channels_first
input image: f32[3, 8, 8]
a0 = affine(image) scale=f32[3](255, 255, 255) shift=f32[3](0, 0, 0)
q0 = clip(a0) low=f32[1](0) high=f32[1](255)
r0 = round(q0)
c0 = conv2d(r0) {"padding": [1, 1]} weight=f32[5, 3, 3, 3](integers 1)
s0 = affine(c0) scale=f32[5](0.003, 0.002, 0.001, 0.004, 0.003) shift=f32[5](0, 0, 0, 0, 0)
n0 = batch_norm(s0) {"epsilon": 1e-5} gamma=f32[5](1, 2, 0, 1, 2) beta=f32[5](seed 2) mean=f32[5](seed 3) \
    variance=f32[5](1, 2, 3, 4, 5)
a1 = affine(n0) scale=f32[5](3, 3, 3, 3, 3) shift=f32[5](0, 0, 0, 0, 0)
q1 = clip(a1) low=f32[1](0) high=f32[1](3)
r1 = round(q1)
t1 = affine(r1) scale=f32[5](0.25, 0.25, 0.25, 0.25, 0.25) shift=f32[5](0, 0, 0, 0, 0)
p1 = max_pool2d(t1) {"kernel": [2, 2], "strides": [2, 2]}
c1 = conv2d(p1) {"padding": [1, 1]} weight=f32[4, 5, 3, 3](signs 4) bias=f32[4](seed 5)
n1 = batch_norm(c1) {"epsilon": 1e-5} gamma=f32[4](1, -2, 1, 3) beta=f32[4](seed 6) mean=f32[4](seed 7) \
    variance=f32[4](1, 2, 3, 4)
f1 = flatten(n1)
a2 = affine(f1) scale=f32[64](SCALE) shift=f32[64](SHIFT)
q2 = clip(a2) low=f32[1](0) high=f32[1](15)
r2 = round(q2)
d2 = dense(r2) weight=f32[6, 64](integers 8)
k2 = conv2d(p1) {"strides": [2, 2]} weight=f32[2, 5, 1, 1](seed 9)
w2 = conv2d(n1) weight=f32[3, 4, 2, 2](signs 10)
e3 = conv2d(p1) weight=f32[8, 5, 3, 3](signs 11)
e4 = conv2d(p1) weight=f32[8, 5, 3, 3](signs 12)
m3 = affine(e3) scale=f32[8](seed 13) shift=f32[8](seed 14)
m4 = affine(e4) scale=f32[8](seed 15) shift=f32[8](seed 16)
sum3 = add(m3, m4)
output d2
output k2
output w2
output sum3
""".replace("SCALE", ", ".join(["2"] * 64)).replace("SHIFT", ", ".join(["0.25"] * 64))

# Integers from the pixels to the scores.
INTEGER_NET = """
graph integers channels_first
input image: f32[3, 8, 8]
a0 = affine(image) scale=f32[3](255, 255, 255) shift=f32[3](0, 0, 0)
q0 = clip(a0) low=f32[1](0) high=f32[1](255)
r0 = round(q0)
f0 = flatten(r0)
d0 = dense(f0) weight=f32[5, 192](integers 1)
output d0
"""


def nets() -> list[Graph]:
    net, codes, integers = parse(NET), parse(CODES_NET), parse(INTEGER_NET)
    rule = {"scale": 1 / 255, "mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
    for graph in (codes, integers):
        graph.inputs = [replace(graph.inputs[0], preprocessing=rule)]
    return [net, codes, integers]


IMAGES = np.random.RandomState(1).randint(0, 256, (4, 3, 8, 8)).astype(np.uint8)


def inputs(graph: Graph) -> dict[str, np.ndarray]:
    """Numbers, or images as the graph takes them."""
    if graph.name != "net":
        return {
            "image": IMAGES if graph.inputs[0].type.dtype == "bytes" else (IMAGES / 255).astype(np.float32)
        }
    return {"data": np.random.RandomState(0).standard_normal((4, 2, 12, 11)).astype(np.float32)}


def test_every_pass_has_its_line_in_the_list() -> None:
    assert set(PASSES) == set(REGISTRY)


@pytest.mark.parametrize("count", range(1, len(PASSES) + 1), ids=PASSES)
def test_each_pass_changes_a_net_and_keeps_its_numbers(count: int) -> None:
    changed = []
    for graph in nets():
        expected = evaluate(graph, inputs(graph))
        for name in PASSES[:count]:
            before = to_text(graph, None)
            graph = REGISTRY[name](graph)
            verify(graph)
        changed.append(to_text(graph, None) != before)
        actual = evaluate(graph, inputs(graph))
        {"net": check_numbers, "codes": check_codes, "integers": check_integers}[graph.name](expected, actual)
    assert any(changed), "the nets should give each pass something to do"


def check_integers(expected: list[np.ndarray], actual: list[np.ndarray]) -> None:
    np.testing.assert_array_equal(actual[0], expected[0])


def check_numbers(expected: list[np.ndarray], actual: list[np.ndarray]) -> None:
    integers, probabilities, images, moved, copied, folded, merged, pooled, padded = actual
    np.testing.assert_array_equal(integers, expected[0])
    # Folding batch norms rounds a handful of float32 constants once more.
    np.testing.assert_allclose(probabilities, expected[1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(images, expected[2], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(moved, expected[3], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(copied, expected[4])
    np.testing.assert_allclose(folded, expected[5], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(merged, expected[6])
    np.testing.assert_array_equal(pooled, expected[7])
    np.testing.assert_array_equal(padded, expected[8])


def check_codes(expected: list[np.ndarray], actual: list[np.ndarray]) -> None:
    integers, real, binary, bases = actual
    assert len(np.unique(integers)) > 10
    np.testing.assert_array_equal(integers, expected[0])
    np.testing.assert_allclose(real, expected[1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(binary, expected[2], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(bases, expected[3], rtol=1e-5, atol=1e-5)


def test_codes_stay_integers() -> None:
    """From the bytes of an image to the last layer, no operator of the integer path reads real numbers."""
    graph = run_passes(nets()[1])
    types, producers = verify(graph), graph.producers()
    path, value = [], graph.outputs[0]
    while value in producers:
        path.append((producers[value].op, types[value].dtype))
        value = producers[value].inputs[0]
    assert path == [
        ("cast", "f32"),
        ("integer_dense", "i32"),
        ("flatten", "u4"),
        ("quantize", "u4"),
        ("integer_conv2d", "i32"),
        ("quantize", "u2"),
        ("max_pool2d", "i32"),
        ("integer_conv2d", "i32"),
        ("to_planes", "u8"),
        ("transpose", "bytes"),
    ]


@pytest.mark.parametrize("net", [0, 1])
def test_what_is_left_can_be_written(net: int) -> None:
    graph = run_passes(nets()[net])
    assert all(OPERATORS[node.op].in_file for node in graph.nodes)
    assert [node.name for node in graph.nodes if "unused" in node.name] == []
    read = fileformat.read(fileformat.to_bytes(graph))
    assert to_text(read, None) == to_text(graph, None)
    for actual, expected in zip(evaluate(read, inputs(read)), evaluate(graph, inputs(graph))):
        np.testing.assert_array_equal(actual, expected)


def test_broken_graphs_do_not_get_in() -> None:
    graph = parse(NET)
    graph.outputs = ["missing"]
    with pytest.raises(GraphError, match="the output 'missing' is not a value"):
        run_passes(graph)
