"""ABC-Net's blocks: convolutions as sums of binary ones."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import NormLayer, Row, q_conv, sequence
from bmx.gluon.nn.quantizers.abc_net import ABCActivation, ABCWeight
from bmx.gluon.tensor import Tensor


def _paper(weight_terms: int, input_terms: int) -> dict[str, Any]:
    return {
        "input_quantizer": ABCActivation(input_terms),
        "weight_quantizer": ABCWeight(weight_terms),
        "scaling": None,
    }


class ABCBlock(Row):
    """A convolution of M * N binary ones, max pool if any, norm; the next layer quantizes.

    Forward::

        conv(x) = sum_m sum_n alpha_m beta_n conv(A_n(x), B_m)

    A net quantizes activations between 0 and 1, so its norms should keep them there.

    Paper: Lin et al., Towards Accurate Binary Convolutional Neural Network, arXiv:1711.11294.

    Args:
        channels: output channels.
        kernel_size: size of the kernel, odd; the convolution keeps the size at stride 1.
        strides: stride of the convolution.
        in_channels: input channels; 0 leaves them to the first call.
        weight_terms: number of terms of a weight, M: 1 to 8.
        input_terms: number of terms of an input value, N: 1 to 8.
        pool: block between convolution and norm, for example ``nn.MaxPool2D(2)``, or None.
        norm_layer: function that makes the norm.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`.

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
        weight_terms: int = 5,
        input_terms: int = 5,
        pool: HybridBlock | None = None,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        paper = _paper(weight_terms, input_terms)
        with self.name_scope():
            self.body = sequence(
                q_conv(channels, kernel_size, strides, in_channels, paper, quantized),
                pool,
                norm_layer(in_channels=channels),
            )


class ABCResidualBlock(HybridBlock):
    """ResNet's basic block of two `ABCBlock` s.

    Forward::

        y = ABC(ABC(x)) + shortcut(x)

    The shortcut is the input itself or, where the shape changes, an `ABCBlock` of kernel size 1.

    Paper: Lin et al., arXiv:1711.11294, section 4, which does not say how the shortcut is made; this is the
    block of He et al., arXiv:1512.03385, with every convolution replaced.

    Args:
        channels: output channels.
        strides: stride of the first convolution.
        in_channels: input channels; 0 leaves them to the first call, and then they are ``channels`` unless
            ``downsample``.
        weight_terms: number of terms of a weight, M: 1 to 8.
        input_terms: number of terms of an input value, N: 1 to 8.
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
        weight_terms: int = 5,
        input_terms: int = 5,
        downsample: bool | None = None,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        if downsample is None:
            downsample = strides != 1 or in_channels not in (0, channels)
        shared: dict[str, Any] = {"weight_terms": weight_terms, "input_terms": input_terms}
        shared.update(norm_layer=norm_layer, **quantized)
        with self.name_scope():
            self.body = sequence(
                ABCBlock(channels, 3, strides, in_channels, **shared),
                ABCBlock(channels, 3, 1, channels, **shared),
            )
            self.shortcut = ABCBlock(channels, 1, strides, in_channels, **shared) if downsample else None

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))
