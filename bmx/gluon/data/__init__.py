"""Data sets for training, one file each, and what turns their images into batches to learn from."""

from bmx.gluon.data.augmentation import Augmentation, Compose
from bmx.gluon.data.dataset import Dataset, ImageArrays
from bmx.gluon.data.errors import DatasetError
from bmx.gluon.data.fetching import check, fetch
from bmx.gluon.data.image_batches import ImageBatches
from bmx.gluon.data.image_folder import ImageFolder
from bmx.gluon.data.levels import get_augmentation
from bmx.gluon.data.mnist import Digits, load_mnist
from bmx.gluon.data.registry import DATASETS, find_dataset, get_dataset

__all__ = [
    "DATASETS",
    "Augmentation",
    "Compose",
    "Dataset",
    "DatasetError",
    "Digits",
    "ImageArrays",
    "ImageBatches",
    "ImageFolder",
    "check",
    "fetch",
    "find_dataset",
    "get_augmentation",
    "get_dataset",
    "load_mnist",
]
