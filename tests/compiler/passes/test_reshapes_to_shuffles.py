"""Three steps become a shuffle of channels."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest

from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.text import parse
from bmx.compiler.passes.merge_reshapes import merge_reshapes
from bmx.compiler.passes.reshapes_to_shuffles import reshapes_to_shuffles
from bmx.compiler.passes.to_channels_last import to_channels_last


def test_three_steps_become_a_shuffle(check_pass: Callable) -> None:
    check_pass(
        reshapes_to_shuffles,
        """
        graph g channels_first
        input x: f32[6, 2, 5]
        split = reshape(x) {"shape": [3, 2, 2, 5]}
        swap = transpose(split) {"perm": [1, 0, 2, 3]}
        back = reshape(swap) {"shape": [6, 2, 5]}
        flat = flatten(x)
        pairs = reshape(flat) {"shape": [12, 5]}
        turned = transpose(pairs) {"perm": [1, 0]}
        vector = flatten(turned)
        output back
        output vector
        """,
        """
        graph g channels_first
        input x: f32[6, 2, 5]
        back: f32[6, 2, 5] = shuffle_channels(x) {"groups": 3}
        flat: f32[60] = flatten(x)
        vector: f32[60] = shuffle_channels(flat) {"groups": 12}
        output back
        output vector
        """,
    )


def test_steps_with_other_readers_stay_for_them(check_pass: Callable) -> None:
    check_pass(
        reshapes_to_shuffles,
        """
        graph g channels_first
        input x: f32[6, 2, 5]
        split = reshape(x) {"shape": [3, 2, 10]}
        swap = transpose(split) {"perm": [1, 0, 2]}
        back = reshape(swap) {"shape": [6, 2, 5]}
        output swap
        output back
        """,
        """
        graph g channels_first
        input x: f32[6, 2, 5]
        split: f32[3, 2, 10] = reshape(x) {"shape": [3, 2, 10]}
        swap: f32[2, 3, 10] = transpose(split) {"perm": [1, 0, 2]}
        back: f32[6, 2, 5] = shuffle_channels(x) {"groups": 3}
        output swap
        output back
        """,
    )


@pytest.mark.parametrize(
    ("split", "perm", "back"),
    [
        ("3, 2, 2, 5", "0, 1, 3, 2", "6, 2, 5"),  # other axes
        ("3, 2, 2, 5", "1, 0, 3, 2", "6, 2, 5"),
        ("3, 2, 2, 5", "1, 0, 2, 3", "6, 5, 2"),  # another shape after it
        ("3, 4, 5", "1, 0, 2", "6, 2, 5"),  # not only channels
    ],
)
def test_other_moves_are_no_shuffles(split: str, perm: str, back: str) -> None:
    graph = parse(f"""
        graph g channels_first
        input x: f32[6, 2, 5]
        a = reshape(x) {{"shape": [{split}]}}
        b = transpose(a) {{"perm": [{perm}]}}
        c = reshape(b) {{"shape": [{back}]}}
        output c
    """)
    assert [node.op for node in reshapes_to_shuffles(graph).nodes] == ["reshape", "transpose", "reshape"]
    x = np.random.RandomState(0).standard_normal((2, 6, 2, 5)).astype(np.float32)
    for run_pass in (to_channels_last, merge_reshapes):
        expected = evaluate(graph, {"x": x})[0]
        graph = run_pass(graph)
        np.testing.assert_array_equal(evaluate(graph, {"x": x})[0], expected)
