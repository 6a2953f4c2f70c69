"""A net without real numbers gives integers; any real one keeps the casts."""

from __future__ import annotations

import pytest

from bmx.compiler.ir.text import parse
from bmx.compiler.passes.integer_outputs import integer_outputs

INTEGERS = """
graph g channels_last
input x: bytes[3]
q = to_planes(x)
d = integer_dense(q) weight=i16[4, 3](seed 1)
k = cast(d)
output k
"""


def test_scores_stay_integers() -> None:
    graph = parse(INTEGERS)
    changed = integer_outputs(graph)
    assert [node.op for node in changed.nodes] == ["to_planes", "integer_dense"]
    assert changed.outputs == ["d"]
    assert graph.outputs == ["k"]


@pytest.mark.parametrize(
    "text",
    [
        INTEGERS.replace("output k", "r = relu(k)\noutput r"),
        INTEGERS.replace("output k", "r = relu(k)\noutput k\noutput r"),
        INTEGERS.replace("output k", "output k\noutput d"),
        INTEGERS.replace("output k", "output d"),
        INTEGERS.replace("input x: bytes[3]", "input x: bytes[3]\ninput y: f32[4]").replace(
            "output k", "s = add(k, y)\noutput k\noutput s"
        ),
    ],
)
def test_other_graphs_stay(text: str) -> None:
    graph = parse(text)
    assert integer_outputs(graph) == graph
