"""QuickNet's blocks: made for speed on a phone."""

from __future__ import annotations

from typing import Any

import numpy as np
from mxnet import init
from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import NormLayer, Row, q_conv, sequence
from bmx.gluon.nn.quantizers import DetSign
from bmx.gluon.tensor import Tensor


class QuickNetStem(Row):
    """Real stem: 3x3 convolution of stride 2, norm, ReLU, depthwise 3x3 of stride 2, norm, 1x1, norm.

    The norm in the middle has neither scale nor shift.

    Paper: Bannink et al., Larq Compute Engine, arXiv:2011.09398, section 5.

    Args:
        channels: output channels, a multiple of 4.
        in_channels: input channels; 0 leaves them to the first call.
        norm_layer: function that makes the norms.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, height / 4, width / 4], rounded up.

    Raises:
        ValueError: if ``channels`` is no multiple of 4.
    """

    def __init__(
        self,
        channels: int = 64,
        in_channels: int = 0,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        if channels < 1 or channels % 4:
            raise ValueError(f"QuickNetStem: expected channels a multiple of 4, found {channels}.")
        super().__init__(prefix=prefix, params=params)
        few = channels // 4
        with self.name_scope():
            self.body = sequence(
                nn.Conv2D(few, 3, 2, 1, use_bias=False, in_channels=in_channels),
                norm_layer(in_channels=few),
                nn.Activation("relu"),
                nn.Conv2D(few, 3, 2, 1, groups=few, use_bias=False, in_channels=few),
                norm_layer(in_channels=few, center=False, scale=False),
                nn.Conv2D(channels, 1, use_bias=False, in_channels=few),
                norm_layer(in_channels=channels),
            )


class QuickNetBlock(HybridBlock):
    """One binary convolution with its shortcut.

    Forward::

        y = BN(relu(conv(sign(x)))) + x

    Signs are padded with +1; gradients pass the signs where |x| <= 1.25.

    Paper: Bannink et al., Larq Compute Engine, arXiv:2011.09398, section 5.

    Args:
        channels: channels of input and output.
        kernel_size: size of the kernel, odd.
        norm_layer: function that makes the norm.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`.

    Inputs:
        - **data**: float32 [batch, channels, height, width].

    Outputs:
        - **out**: float32, the same shape.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        paper = {
            "input_quantizer": DetSign(1.25),
            "weight_quantizer": DetSign(1.25),
            "scaling": None,
            "pad_value": 1,
        }
        with self.name_scope():
            self.conv = q_conv(channels, kernel_size, 1, channels, paper, quantized)
            self.norm = norm_layer(in_channels=channels)

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return self.norm(F.relu(self.conv(x))) + x


@init.register
class BlurKernel(init.Initializer):
    """The outer product of (1, 2, 1) with itself over 16, for each channel."""

    def _init_weight(self, _: Any, array: Any) -> None:
        row = np.array([1, 2, 1], dtype=np.float32)
        array[:] = np.broadcast_to(np.outer(row, row) / 16, array.shape)


class QuickNetTransition(Row):
    """More channels, fewer pixels: ReLU, 2x2 max pool of stride 1, blur of stride 2, real 1x1, norm.

    Papers: Bannink et al., arXiv:2011.09398, section 5; Zhang, Making Convolutional Networks
    Shift-Invariant Again, arXiv:1904.11486 (the blur, which is not trained).

    Args:
        channels: output channels.
        in_channels: input channels.
        strides: stride of the blur, and size of the max pool.
        norm_layer: function that makes the norm.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, height // 2, width // 2] at stride 2.
    """

    def __init__(
        self,
        channels: int,
        in_channels: int,
        strides: int = 2,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            blur = nn.Conv2D(
                in_channels,
                3,
                strides,
                1,
                groups=in_channels,
                use_bias=False,
                weight_initializer=BlurKernel(),
                in_channels=in_channels,
            )
            blur.weight.grad_req = "null"
            self.body = sequence(
                nn.Activation("relu"),
                nn.MaxPool2D(strides, 1),
                blur,
                nn.Conv2D(channels, 1, use_bias=False, in_channels=in_channels),
                norm_layer(in_channels=channels),
            )
