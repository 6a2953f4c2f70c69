"""Stages of the residual nets: blocks with a shortcut for every convolution or for every two."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Iterator

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import sequence
from bmx.gluon.tensor import Tensor

CHANNELS = (64, 128, 256, 512)
# Binary convolutions of a stage: two for each block of He et al., arXiv:1512.03385.
CONVOLUTIONS = {18: (4, 4, 4, 4), 34: (6, 8, 12, 6)}
# Bottlenecks of a stage, of three convolutions each, and how much wider than the stage they end.
BOTTLENECKS = {50: (3, 4, 6, 3), 152: (3, 8, 36, 3)}
EXPANSION = 4


def residual_stages(
    block: Callable[..., HybridBlock], layers: int, **quantized: Any
) -> Iterator[HybridBlock]:
    """The blocks of all stages; the first one of each stage but the first halves the size.

    Raises:
        ValueError: the number of layers is not known.
    """
    inputs = CHANNELS[0]
    for stage, (channels, count) in enumerate(zip(CHANNELS, _convolutions(layers))):
        for number in range(count):
            strides = 2 if stage and not number else 1
            yield block(channels, strides, in_channels=inputs, **quantized)
            inputs = channels


def basic_stages(
    block: Callable[..., HybridBlock], layers: int, widen: int = 1, **arguments: Any
) -> Iterator[HybridBlock]:
    """The blocks of all stages, two convolutions a block as in He et al.; stages are ``widen`` times as wide.

    The stem is not: where ``widen`` is above 1, the first block changes its channels.

    Raises:
        ValueError: the number of layers is not known.
    """
    inputs = CHANNELS[0]
    for stage, (channels, count) in enumerate(zip(CHANNELS, _convolutions(layers))):
        for number in range(count // 2):
            yield block(widen * channels, 2 if stage and not number else 1, in_channels=inputs, **arguments)
            inputs = widen * channels


def bottleneck_stages(
    block: Callable[..., HybridBlock], layers: int, **arguments: Any
) -> Iterator[HybridBlock]:
    """The bottlenecks of all stages as in He et al., ``layers`` one of `BOTTLENECKS`."""
    inputs = CHANNELS[0]
    for stage, (channels, count) in enumerate(zip(CHANNELS, BOTTLENECKS[layers])):
        for number in range(count):
            strides = 2 if stage and not number else 1
            yield block(EXPANSION * channels, strides, in_channels=inputs, **arguments)
            inputs = EXPANSION * channels


def require_layers(layers: int, supported: Iterable[int]) -> None:
    """Raise ValueError unless the number of layers is one of the supported ones."""
    if layers not in supported:
        raise ValueError(f"layers: expected one of {', '.join(map(str, supported))}, found {layers!r}.")


def _convolutions(layers: int) -> tuple[int, ...]:
    require_layers(layers, CONVOLUTIONS)
    return CONVOLUTIONS[layers]


class ResidualBlock(HybridBlock):
    """The sum of a body and a shortcut, and an activation if any.

    Forward::

        y = activation(body(x) + shortcut(x))

    Paper: He et al., Deep Residual Learning for Image Recognition, arXiv:1512.03385.

    Args:
        body: blocks in a row.
        shortcut: blocks in a row; none leave the input as it is.
        activation: name of an activation after the sum, or None.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32, the shape that the body gives.
    """

    def __init__(
        self,
        body: Iterable[HybridBlock],
        shortcut: Iterable[HybridBlock] = (),
        activation: str | None = None,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        shortcut = list(shortcut)
        with self.name_scope():
            self.body = sequence(*body)
            self.shortcut = sequence(*shortcut) if shortcut else None
            self.activation = None if activation is None else nn.Activation(activation)

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        y = self.body(x) + (x if self.shortcut is None else self.shortcut(x))
        return y if self.activation is None else self.activation(y)


def changes_shape(channels: int, strides: int, in_channels: int) -> bool:
    """Whether a block's shortcut cannot be its input itself."""
    return strides != 1 or channels != in_channels
