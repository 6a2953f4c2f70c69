"""Evolution of width ratios: a population, tournaments, crossover, mutation, and a budget.

Paper: Shen et al., Searching for Accurate Binary Neural Architectures, arXiv:1909.07378, who search the
widths of binary layers in this way; population, fitness and schedule here are bmx's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Callable, Generator, NamedTuple, Sequence

from tqdm import tqdm

from bmx.training.widths.genome import RATIOS, Genome, crossover, mutate, random_genome
from bmx.training.widths.journal import Journal, Result

_TRIES = 100  # to draw a genome that is new and not too expensive


@dataclass(frozen=True)
class Settings:
    """The settings of a search.

    Attributes:
        layers: number of layers whose width is free.
        ratios: ratios that a width may be multiplied by; sorted here.
        budget: largest cost of the best net, relative to the net whose ratios are all 1.
        penalty: fitness lost by a cost of twice the budget; see `fitness`.
        ceiling: cost in budgets above which genomes are not evaluated, if their cost is known before.
        population: genomes that live at a time; as many children are born in a generation.
        generations: generations after the first population.
        tournament: genomes that compete to be a parent.
        mutation: probability that a child's ratio moves.
        seed: seed of the search, from which the seeds of trainings derive.

    Raises:
        ValueError: a value is out of its range.
    """

    layers: int
    ratios: Genome = RATIOS
    budget: float = 1.0
    penalty: float = 1.0
    ceiling: float = 1.5
    population: int = 8
    generations: int = 5
    tournament: int = 3
    mutation: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        """Sorts the ratios and checks the values."""
        object.__setattr__(self, "ratios", tuple(sorted({float(ratio) for ratio in self.ratios})))
        for name, least in (("layers", 1), ("population", 2), ("generations", 0), ("tournament", 1)):
            self._require(name, getattr(self, name) >= least, f"at least {least}")
        self._require("ratios", bool(self.ratios) and self.ratios[0] > 0, "some positive numbers")
        self._require("budget", self.budget > 0, "positive")
        self._require("penalty", self.penalty >= 0, "at least 0")
        self._require("ceiling", self.ceiling >= 1, "at least 1")
        self._require("mutation", 0 <= self.mutation <= 1, "between 0 and 1")

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise ValueError(f"search of widths: {name}: expected {expected}, found {getattr(self, name)!r}")

    @property
    def evaluations(self) -> int:
        """Largest number of genomes that are evaluated."""
        return min(self.population * (self.generations + 1), len(self.ratios) ** self.layers)


class Evaluation(NamedTuple):
    """A genome and its worth."""

    genome: Genome
    accuracy: float
    cost: float


class Outcome(NamedTuple):
    """The results of a search.

    Attributes:
        best: most accurate evaluation within the budget; if none is within it, that of the largest fitness.
        front: Pareto front of accuracy and cost, cheapest first.
        evaluations: all evaluations, in order.
    """

    best: Evaluation
    front: list[Evaluation]
    evaluations: list[Evaluation]


def fitness(result: Result | Evaluation, budget: float, penalty: float) -> float:
    """The criterion of survival: accuracy - penalty * max(0, cost / budget - 1)."""
    return result.accuracy - penalty * max(0.0, result.cost / budget - 1)


def pareto_front(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The evaluations that no other beats in accuracy and cost at once, cheapest first."""
    front: list[Evaluation] = []
    for candidate in sorted(evaluations, key=lambda item: (item.cost, -item.accuracy, item.genome)):
        if not front or candidate.accuracy > front[-1].accuracy:
            front.append(candidate)
    return front


def search(
    evaluate: Callable[[Genome], Result],
    settings: Settings,
    journal: Journal | None = None,
    cost: Callable[[Genome], float] | None = None,
    log: Callable[[str], None] = tqdm.write,
) -> Outcome:
    """Searches for the ratios of the most accurate net within a budget.

    The first population is the net with all ratios 1, if that is allowed, and random genomes. A generation's
    children have parents that won tournaments; each ratio comes from one of two parents and may move one
    step. The fittest of parents and children live on. Every genome is evaluated once.

    The search draws random numbers from ``settings.seed`` alone and decides by the results of ``evaluate``. A
    search that was stopped resumes by taking the same way again, with the journal's results where there are
    any.

    Args:
        evaluate: function from a genome to its accuracy and cost, which depends on nothing else.
        settings: settings of the search.
        journal: journal of the results; None if they need not outlive this call.
        cost: function from a genome to its relative cost, where it is known before ``evaluate`` is called.
        log: called with a line for each evaluation.

    Raises:
        ValueError: every genome that was drawn is above the ceiling.
    """
    evolution = _Evolution(settings, cost)
    known = {} if journal is None else journal.results
    if known:
        log(f"resuming a search with {len(known)} evaluations")
    with tqdm(total=settings.evaluations, desc="widths", unit=" nets", leave=False, disable=None) as bar:
        for number, genome in enumerate(evolution.genomes(), start=1):
            result = known.get(genome)
            if result is None:
                result = evaluate(genome)
                if journal is not None:
                    journal.add(genome, result)
                log(_line(number, settings.evaluations, genome, result))
            evolution.done[genome] = Evaluation(genome, *result)
            bar.update()
    evaluations = list(evolution.done.values())
    if not evaluations:
        raise ValueError(
            f"search of widths: no net was found that costs at most {settings.ceiling:g} times the budget of "
            f"{settings.budget:g}; raise the budget or allow smaller ratios than {settings.ratios[0]:g}"
        )
    return Outcome(_best(evaluations, settings), pareto_front(evaluations), evaluations)


class _Evolution:
    """The way of a search: the genomes that it asks for, given the results of those before."""

    def __init__(self, settings: Settings, cost: Callable[[Genome], float] | None) -> None:
        self._settings = settings
        self._cost = cost
        self._random = Random(settings.seed)
        self._asked: set[Genome] = set()
        self.done: dict[Genome, Evaluation] = {}

    def genomes(self) -> Generator[Genome, None, None]:
        """Each has to be in `done` before the next is asked for."""
        size = self._settings.population
        population = yield from self._born([], size)
        for _ in range(self._settings.generations):
            children = yield from self._born(population, size)
            population = sorted([*population, *children], key=self._rank)[:size]

    def _born(self, parents: list[Genome], count: int) -> Generator[Genome, None, list[Genome]]:
        """Draws genomes, then has them evaluated; returns them. Fewer, where there are no more."""
        drawn = [self._draw(parents) for _ in range(count)]
        genomes = [genome for genome in drawn if genome is not None]
        yield from genomes
        return genomes

    def _draw(self, parents: list[Genome]) -> Genome | None:
        """A new child; a random genome where there are no parents or no new child; None if all are known."""
        settings = self._settings
        reference = (1.0,) * settings.layers
        if not self._asked and 1.0 in settings.ratios and self._accept(reference):
            return reference
        for attempt in range(2 * _TRIES):
            if parents and attempt < _TRIES:
                genome = self._child(parents)
            else:
                genome = random_genome(self._random, settings.layers, settings.ratios)
            if self._accept(genome):
                return genome
        return None

    def _accept(self, genome: Genome) -> bool:
        if genome in self._asked:
            return False
        limit = self._settings.ceiling * self._settings.budget
        if self._cost is not None and self._cost(genome) > limit:
            return False
        self._asked.add(genome)
        return True

    def _child(self, parents: list[Genome]) -> Genome:
        first, second = (self._winner(parents) for _ in range(2))
        child = crossover(self._random, first, second)
        return mutate(self._random, child, self._settings.ratios, self._settings.mutation)

    def _winner(self, population: list[Genome]) -> Genome:
        size = min(self._settings.tournament, len(population))
        return min(self._random.sample(population, size), key=self._rank)

    def _rank(self, genome: Genome) -> tuple[float, float, Genome]:
        """Sorts the fittest first; among equals the cheapest."""
        found = self.done[genome]
        return -fitness(found, self._settings.budget, self._settings.penalty), found.cost, genome


def _best(evaluations: list[Evaluation], settings: Settings) -> Evaluation:
    within = [item for item in evaluations if item.cost <= settings.budget]
    return min(
        within or evaluations,
        key=lambda item: (-fitness(item, settings.budget, settings.penalty), item.cost, item.genome),
    )


def _line(number: int, count: int, genome: Genome, result: Result) -> str:
    ratios = " ".join(f"{ratio:g}" for ratio in genome)
    return (
        f"{number}/{count}: ratios {ratios}, held out {100 * result.accuracy:.2f} %, cost {result.cost:.3f}"
    )
