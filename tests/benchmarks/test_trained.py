"""docs/trained.md and docs/side_by_side.md are what the kept results say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import side_by_side, trained

ROOT = Path(__file__).resolve().parents[2]
KEPT = sorted(path.parent for path in (ROOT / "docs" / "results").glob("*/packed.json"))


def test_the_pages_are_made_from_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert trained.page() == (ROOT / "docs" / "trained.md").read_text()
    assert side_by_side.page() == (ROOT / "docs" / "side_by_side.md").read_text()


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_packed_files_answered_as_mxnet(folder: Path) -> None:
    packed = json.loads((folder / "packed.json").read_text())
    # Of GluonCV's net one image is a tie: MXNet's float sum in front of a sign rounds to the other side of 0.
    assert packed["agreement"] >= (0.9999 if folder.name == "train_cifar10" else 1)
    assert packed["images"] == 10_000


def test_a_training_is_kept_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On noise: what the page then says of a training is what the training said."""
    from bmx.training.run import train
    from bmx.training.schema import Config

    monkeypatch.setattr(trained, "RESULTS", tmp_path / "results")
    config = Config.from_dict(
        {
            "title": "Noise",
            "notes": "A test.",
            "model": {"name": "lenet"},
            "data": {"name": "random", "shape": [28, 28, 1], "train_limit": 32, "test_limit": 150},
            "training": {"epochs": 1},
            "optimizer": {"name": "adam", "learning_rate": 1e-3},
        },
        "test",
    )
    result = train(config, tmp_path / "output", log=lambda _: None)
    folder = trained.keep(tmp_path / "output", "bmx train noise.toml")
    assert folder == tmp_path / "results" / "random-lenet"
    packed = json.loads((folder / "packed.json").read_text())
    assert (packed["images"], packed["agreement"]) == (150, 1)
    assert packed["accuracy"] == pytest.approx(result["accuracy"], abs=1e-6)
    page = trained.page()
    assert f"| {100 * result['last_accuracy']:.2f} % |" in page
    assert "bmx train noise.toml" in page
