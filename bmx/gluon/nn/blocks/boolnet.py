"""BoolNet's blocks: between the layers, too, there are only bits."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.activation import QActivation
from bmx.gluon.nn.blocks.binarydensenet import ChannelShuffle
from bmx.gluon.nn.blocks.parts import NormLayer, q_conv, sequence
from bmx.gluon.nn.quantizers import DetSign, ProgressiveSign
from bmx.gluon.tensor import Tensor


def ghost_offsets(slices: int) -> tuple[float, ...]:
    """Offsets of the signs: i / (slices / 2 + 1) for i = -slices / 2 ... slices / 2 but 0.

    Raises:
        ValueError: the number is neither 1 nor even.
    """
    if slices != 1 and (slices < 1 or slices % 2):
        raise ValueError(f"slices: expected 1 or an even number, found {slices!r}.")
    half = slices // 2
    return tuple(i / (half + 1) for i in range(-half, half + 1) if i or slices == 1)


class GhostSign(HybridBlock):
    """Several bits a value: its sign at shifted thresholds, also called MultiSlice.

    Forward, slice s with the offset o_s, see `ghost_offsets`::

        y_s = sign(x + o_s)

    Backward, to x: the sum of the gradients of those y_s with |x + o_s| <= 1.

    Paper: Guo et al., BoolNet, arXiv:2106.06991.

    Args:
        slices: bits of a value, the paper's k: 1 or an even number.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, channels, height, width].

    Outputs:
        - **out**: float32 [batch, slices * channels, height, width], -1 and +1, slice by slice.

    Raises:
        ValueError: if ``slices`` does not fit.
    """

    def __init__(
        self, slices: int = 4, prefix: str | None = None, params: ParameterDict | None = None
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        self._offsets = ghost_offsets(slices)
        with self.name_scope():
            self.sign = QActivation(DetSign(1.0))

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return self.sign(F.concat(*(x + offset for offset in self._offsets), dim=1))


class GhostNormSign(HybridBlock):
    """Where bits begin: norm, local thresholds, `GhostSign`.

    Forward::

        y = GhostSign(BN(x) + BN(depthwise conv3x3(BN(x))))           two norms of x, all of it real

    Arguments, inputs and outputs as those of `GhostSign`.

    Paper: Guo et al., BoolNet, arXiv:2106.06991; the stem of the authors' code.

    Args:
        channels: channels of the input.
        slices: bits of a value: 1 or an even number.
        norm_layer: function that makes the norms.
        prefix: as in Gluon.
        params: as in Gluon.
    """

    def __init__(
        self,
        channels: int,
        slices: int = 4,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.norm = norm_layer(in_channels=channels)
            self.thresholds = sequence(
                norm_layer(in_channels=channels),
                nn.Conv2D(channels, 3, padding=1, groups=channels, use_bias=False, in_channels=channels),
                norm_layer(in_channels=channels),
            )
            self.sign = GhostSign(slices)

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return self.sign(self.norm(x) + self.thresholds(x))


def xnor(x: Any, y: Any) -> Any:
    """XNOR of bits that are -1 and +1: their product."""
    return x * y


def either(F: Any, x: Tensor, y: Tensor) -> Tensor:
    """OR of bits that are -1 and +1; a gradient passes to both, unless both are +1."""
    return F.clip(x + y + 1, -1, 1)


def edge_pad(F: Any, x: Tensor, width: int) -> Tensor:
    """An image with its outermost pixels repeated ``width`` times on all sides."""
    return F.pad(x, mode="edge", pad_width=(0, 0, 0, 0, *(width,) * 4))


def _paper(**more: Any) -> dict[str, Any]:
    return {
        "input_quantizer": DetSign(1.0),
        "weight_quantizer": ProgressiveSign(window=1.0),
        "scaling": "channel",
        "padding": 0,  # `edge_pad` pads
        **more,
    }


class BoolNetBlock(HybridBlock):
    """Two binary convolutions; shortcuts are XNOR and OR of bits instead of sums.

    Forward, with x the slices' first ``channels`` and p the others, or both the whole input (see below)::

        r = x, or where the shape changes GhostSign(BN(max_pool(binary conv1x1 with bias(x))))
        y = XNOR(GhostSign(BN(conv3x3(x))), r)
        z = OR(GhostSign(BN(conv3x3(y))), r)
        out = shuffle(z, p), the channels of z and p by turns       p is r where the whole input was read

    and in the net's last block out = BN(conv3x3(y)) + BN(mean of y's slices), which is real.

    A 3x3 convolution has a group for each slice, and pads by repeating the edge. The block halves its slices
    if they have twice ``channels`` and the size stays. Inputs pass gradients where |x| <= 1. Weights are
    multiplied with each filter's mean magnitude, and are quantized by 'progressive_sign' with a window of 1,
    whose temperature a schedule lowers: 0.965 times as large every 1000 steps in the authors' code.

    Paper: Guo et al., BoolNet, arXiv:2106.06991; layer by layer as in the authors' code of BoolNet (k = 4)
    with binary downsampling.

    Args:
        channels: channels of each slice of z, a multiple of ``slices``.
        strides: stride of the first convolution.
        in_channels: channels of each slice of the input.
        slices: bits of a value: 1 or an even number.
        last: whether this is the net's last block.
        norm_layer: function that makes the norms.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`.

    Inputs:
        - **data**: float32 [batch, slices * in_channels, height, width], -1 and +1, slice by slice.

    Outputs:
        - **out**: float32 [batch, slices * 2 * channels, ceil(height / strides), ceil(width / strides)], -1
          and +1; of the last block [batch, channels, ...].

    Raises:
        ValueError: if the channels do not fit.
    """

    def __init__(
        self,
        channels: int,
        strides: int = 1,
        in_channels: int = 0,
        slices: int = 4,
        last: bool = False,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        if channels < 1 or channels % slices or in_channels < 1:
            raise ValueError(
                f"BoolNetBlock: expected channels a multiple of slices={slices}, and in_channels of at least "
                f"1, found {channels} and {in_channels}."
            )
        super().__init__(prefix=prefix, params=params)
        self._slices, self._last = slices, last
        self._splits = strides == 1 and in_channels == 2 * channels
        read = channels if self._splits else in_channels
        with self.name_scope():
            self.conv1 = q_conv(channels, 3, strides, slices * read, _paper(groups=slices), quantized)
            self.conv2 = q_conv(channels, 3, 1, slices * channels, _paper(groups=slices), quantized)
            self.norm1 = norm_layer(in_channels=channels)
            self.norm2 = norm_layer(in_channels=channels)
            self.sign1 = GhostSign(slices)
            if last:
                self.norm3 = norm_layer(in_channels=channels)
            else:
                self.sign2 = GhostSign(slices)
                self.shuffle = ChannelShuffle(2)
            self.downsample = None
            if strides != 1 or read != channels:
                self.downsample = sequence(
                    q_conv(channels, 1, 1, slices * read, _paper(use_bias=True), quantized),
                    nn.MaxPool2D(strides, strides, ceil_mode=True) if strides != 1 else None,
                    norm_layer(in_channels=channels),
                    GhostSign(slices),
                )

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        x, passed = self._parts(F, x)
        residual = x if self.downsample is None else self.downsample(x)
        y = xnor(self.sign1(self.norm1(self.conv1(edge_pad(F, x, 1)))), residual)
        z = self.norm2(self.conv2(edge_pad(F, y, 1)))
        if self._last:
            return z + self.norm3(self._mean(F, y))
        z = either(F, self.sign2(z), residual)
        return self.shuffle(F.concat(z, residual if passed is None else passed, dim=1))

    def _parts(self, F: Any, x: Tensor) -> tuple[Any, Any]:
        """The part that the block reads, and the part that it passes on; None: the shortcut's output."""
        if not self._splits:
            return x, None
        count = 2 * self._slices
        halves = F.split(x, num_outputs=count, axis=1)
        read, passed = ([halves[i] for i in range(start, count, 2)] for start in (0, 1))
        return F.concat(*read, dim=1), F.concat(*passed, dim=1)

    def _mean(self, F: Any, x: Tensor) -> Tensor:
        """Mean of the slices."""
        if self._slices == 1:
            return x
        slices = F.split(x, num_outputs=self._slices, axis=1)
        total = slices[0]
        for number in range(1, self._slices):
            total = total + slices[number]
        return total * (1 / self._slices)
