"""The images of a training: described by name, returned as batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Sequence

import numpy as np
from mxnet.gluon.data import Dataset, vision

from bmx.gluon.data import Batches, ImageBatches, ImageFolder, get_augmentation, get_dataset
from bmx.gluon.data.augment.transforms import IMAGENET_MEAN, IMAGENET_STD
from bmx.gluon.data.datasets.image_folder import load_classes
from bmx.training.reading import ConfigError
from bmx.training.schema import Data

_EVALUATION_BATCH = 250
_RANDOM_TRAIN, _RANDOM_TEST = 512, 128


class Source(NamedTuple):
    """A data set as a training sees it.

    Attributes:
        shape: shape of a batch of one image: (1, channels, height, width).
        classes: names of the classes.
        mean: mean of the channels, 0 to 1, which is subtracted from pixels / 255.
        std: standard deviation of the channels, by which the difference is divided.
        train: images uint8 (count, height, width, channels) and labels; or a Gluon data set on disk.
        test: held-out images and labels, in the same form.
        data: description of the data set.
    """

    shape: tuple[int, ...]
    classes: list[str]
    mean: list[float]
    std: list[float]
    train: Any
    test: Any
    data: Data

    @property
    def preprocessing(self) -> dict[str, Any]:
        """The preprocessing of 8-bit images, as `bmx.export` stores it."""
        return {"scale": 1 / 255, "mean": self.mean, "std": self.std}

    def batches(self, seed: int, part: tuple[int, int] = (0, 1), augmented: bool = True) -> Any:
        """Batches to learn from; ``part`` is this machine's share, (rank, machines)."""
        augment = get_augmentation(self.data.augmentation, self.shape[2]) if augmented else None
        shared = {"augment": augment, "seed": seed, "part": part}
        return self._batches(self.train, self.data.batch_size, shuffle=True, **shared)

    def held_out(self) -> Any:
        """Batches of held-out images."""
        return self._batches(self.test, _EVALUATION_BATCH)

    def _batches(self, images: Any, batch_size: int, **arguments: Any) -> Any:
        arguments = {**arguments, "mean": self.mean, "std": self.std}
        if isinstance(images, tuple):
            return Batches(images[0], images[1], batch_size, **arguments)
        on_disk: dict[str, Any] = {"size": self.shape[2], "processes": self.data.processes}
        return ImageBatches(images, batch_size, **on_disk, **arguments)


def open_source(data: Data, seed: int = 0) -> Source:
    """Loads a data set, or opens it where it is too large for that.

    Args:
        data: description of the data set.
        seed: seed of the noise of ``random``.

    Raises:
        ConfigError: the description has a value that is not known.
        DatasetError: files are missing or damaged.
    """
    if not data.name:
        raise ConfigError("data.name: expected a data set; name one with --dataset, for example mnist")
    if data.name == "imagenet":
        return _on_disk(data)
    if data.name == "random":
        train, test = (_noise(data, seed, part) for part in (0, 1))
        classes: Sequence[str] = [str(number) for number in range(data.classes)]
        mean, std = [0.5] * data.shape[2], [0.29] * data.shape[2]
    else:
        try:
            splits = [get_dataset(data.name, train=flag, root=data.root or None) for flag in (True, False)]
        except ValueError as error:
            raise ConfigError(f"data.name: {error}, imagenet, random") from None
        train, test = ((split.images, split.labels) for split in splits)
        classes, mean, std = splits[0].classes, list(splits[0].mean), list(splits[0].std)
    mean, std = _scaling(data.scaling, mean, std)
    _, height, width, channels = train[0].shape
    shape = (1, channels, height, width)
    train, test = _first(train, data.train_limit), _first(test, data.test_limit)
    return Source(shape, list(classes), mean, std, train, test, data)


def _on_disk(data: Data) -> Source:
    """RecordIO files train.rec and val.rec, as of `bmx data imagenet-rec`, or folders train and val."""
    root = Path(data.root)
    if not data.root:
        raise ConfigError(
            "data.root: expected the folder of ImageNet's train.rec and val.rec, or of the folders train and "
            "val; give --root FOLDER"
        )
    train: Dataset
    test: Dataset
    if (root / "train.rec").exists():
        train, test = (vision.ImageRecordDataset(str(root / f"{split}.rec")) for split in ("train", "val"))
        names = root / "train.classes.txt"
        classes = load_classes(names) if names.exists() else [str(number) for number in range(1000)]
    else:
        train = folder = ImageFolder(root / "train")
        classes = folder.classes
        test = ImageFolder(root / "val", classes)
    mean, std = _scaling(data.scaling, list(IMAGENET_MEAN), list(IMAGENET_STD))
    shape = (1, 3, data.size, data.size)
    train, test = (
        images.take(limit) if limit else images
        for images, limit in ((train, data.train_limit), (test, data.test_limit))
    )
    return Source(shape, list(classes), mean, std, train, test, data)


def _scaling(name: str, mean: list[float], std: list[float]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation for the normalization."""
    numbers = {"standardized": (mean, std), "unit": ([0.0] * len(mean), [1.0] * len(mean))}
    numbers["symmetric"] = ([0.5] * len(mean), [0.5] * len(mean))
    if name not in numbers:
        raise ConfigError(f"data.scaling: expected one of {', '.join(numbers)}, found {name!r}")
    return numbers[name]


def _noise(data: Data, seed: int, part: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState([seed, part])
    if len(data.shape) != 3 or not all(isinstance(size, int) and size > 0 for size in data.shape):
        raise ConfigError(f"data.shape: expected height, width and channels, found {data.shape}")
    count = (data.test_limit or _RANDOM_TEST) if part else (data.train_limit or _RANDOM_TRAIN)
    images = random.randint(0, 256, (count, *data.shape)).astype(np.uint8)
    return images, random.randint(0, data.classes, count)


def _first(split: tuple[np.ndarray, np.ndarray], limit: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = split
    return (images[:limit], labels[:limit]) if limit else (images, labels)
