"""Bi-Real Net's bottleneck: three binary convolutions, each with a shortcut of its own."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import NormLayer, halving, q_conv, shortcut_for
from bmx.gluon.tensor import Tensor

EXPANSION = 4


class BiRealBottleneck(HybridBlock):
    """Binary 1x1, 3x3 and 1x1 convolutions; the narrow ones hand a second feature map on to the next block.

    Forward, with x the block's input and u the narrow map of the block before::

        a = BN(conv1x1(sign(x))) + P(u)         the first block of a net: a = BN(real conv1x1(leaky_clip(x)))
        b = BN(conv3x3(sign(a))) + pool(a)
        y = BN(conv1x1(sign(b))) + shortcut(x)
        out = y, b

    leaky_clip(x) is x between -1 and 1, and has a slope of 0.1 beyond. The shortcut is the input itself or,
    where the shape changes, average pool, real 1x1 convolution, norm; P is then a real 1x1 convolution alone,
    otherwise nothing. The 3x3 convolution has the strides; the pool averages as many pixels.

    Gradients, scaling and padding as those of `BiRealBlock`. Blocks stand in a `Chain`.

    Paper: Liu et al., Bi-Real Net, arXiv:1811.01335 (its deeper nets); layer by layer as in the authors' code
    of the net with 50 layers.

    Args:
        channels: output channels, a multiple of 4.
        strides: stride of the 3x3 convolution.
        in_channels: input channels.
        entry: whether this is the first block of the net, which has no narrow map to read.
        norm_layer: function that makes the norms.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].
        - **narrow**: float32 [batch, in_channels / 4, height, width]; an entry has none.

    Outputs:
        - **out**: float32 [batch, channels, ceil(height / strides), ceil(width / strides)].
        - **narrow**: float32 [batch, channels / 4, as out]; a list of the two.

    Raises:
        ValueError: if the channels are no multiples of 4, or the narrow map is missing or too many.
    """

    def __init__(
        self,
        channels: int,
        strides: int = 1,
        in_channels: int = 0,
        entry: bool = False,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        if channels < 1 or channels % EXPANSION or in_channels < 1 or in_channels % EXPANSION:
            raise ValueError(
                f"BiRealBottleneck: expected channels and in_channels that are multiples of {EXPANSION}, "
                f"found {channels} and {in_channels}."
            )
        super().__init__(prefix=prefix, params=params)
        middle, before = channels // EXPANSION, in_channels // EXPANSION
        with self.name_scope():
            self.conv1 = (
                nn.Conv2D(middle, 1, use_bias=False, in_channels=in_channels)
                if entry
                else q_conv(middle, 1, 1, in_channels, self._paper(), quantized)
            )
            self.norm1 = norm_layer(in_channels=middle)
            self.conv2 = q_conv(middle, 3, strides, middle, self._paper(), quantized)
            self.norm2 = norm_layer(in_channels=middle)
            self.conv3 = q_conv(channels, 1, 1, middle, self._paper(), quantized)
            self.norm3 = norm_layer(in_channels=channels)
            self.projection = None
            if not entry and before != middle:
                self.projection = nn.Conv2D(middle, 1, use_bias=False, in_channels=before)
            self.pool = halving(strides) if strides != 1 else None
            self.shortcut = shortcut_for(channels, strides, in_channels, None, norm_layer)
        self._entry = entry

    def _paper(self) -> dict[str, Any]:
        return {
            "input_quantizer": "approx_sign",
            "weight_quantizer": "det_sign",
            "scaling": "channel_detached",
        }

    def hybrid_forward(self, F: Any, x: Tensor, *narrow: Tensor) -> list[Tensor]:
        """Two feature maps, the wide one first."""
        if len(narrow) != (0 if self._entry else 1):
            raise ValueError(
                f"BiRealBottleneck: expected {'no' if self._entry else 'one'} narrow map after the input of "
                f"a block with entry={self._entry}, found {len(narrow)}."
            )
        if self._entry:
            a = self.norm1(self.conv1(0.1 * x + 0.9 * F.clip(x, -1, 1)))
        else:
            u = narrow[0] if self.projection is None else self.projection(narrow[0])
            a = self.norm1(self.conv1(x)) + u
        b = self.norm2(self.conv2(a)) + (a if self.pool is None else self.pool(a))
        y = self.norm3(self.conv3(b)) + (x if self.shortcut is None else self.shortcut(x))
        return [y, b]
