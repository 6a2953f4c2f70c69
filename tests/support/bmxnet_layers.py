"""BMXNet's layers, composed of MXNet's own operators: what tests compare loaded checkpoints with.

What BMXNet-v2 does: padding with -1, signs, a convolution without padding, then (h + K) / 2 with a K that
only an eager pass finds out. In version 1 the zeros of the padding have the sign +1, and a bias is added to
counts. Forward passes only: the sign has no gradient here.
"""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import nn


def sign(F: Any, x: Any) -> Any:
    return 1 - 2 * (x < 0)


class QActivation(nn.HybridBlock):
    """Version 2: gradcancel, which leaves values as they are, and det_sign."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return sign(F, x)


class _Offset:
    """(h + K) / 2; K stays 0 until an eager pass."""

    offset = 0

    def count(self, h: Any, weight: Any) -> Any:
        if isinstance(weight, mx.nd.NDArray) and self.offset == 0:
            self.offset = int(np.prod(weight.shape[1:]))
        return (h + self.offset) / 2


class QDense(_Offset, nn.Dense):
    """Version 2."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, use_bias=False, **kwargs)

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        h = F.FullyConnected(x, sign(F, weight), no_bias=True, num_hidden=self._units)
        return self.count(h, weight)


class QConv2D(_Offset, nn.Conv2D):
    """Version 2."""

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        strides: int = 1,
        padding: int = 0,
        groups: int = 1,
        apply_scaling: bool = False,
        no_offset: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(channels, kernel_size, strides, 0, groups=groups, use_bias=False, **kwargs)
        self._before, self._scaling, self._no_offset = padding, apply_scaling, no_offset

    def _alias(self) -> str:
        return "qconv"

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        if self._before:
            width = (0, 0, 0, 0) + 4 * (self._before,)
            x = F.pad(x, mode="constant", pad_width=width, constant_value=-1)
        h = F.Convolution(x, sign(F, weight), **self._kwargs)
        if self._scaling:
            alpha = F.mean(F.abs(weight), axis=(1, 2, 3))
            return F.broadcast_mul(h, F.reshape(alpha, shape=(1, -1, 1, 1)))
        return h if self._no_offset else self.count(h, weight)


class ScaledBinaryConv(nn.HybridBlock):
    """Version 2, approximation 'xnor': times alpha and the boxes' mean magnitude, which zeros surround."""

    def __init__(self, channels: int, kernel_size: int, strides: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.qact = QActivation()
        self.qconv = QConv2D(channels, kernel_size, strides, padding, apply_scaling=True)
        self._window = {
            "kernel": 2 * (kernel_size,),
            "stride": 2 * (strides,),
            "pad": 2 * (padding,),
            "num_filter": 1,
        }

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        height, width = self._window["kernel"]
        mean = F.mean(F.abs(x), axis=1, keepdims=True)
        sums = F.Convolution(mean, F.ones((1, 1, height, width)), no_bias=True, **self._window)
        magnitudes = sums / (height * width)
        return F.broadcast_mul(magnitudes, self.qconv(self.qact(x)))


class QConvolutionV1(_Offset, nn.Conv2D):
    """Version 1: padded with zeros first, then signs; the bias is added to the counts."""

    def __init__(self, channels: int, kernel_size: int, padding: int = 0, use_bias: bool = False) -> None:
        super().__init__(channels, kernel_size, padding=0, use_bias=use_bias)
        self._before = padding

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        width = (0, 0, 0, 0) + 4 * (self._before,)
        x = sign(F, F.pad(x, mode="constant", pad_width=width, constant_value=0))
        h = F.Convolution(x, sign(F, weight), **{**self._kwargs, "no_bias": True})
        out = self.count(h, weight)
        return out if bias is None else F.broadcast_add(out, F.reshape(bias, shape=(1, -1, 1, 1)))


class QFullyConnectedV1(_Offset, nn.Dense):
    """Version 1."""

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        h = F.FullyConnected(sign(F, x), sign(F, weight), no_bias=True, num_hidden=self._units)
        out = self.count(h, weight)
        return out if bias is None else F.broadcast_add(out, bias)


def sequence(*blocks: nn.HybridBlock, prefix: str | None = None) -> nn.HybridSequential:
    net = nn.HybridSequential(prefix=prefix)
    net.add(*blocks)
    return net


def settle(net: nn.HybridBlock, shape: tuple[int, ...], seed: int) -> nn.HybridBlock:
    """Random parameters, and the statistics of a batch."""
    mx.random.seed(seed)
    rng = np.random.RandomState(seed)
    net.initialize(mx.init.Normal(0.3), force_reinit=True)
    net(mx.nd.zeros(shape))  # BMXNet's "dummy pass"
    for parameter in net.collect_params(".*(gamma|beta|bias)$").values():
        if parameter.grad_req != "null":
            sample = rng.normal(0, 1, parameter.shape)
            parameter.set_data(mx.nd.array(sample + np.copysign(0.2, sample)))
    hooks = []
    net.apply(
        lambda block: (
            hooks.append(block.register_forward_pre_hook(_take_statistics))
            if isinstance(block, nn.BatchNorm)
            else None
        )
    )
    net(mx.nd.array(rng.normal(0, 1, (3 * shape[0], *shape[1:]))))
    for hook in hooks:
        hook.detach()
    return net


def _take_statistics(norm: nn.BatchNorm, inputs: tuple[mx.nd.NDArray]) -> None:
    """Those of this batch; the first channel's variance is one where epsilon counts."""
    axes = tuple(axis for axis in range(inputs[0].ndim) if axis != 1)
    values = inputs[0].asnumpy()
    variance = values.var(axis=axes)
    variance[0] = 1e-5
    norm.running_mean.set_data(mx.nd.array(values.mean(axis=axes)))
    norm.running_var.set_data(mx.nd.array(variance))


def save_as_export_of_1_5(net: nn.HybridBlock, path: str) -> None:
    """What `export` of MXNet 1.5, the base of BMXNet-v2, writes: parameters as they were registered."""
    arrays = {}
    for name, parameter in net.collect_params().items():
        kind = "aux" if "running" in name else "arg"
        arrays[f"{kind}:{name}"] = parameter.data()
    mx.nd.save(path, arrays)


def norm_outputs(net: nn.HybridBlock, x: mx.nd.NDArray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The output, and those of all batch norms in the order in which they were registered."""
    norms: list[nn.BatchNorm] = []
    net.apply(lambda block: norms.append(block) if isinstance(block, nn.BatchNorm) else None)
    found: dict[int, np.ndarray] = {}
    hooks = [
        norm.register_forward_hook(lambda block, inputs, out: found.__setitem__(id(block), out.asnumpy()))
        for norm in norms
    ]
    output = net(x).asnumpy()
    for hook in hooks:
        hook.detach()
    return output, [found[id(norm)] for norm in norms]
