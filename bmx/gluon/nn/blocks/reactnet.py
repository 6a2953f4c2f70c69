"""ReActNet's blocks: signs and activations whose shape each channel learns."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.birealnet import BiRealBlock
from bmx.gluon.nn.blocks.parts import NormLayer, Row, halving, q_conv, sequence
from bmx.gluon.nn.prelu import RPReLU
from bmx.gluon.tensor import Tensor


def _paper() -> dict[str, Any]:
    return {"input_quantizer": "rsign", "weight_quantizer": "det_sign", "scaling": "channel_detached"}


class ReActStem(Row):
    """The stem of ReActNet-A and BNext: real 3x3 convolution of stride 2, norm.

    Paper: Liu et al., ReActNet, arXiv:2003.03488.

    Args:
        channels: output channels.
        strides: stride of the convolution.
        in_channels: input channels; 0 leaves them to the first call.
        norm_layer: function that makes the norm.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, ceil(height / strides), ceil(width / strides)].
    """

    def __init__(
        self,
        channels: int = 32,
        strides: int = 2,
        in_channels: int = 0,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.body = sequence(
                nn.Conv2D(channels, 3, strides, 1, use_bias=False, in_channels=in_channels),
                norm_layer(in_channels=channels),
            )


class ReActBlock(HybridBlock):
    """MobileNet's block in binary: a 3x3 and a 1x1 convolution, each with shortcut and `RPReLU`.

    Forward::

        y = RPReLU(BN(conv3x3(RSign(x))) + pool(x))
        z = RPReLU(BN(conv1x1(RSign(y))) + y)

    With twice the channels the paper has two 1x1 convolutions and norms side by side; here it is one of all
    filters, which is the same, and the shortcut is concat(y, y).

    Paper: Liu et al., ReActNet, arXiv:2003.03488, section 4.1.

    Args:
        channels: output channels: as many as the input's, or twice as many.
        strides: stride of the 3x3 convolution.
        in_channels: input channels.
        norm_layer: function that makes the norms.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, ceil(height / strides), ceil(width / strides)].

    Raises:
        ValueError: if the channels are neither.
    """

    def __init__(
        self,
        channels: int,
        strides: int = 1,
        *,
        in_channels: int,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        if channels not in (in_channels, 2 * in_channels):
            raise ValueError(
                f"ReActBlock: expected channels {in_channels} or {2 * in_channels} "
                f"with in_channels={in_channels}, found {channels}."
            )
        super().__init__(prefix=prefix, params=params)
        self._doubles = channels != in_channels
        with self.name_scope():
            self.conv1 = q_conv(in_channels, 3, strides, in_channels, _paper(), quantized)
            self.norm1 = norm_layer(in_channels=in_channels)
            self.pool = halving(strides) if strides != 1 else None
            self.activation1 = RPReLU(in_channels)
            self.conv2 = q_conv(channels, 1, 1, in_channels, _paper(), quantized)
            self.norm2 = norm_layer(in_channels=channels)
            self.activation2 = RPReLU(channels)

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        shortcut = x if self.pool is None else self.pool(x)
        y = self.activation1(self.norm1(self.conv1(x)) + shortcut)
        shortcut = F.concat(y, y, dim=1) if self._doubles else y
        return self.activation2(self.norm2(self.conv2(y)) + shortcut)


class ReActResNetBlock(BiRealBlock):
    """Bi-Real Net's block with ReActNet's sign and activation.

    Forward::

        y = RPReLU(BN(conv(RSign(x))) + shortcut(x))

    Arguments as `BiRealBlock`'s, with ``in_channels`` given.

    Paper: Liu et al., ReActNet, arXiv:2003.03488, section 5.
    """

    def __init__(self, channels: int, strides: int = 1, *, in_channels: int, **arguments: Any) -> None:
        super().__init__(channels, strides, in_channels, **arguments)
        with self.name_scope():
            self.activation = RPReLU(channels)

    def _paper(self) -> dict[str, Any]:
        return _paper()

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return self.activation(super().hybrid_forward(F, x))
