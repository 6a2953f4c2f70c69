"""Registered counts, derived a second time: the papers' layers, added up as BMXNet's tables do."""

from __future__ import annotations

import functools
from typing import Any, Callable, Iterator

import pytest

from bmx.gluon.model_zoo import registry

CHANNELS = (64, 128, 256, 512)
REAL, BIT = (32, 32), (1, 1)  # bits of a weight and of an input value


class Counter:
    """Adds up a net's layers. Multiplications of dense layers do not count."""

    def __init__(self) -> None:
        self.real = self.quantized = self.real_macs = self.binary_macs = self.norm_channels = 0
        self.bytes = 0.0

    def _weights(self, weights: int, bits: tuple[int, int], terms: tuple[int, int]) -> None:
        if bits[0] == 32:
            self.real += weights
        else:
            self.quantized += weights * terms[0]
        self.bytes += weights * terms[0] * bits[0] / 8

    def conv(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        size: int,
        bits: tuple[int, int] = REAL,
        groups: int = 1,
        terms: tuple[int, int] = (1, 1),
        times: int = 1,
    ) -> None:
        """Without bias; ``size`` is the edge of the output, ``times`` how often the same weights multiply."""
        weights = inputs * outputs * kernel * kernel // groups
        self._weights(weights, bits, terms)
        if 32 in bits:
            self.real_macs += times * weights * size * size
        else:
            products = bits[0] * bits[1] * terms[0] * terms[1]
            self.binary_macs += times * weights * size * size * products

    def dense(
        self, inputs: int, outputs: int, bits: tuple[int, int] = REAL, terms: tuple[int, int] = (1, 1)
    ) -> None:
        """Without bias."""
        self._weights(inputs * outputs, bits, terms)

    def extra(self, numbers: int) -> None:
        """Biases and learned numbers."""
        self.real += numbers
        self.bytes += 4 * numbers

    def norm(self, channels: int) -> None:
        """Two numbers a channel, also without gamma."""
        self.extra(2 * channels)
        self.norm_channels += channels

    def stem(self, grouped: bool = False) -> None:
        """7x7 of stride 2 on 224 pixels, or three layers of 3x3; norms."""
        layers = [(3, 32, 3, 1), (32, 32, 3, 4), (32, 64, 3, 8)] if grouped else [(3, 64, 7, 1)]
        for inputs, outputs, kernel, groups in layers:
            self.conv(inputs, outputs, kernel, 112, groups=groups)
            self.norm(outputs)

    def classifier(self, inputs: int, classes: int = 1000) -> None:
        """Real dense layer with bias."""
        self.dense(inputs, classes)
        self.extra(classes)

    @property
    def figures(self) -> dict[str, float]:
        return {
            "params": self.real + self.quantized,
            "binary_params": self.quantized,
            "bytes": self.bytes,
            "mib": self.bytes / 2**20,
            "float_macs": self.real_macs,
            "binary_macs": self.binary_macs,
            "ops": self.real_macs + self.binary_macs / 64,
            "norm_channels": self.norm_channels,
        }


def blocks(layers: int, widen: int = 1) -> Iterator[tuple[int, int, int, bool]]:
    """(inputs, outputs, size, whether the shape changes) of each block of two convolutions."""
    inputs = 64
    for stage, number in enumerate({18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}[layers]):
        outputs, size = widen * 64 * 2**stage, 56 >> stage
        for block in range(number):
            yield inputs, outputs, size, inputs != outputs or bool(stage and not block)
            inputs = outputs


def dense_net(
    c: Counter,
    counts: tuple[int, ...],
    transitions: tuple[int, ...],
    improve: str = "",
    groups: int = 1,
    dilated: bool = False,
) -> None:
    """BinaryDenseNet: a norm and a convolution append 64 channels. A second convolution improves the last 64
    of them in MeliusNet (`improve` "last"), all in NaiveNet ("all")."""
    channels, size = 64, 56
    c.stem(grouped=bool(improve))
    for stage, layers in enumerate(counts):
        for _ in range(layers):
            c.norm(channels)
            c.conv(channels, 64, 3, size, BIT)
            channels += 64
            if improve:
                c.norm(channels)
                c.conv(channels, 64 if improve == "last" else channels, 3, size, BIT)
        c.norm(channels)
        if stage < len(transitions):
            size //= 1 if dilated and stage else 2
            c.conv(channels, transitions[stage], 1, size, groups=groups)
            channels = transitions[stage]
    c.classifier(channels)


def shortcut_net(c: Counter, convolutions: tuple[int, ...], image_norm: bool) -> None:
    """Bi-Real Net; ResNetE has a norm on the image and one after the stem more."""
    inputs, size = 64, 56
    c.stem()
    if image_norm:
        c.norm(3)
        c.norm(64)
    for stage, number in enumerate(convolutions):
        channels = 64 << stage
        size //= 2 if stage else 1
        if stage:
            c.conv(inputs, channels, 1, size)
            c.norm(channels)
        for _ in range(number):
            c.conv(inputs, channels, 3, size, BIT)
            c.norm(channels)
            inputs = channels
    c.classifier(inputs)


def groupnet(c: Counter, counts: tuple[int, ...], bases: int, bottleneck: bool) -> None:
    """K branches a block; one binary shortcut for all of them, which each multiplies; real stem with bias."""
    c.stem()
    c.extra(64)
    wider = 4 if bottleneck else 1
    inputs, size = 64, 56
    for stage, (width, count) in enumerate(zip(CHANNELS, counts)):
        for number in range(count):
            before, outputs = size, width * wider
            size = size // 2 if stage and not number else size
            for _ in range(bases):
                if bottleneck:
                    c.conv(inputs, width, 1, before, BIT)
                    c.conv(width, width, 3, size, BIT)
                    c.conv(width, outputs, 1, size, BIT)
                    c.norm(width + width + outputs)
                else:
                    c.conv(inputs, width, 3, size, BIT)
                    c.conv(width, width, 3, size, BIT)
                    c.norm(width + width)
            if inputs != outputs:
                # Branches of a block without a gate read the same value: there it is multiplied once.
                c.conv(inputs, outputs, 1, size, BIT, times=bases if stage else 1)
                c.norm(outputs)
            c.extra(bases + (1 if stage else 0))  # mixture, and the gate
            inputs = outputs
    c.classifier(inputs)


def deep_birealnet(c: Counter, counts: tuple[int, ...]) -> None:
    """Three binary convolutions a block, the very first 1x1 real; real shortcuts where the shape changes."""
    c.stem()
    inputs, size = 64, 56
    for stage, (width, count) in enumerate(zip(CHANNELS, counts)):
        for number in range(count):
            first, before = not number, size
            size = size // 2 if stage and first else size
            c.conv(inputs, width, 1, before, BIT if stage or number else REAL)
            c.conv(width, width, 3, size, BIT)
            c.conv(width, 4 * width, 1, size, BIT)
            for channels in (width, width, 4 * width):
                c.norm(channels)
            if first:
                c.conv(inputs, 4 * width, 1, size)
                c.norm(4 * width)
            if first and stage:
                c.conv(inputs // 4, width, 1, before)
            inputs = 4 * width
    c.classifier(2048)


def selfbin_vgg16(c: Counter) -> None:
    inputs, size = 3, 32
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            c.conv(inputs, width, 3, size, (1, 8 if inputs == 3 else 1))
            c.norm(width)
            inputs = width
        size //= 2
    for units in (512, 512):
        c.dense(512, units, BIT)
        c.norm(units)
    c.dense(512, 10, BIT)


def selfbin_alexnet(c: Counter) -> None:
    c.conv(3, 96, 11, 55, (1, 8))
    c.conv(96, 256, 5, 27, BIT)
    c.conv(256, 384, 3, 13, BIT)
    c.conv(384, 384, 3, 13, BIT)
    c.conv(384, 256, 3, 13, BIT)
    for inputs, outputs in ((256 * 6 * 6, 4096), (4096, 4096), (4096, 1000)):
        c.dense(inputs, outputs, BIT)
    for channels in (96, 256, 384, 384, 256, 4096, 4096):
        c.norm(channels)


def mobilenet(c: Counter, multiplier: float) -> None:
    inputs, size = int(32 * multiplier), 112
    c.conv(3, inputs, 3, size)
    c.norm(inputs)
    for width in (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024):
        outputs = int(width * multiplier)
        if outputs == 2 * inputs and width != 64:
            size //= 2
        c.conv(inputs, inputs, 3, size, groups=inputs)
        c.norm(inputs)
        c.conv(inputs, outputs, 1, size)
        c.norm(outputs)
        inputs = outputs
    c.classifier(inputs)


def boolnet(c: Counter, slices: int = 4) -> None:
    """A group a slice in the 3x3 convolutions; shortcuts have all slices, a bias, and a pool after them."""
    c.stem()
    for _ in range(3):
        c.norm(64)
    c.conv(64, 64, 3, 56, groups=64)
    inputs, size = 64, 56
    for stage, width in enumerate(CHANNELS):
        for number in range(2):
            read = width if number else inputs
            if stage and not number:
                c.conv(slices * read, width, 1, size, BIT)
                c.extra(width)
                c.norm(width)
                size //= 2
            c.conv(slices * read, width, 3, size, BIT, groups=slices)
            c.conv(slices * width, width, 3, size, BIT, groups=slices)
            c.norm(width)
            c.norm(width)
            inputs = 2 * width
    c.norm(512)  # of the last block's slices
    c.extra(512)  # PReLU
    c.classifier(512)


def norms_last(c: Counter, layers: int, bits: Any, widen: int = 1, **terms: Any) -> None:
    """Blocks of (convolution, norm) twice, and the same of kernel 1 where the shape changes."""
    for inputs, outputs, size, changes in blocks(layers, widen):
        units = [(inputs, 3), (outputs, 3), *([(inputs, 1)] if changes else [])]
        for channels, kernel in units:
            c.conv(channels, outputs, kernel, size, bits, **terms)
            c.norm(outputs)
            # ABC-Net: a threshold and a scale for each term of an input.
            c.extra(2 * terms["terms"][1] if terms else 0)


def bmxnet_resnet(c: Counter, layers: int, version: int) -> None:
    """A norm on the image; version 1: one after the stem; version 2: norms in front, one at the end."""
    c.norm(3)
    c.stem()
    if version == 1:
        c.norm(64)
        norms_last(c, layers, BIT)
    else:
        for inputs, outputs, size, changes in blocks(layers):
            c.norm(inputs)
            c.norm(outputs)
            c.conv(inputs, outputs, 3, size, BIT)
            c.conv(outputs, outputs, 3, size, BIT)
            c.conv(inputs, outputs if changes else 0, 1, size, BIT)
        c.norm(512)
    c.classifier(512)


def scaled_resnet(c: Counter, bits: tuple[int, int], norms_first: bool) -> None:
    """XNOR-Net's and BWN's ResNet-18: real 1x1 convolutions with norms in the shortcuts."""
    c.stem()
    for inputs, outputs, size, changes in blocks(18):
        for channels in (inputs, outputs):
            c.conv(channels, outputs, 3, size, bits)
            c.norm(channels if norms_first else outputs)
        if changes:
            c.conv(inputs, outputs, 1, size)
            c.norm(outputs)
    if norms_first:
        c.norm(512)
    c.classifier(512)


def bnn_mlp(c: Counter, units: int = 4096) -> None:
    """784 pixels of 8 bits, three layers, 10 classes; a norm after each."""
    for inputs, outputs in ((784, units), (units, units), (units, units), (units, 10)):
        c.dense(inputs, outputs, BIT)
        c.norm(outputs)


def bnn_convnet(c: Counter, width: int) -> None:
    """Pairs of convolutions of 1, 2 and 4 times the width on 32, 16 and 8 pixels; 1024, 1024, 10."""
    inputs = 3
    for outputs, size in ((width, 32), (2 * width, 16), (4 * width, 8)):
        for _ in range(2):
            c.conv(inputs, outputs, 3, size, (1, 8 if inputs == 3 else 1))
            c.norm(outputs)
            inputs = outputs
    for units, outputs in ((16 * inputs, 1024), (1024, 1024), (1024, 10)):
        c.dense(units, outputs, BIT)
        c.norm(outputs)


def alexnet(c: Counter, bits: tuple[int, int], sizes: tuple[int, ...], widen: int, first: int) -> None:
    """The six quantized layers of AlexNet without groups; sizes are edges of their outputs."""
    inputs = first
    for (outputs, kernel), size in zip(((256, 5), (384, 3), (384, 3), (256, 3), (4096, 6), (4096, 1)), sizes):
        c.conv(inputs, widen * outputs, kernel, size, bits)
        inputs = widen * outputs


def xnor_alexnet(c: Counter) -> None:
    """Norms on the inputs of layers 2 to 8; no bias."""
    c.conv(3, 96, 11, 55)
    alexnet(c, BIT, (27, 13, 13, 13, 1, 1), 1, 96)
    for channels in (96, 96, 256, 384, 384, 256, 4096, 4096):
        c.norm(channels)
    c.dense(4096, 1000)


def wrpn_alexnet(c: Counter, widen: int = 1) -> None:
    """Norms after layers 1 to 7; 4 bits."""
    c.conv(3, 96, 11, 55)
    alexnet(c, (4, 4), (27, 13, 13, 13, 1, 1), widen, 96)
    for channels in (96, *(widen * wide for wide in (256, 384, 384, 256, 4096, 4096))):
        c.norm(channels)
    c.classifier(4096 * widen)


def dorefanet(c: Counter) -> None:
    """Norms after layers 2 to 7; biases in the first and the last; 6 and 7 are dense: size 0."""
    c.conv(3, 96, 12, 54)
    c.extra(96)
    alexnet(c, (1, 2), (54, 27, 14, 14, 0, 0), 1, 96)
    for channels in (256, 384, 384, 256, 4096, 4096):
        c.norm(channels)
    c.classifier(4096)


def wrpn_resnet34(c: Counter, widen: int = 1) -> None:
    """4 bits; the stem keeps its 64 channels."""
    c.stem()
    norms_last(c, 34, (4, 4), widen)
    c.classifier(512 * widen)


def abc_resnet(c: Counter, layers: int, terms: tuple[int, int]) -> None:
    """M weights and M * N convolutions for each of the real net's."""
    c.stem()
    norms_last(c, layers, BIT, terms=terms)
    c.classifier(512)


def lenet(c: Counter) -> None:
    """BMXNet's: the first convolution has a bias."""
    c.conv(1, 64, 5, 24)
    c.extra(64)
    c.conv(64, 64, 5, 8, BIT)
    c.dense(64 * 4 * 4, 1000, BIT)
    for channels in (64, 64, 1000):
        c.norm(channels)
    c.classifier(1000, 10)


def resnete_small(c: Counter) -> None:
    """Our own: pooled after the first convolution; real 1x1 convolutions in shortcuts of another shape."""
    c.conv(3, 64, 3, 32)
    c.norm(64)
    inputs = 64
    for stage, (outputs, number) in enumerate(((64, 2), (128, 3), (256, 3))):
        size = 16 >> stage
        if stage:
            c.conv(inputs, outputs, 1, size)
            c.norm(outputs)
        for _ in range(number):
            c.conv(inputs, outputs, 3, size, BIT)
            c.norm(outputs)
            inputs = outputs
    c.classifier(256, 10)


def horq_lenet(c: Counter) -> None:
    """Order 2: two convolutions with the same weights."""
    c.conv(1, 64, 5, 24)
    c.extra(64)
    c.conv(64, 64, 5, 8, BIT, terms=(1, 2))
    c.dense(64 * 4 * 4, 1000, BIT, (1, 2))
    for channels in (64, 1024, 1000):
        c.norm(channels)
    c.classifier(1000, 10)


def horq_convnet(c: Counter) -> None:
    """The ConvNet of half the width, norms in front of layers and after the first; order 2."""
    c.conv(3, 64, 3, 32)
    c.norm(64)
    inputs = 64
    for outputs, size in ((64, 32), (128, 16), (128, 16), (256, 8), (256, 8)):
        c.norm(inputs)
        c.conv(inputs, outputs, 3, size, BIT, terms=(1, 2))
        inputs = outputs
    for units in (4096, 1024):
        c.norm(units)
        c.dense(units, 1024, BIT, (1, 2))
    c.norm(1024)
    c.classifier(1024, 10)


def of(derive: Callable[..., None], *args: Any, **kwargs: Any) -> Callable[[Counter], None]:
    return lambda counter: derive(counter, *args, **kwargs)


LAST = functools.partial(of, dense_net, improve="last")
# (name, arguments) -> what adds up the layers of that net
DERIVATIONS: list[tuple[str, dict[str, Any], Callable[[Counter], None]]] = [
    ("binarydensenet28", {}, of(dense_net, (6, 6, 6, 5), (160, 192, 256))),
    ("binarydensenet37_dilated", {}, of(dense_net, (6, 8, 12, 6), (128, 192, 256), dilated=True)),
    ("binarydensenet45", {}, of(dense_net, (6, 12, 14, 8), (160, 288, 288))),
    ("binarydensenet_flex", {}, of(dense_net, (6, 6, 6, 5), (224, 320, 352))),
    ("meliusnet59", {}, LAST((6, 12, 24, 12), (192, 320, 544))),
    ("meliusnet_flex", {}, LAST((4, 5, 4, 4), (160, 256, 256))),
    ("meliusnet42", {}, LAST((5, 8, 14, 10), (160, 256, 416))),
    ("meliusnetb", {}, LAST((4, 6, 8, 6), (160, 224, 320), groups=2)),
    ("naivenet17", {}, of(dense_net, (3, 3, 3, 3), (128, 160, 192), "all")),
    ("birealnet18", {}, of(shortcut_net, (4, 4, 4, 4), False)),
    ("birealnet34", {}, of(shortcut_net, (6, 8, 12, 6), False)),
    ("resnete34", {}, of(shortcut_net, (6, 8, 12, 6), True)),
    ("groupnet18", {}, of(groupnet, (2, 2, 2, 2), 5, False)),
    ("groupnet34", {}, of(groupnet, (3, 4, 6, 3), 5, False)),
    ("groupnet50", {}, of(groupnet, (3, 4, 6, 3), 5, True)),
    ("groupnet50", {"bases": 1}, of(groupnet, (3, 4, 6, 3), 1, True)),
    ("birealnet50", {}, of(deep_birealnet, (3, 4, 6, 3))),
    ("birealnet152", {}, of(deep_birealnet, (3, 8, 36, 3))),
    ("selfbin_vgg16", {}, selfbin_vgg16),
    ("selfbin_alexnet", {}, selfbin_alexnet),
    ("mobilenet0.25", {}, of(mobilenet, 0.25)),
    ("mobilenet0.5", {}, of(mobilenet, 0.5)),
    ("mobilenet0.75", {}, of(mobilenet, 0.75)),
    ("mobilenet1.0", {}, of(mobilenet, 1.0)),
    ("boolnet", {}, boolnet),
    ("bmxnet_resnet18_v1", {}, of(bmxnet_resnet, 18, 1)),
    ("bmxnet_resnet18_v2", {}, of(bmxnet_resnet, 18, 2)),
    ("bmxnet_resnet34_v1", {}, of(bmxnet_resnet, 34, 1)),
    ("bmxnet_resnet34_v2", {}, of(bmxnet_resnet, 34, 2)),
    ("bnn_mlp", {}, bnn_mlp),
    ("bnn_mlp", {"units": 2048}, of(bnn_mlp, 2048)),
    ("bnn_cifar", {}, of(bnn_convnet, 128)),
    ("bnn_svhn", {}, of(bnn_convnet, 64)),
    ("xnor_alexnet", {}, xnor_alexnet),
    ("xnor_resnet18", {}, of(scaled_resnet, BIT, True)),
    ("bwn_resnet18", {}, of(scaled_resnet, (1, 32), False)),
    ("horq_lenet", {}, horq_lenet),
    ("horq_convnet", {}, horq_convnet),
    ("wrpn_resnet34", {}, wrpn_resnet34),
    ("wrpn_resnet34", {"widen": 2}, of(wrpn_resnet34, 2)),
    ("wrpn_resnet34", {"widen": 3}, of(wrpn_resnet34, 3)),
    ("wrpn_alexnet", {}, wrpn_alexnet),
    ("wrpn_alexnet", {"widen": 2}, of(wrpn_alexnet, 2)),
    ("wrpn_alexnet", {"widen": 3}, of(wrpn_alexnet, 3)),
    ("lenet", {}, lenet),
    ("resnete_small", {}, resnete_small),
    ("abc_resnet18", {"weight_terms": 2, "input_terms": 3}, of(abc_resnet, 18, (2, 3))),
    ("abc_resnet34", {"weight_terms": 1, "input_terms": 2}, of(abc_resnet, 34, (1, 2))),
    # The net that trains holds the weights of several terms once.
    ("abc_resnet18", {}, of(abc_resnet, 18, (1, 5))),
    ("abc_resnet34", {"input_terms": 3}, of(abc_resnet, 34, (1, 3))),
    ("dorefanet", {}, dorefanet),
]


@pytest.mark.parametrize(
    ("name", "arguments", "derive"), DERIVATIONS, ids=[f"{n}-{a}" for n, a, _ in DERIVATIONS]
)
def test_registered_counts_are_what_the_layers_add_up_to(
    name: str, arguments: dict[str, Any], derive: Callable[[Counter], None]
) -> None:
    counter = Counter()
    derive(counter)
    cases = [
        case
        for case in registry.find(name).published.cases
        if dict(case.arguments) == arguments and case.convention == "hpi"
    ]
    assert cases
    for case in cases:
        assert case.counts.differences(counter.figures, case.within) == []
