"""Real first layers: from an image to the first feature map."""

from __future__ import annotations

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import NormLayer, Row, sequence


class ImageStem(Row):
    """The stem of ImageNet's residual nets: 7x7 convolution of stride 2, norm, activation, max pool.

    Bi-Real Net has no activation; BinaryDenseNet and ResNetE have a ReLU.

    Papers: He et al., arXiv:1512.03385; Bethge et al., arXiv:1906.08637.

    Args:
        channels: output channels.
        activation: name of an activation, a block, or None.
        in_channels: input channels; 0 leaves them to the first call.
        norm_layer: function that makes the norm.
        norm_last: whether the norm comes after the max pool, without an activation, as in Group-Net.
        use_bias: whether the convolution has a bias, as in Group-Net.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, height / 4, width / 4], rounded up.
    """

    def __init__(
        self,
        channels: int = 64,
        activation: str | HybridBlock | None = "relu",
        in_channels: int = 0,
        norm_layer: NormLayer = nn.BatchNorm,
        norm_last: bool = False,
        use_bias: bool = False,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            convolution = nn.Conv2D(channels, 7, 2, 3, use_bias=use_bias, in_channels=in_channels)
            norm = norm_layer(in_channels=channels)
            pool = nn.MaxPool2D(3, strides=2, padding=1)
            if isinstance(activation, str):
                activation = nn.Activation(activation)
            rest = (pool, norm) if norm_last else (norm, activation, pool)
            self.body = sequence(convolution, *rest)


class ThumbnailStem(Row):
    """The stem for images of CIFAR's size: one 3x3 convolution.

    Args:
        channels: output channels.
        in_channels: input channels; 0 leaves them to the first call.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, height, width].
    """

    def __init__(
        self,
        channels: int = 64,
        in_channels: int = 0,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.body = sequence(nn.Conv2D(channels, 3, padding=1, use_bias=False, in_channels=in_channels))


class GroupedStem(Row):
    """MeliusNet's stem: three 3x3 convolutions, the second with 4 and the third with 8 groups, and max pool.

    It makes the feature map of `ImageStem` with 58 % of its multiplications.

    Paper: Bethge et al., MeliusNet, arXiv:2001.05936, section 3.2.

    Args:
        channels: output channels, a multiple of 16.
        in_channels: input channels; 0 leaves them to the first call.
        norm_layer: function that makes the norms.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, height / 4, width / 4], rounded up.

    Raises:
        ValueError: if ``channels`` is no multiple of 16.
    """

    def __init__(
        self,
        channels: int = 64,
        in_channels: int = 0,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        if channels < 1 or channels % 16:
            raise ValueError(f"GroupedStem: expected channels a multiple of 16, found {channels}.")
        super().__init__(prefix=prefix, params=params)
        half = channels // 2
        with self.name_scope():
            layers: list[HybridBlock] = []
            for inputs, outputs, strides, groups in (
                (in_channels, half, 2, 1),
                (half, half, 1, 4),
                (half, channels, 1, 8),
            ):
                convolution = nn.Conv2D(
                    outputs, 3, strides, 1, groups=groups, use_bias=False, in_channels=inputs
                )
                layers += [convolution, norm_layer(in_channels=outputs), nn.Activation("relu")]
            self.body = sequence(*layers, nn.MaxPool2D(3, strides=2, padding=1))
