"""Training: the loop, and described trainings from schema to result (docs/train.md)."""

import bmx.gluon  # noqa: F401  first: it prepares NumPy for MXNet on new Pythons
from bmx.discovery import keep_old_names
from bmx.gluon.data import Batches
from bmx.gluon.data.augment.crops import random_shift
from bmx.training.evaluation import accuracy, predict
from bmx.training.loop import fit
from bmx.training.nonfinite import NonFiniteLossError
from bmx.training.progress import EpochResult
from bmx.training.seeds import seed_everything

keep_old_names("bmx.training", {"config": "bmx.training.schema"})

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
