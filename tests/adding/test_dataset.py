"""A data set costs one file: registry, command line and trainings find it by its name."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Iterator

import click.testing
import numpy as np
import pytest

from bmx.cli import cli
from bmx.gluon.data import datasets
from bmx.training.schema import Data
from bmx.training.sources import open_source

PIXELS = bytes(range(48))
FILE = f"""
import numpy as np

from bmx.gluon.data.dataset import Checksum, Dataset, ImageArrays, Source
from bmx.gluon.data.fetching.storage import dataset_dir


def _bring(folder, names, log):
    (folder / "pixels").write_bytes({PIXELS!r})


def _read(root, train):
    images = np.frombuffer((root / "pixels").read_bytes(), np.uint8).reshape(4, 2, 2, 3)
    images = images[:3] if train else images[3:]
    return ImageArrays(images, np.arange(len(images)), ("a", "b", "c"), (0.5,) * 3, (0.3,) * 3)


BLOTS = Dataset(
    name="blots",
    title="Blots of ink",
    files={{"pixels": Checksum("sha1", "{hashlib.sha1(PIXELS).hexdigest()}")}},
    folder=lambda: dataset_dir("blots"),
    read=_read,
    sources=(Source("this file", _bring),),
)
"""


@pytest.fixture(autouse=True)
def blots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The file, in a folder that counts as a part of bmx/gluon/data/datasets."""
    (tmp_path / "blots.py").write_text(FILE)
    monkeypatch.setattr(datasets, "__path__", [*datasets.__path__, str(tmp_path)])
    monkeypatch.setenv("BMX_HOME", str(tmp_path / "home"))
    for name, dataset in datasets.find_all().items():
        monkeypatch.setitem(datasets.DATASETS, name, dataset)
    yield
    del sys.modules["bmx.gluon.data.datasets.blots"]


def invoke(*arguments: str) -> str:
    result = click.testing.CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_data_set_is_one_file() -> None:
    assert "blots             Blots of ink" in invoke("list", "datasets")
    invoke("data", "fetch", "blots")
    assert "blots: complete" in invoke("data", "check")
    source = open_source(Data(name="blots", batch_size=2, augmentation="none"))
    assert (source.shape, source.classes) == ((1, 3, 2, 2), ["a", "b", "c"])
    images, labels = next(iter(source.held_out()))
    expected = (np.arange(36, 48).reshape(2, 2, 3) / 255 - 0.5) / 0.3
    np.testing.assert_allclose(images.asnumpy()[0], expected.transpose(2, 0, 1), atol=1e-6)
    assert labels.asscalar() == 0
