"""The search: repeatable, within its space and budget, better than chance, each genome evaluated once."""

from __future__ import annotations

import itertools
from random import Random

import pytest

from bmx.training.widths import Evaluation, Result, Settings, fitness, pareto_front, scaled, search
from bmx.training.widths.genome import crossover, mutate, seed_of

SPACE = (0.5, 1.0, 2.0, 4.0)


def toy(genome: tuple[float, ...]) -> Result:
    """Layers matter differently to accuracy and to cost; the optimum is not at an end of the space."""
    gains, prices = (3, 1, 2, 0.5), (0.5, 2, 1, 3)
    accuracy = sum(g * (1 - 0.5**ratio) for g, ratio in zip(gains, genome)) / 8
    return Result(accuracy, sum(p * ratio for p, ratio in zip(prices, genome)) / sum(prices[: len(genome)]))


def settings(**changes: object) -> Settings:
    values = {"layers": 4, "ratios": SPACE, "population": 8, "generations": 6, "seed": 3, **changes}
    return Settings(**values)


def quiet(_: str) -> None:
    pass


def test_the_same_seed_takes_the_same_way_and_another_one_does_not() -> None:
    first, second, other = (search(toy, settings(seed=seed), log=quiet) for seed in (3, 3, 4))
    assert first == second
    assert first.evaluations != other.evaluations


def test_every_genome_is_in_the_space_and_evaluated_once_and_the_reference_comes_first() -> None:
    asked: list[tuple[float, ...]] = []

    def evaluate(genome: tuple[float, ...]) -> Result:
        asked.append(genome)
        return toy(genome)

    outcome = search(evaluate, settings(), log=quiet)
    assert len(asked) == len(set(asked)) == 56
    assert asked == [item.genome for item in outcome.evaluations]
    assert asked[0] == (1.0,) * 4
    assert all(len(genome) == 4 and set(genome) <= set(SPACE) for genome in asked)


@pytest.mark.parametrize("seed", range(5))
def test_it_comes_near_the_optimum_with_a_fifth_of_the_evaluations(seed: int) -> None:
    every = sorted((toy(genome) for genome in itertools.product(SPACE, repeat=4)), reverse=True)
    within = [result.accuracy for result in every if result.cost <= 1]
    outcome = search(toy, settings(seed=seed), log=quiet)
    assert outcome.best.cost <= 1
    assert outcome.best.accuracy >= within[2]  # one of the best three of 256


def test_a_space_that_is_exhausted_ends_the_search() -> None:
    outcome = search(toy, settings(layers=2, ratios=(1.0, 2.0)), log=quiet)
    assert {item.genome for item in outcome.evaluations} == set(itertools.product((1.0, 2.0), repeat=2))


def test_genomes_above_the_ceiling_are_not_evaluated() -> None:
    outcome = search(toy, settings(), cost=lambda genome: toy(genome).cost, log=quiet)
    assert max(item.cost for item in outcome.evaluations) <= 1.5
    with pytest.raises(ValueError, match=r"costs at most 1\.5 times the budget of 0\.1; raise the budget"):
        search(toy, settings(budget=0.1), cost=lambda genome: toy(genome).cost, log=quiet)


def test_without_a_net_within_the_budget_the_fittest_is_the_best() -> None:
    outcome = search(toy, settings(budget=0.1, penalty=0.01), log=quiet)
    assert outcome.best == max(outcome.evaluations, key=lambda item: fitness(item, 0.1, 0.01))


def test_fitness_falls_with_the_cost_above_the_budget_only() -> None:
    assert fitness(Result(0.8, 0.3), budget=0.5, penalty=2) == 0.8
    assert fitness(Result(0.8, 0.5), budget=0.5, penalty=2) == 0.8
    assert fitness(Result(0.8, 0.6), budget=0.5, penalty=2) == pytest.approx(0.4)


def test_the_front_is_what_nothing_dominates() -> None:
    random = Random(0)
    items = [Evaluation((i,), random.randint(0, 20) / 20, random.randint(1, 20) / 10) for i in range(60)]
    front = pareto_front(items)
    points = {(item.cost, item.accuracy) for item in items}
    expected = {
        (cost, accuracy)
        for cost, accuracy in points
        if not any(c <= cost and a >= accuracy and (c, a) != (cost, accuracy) for c, a in points)
    }
    assert [(item.cost, item.accuracy) for item in front] == sorted(expected)


def test_children_have_their_parents_ratios_or_a_step_away() -> None:
    random = Random(0)
    first, second = (0.5,) * 50, (4.0,) * 50
    assert set(crossover(random, first, second)) == {0.5, 4.0}
    assert set(mutate(random, (2.0,) * 200, SPACE, 0.5)) == {1.0, 2.0, 4.0}
    assert set(mutate(random, first, SPACE, 1.0)) == {0.5, 1.0}
    assert mutate(random, first, SPACE, 0.0) == first


def test_seeds_of_genomes() -> None:
    seeds = {seed_of(seed, genome) for seed in (0, 1) for genome in itertools.product(SPACE, repeat=3)}
    assert len(seeds) == 128
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert seed_of(0, (1, 2)) == seed_of(0, (1.0, 2.0))


def test_scaled_counts() -> None:
    assert [scaled(*pair) for pair in ((16, 1.5), (3, 0.25), (1, 0.25), (5, 0.5), (7, 0.5))] == [
        24,
        1,
        1,
        3,
        4,
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 0}, "layers: expected at least 1, found 0"),
        ({"ratios": ()}, "ratios: expected some positive numbers, found"),
        ({"ratios": (0.0, 1.0)}, "some positive numbers"),
        ({"budget": 0.0}, "budget: expected positive, found 0.0"),
        ({"population": 1}, "population: expected at least 2, found 1"),
        ({"generations": -1}, "generations: expected at least 0, found -1"),
        ({"tournament": 0}, "tournament: expected at least 1, found 0"),
        ({"mutation": 1.5}, "between 0 and 1"),
        ({"penalty": -1.0}, "penalty: expected at least 0, found -1"),
        ({"ceiling": 0.5}, "ceiling: expected at least 1, found 0.5"),
    ],
)
def test_settings_out_of_their_range(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(**change)
