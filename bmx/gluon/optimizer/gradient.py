"""The gradient that an update starts from."""

from __future__ import annotations

import mxnet as mx


def gradient(
    optimizer: mx.optimizer.Optimizer, index: int, weight: mx.nd.NDArray, grad: mx.nd.NDArray
) -> mx.nd.NDArray:
    """clip(rescale_grad * grad + wd * weight), in this order, as MXNet's Adam and AdaMax have it."""
    total = grad * optimizer.rescale_grad
    decay = optimizer._get_wd(index)
    if decay:
        total = total + decay * weight
    limit = optimizer.clip_gradient
    return total if limit is None else total.clip(-limit, limit)
