"""Layers run forward and backward, to compare their gradients."""

from __future__ import annotations

import mxnet as mx

from bmx.gluon import nn


def run(layer, x, heads, lowered, hybridized):
    """The result of a layer and the gradient of its input."""
    if hybridized:
        layer.hybridize(static_alloc=True, static_shape=True)
    data = mx.nd.array(x)
    data.attach_grad()
    with nn.lowering(lowered), mx.autograd.record():
        y = layer(data)
    y.backward(mx.nd.array(heads))
    return y.asnumpy(), data.grad.asnumpy()
