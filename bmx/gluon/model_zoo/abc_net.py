"""ABC-Net (Lin et al., Towards Accurate Binary Convolutional Neural Network, arXiv:1711.11294)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.residual import CHANNELS, basic_stages
from bmx.gluon.nn.blocks.abc_net import ABCResidualBlock


@register(names={"abc_resnet18": {"layers": 18}, "abc_resnet34": {"layers": 34}})
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
        layers: 18 or 34.
        weight_terms: M, 1 to 8.
        input_terms: N, 1 to 8.
        classes: number of classes.
        thumbnail: for images of CIFAR's size.
        initial_layers: stem, 'imagenet', 'grouped_stem' or 'thumbnail'.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].
    """
    terms = {"weight_terms": weight_terms, "input_terms": input_terms}
    blocks = basic_stages(ABCResidualBlock, layers, **terms, **quantized)
    return Classifier([make_stem(initial_layers, thumbnail), *blocks, *head()], CHANNELS[-1], classes)
