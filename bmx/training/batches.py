"""The former place of `Batches`, which is now `bmx.gluon.data.Batches`."""

from bmx.gluon.data.augment.crops import random_shift
from bmx.gluon.data.batches import Batches

__all__ = ["Batches", "random_shift"]
