"""Bi-Real Net's block: a real shortcut past every binary convolution."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import NormLayer, q_conv, shortcut_for
from bmx.gluon.tensor import Tensor


class BiRealBlock(HybridBlock):
    """One binary convolution with its shortcut.

    Forward::

        y = BN(conv(sign(x))) + shortcut(x)

    The shortcut is the input itself or, where the shape changes, average pool, real 1x1 convolution, norm.
    Gradients pass the sign as through `ApproxSign`; weights are scaled by each filter's mean magnitude,
    taken as constant.

    Paper: Liu et al., Bi-Real Net, arXiv:1808.00278, section 3.

    Args:
        channels: output channels.
        strides: stride of the convolution.
        in_channels: input channels; 0 leaves them to the first call, and then they are ``channels`` unless
            ``downsample``.
        kernel_size: size of the kernel, odd.
        dilation: dilation of the convolution, which pads as much as keeps the size at stride 1.
        downsample: whether the shortcut has a convolution; None: where strides or channels change the shape.
        norm_layer: function that makes the norms.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, ceil(height / strides), ceil(width / strides)].
    """

    def __init__(
        self,
        channels: int,
        strides: int = 1,
        in_channels: int = 0,
        kernel_size: int = 3,
        dilation: int = 1,
        downsample: bool | None = None,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.conv = q_conv(
                channels, kernel_size, strides, in_channels, self._paper(), quantized, dilation
            )
            self.norm = norm_layer(in_channels=channels)
            self.shortcut = shortcut_for(channels, strides, in_channels, downsample, norm_layer)

    def _paper(self) -> dict[str, Any]:
        return {
            "input_quantizer": "approx_sign",
            "weight_quantizer": "det_sign",
            "scaling": "channel_detached",
        }

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return self.norm(self.conv(x)) + (x if self.shortcut is None else self.shortcut(x))
