"""What the residual nets share: stages of blocks with a shortcut for every binary convolution."""

from __future__ import annotations

from typing import Any, Callable, Iterator

from mxnet.gluon.block import HybridBlock

CHANNELS = (64, 128, 256, 512)
# Binary convolutions of a stage: two for each block of He et al., arXiv:1512.03385.
CONVOLUTIONS = {18: (4, 4, 4, 4), 34: (6, 8, 12, 6)}


def residual_stages(
    block: Callable[..., HybridBlock], layers: int, **quantized: Any
) -> Iterator[HybridBlock]:
    """The blocks of all stages; the first one of each stage but the first halves the size.

    Raises:
        ValueError: the number of layers is not known.
    """
    if layers not in CONVOLUTIONS:
        raise ValueError(f"layers: expected one of {', '.join(map(str, CONVOLUTIONS))}, found {layers!r}.")
    inputs = CHANNELS[0]
    for stage, (channels, count) in enumerate(zip(CHANNELS, CONVOLUTIONS[layers])):
        for number in range(count):
            strides = 2 if stage and not number else 1
            yield block(channels, strides, in_channels=inputs, **quantized)
            inputs = channels
