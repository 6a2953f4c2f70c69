"""Blocks of XNOR-Net and of binary-weight networks."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import NormLayer, Row, q_conv, sequence


def _activation(activation: str | None) -> HybridBlock | None:
    return None if activation is None else nn.Activation(activation)


class XNORBlock(Row):
    """Batch norm, sign, binary convolution scaled by alpha and K, activation if any, pool if any.

    Paper: Rastegari et al., XNOR-Net, arXiv:1603.05279, section 3.2. The released code leaves K out:
    ``scaling='channel'``.

    Args:
        channels: output channels.
        kernel_size: size of the kernel, odd; the convolution keeps the size at stride 1.
        strides: stride of the convolution.
        in_channels: input channels; 0 leaves them to the first call.
        activation: name of an activation after the convolution, or None.
        pool: block after it, for example ``nn.MaxPool2D(3, 2)``, or None.
        norm_layer: function that makes the norm.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`, ``padding`` among them where it is not the one above.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, out_height, out_width].
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        strides: int = 1,
        in_channels: int = 0,
        activation: str | None = None,
        pool: HybridBlock | None = None,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        paper = {"input_quantizer": "det_sign", "weight_quantizer": "det_sign", "scaling": "xnor"}
        with self.name_scope():
            self.body = sequence(
                norm_layer(in_channels=in_channels),
                q_conv(channels, kernel_size, strides, in_channels, paper, quantized),
                _activation(activation),
                pool,
            )


class BWNBlock(Row):
    """Convolution of real inputs with binary weights scaled by alpha, batch norm, activation, pool if any.

    Paper: Rastegari et al., XNOR-Net, arXiv:1603.05279, section 3.1.

    Args:
        channels: output channels.
        kernel_size: size of the kernel, odd; the convolution keeps the size at stride 1.
        strides: stride of the convolution.
        in_channels: input channels; 0 leaves them to the first call.
        activation: name of an activation, or None.
        pool: block after it, or None.
        norm_layer: function that makes the norm.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`, ``padding`` among them where it is not the one above.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, out_height, out_width].
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        strides: int = 1,
        in_channels: int = 0,
        activation: str | None = "relu",
        pool: HybridBlock | None = None,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        paper = {
            "input_quantizer": "identity",
            "weight_quantizer": "det_sign",
            "scaling": "channel",
            "pad_value": 0,
        }
        with self.name_scope():
            self.body = sequence(
                q_conv(channels, kernel_size, strides, in_channels, paper, quantized),
                norm_layer(in_channels=channels),
                _activation(activation),
                pool,
            )
