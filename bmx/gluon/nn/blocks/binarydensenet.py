"""Blocks of BinaryDenseNet: layers that append channels, and transitions between stages."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import NormLayer, Row, q_conv, sequence
from bmx.gluon.nn.blocks.resnete import straight_through_signs
from bmx.gluon.tensor import Tensor


class BinaryDenseLayer(HybridBlock):
    """Appends what a binary convolution makes of the input.

    Forward::

        y = concat(x, conv(sign(BN(x))))

    Paper: Bethge et al., Back to Simplicity, arXiv:1906.08637, section 3; Huang et al., arXiv:1608.06993.

    Args:
        growth: channels to append.
        in_channels: input channels; 0 leaves them to the first call.
        kernel_size: size of the kernel, odd; the convolution keeps the size.
        dilation: dilation of the convolution.
        norm_layer: function that makes the norm.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, in_channels + growth, height, width].
    """

    def __init__(
        self,
        growth: int = 64,
        in_channels: int = 0,
        kernel_size: int = 3,
        dilation: int = 1,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.norm = norm_layer(in_channels=in_channels)
            self.conv = q_conv(
                growth, kernel_size, 1, in_channels, straight_through_signs(), quantized, dilation
            )

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return F.concat(x, self.conv(self.norm(x)), dim=1)


class ChannelShuffle(HybridBlock):
    """Deals the channels out over groups: channel g * (channels / groups) + i becomes i * groups + g.

    Paper: Zhang et al., ShuffleNet, arXiv:1707.01083.

    Args:
        groups: number of groups, a divisor of the channels.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, channels, height, width].

    Outputs:
        - **out**: float32, the same shape.
    """

    def __init__(self, groups: int, prefix: str | None = None, params: ParameterDict | None = None) -> None:
        super().__init__(prefix=prefix, params=params)
        self._groups = groups

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        grouped = F.reshape(x, shape=(0, -4, self._groups, -1, -2))
        return F.reshape(F.swapaxes(grouped, 1, 2), shape=(0, -3, -2))


class Transition(Row):
    """Fewer channels and pixels between stages: norm, max pool, ReLU, shuffle if any, real 1x1 convolution.

    Papers: Bethge et al., arXiv:1906.08637, section 3; MeliusNet, arXiv:2001.05936, whose nets A to C group
    the convolution and shuffle the channels before it.

    Args:
        channels: output channels, see `transition_channels`.
        in_channels: input channels; 0 leaves them to the first call.
        pool: whether there is a max pool; not where the next stage is dilated.
        groups: groups of the convolution.
        shuffle_groups: groups of the shuffle; 1 leaves it out. MeliusNet has 16.
        norm_layer: function that makes the norm.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, height // 2, width // 2]; as large as the input without pool.

    Raises:
        ValueError: if groups do not divide the channels.
    """

    def __init__(
        self,
        channels: int,
        in_channels: int = 0,
        pool: bool = True,
        groups: int = 1,
        shuffle_groups: int = 1,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        for name, count in (("groups", groups), ("shuffle_groups", shuffle_groups)):
            if count < 1 or in_channels % count or (name == "groups" and channels % count):
                raise ValueError(
                    f"Transition: expected {name} that divide the channels, "
                    f"found {name}={count}, in_channels={in_channels}, channels={channels}."
                )
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.body = sequence(
                norm_layer(in_channels=in_channels),
                nn.MaxPool2D(2) if pool else None,
                nn.Activation("relu"),
                ChannelShuffle(shuffle_groups) if shuffle_groups != 1 else None,
                nn.Conv2D(channels, 1, groups=groups, use_bias=False, in_channels=in_channels),
            )


def transition_channels(in_channels: int, reduction: float) -> int:
    """Output channels of a transition: about in_channels / reduction, a multiple of 32.

    As the authors' code has it: the quotient is rounded down, and then to the nearest multiple, halves to the
    even one.
    """
    return round(in_channels // reduction / 32) * 32
