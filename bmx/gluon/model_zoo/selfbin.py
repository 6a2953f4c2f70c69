"""Self-Binarizing Networks (Lahoud et al., arXiv:1902.00730)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mxnet.gluon import nn

from bmx.gluon.model_zoo.registry import CIFAR, register
from bmx.gluon.model_zoo.support.publication import Case, Counts, Paper, Published
from bmx.gluon.nn import BinaryBatchNorm, Pixels, QConv2D, QDense, TanhSign
from bmx.gluon.nn.blocks.parts import chosen

PAPER = Paper("Self-Binarizing", "1902.00730")
# Added up: a norm after each layer but the last; the first layer multiplies pixels of 8 bits.
_VGG16 = Published(
    cases=[
        Case(
            Counts(
                params=15_250_368,
                binary_params=15_239_872,
                bytes=1_946_968,
                float_macs=0,
                binary_macs=325_582_848,
            )
        )
    ]
)
_ALEXNET = Published(
    cases=[
        Case(
            Counts(
                params=62_386_912,
                binary_params=62_367_776,
                float_macs=0,
                binary_macs=1_814_540_544,
            ),
            slow=True,
        )
    ]
)

_VGG = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels and number of a stage's convolutions


@register(input_shape=CIFAR, paper=PAPER, published={"selfbin_vgg16": _VGG16})
def selfbin_vgg16(classes: int = 10, threshold_bits: int | None = 8, **quantized: Any) -> nn.HybridSequential:
    """Self-binarizing VGG-16 for CIFAR-10 (Lahoud et al., arXiv:1902.00730).

        conv 3x3, norm        two or three times; 64, 128, 256, 512 and 512 channels
            max pool 2        after each stage
        dense 512, norm       twice
        dense                 [batch, classes]

    Weights and activations are tanh(nu x) while training and signs afterwards; the norms are
    `BinaryBatchNorm` s. A schedule raises nu of all layers together, from 1 to about 1000:
    ``bmx.gluon.schedule.Schedule(net, nu=Exponential(1, 1000, epochs))``. The exported net has no float
    operation, from 8-bit pixels to integer scores.

    The paper's net is VGG-16, but there is no public code. Widths and order of the convolutions are those of
    Simonyan and Zisserman, arXiv:1409.1556. We derived the rest: dense layers of 512 units, binary first and
    last layers, zeros as padding, and weights that are divided by their standard deviation before the tanh.

    Args:
        classes: number of classes.
        threshold_bits: bits of the norms' thresholds. The paper has 8, which hold those of large layers only
            roughly (`BinaryBatchNorm.flips` counts); None for as many as each layer needs. The first layer
            has as many in any case, because it adds pixels.
        **quantized: further arguments of the binary layers.

    Returns:
        The net. Input: images between 0 and 1, float32 [batch, 3, 32, 32]. Output: integer scores
        [batch, classes].
    """
    layers = _Layers(threshold_bits, quantized)
    net, inputs = nn.HybridSequential(prefix="selfbin_vgg16_"), 3
    with net.name_scope():
        for channels, count in _VGG:
            for _ in range(count):
                net.add(*layers.conv(channels, 3, inputs, pixels=inputs == 3))
                inputs = channels
            net.add(nn.MaxPool2D(2))
        net.add(nn.Flatten())
        for units in (512, 512):
            net.add(*layers.dense(units, inputs))
            inputs = units
        net.add(layers.scores(classes, inputs))
    return net


@register(paper=PAPER, published={"selfbin_alexnet": _ALEXNET})
def selfbin_alexnet(
    classes: int = 1000, threshold_bits: int | None = 8, **quantized: Any
) -> nn.HybridSequential:
    """Self-binarizing AlexNet for ImageNet (Lahoud et al., arXiv:1902.00730).

        conv 11x11 stride 4, 96, norm, max pool 3 stride 2
        conv 5x5, 256, norm, max pool 3 stride 2
        conv 3x3, norm        384, 384 and 256 channels
        max pool 3 stride 2
        dense 4096, norm      twice
        dense                 [batch, classes]

    Widths are those of Krizhevsky et al. (2012), without groups; the rest as in `selfbin_vgg16`.

    Args:
        classes: number of classes.
        threshold_bits: see `selfbin_vgg16`.
        **quantized: further arguments of the binary layers.

    Returns:
        The net. Input: images between 0 and 1, float32 [batch, 3, 224, 224]. Output: integer scores
        [batch, classes].
    """
    layers = _Layers(threshold_bits, quantized)
    net = nn.HybridSequential(prefix="selfbin_alexnet_")
    with net.name_scope():
        net.add(*layers.conv(96, 11, 3, strides=4, padding=2, pixels=True), nn.MaxPool2D(3, 2))
        net.add(*layers.conv(256, 5, 96, padding=2), nn.MaxPool2D(3, 2))
        for channels, inputs in ((384, 256), (384, 384), (256, 384)):
            net.add(*layers.conv(channels, 3, inputs))
        net.add(nn.MaxPool2D(3, 2), nn.Flatten())
        net.add(*layers.dense(4096, 256 * 6 * 6), *layers.dense(4096, 4096), layers.scores(classes, 4096))
    return net


@dataclass(frozen=True)
class _Layers:
    """Makes binary layers and the norms after them.

    Attributes:
        threshold_bits: bits of the norms' thresholds; None for as many as each needs.
        quantized: further arguments of the binary layers.
    """

    threshold_bits: int | None
    quantized: dict[str, Any]

    def conv(
        self,
        channels: int,
        kernel_size: int,
        inputs: int,
        strides: int = 1,
        padding: int = 1,
        pixels: bool = False,
    ) -> tuple[QConv2D, BinaryBatchNorm]:
        """Convolution and norm; of pixels, or else of signs."""
        arguments = self._arguments(Pixels(integers=True) if pixels else None)
        convolution = QConv2D(channels, kernel_size, strides, padding, in_channels=inputs, **arguments)
        summands = inputs * kernel_size**2
        bits = _exact_bits(255 * summands) if pixels else self._bits(summands)
        return convolution, BinaryBatchNorm(bits, in_channels=channels)

    def dense(self, units: int, inputs: int) -> tuple[QDense, BinaryBatchNorm]:
        """Dense layer and norm."""
        return self.scores(units, inputs), BinaryBatchNorm(self._bits(inputs), ndim=2, in_channels=units)

    def scores(self, units: int, inputs: int) -> QDense:
        """Dense layer."""
        return QDense(units, in_units=inputs, **self._arguments(None))

    def _arguments(self, input_quantizer: Any) -> dict[str, Any]:
        paper = {"input_quantizer": input_quantizer, "weight_quantizer": TanhSign(rescale="std")}
        return {"use_bias": False, **chosen(paper, self.quantized)}

    def _bits(self, summands: int) -> int:
        return _exact_bits(summands) if self.threshold_bits is None else self.threshold_bits


def _exact_bits(largest: int) -> int:
    """Bits of a threshold of sums between -largest and largest, one beyond them on either side included."""
    return (largest + 1).bit_length() + 1
