"""BMXNet's binary ResNets (Yang et al., arXiv:1705.09864), as BMXNet-v2 trains them."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.publication import Case, Counts, Paper, Published
from bmx.gluon.model_zoo.support.residual import CHANNELS, ResidualBlock, basic_stages, changes_shape
from bmx.gluon.nn.blocks.parts import q_conv, sequence
from bmx.gluon.nn.conv import QConv2D
from bmx.gluon.nn.quantizers import DetSign
from bmx.gluon.tensor import Tensor

PAPER = Paper("BMXNet", "1705.09864")
# Added up: norm on the image, stem 7x7, two binary 3x3 convolutions a block, a binary 1x1 one where the shape
# changes. Version 1 has a norm after the stem and one after each convolution; version 2 has a norm before
# each 3x3 convolution and one at the end.
_PUBLISHED = {
    "bmxnet_resnet18_v1": Published(
        cases=[
            Case(
                Counts(
                    params=11_689_646,
                    binary_params=11_157_504,
                    bytes=3_523_256,
                    float_macs=118_013_952,
                    binary_macs=1_695_547_392,
                )
            )
        ]
    ),
    "bmxnet_resnet18_v2": Published(
        cases=[
            Case(
                Counts(
                    params=11_687_854,
                    binary_params=11_157_504,
                    bytes=3_516_088,
                    float_macs=118_013_952,
                    binary_macs=1_695_547_392,
                )
            )
        ]
    ),
    "bmxnet_resnet34_v1": Published(
        cases=[
            Case(
                Counts(
                    params=21_797_806,
                    binary_params=21_258_240,
                    bytes=4_815_544,
                    float_macs=118_013_952,
                    binary_macs=3_545_235_456,
                )
            )
        ]
    ),
    "bmxnet_resnet34_v2": Published(
        cases=[
            Case(
                Counts(
                    params=21_796_014,
                    binary_params=21_258_240,
                    bytes=4_808_376,
                    float_macs=118_013_952,
                    binary_macs=3_545_235_456,
                )
            )
        ]
    ),
}


def _paper() -> dict[str, Any]:
    """BMXNet-v2's layers: -1 around the image, counts of equal bits, and weights that pass every gradient."""
    return {
        "input_quantizer": DetSign(1.0),
        "weight_quantizer": DetSign(None),
        "scaling": None,
        "pad_value": -1,
        "output_range": "popcount",
    }


def _conv(channels: int, kernel_size: int, strides: int, in_channels: int, quantized: dict) -> QConv2D:
    return q_conv(channels, kernel_size, strides, in_channels, _paper(), quantized)


def block_v1(channels: int, strides: int, in_channels: int, **quantized: Any) -> ResidualBlock:
    """(Sign, convolution, norm) twice, and a shortcut of the same with a 1x1 convolution; no ReLU."""

    def unit(kernel_size: int, strides: int, in_channels: int) -> list[HybridBlock]:
        convolution = _conv(channels, kernel_size, strides, in_channels, quantized)
        return [convolution, nn.BatchNorm(in_channels=channels)]

    shortcut = unit(1, strides, in_channels) if changes_shape(channels, strides, in_channels) else ()
    return ResidualBlock([*unit(3, strides, in_channels), *unit(3, 1, channels)], shortcut)


class BlockV2(HybridBlock):
    """BMXNet's binary block with norms in front.

    Forward::

        b = BN(x)
        y = conv(sign(BN(conv(sign(b))))) + shortcut

    The shortcut is x or, where the shape changes, conv(sign(b)) with kernel size 1; no norm follows.

    Papers: He et al., Identity Mappings in Deep Residual Networks, arXiv:1603.05027; Yang et al.,
    arXiv:1705.09864.

    Args:
        channels: output channels.
        strides: stride of the first convolution.
        in_channels: input channels.
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
        strides: int,
        in_channels: int,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.norm = nn.BatchNorm(in_channels=in_channels)
            self.body = sequence(
                _conv(channels, 3, strides, in_channels, quantized),
                nn.BatchNorm(in_channels=channels),
                _conv(channels, 3, 1, channels, quantized),
            )
            self.shortcut = None
            if changes_shape(channels, strides, in_channels):
                self.shortcut = _conv(channels, 1, strides, in_channels, quantized)

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        normalized = self.norm(x)
        return self.body(normalized) + (x if self.shortcut is None else self.shortcut(normalized))


_NETS = {
    f"bmxnet_resnet{layers}_v{version}": {"layers": layers, "version": version}
    for layers in (18, 34)
    for version in (1, 2)
}


@register(names=_NETS, paper=PAPER, published=_PUBLISHED)
def bmxnet_resnet(
    layers: int = 18,
    version: int = 1,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "imagenet",
    **quantized: Any,
) -> Classifier:
    """BMXNet-v2's binary ResNet (Yang et al., arXiv:1705.09864; He et al., arXiv:1512.03385, 1603.05027).

    The stem, the dense layer and the norms are float; every other convolution is binary, shortcuts included.
    A norm stands on the image; in version 1 another one comes after a stem that ends with a max pool, in
    version 2 after the last block. Binary layers are padded with -1 and give counts of equal bits,
    ``output_range='popcount'``, as BMXNet's do. What follows them in version 2 is a sum, so there 'dot' would
    give another net.

    Args:
        layers: number of layers, 18 or 34.
        version: version of the block, 1 or 2.
        classes: number of classes.
        thumbnail: whether the stem is that for images of CIFAR's size.
        initial_layers: name of the stem: 'imagenet', 'grouped_stem' or 'thumbnail'.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224], or [batch, 3, 32, 32] for 'thumbnail'. Output: logits
        [batch, classes].

    Raises:
        ValueError: an argument is not known.
    """
    if version not in (1, 2):
        raise ValueError(f"version: expected 1 or 2, found {version!r}.")
    features: list[Any] = [nn.BatchNorm(scale=False, epsilon=2e-5, in_channels=3)]
    features.append(make_stem(initial_layers, thumbnail))
    if version == 1 and not (thumbnail or initial_layers == "thumbnail"):
        features.append(nn.BatchNorm(in_channels=CHANNELS[0]))
    features += basic_stages(block_v1 if version == 1 else BlockV2, layers, **quantized)
    if version == 2:
        features.append(nn.BatchNorm(in_channels=CHANNELS[-1]))
    return Classifier([*features, *head()], CHANNELS[-1], classes)
