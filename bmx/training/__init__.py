"""Training a net on arrays in memory: seeds, batches, the loop, accuracy."""

import bmx.gluon  # noqa: F401  first: it prepares NumPy for MXNet on new Pythons
from bmx.training.batches import Batches, random_shift
from bmx.training.loop import EpochResult, NonFiniteLossError, accuracy, fit, predict
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
