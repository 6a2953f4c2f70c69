"""MeliusNet's improvement block; with `BinaryDenseLayer` it makes the net's unit."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.binarydensenet import BinaryDenseLayer
from bmx.gluon.nn.blocks.parts import NormLayer, Row, q_conv, sequence
from bmx.gluon.nn.blocks.resnete import straight_through_signs
from bmx.gluon.tensor import Tensor


class ImprovementBlock(HybridBlock):
    """Adds to the last channels what a binary convolution makes of all of them.

    Forward::

        y = conv(sign(BN(x)));  out = concat(x[:, :-growth], x[:, -growth:] + y)

    Paper: Bethge et al., MeliusNet, arXiv:2001.05936, section 3.1.

    Args:
        growth: channels to improve.
        in_channels: input channels, at least ``growth``; 0 leaves them to the first call, and then they are
            more than that.
        kernel_size: size of the kernel, odd; the convolution keeps the size.
        dilation: dilation of the convolution.
        norm_layer: function that makes the norm.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32, the same shape.

    Raises:
        ValueError: if there are fewer input channels than ``growth``.
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
        if in_channels and in_channels < growth:
            raise ValueError(
                f"ImprovementBlock: expected in_channels of at least growth={growth}, found {in_channels}."
            )
        super().__init__(prefix=prefix, params=params)
        self._growth = growth
        self._all = in_channels == growth
        with self.name_scope():
            self.norm = norm_layer(in_channels=in_channels)
            self.conv = q_conv(
                growth, kernel_size, 1, in_channels, straight_through_signs(), quantized, dilation
            )

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        y = self.conv(self.norm(x))
        if self._all:
            return x + y
        kept = F.slice_axis(x, axis=1, begin=0, end=-self._growth)
        improved = F.slice_axis(x, axis=1, begin=-self._growth, end=None)
        return F.concat(kept, improved + y, dim=1)


class MeliusUnit(Row):
    """A dense block, which appends channels, and an improvement block, which improves them.

    Paper: Bethge et al., MeliusNet, arXiv:2001.05936, section 3.1.

    Args:
        growth: channels to append and improve.
        in_channels: input channels; 0 leaves them to the first call.
        kernel_size: size of the kernels, odd; the convolutions keep the size.
        dilation: dilation of the convolutions.
        norm_layer: function that makes the norms.
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
        shared = {"kernel_size": kernel_size, "dilation": dilation, "norm_layer": norm_layer, **quantized}
        with self.name_scope():
            self.body = sequence(
                BinaryDenseLayer(growth, in_channels, **shared),
                ImprovementBlock(growth, in_channels + growth if in_channels else 0, **shared),
            )
