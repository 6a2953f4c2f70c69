"""Counts of a publication: integers are met exactly, floats as tables print them."""

from __future__ import annotations

import pytest

from bmx.gluon.model_zoo import Counts, Paper

FOUND = {
    "params": 100,
    "mib": 1.234,
    "float_macs": 12_345_678,
    "binary_macs": 1_234_567_890,
    "ops": 31_635_801,
}


@pytest.mark.parametrize(
    "counts",
    [
        Counts(),
        Counts(params=100, float_macs=12_345_678),
        Counts(mib=1.23, float_macs=12.35e6, binary_macs=1.235e9, ops=31.6e6),
        Counts(mib=1.243, float_macs=12.336e6, binary_macs=1.2336e9, ops=31.7e6),
        Counts(norm_channels=7),  # was not counted
    ],
)
def test_equal_counts(counts: Counts) -> None:
    assert counts.differences(FOUND, {}) == []


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (Counts(params=101), "params: expected 101 within 0, found 100"),
        (Counts(float_macs=12_345_679), "float_macs: expected 12,345,679 within 0, found 12,345,678"),
        (Counts(mib=1.22), "mib: expected 1.22 within 0.01, found 1.234"),
        (Counts(float_macs=12.36e6), "float_macs: expected 12,360,000.0 within 10,000.0, found 12,345,678"),
        (Counts(binary_macs=1.236e9), "binary_macs: expected 1,236,000,000.0 within 1,000,000.0, found 1,23"),
        (Counts(ops=31.8e6), "ops: expected 31,800,000.0 within 100,000.0, found 31,635,801"),
    ],
)
def test_other_counts(counts: Counts, sentence: str) -> None:
    (found,) = counts.differences(FOUND, {})
    assert found.startswith(sentence)


def test_a_case_has_tolerances_of_its_own() -> None:
    assert Counts(ops=31.0e6).differences(FOUND, {"ops": 0.7e6}) == []
    assert len(Counts(ops=31.0e6).differences(FOUND, {"ops": 0.6e6})) == 1
    assert len(Counts(ops=31_000_000).differences(FOUND, {"ops": 0.7e6})) == 1


def test_addresses_of_papers() -> None:
    assert Paper("Bi-Real Net", "1808.00278").link == "https://arxiv.org/abs/1808.00278"
    assert Paper("QuickNet", "https://docs.larq.dev/zoo/").link == "https://docs.larq.dev/zoo/"
