"""Data sets for training, and what turns their images into batches."""

import sys

from bmx.gluon.data.augment import transforms
from bmx.gluon.data.augment.augmentation import Augmentation, Compose
from bmx.gluon.data.augment.levels import get_augmentation
from bmx.gluon.data.batches import Batches, ImageBatches
from bmx.gluon.data.dataset import Dataset, DatasetError, ImageArrays
from bmx.gluon.data.datasets import DATASETS, find_dataset, get_dataset, image_folder
from bmx.gluon.data.datasets.image_folder import ImageFolder
from bmx.gluon.data.datasets.mnist import Digits, load_mnist
from bmx.gluon.data.fetching.fetcher import check, fetch

# The former places of two modules, which programs may import from.
sys.modules[f"{__name__}.transforms"] = transforms
sys.modules[f"{__name__}.image_folder"] = image_folder

__all__ = [
    "DATASETS",
    "Augmentation",
    "Batches",
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
