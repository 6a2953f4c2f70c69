"""Genomes: one width ratio for each layer whose width is free, and the ways from parents to children."""

from __future__ import annotations

import hashlib
import json
from random import Random
from typing import Sequence, Tuple

Genome = Tuple[float, ...]

#: Ratios of arXiv:1709.01134 (wider binary layers) and arXiv:1909.07378 (wider or narrower, by layer).
RATIOS: Genome = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)


def scaled(count: int, ratio: float) -> int:
    """A number of channels or units times a width ratio: the nearest integer, at least 1, halves go up."""
    return max(1, int(count * ratio + 0.5))


def seed_of(seed: int, genome: Sequence[float]) -> int:
    """Seed of a genome's training, below 2^31; it does not depend on the trainings before it."""
    text = json.dumps([seed, *map(float, genome)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def random_genome(random: Random, layers: int, ratios: Sequence[float]) -> Genome:
    """Each ratio drawn independently, all equally likely."""
    return tuple(random.choice(ratios) for _ in range(layers))


def crossover(random: Random, first: Genome, second: Genome) -> Genome:
    """Each ratio from one of two parents, equally likely (uniform crossover)."""
    return tuple(random.choice(pair) for pair in zip(first, second))


def mutate(random: Random, genome: Genome, ratios: Sequence[float], rate: float) -> Genome:
    """Moves each ratio, with probability ``rate``, one step up or down in the ascending ``ratios``."""
    steps = [random.choice((-1, 1)) if random.random() < rate else 0 for _ in genome]
    places = (ratios.index(ratio) + step for ratio, step in zip(genome, steps))
    return tuple(ratios[min(max(place, 0), len(ratios) - 1)] for place in places)
