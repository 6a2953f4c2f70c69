"""Image folders: one folder per class. Classes are numbered in the order of their names, as in Gluon."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from mxnet.gluon.data.vision import ImageFolderDataset

from bmx.gluon.data.dataset import DatasetError
from bmx.gluon.data.fetching.storage import written_whole

SUFFIXES = (".jpg", ".jpeg", ".png")


class ImageFolder(ImageFolderDataset):
    """`gluon.data.vision.ImageFolderDataset` that refuses folders without images or with unknown classes.

    Args:
        root: folder with one folder per class, which holds the images (.jpg, .jpeg, .png) of the class.
        classes: names of the folders in the order of their labels, where another data set determines them;
            by default all folders, sorted by name.

    Attributes:
        classes: names of the classes, by label.
        items: (path, label) of each image.

    Raises:
        DatasetError: there are no images, or a folder that is not in `classes`.
    """

    def __init__(self, root: str | Path, classes: Sequence[str] | None = None):
        folder = Path(root)
        found = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        unknown = sorted(set(found) - set(classes)) if classes is not None else []
        if unknown:
            raise DatasetError(
                f"{root}: expected folders of the {len(classes or ())} given classes, found {unknown[0]}; "
                "rename or remove it"
            )
        self._wanted = list(classes) if classes is not None else found
        super().__init__(str(root), flag=1)
        if not self.items:
            raise DatasetError(
                f"{root}: expected a folder per class that holds files "
                f"{', '.join('*' + suffix for suffix in SUFFIXES)}, found no images"
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, by label."""
        return tuple(self.synsets)

    def _list_images(self, root: str) -> None:
        """Called by the base class, whose own warns about other files and numbers the classes itself."""
        self.synsets = self._wanted
        self.items = [
            (str(path), label)
            for label, name in enumerate(self._wanted)
            for path in sorted((Path(root) / name).glob("*"))
            if path.suffix.lower() in SUFFIXES
        ]


def save_classes(classes: Sequence[str], path: Path) -> None:
    """Writes the names of classes, one per line, in the order of their labels."""
    with written_whole(path) as (temporary,):
        temporary.write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")


def load_classes(path: Path) -> tuple[str, ...]:
    """Reads what `save_classes` wrote."""
    return tuple(path.read_text(encoding="utf-8").splitlines())
