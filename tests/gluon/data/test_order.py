"""Order: every sample once, and N workers see what one sees."""

from __future__ import annotations

import numpy as np
import pytest

from bmx.gluon.data.order import Order, random_of

CASES = [
    (samples, batch, workers, last_batch)
    for samples, batch, workers in [(24, 4, 3), (25, 4, 2), (29, 3, 4), (7, 7, 1), (12, 2, 5), (11, 2, 5)]
    for last_batch in ("keep", "discard")
    if last_batch == "discard" or not 0 < samples % (batch * workers) < workers  # refused, see below
]


@pytest.mark.parametrize(("samples", "batch", "workers", "last_batch"), CASES)
def test_workers_share_the_batches_of_one(samples: int, batch: int, workers: int, last_batch: str) -> None:
    one = Order(samples, batch * workers, True, 5, (0, 1), last_batch).check()
    parts = [Order(samples, batch, True, 5, (rank, workers), last_batch).check() for rank in range(workers)]
    indices = one.indices(3)
    np.testing.assert_array_equal(np.sort(indices), np.arange(samples))
    seen = []
    for step in range(one.steps):
        whole = indices[one.places(step)]
        shares = [part.indices(3)[part.places(step)] for part in parts]
        np.testing.assert_array_equal(np.concatenate(shares), whole)
        assert {part.step_size(step) for part in parts} == {len(whole)}
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
        assert min(map(len, shares)) >= 1
        seen.append(whole)
    assert {part.steps for part in parts} == {one.steps}
    count = samples if last_batch == "keep" else samples // (batch * workers) * batch * workers
    np.testing.assert_array_equal(np.concatenate(seen), indices[:count])
    assert sum(part.local_count() for part in parts) == count


def test_epochs_and_seeds_differ_and_repeat() -> None:
    orders = [tuple(Order(50, 5, True, seed).indices(epoch)) for seed in (0, 1) for epoch in (0, 1)]
    assert len(set(orders)) == 4
    assert orders[3] == tuple(Order(50, 7, True, 1, (1, 2)).indices(1))
    np.testing.assert_array_equal(Order(5, 2).indices(9), np.arange(5))


def test_streams_are_apart() -> None:
    draws = [random_of(0, 1, stream).random_sample() for stream in (0, 1)] + [
        random_of(1, 0, 0).random_sample()
    ]
    assert len(set(draws)) == 3


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (Order(10, 0), "batch_size: expected at least 1, found 0"),
        (Order(10, 2, part=(2, 2)), r"part: expected \(rank, workers\) .*, found \(2, 2\)"),
        (Order(10, 2, last_batch="roll"), "last_batch: expected one of keep, discard, found 'roll'"),
        (
            Order(9, 2, part=(0, 2)),
            "each of 2 workers, found 1 left of 9 samples; give last_batch='discard'",
        ),
        (Order(3, 4, last_batch="discard"), "expected samples for a batch of 1 x 4, found 3"),
        (Order(0, 4), "expected samples for a batch of 1 x 4, found 0"),
    ],
)
def test_what_does_not_fit_is_refused(order: Order, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        order.check()


def test_bad_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="found -1"):
        Order(10, 2, True, seed=-1).indices(0)
