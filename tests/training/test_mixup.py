"""Mixup against its formula."""

from __future__ import annotations

import mxnet as mx
import numpy as np

from bmx.training.mixup import mixup
from bmx.training.objective import Objective
from tests.support.tiny_training import noise, plain_net


def test_mixup_mixes_images_and_losses() -> None:
    images, labels = (mx.nd.array(x) for x in noise(8))
    mixed = mixup(images, labels, 0.7, np.random.RandomState(4))
    assert 0.5 <= mixed.share < 1
    order = [
        next(
            j
            for j in range(8)
            if np.allclose(
                mixed.images[i].asnumpy(), (mixed.share * images[i] + (1 - mixed.share) * images[j]).asnumpy()
            )
        )
        for i in range(8)
    ]
    assert sorted(order) == list(range(8))
    np.testing.assert_array_equal(mixed.others.asnumpy(), labels.asnumpy()[order])
    net = plain_net()
    loss, logits = Objective(net)(mixed)
    log_p = logits.log_softmax().asnumpy()
    rows = np.arange(8)
    expected = -mixed.share * log_p[rows, labels.asnumpy().astype(int)]
    expected -= (1 - mixed.share) * log_p[rows, mixed.others.asnumpy().astype(int)]
    np.testing.assert_allclose(loss.asnumpy(), expected, rtol=1e-5)
