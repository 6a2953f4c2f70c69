"""Image folders: one folder a class. Classes are numbered by their names in order, as Gluon does."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from mxnet.gluon.data.vision import ImageFolderDataset

from bmx.gluon.data.dataset import DatasetError
from bmx.gluon.data.fetching.storage import written_whole

SUFFIXES = (".jpg", ".jpeg", ".png")


class ImageFolder(ImageFolderDataset):
    """`gluon.data.vision.ImageFolderDataset` that refuses what cannot be learned from.

    Args:
        root: holds a folder for each class, with its images (.jpg, .jpeg, .png) in it.
        classes: names of the folders in the order of their labels, where these must be those of another
            data set; by default all folders, sorted by name.

    Attributes:
        classes: names, by label.
        items: (path, label) of each image.

    Raises:
        DatasetError: if there are no images, or folders do not fit to `classes`.
    """

    def __init__(self, root: str | Path, classes: Sequence[str] | None = None):
        folder = Path(root)
        found = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        unknown = sorted(set(found) - set(classes)) if classes is not None else []
        if unknown:
            raise DatasetError(
                f"{root}: the folder {unknown[0]} is none of the {len(classes or ())} classes; "
                "rename or remove it"
            )
        self._wanted = list(classes) if classes is not None else found
        super().__init__(str(root), flag=1)
        if not self.items:
            raise DatasetError(
                f"{root}: no images; expected a folder for each class with files "
                f"{', '.join('*' + suffix for suffix in SUFFIXES)} in it"
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """Names by label."""
        return tuple(self.synsets)

    def _list_images(self, root: str) -> None:
        """What the base class calls; it would warn about other files, and number the classes itself."""
        self.synsets = self._wanted
        self.items = [
            (str(path), label)
            for label, name in enumerate(self._wanted)
            for path in sorted((Path(root) / name).glob("*"))
            if path.suffix.lower() in SUFFIXES
        ]


def save_classes(classes: Sequence[str], path: Path) -> None:
    """Writes the names, one a line, in the order of their labels."""
    with written_whole(path) as (temporary,):
        temporary.write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")


def load_classes(path: Path) -> tuple[str, ...]:
    """Reads what `save_classes` wrote."""
    return tuple(path.read_text(encoding="utf-8").splitlines())
