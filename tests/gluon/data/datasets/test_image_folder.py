"""Image folders: Gluon's, without its warnings, and with labels that may be given."""

from __future__ import annotations

from pathlib import Path

import pytest
from mxnet.gluon.data.vision import ImageFolderDataset

from bmx.gluon.data import DatasetError, ImageFolder
from tests.support.colored_images import CLASSES, color_class


def test_folder_is_gluons_and_quiet(colored: Path) -> None:
    data = ImageFolder(colored)
    assert data.classes == CLASSES
    with pytest.warns(UserWarning, match="Ignoring"):
        stock = ImageFolderDataset(str(colored))
    assert sorted(data.items) == sorted(stock.items)
    assert data.synsets == stock.synsets
    image, label = data[5]
    assert color_class(image.asnumpy()) == label == 1


def test_given_classes_keep_their_labels(colored: Path) -> None:
    data = ImageFolder(colored, ["zebra", "cat", "bee", "ant"])
    assert {Path(path).parent.name: label for path, label in data.items} == {"cat": 1, "bee": 2, "ant": 3}
    with pytest.raises(DatasetError, match="expected folders of the 2 given classes, found cat"):
        ImageFolder(colored, ["ant", "bee"])


@pytest.mark.parametrize(
    "make", [lambda path: None, lambda path: path.mkdir(), lambda path: (path / "a").mkdir(parents=True)]
)
def test_no_images(tmp_path: Path, make) -> None:
    make(tmp_path / "x")
    with pytest.raises(DatasetError, match=r"x: expected a folder per class .*, found no images"):
        ImageFolder(tmp_path / "x")
