"""Helpers that the compiler's tests share."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest

import bmx.gluon  # noqa: F401  prepares MXNet before a test imports it
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph
from bmx.compiler.ir.text import parse, to_text
from bmx.compiler.ir.verifier import verify


def pytest_configure(config: pytest.Config) -> None:
    # MXNet 1.9.1 reaches for a deprecated name of SciPy when it first makes an array.
    config.addinivalue_line("filterwarnings", "ignore:Please import `csr_matrix`:DeprecationWarning")


def random_inputs(graph: Graph, seed: int = 0, batch: int = 3) -> dict[str, np.ndarray]:
    random = np.random.RandomState(seed)
    return {
        value.name: random.standard_normal((batch, *value.type.shape)).astype(np.float32)
        for value in graph.inputs
    }


@pytest.fixture
def check_pass() -> Callable:
    """check_pass(run_pass, before, after, exact=True): IR text in, IR text out, and the same numbers."""

    def check(run_pass: Callable[[Graph], Graph], before: str, after: str, exact: bool = True) -> Graph:
        graph = parse(before)
        original = to_text(graph, None)
        changed = run_pass(graph)
        verify(changed)
        lines = [line.strip() for line in after.strip().splitlines()]
        assert to_text(changed).splitlines() == lines
        assert to_text(graph, None) == original, "the pass changed its argument"
        inputs = random_inputs(graph)
        for expected, actual in zip(evaluate(graph, inputs), evaluate(changed, inputs)):
            if exact:
                np.testing.assert_array_equal(actual, expected)
            else:
                np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
        return changed

    return check
