"""Training: data in batches, the loop, and all that a described training consists of (docs/train.md)."""

import bmx.gluon  # noqa: F401  first: it prepares NumPy for MXNet on new Pythons
from bmx.gluon.data import Batches
from bmx.gluon.data.augment.crops import random_shift
from bmx.training.evaluation import accuracy, predict
from bmx.training.loop import fit
from bmx.training.nonfinite import NonFiniteLossError
from bmx.training.progress import EpochResult
from bmx.training.seeds import seed_everything

__all__ = [
    "Batches",
    "EpochResult",
    "NonFiniteLossError",
    "accuracy",
    "fit",
    "predict",
    "random_shift",
    "seed_everything",
]
