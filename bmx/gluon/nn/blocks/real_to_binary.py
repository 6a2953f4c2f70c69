"""Real-to-Binary's block: the input says how a binary convolution's channels are scaled."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import NormLayer, Row, q_conv, sequence, shortcut_for
from bmx.gluon.nn.prelu import PReLU
from bmx.gluon.tensor import Tensor


class DataDependentScale(Row):
    """A number between 0 and 1 for each output channel, from the means of the input channels.

    Forward::

        s = sigmoid(W2 relu(W1 mean(x)))

    Paper: Martinez et al., Training Binary Neural Networks with Real-to-Binary Convolutions,
    arXiv:2003.11535, section 4.3; with biases the squeeze-and-excitation of Hu et al., arXiv:1709.01507.

    Args:
        channels: output channels.
        in_channels: input channels.
        reduction: the hidden layer has in_channels / reduction units, at least one.
        use_bias: whether the two layers have biases.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, 1, 1].
    """

    def __init__(
        self,
        channels: int,
        in_channels: int,
        reduction: int = 8,
        use_bias: bool = False,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        hidden = max(in_channels // reduction, 1)
        with self.name_scope():
            self.body = sequence(
                nn.GlobalAvgPool2D(),
                nn.Conv2D(hidden, 1, use_bias=use_bias, in_channels=in_channels),
                nn.Activation("relu"),
                nn.Conv2D(channels, 1, use_bias=use_bias, in_channels=hidden),
                nn.Activation("sigmoid"),
            )


class RealToBinaryBlock(HybridBlock):
    """One binary convolution, scaled by the data, with its shortcut.

    Forward::

        b = BN(x);  y = PReLU(conv(sign(b)) * scale(b)) + shortcut(x)

    Paper: Martinez et al., arXiv:2003.11535, section 4; half a ResNet block.

    Args:
        channels: output channels.
        strides: stride of the convolution.
        in_channels: input channels.
        reduction: reduction of `DataDependentScale`; 0 leaves the scale out.
        kernel_size: size of the kernel, odd.
        dilation: dilation of the convolution.
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
        *,
        in_channels: int,
        reduction: int = 8,
        kernel_size: int = 3,
        dilation: int = 1,
        downsample: bool | None = None,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        paper = {"input_quantizer": "det_sign", "weight_quantizer": "det_sign", "scaling": None}
        with self.name_scope():
            self.norm = norm_layer(in_channels=in_channels)
            self.conv = q_conv(channels, kernel_size, strides, in_channels, paper, quantized, dilation)
            self.scale = DataDependentScale(channels, in_channels, reduction) if reduction else None
            self.activation = PReLU(channels)
            self.shortcut = shortcut_for(channels, strides, in_channels, downsample, norm_layer)

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        normalized = self.norm(x)
        y = self.conv(normalized)
        if self.scale is not None:
            y = F.broadcast_mul(y, self.scale(normalized))
        return self.activation(y) + (x if self.shortcut is None else self.shortcut(x))
