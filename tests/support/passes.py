"""What tests of passes share."""

from __future__ import annotations

from typing import Callable

import numpy as np

from bmx.compiler.ir.graph import Graph
from bmx.compiler.passes.remove_dead_nodes import remove_dead_nodes


def alive(run_pass: Callable[[Graph], Graph]) -> Callable[[Graph], Graph]:
    """The pass, without the nodes that it leaves without readers."""
    return lambda graph: remove_dead_nodes(run_pass(graph))


def adversarial_statistics(bound: int, channels: int, random: np.random.RandomState) -> dict[str, np.ndarray]:
    """Batch norms that come to exactly 0, or as near as float32 can, on many integers."""
    gamma = random.choice([1, -1, 0, 1e-30, -1e-30, 1e-8, -3, 0.1, -0.0, 7e10], channels).astype(np.float32)
    mean = random.randint(-bound, bound + 1, channels).astype(np.float32)
    mean += random.choice([0, 0, 0.5, 1e-4], channels).astype(np.float32)
    variance = random.choice([0, 1, 1e-10, 0.3, 1000.7], channels).astype(np.float32)
    scale = gamma / np.sqrt(variance + np.float32(1e-5))
    ties = random.randint(-bound, bound + 1, channels).astype(np.float32)
    kind = random.randint(0, 5, channels)
    betas = [0 * ties, np.full(channels, -0.0), -(ties - mean) * scale, ties, -ties / 7]
    beta = np.choose(kind, betas)
    return {"gamma": gamma, "beta": beta.astype(np.float32), "mean": mean, "variance": variance}
