"""Mixup: each image of a batch mixed with another one in one share, and their labels likewise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import mxnet as mx
import numpy as np


class Mixed(NamedTuple):
    """A batch.

    Attributes:
        images: float32 [batch, channels, height, width].
        labels: labels of the images that make up the larger share, [batch].
        others: labels of the images mixed in, [batch]; None where nothing is mixed.
        share: share of the larger part, 1/2 to 1.
    """

    images: mx.nd.NDArray
    labels: mx.nd.NDArray
    others: mx.nd.NDArray | None = None
    share: float = 1.0


@dataclass(frozen=True)
class Mixup:
    """The mixing of a stage.

    Attributes:
        alpha: parameter of the Beta distribution of shares; 0 for no mixing.
        off: epochs at the end without mixing.
    """

    alpha: float = 0.0
    off: int = 0

    def is_on(self, epoch: int, epochs: int) -> bool:
        """Whether batches of an epoch, counted from 0, are mixed."""
        return bool(self.alpha) and epoch < epochs - self.off


def mixup(images: mx.nd.NDArray, labels: mx.nd.NDArray, alpha: float, random: np.random.RandomState) -> Mixed:
    """Mixes a batch with itself in another order.

    x = share x_i + (1 - share) x_j with share from Beta(alpha, alpha), one for the batch; L is mixed in the
    same way. A share below 1/2 is taken as one minus it, which is as likely, so that ``labels`` are those of
    the larger part.

    Paper: Zhang et al., mixup, arXiv:1710.09412.
    """
    share = float(random.beta(alpha, alpha))
    share = max(share, 1 - share)
    order = mx.nd.array(random.permutation(len(images)), dtype="int32")
    return Mixed(share * images + (1 - share) * images.take(order), labels, labels.take(order), share)
