"""ABC-Net (Lin et al., Towards Accurate Binary Convolutional Neural Network, arXiv:1711.11294)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.publication import UNCONFIRMED, Case, Counts, Paper, Published
from bmx.gluon.model_zoo.support.residual import CHANNELS, basic_stages
from bmx.gluon.nn.blocks.abc_net import ABCResidualBlock

PAPER = Paper("ABC-Net", "1711.11294")
# Added up: stem 7x7; 19 or 35 convolutions, those of shortcuts included, each with a norm. Each is M * N
# binary ones with M weights, and each term of its input learns a threshold and a scale.
_PUBLISHED = {
    "abc_resnet18": Published(
        65.0,
        UNCONFIRMED,
        [
            Case(
                Counts(
                    params=22_847_130,
                    binary_params=22_315_008,
                    bytes=4_917_864,
                    float_macs=118_013_952,
                    binary_macs=10_173_284_352,
                ),
                {"weight_terms": 2, "input_terms": 3},
            ),
            Case(Counts(params=11_689_702, binary_params=11_157_504), parameters_only=True),
        ],
    ),
    "abc_resnet34": Published(
        68.4,
        UNCONFIRMED,
        [
            Case(
                Counts(
                    params=21_797_812,
                    binary_params=21_258_240,
                    bytes=4_815_568,
                    float_macs=118_013_952,
                    binary_macs=7_090_470_912,
                ),
                {"weight_terms": 1, "input_terms": 2},
            ),
            Case(
                Counts(params=21_797_882, binary_params=21_258_240),
                {"input_terms": 3},
                parameters_only=True,
            ),
        ],
    ),
}


@register(
    names={"abc_resnet18": {"layers": 18}, "abc_resnet34": {"layers": 34}}, paper=PAPER, published=_PUBLISHED
)
def abc_resnet(
    layers: int = 18,
    weight_terms: int = 5,
    input_terms: int = 5,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "imagenet",
    **quantized: Any,
) -> Classifier:
    """ABC-Net's ResNet (Lin et al., arXiv:1711.11294): each convolution is M * N binary ones.

    The stem and the last layer are real. The defaults are those of the paper's most accurate nets; it also
    has (M, N) = (5, 3), (3, 3), (5, 1), (3, 1) and (1, 1).

    Args:
        layers: number of layers, 18 or 34.
        weight_terms: number of terms of a weight, M: 1 to 8.
        input_terms: number of terms of an input value, N: 1 to 8.
        classes: number of classes.
        thumbnail: whether the stem is that for images of CIFAR's size.
        initial_layers: name of the stem: 'imagenet', 'grouped_stem' or 'thumbnail'.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].
    """
    terms = {"weight_terms": weight_terms, "input_terms": input_terms}
    blocks = basic_stages(ABCResidualBlock, layers, **terms, **quantized)
    return Classifier([make_stem(initial_layers, thumbnail), *blocks, *head()], CHANNELS[-1], classes)
