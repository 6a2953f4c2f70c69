"""One call that fixes every random number of a training run."""

from __future__ import annotations

import random

import mxnet as mx
import numpy as np


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and MXNet, so that a run on CPU can be repeated bit by bit.

    MXNet's initialisers draw from NumPy or MXNet, so call this before a net is initialised.
    """
    random.seed(seed)
    np.random.seed(seed)
    mx.random.seed(seed)
