"""WRPN: nets of few bits, made wider (Mishra et al., arXiv:1709.01134)."""

from __future__ import annotations

from typing import Any

import mxnet as mx
from mxnet.gluon import nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.publication import Case, Counts, Paper, Published
from bmx.gluon.model_zoo.support.residual import CHANNELS, ResidualBlock, basic_stages, changes_shape
from bmx.gluon.nn.conv import QConv2D
from bmx.gluon.nn.quantizers import DetSign, DoReFa, WrpnWeight

PAPER = Paper("WRPN", "1709.01134")
# Added up; products are those of 4 with 4 bits. The wider nets are the paper's: the first and the last layer
# keep their outputs.
_ALEXNET = Published(
    cases=[
        Case(
            Counts(
                params=62_387_912,
                binary_params=58_236_928,
                bytes=45_722_400,
                float_macs=105_415_200,
                binary_macs=16_411_918_336,
            )
        ),
        Case(Counts(params=239_984_840, binary_params=231_718_912), {"widen": 2}, parameters_only=True),
        Case(Counts(params=532_826_824, binary_params=520_445_952), {"widen": 3}, parameters_only=True),
    ]
)
_RESNET34 = Published(
    cases=[
        Case(
            Counts(
                params=21_797_672,
                binary_params=21_258_240,
                bytes=12_786_848,
                float_macs=118_013_952,
                binary_macs=56_723_767_296,
            )
        ),
        Case(Counts(params=86_036_008, binary_params=84_967_424), {"widen": 2}, parameters_only=True),
        Case(Counts(params=192_712_872, binary_params=191_115_264), {"widen": 3}, parameters_only=True),
    ]
)


def _unit(
    channels: int, kernel_size: int, strides: int, in_channels: int, bits: int, input_bits: int, given: dict
) -> list[HybridBlock]:
    """Convolution of quantized values between 0 and 1, and its norm."""
    arguments: dict[str, Any] = {
        "padding": kernel_size // 2,
        "use_bias": False,
        "weight_quantizer": WrpnWeight(bits) if bits != 1 else DetSign(),
        "scaling": "tensor" if bits == 1 else None,
        "input_quantizer": DoReFa(input_bits),
        # The weights' steps divide -1 to 1; what is small against them would start as 0 everywhere.
        "weight_initializer": mx.init.Uniform(1),
        **given,
    }
    convolution = QConv2D(channels, kernel_size, strides, in_channels=in_channels, **arguments)
    return [convolution, nn.BatchNorm(in_channels=channels)]


def _require_widen(name: str, widen: Any) -> None:
    if not isinstance(widen, int) or isinstance(widen, bool) or widen < 1:
        raise ValueError(f"{name}: expected widen an integer of at least 1, found {widen!r}.")


@register(paper=PAPER, published={"wrpn_alexnet": _ALEXNET})
def wrpn_alexnet(
    widen: int = 1, bits: int = 4, input_bits: int = 4, classes: int = 1000, **quantized: Any
) -> Classifier:
    """WRPN's AlexNet (Mishra et al., arXiv:1709.01134), with norms.

        conv 11x11 96 / 4, norm, relu, max pool 3 / 2         [batch, 96, 27, 27]
        conv 5x5 256 w, norm, max pool 3 / 2                   [batch, 256 w, 13, 13]
        conv 3x3 384 w, norm                          twice    [batch, 384 w, 13, 13]
        conv 3x3 256 w, norm, max pool 3 / 2                   [batch, 256 w, 6, 6]
        conv 6x6 4096 w, norm, conv 1x1 4096 w, norm           [batch, 4096 w, 1, 1]
        relu, dense                                            [batch, classes]

    Between the first and the last layer, which are real and keep their outputs, every layer is quantized and
    w times as wide. A quantized layer clips its input to 0 to 1, which is its activation, and its weights to
    -1 to 1; weights of one bit are signs times the mean magnitude of all. The paper finds 4 bits sufficient,
    which is the default, and reports (bits, input_bits) = (1, 1) too. The layers are those of XNOR-Net's
    float AlexNet, without groups: the paper does not list its own.

    Args:
        widen: factor of the widths, w: 1, 2 or 3 in the paper.
        bits: bits of a weight, 1 to 8.
        input_bits: bits of an input value, 1 to 8.
        classes: number of classes.
        **quantized: further arguments of the quantized convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].

    Raises:
        ValueError: an argument does not fit.
    """
    _require_widen("wrpn_alexnet", widen)
    features: list[HybridBlock] = [
        nn.Conv2D(96, 11, 4, 2, use_bias=False, in_channels=3),
        *(nn.BatchNorm(in_channels=96), nn.Activation("relu"), nn.MaxPool2D(3, 2)),
    ]
    inputs = 96
    for channels, kernel_size, pooled, given in (
        (256, 5, True, {}),
        (384, 3, False, {}),
        (384, 3, False, {}),
        (256, 3, True, {}),
        (4096, 6, False, {"padding": 0}),
        (4096, 1, False, {}),
    ):
        outputs = widen * channels
        features += _unit(outputs, kernel_size, 1, inputs, bits, input_bits, {**given, **quantized})
        features += [nn.MaxPool2D(3, 2)] if pooled else []
        inputs = outputs
    return Classifier([*features, nn.Activation("relu")], inputs, classes)


def wrpn_block(
    channels: int, strides: int, in_channels: int, bits: int, input_bits: int, **quantized: Any
) -> ResidualBlock:
    """(Convolution, norm) twice, a shortcut of the same, and ReLU; convolutions clip their inputs."""

    def unit(kernel_size: int, strides: int, in_channels: int) -> list[HybridBlock]:
        return _unit(channels, kernel_size, strides, in_channels, bits, input_bits, quantized)

    shortcut = unit(1, strides, in_channels) if changes_shape(channels, strides, in_channels) else ()
    return ResidualBlock([*unit(3, strides, in_channels), *unit(3, 1, channels)], shortcut, "relu")


@register(names={"wrpn_resnet34": {"layers": 34}}, paper=PAPER, published={"wrpn_resnet34": _RESNET34})
def wrpn_resnet(
    layers: int = 34,
    widen: int = 1,
    bits: int = 4,
    input_bits: int = 4,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "imagenet",
    **quantized: Any,
) -> Classifier:
    """WRPN's ResNet-34 (Mishra et al., arXiv:1709.01134).

    The net of He et al., arXiv:1512.03385. The stem and the last layer are real; between them every
    convolution is quantized, shortcuts included, and w times as wide, see `wrpn_alexnet`. The stem keeps its
    64 channels, so with w above 1 the first block too has a convolution in its shortcut.

    Args:
        layers: number of layers, 18 or 34.
        widen: factor of the widths, w: 1, 2 or 3 in the paper.
        bits: bits of a weight, 1 to 8.
        input_bits: bits of an input value, 1 to 8.
        classes: number of classes.
        thumbnail: whether the stem is that for images of CIFAR's size.
        initial_layers: name of the stem: 'imagenet', 'grouped_stem' or 'thumbnail'.
        **quantized: further arguments of the quantized convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].

    Raises:
        ValueError: an argument does not fit.
    """
    _require_widen("wrpn_resnet34", widen)
    bits_of = {"bits": bits, "input_bits": input_bits}
    blocks = basic_stages(wrpn_block, layers, widen, **bits_of, **quantized)
    features = [make_stem(initial_layers, thumbnail), *blocks, *head(relu=False)]
    return Classifier(features, widen * CHANNELS[-1], classes)
