"""docs/zoo.md is what the kept results say, of every net, and packed files have the computed sizes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bmx.gluon import model_zoo

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
import zoo  # noqa: E402

ROWS = json.loads((ROOT / "docs" / "results" / "zoo.json").read_text())
# Files that are more than 3 % larger than their parameters; docs/zoo.md says why.
LARGER = {
    "abc_resnet18": 1.06,
    "abc_resnet34": 1.07,
    "horq_convnet": 1.13,
    "horq_lenet": 1.17,
    "resnete_small": 1.04,
}


def test_the_page_is_drawn_of_the_results() -> None:
    assert zoo.page(ROWS) == (ROOT / "docs" / "zoo.md").read_text()


def test_every_net_has_a_row() -> None:
    assert sorted(ROWS) == sorted(model_zoo.list_models())


@pytest.mark.parametrize("name", sorted(ROWS))
def test_packed_files_have_the_computed_size(name: str) -> None:
    row = ROWS[name]
    # A small file's size is known to a thousandth of a MiB.
    assert row["file_mib"] <= LARGER.get(name, 1.03) * row["mib"] + 0.0005
    assert row["file_mib"] >= 0.97 * row["mib"]
