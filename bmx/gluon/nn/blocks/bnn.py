"""Layers of Binarized Neural Networks: everything is binary, and pooling comes before the norm."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import NormLayer, chosen, q_conv
from bmx.gluon.nn.dense import QDense
from bmx.gluon.tensor import Tensor


class HardTanh(HybridBlock):
    """min(max(x, -1), 1), with gradient 1 where |x| <= 1 and 0 elsewhere.

    Paper: Courbariaux et al., arXiv:1602.02830, equation 5.

    Inputs:
        - **data**: float32, any shape.

    Outputs:
        - **out**: float32, the same shape.
    """

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        # The identity stands where gradients may have to be added up, which MXNet's clip does not do.
        return F.clip(F.identity(x), -1, 1)


def _paper() -> dict[str, Any]:
    return {"input_quantizer": "det_sign", "weight_quantizer": "det_sign", "scaling": None}


class BNNConvBlock(HybridBlock):
    """Binary convolution, max pool, batch norm, hard tanh; the next layer takes the sign.

    Paper: Courbariaux et al., arXiv:1602.02830, section 2 and the CIFAR-10 net of its code.

    Args:
        channels: output channels.
        kernel_size: size of the kernel, odd; the convolution keeps the size at stride 1.
        strides: stride of the convolution.
        in_channels: input channels; 0 leaves them to the first call.
        pool_size: size and stride of the max pool; 1 leaves it out.
        norm_layer: function that makes the norm; the paper's Torch code has `ShiftBatchNorm`.
        activation: whether there is a hard tanh; the last layer before the loss has none.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`; the net's first layer has ``input_quantizer='identity'``.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, ceil(height / strides) // pool_size, the same of width].
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        strides: int = 1,
        in_channels: int = 0,
        pool_size: int = 1,
        norm_layer: NormLayer = nn.BatchNorm,
        activation: bool = True,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.conv = q_conv(channels, kernel_size, strides, in_channels, _paper(), quantized)
            self.pool = nn.MaxPool2D(pool_size) if pool_size != 1 else None
            self.norm = norm_layer(in_channels=channels)
            self.activation = HardTanh() if activation else None

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.norm(self.pool(x) if self.pool is not None else x)
        return self.activation(x) if self.activation is not None else x


class BNNDenseBlock(HybridBlock):
    """Binary fully connected layer, batch norm, hard tanh; the next layer takes the sign.

    Paper: Courbariaux et al., arXiv:1602.02830, section 2.

    Args:
        units: outputs.
        in_units: inputs; 0 leaves them to the first call.
        norm_layer: function that makes the norm.
        activation: whether there is a hard tanh; the last layer before the loss has none.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QDense`.

    Inputs:
        - **data**: float32 [batch, ...] with in_units values a sample.

    Outputs:
        - **out**: float32 [batch, units].
    """

    def __init__(
        self,
        units: int,
        in_units: int = 0,
        norm_layer: NormLayer = nn.BatchNorm,
        activation: bool = True,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.dense = QDense(
                units, in_units=in_units, **{"use_bias": False, **chosen(_paper(), quantized)}
            )
            self.norm = norm_layer(in_channels=units)
            self.activation = HardTanh() if activation else None

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        x = self.norm(self.dense(x))
        return self.activation(x) if self.activation is not None else x
