"""Predictions of a net, and their accuracy."""

from __future__ import annotations

import numpy as np
from mxnet import gluon

from bmx.gluon.data import Batches


def predict(net: gluon.HybridBlock, data: Batches) -> np.ndarray:
    """Class of the largest logit of each image: int64 (count,). `data` must not shuffle."""
    return np.concatenate([net(images).argmax(axis=1).asnumpy() for images, _ in data]).astype(np.int64)


def accuracy(net: gluon.HybridBlock, data: Batches) -> float:
    """Share of images that are classified correctly, 0 to 1."""
    right = sum(int((net(images).argmax(axis=1) == labels).sum().asscalar()) for images, labels in data)
    return right / data.sample_count
