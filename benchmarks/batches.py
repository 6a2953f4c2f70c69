"""Images a second that `bmx.training.Batches` prepares, for images of CIFAR-10's size and each augmentation.

OMP_NUM_THREADS=1 python benchmarks/batches.py
"""

from __future__ import annotations

import time

import mxnet as mx
import numpy as np

from bmx.gluon.data import get_augmentation
from bmx.gluon.data.augment.levels import LEVELS
from bmx.training import Batches

COUNT, BATCH = 20_000, 128


def main() -> None:
    """Print a line for each level: the better of two epochs."""
    images = np.random.RandomState(0).randint(0, 256, (COUNT, 32, 32, 3)).astype(np.uint8)
    for level in LEVELS:
        batches = Batches(images, np.zeros(COUNT), BATCH, True, get_augmentation(level), mean=(0.5,) * 3)
        speed = 0.0
        for _ in range(2):
            start = time.perf_counter()
            for _images, _labels in batches:
                pass
            mx.nd.waitall()
            speed = max(speed, COUNT / (time.perf_counter() - start))
        print(f"{level:8} {speed:8.0f} images/s")


if __name__ == "__main__":
    main()
