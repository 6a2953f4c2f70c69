"""Training of genomes: depends on nothing but the genome; the test split is looked at once, at the end."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from bmx.training import Batches, accuracy
from bmx.training.widths import (
    Data,
    Evaluation,
    Outcome,
    Problem,
    Result,
    Training,
    front_svg,
    problem,
    report,
)
from bmx.training.widths.demonstration import LAYERS, build, digits

TRAINING = Training(epochs=1, images=128, validation=100, batch_size=32)
SMALL, WIDE = (0.25, 0.25, 0.25), (0.25, 1.0, 0.5)


@pytest.fixture(scope="module")
def data() -> Data:
    return digits(300, 100)


def make(data: Data, seed: int = 0, training: Training = TRAINING) -> Problem:
    return Problem(build, LAYERS, data, training, seed, log=str)


def test_results_do_not_depend_on_order_or_on_test_data(data: Data) -> None:
    first = make(data)
    results = {genome: first.evaluate(genome) for genome in (SMALL, WIDE)}
    assert 0 < results[SMALL].accuracy < 1
    blind = data._replace(test_images=np.zeros_like(data.test_images))
    second = make(blind)
    assert {genome: second.evaluate(genome) for genome in (WIDE, SMALL)} == results
    assert first.evaluate(SMALL) == results[SMALL]


def test_costs_are_relative_to_ratios_of_1(data: Data) -> None:
    tried = make(data)
    assert tried.cost((1.0, 1.0, 1.0)) == 1
    assert tried.cost(WIDE) == tried.count(WIDE).total / tried.count((1.0, 1.0, 1.0)).total
    assert tried.evaluate(WIDE).cost == tried.cost(WIDE)


def test_validation_data_are_held_out_of_the_training_split(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def spy(net, train, validation, epochs, **_):
        calls.append([{x.tobytes() for x in batches._images} for batches in (train, validation)])
        return [type("Epoch", (), {"accuracy": 0.5})]

    monkeypatch.setattr(problem, "fit", spy)
    assert make(data).evaluate(SMALL).accuracy == 0.5
    make(data).finish(SMALL, 2)
    split = {x.tobytes() for x in data.train_images}
    (learned, held_out), (all_learned, still_held_out) = calls
    assert (len(learned), len(held_out), len(all_learned)) == (128, 100, 200)
    assert held_out == still_held_out
    assert not held_out & all_learned
    assert learned < all_learned
    assert all_learned | held_out == split


def test_the_longer_training_measures_the_test_split(data: Data) -> None:
    lines: list[str] = []
    tried = Problem(build, LAYERS, data, TRAINING, log=lines.append)
    final = tried.finish(WIDE, epochs=2)
    assert len(lines) == 2
    assert final.test_accuracy == accuracy(final.net, Batches(data.test_images, data.test_labels, 50))
    assert final.test_accuracy > 0.3


def test_a_loss_that_is_not_finite_counts_as_accuracy_0(data: Data) -> None:
    lines: list[str] = []
    wild = TRAINING._replace(optimizer="sgd", learning_rate=1e38)
    tried = Problem(build, LAYERS, data, wild, log=lines.append)
    assert tried.evaluate(SMALL) == Result(0.0, tried.cost(SMALL))
    assert "count as accuracy 0" in lines[0]


def test_the_description_tells_problems_apart(data: Data) -> None:
    labels = data.train_labels.copy()
    labels[0] = (labels[0] + 1) % 10
    problems = [
        make(data),
        make(data._replace(train_labels=labels)),
        make(data, training=TRAINING._replace(epochs=2)),
        Problem(lambda widths: build([2 * width for width in widths]), LAYERS, data, TRAINING),
    ]
    descriptions = [str(item.describe()) for item in problems]
    assert len(set(descriptions)) == 4
    assert str(make(data).describe()) == descriptions[0]


@pytest.mark.parametrize("validation", [0, 300])
def test_both_parts_of_the_training_split_need_images(data: Data, validation: int) -> None:
    with pytest.raises(ValueError, match=f"{validation} of 300 training images are to be held out"):
        make(data, training=TRAINING._replace(validation=validation))


OUTCOME = Outcome(
    best=Evaluation((1.0, 0.5, 2.0), 0.9, 0.8),
    front=[Evaluation((0.25, 0.5, 2.0), 0.7, 0.3), Evaluation((1.0, 0.5, 2.0), 0.9, 0.8)],
    evaluations=[
        Evaluation((1.0, 1.0, 1.0), 0.8, 1.0),
        Evaluation((0.25, 0.5, 2.0), 0.7, 0.3),
        Evaluation((1.0, 0.5, 2.0), 0.9, 0.8),
    ],
)


def test_the_plot_names_the_front_and_repeats_itself() -> None:
    svg = front_svg(OUTCOME, budget=1.0)
    assert svg == front_svg(OUTCOME, budget=1.0)
    texts = {element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")}
    assert {"0.25 0.5 2", "1 0.5 2", "budget", "best", "Pareto front"} <= texts
    assert "1 1 1" not in texts


def test_the_report_says_how_to_build_the_net(data: Data) -> None:
    found = report(OUTCOME, make(data), 1.0, "bmx.training.widths.demonstration:build", None)
    names: dict = {}
    exec(found["build"], names)
    assert [layer._channels for layer in names["net"] if hasattr(layer, "_channels")] == [16, 16]
    assert [item["ratios"] for item in found["front"]] == [[0.25, 0.5, 2], [1, 0.5, 2]]
