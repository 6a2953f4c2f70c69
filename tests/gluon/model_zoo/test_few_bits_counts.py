"""Counts of the nets of BMXNet and bmx, BNN, XNOR-Net, HORQ, WRPN, ABC-Net and DoReFa-Net.

`PUBLISHED` is what the papers' authors or Larq Zoo publish. All counts, these among them, are derived here a
second time: `Counter` adds up the layers that the papers list, in the way of BMXNet's tables.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator

import mxnet as mx
import pytest

import bmx
from bmx.gluon import model_zoo
from bmx.gluon.parameters import count_parameters

# name: binary params, and with Larq's convention params and MiB, None where nobody publishes them
PUBLISHED: dict[str, tuple[int, int | None, float | None]] = {
    "bnn_mlp": (36_806_656, None, None),
    "bnn_cifar": (14_022_016, None, None),
    "bnn_svhn": (6_397_632, None, None),
    "xnor_alexnet": (58_236_928, 62_396_768, 22.81),
    "dorefanet": (58_236_928, 62_403_912, 22.84),
}
REAL, BIT = (32, 32), (1, 1)


class Counter:
    """Adds up a net's layers; bits are those of (weight, input)."""

    def __init__(self) -> None:
        self.real = self.quantized = 0
        self.bytes = 0.0
        self.real_macs = self.binary_macs = self.dense_macs = 0
        self.norm_channels = 0

    def _layer(self, params: int, positions: int, bits: tuple[int, int], terms: tuple[int, int]) -> None:
        if bits[0] == 32:
            self.real += params
        else:
            self.quantized += params * terms[0]
        self.bytes += params * terms[0] * bits[0] / 8
        if 32 in bits:
            self.real_macs += params * positions
        else:
            self.binary_macs += params * positions * bits[0] * bits[1] * terms[0] * terms[1]

    def conv(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        size: int,
        bits: tuple[int, int] = REAL,
        terms: tuple[int, int] = (1, 1),
    ) -> None:
        """Without bias; ``size`` of the output's edge."""
        self._layer(inputs * outputs * kernel * kernel, size * size, bits, terms)

    def dense(
        self, inputs: int, outputs: int, bits: tuple[int, int] = REAL, terms: tuple[int, int] = (1, 1)
    ) -> None:
        """Without bias; multiplications of dense layers do not count."""
        macs = self.real_macs, self.binary_macs
        self._layer(inputs * outputs, 1, bits, terms)
        self.dense_macs += inputs * outputs
        self.real_macs, self.binary_macs = macs

    def extra(self, params: int) -> None:
        """Biases and learned numbers."""
        self.real += params
        self.bytes += 4 * params

    def norm(self, channels: int) -> None:
        """Two a channel, also without gamma."""
        self.extra(2 * channels)
        self.norm_channels += channels


def stem(count: Counter) -> None:
    """7x7 of stride 2 on 224 pixels, norm."""
    count.conv(3, 64, 7, 112)
    count.norm(64)


def blocks(layers: int, widen: int = 1) -> Iterator[tuple[int, int, int, bool]]:
    """(inputs, outputs, size, whether the shape changes) of each block of two convolutions."""
    inputs = 64
    for stage, number in enumerate({18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}[layers]):
        outputs, size = widen * 64 * 2**stage, 56 >> stage
        for block in range(number):
            yield inputs, outputs, size, inputs != outputs or bool(stage and not block)
            inputs = outputs


def classifier(count: Counter, inputs: int, classes: int = 1000) -> None:
    """Real dense layer with bias."""
    count.dense(inputs, classes)
    count.extra(classes)


def norms_behind(count: Counter, layers: int, bits: Any, widen: int = 1, **terms: Any) -> None:
    """Blocks of (convolution, norm) twice, and the same of kernel 1 where the shape changes."""
    for inputs, outputs, size, changes in blocks(layers, widen):
        units = [(inputs, 3), (outputs, 3), *([(inputs, 1)] if changes else [])]
        for channels, kernel in units:
            count.conv(channels, outputs, kernel, size, bits, **terms)
            count.norm(outputs)
            # ABC-Net: a threshold and a step for each term of an input.
            count.extra(2 * terms["terms"][1] if terms else 0)


def bmxnet_resnet(count: Counter, layers: int, version: int) -> None:
    """A norm on the image; version 1: one behind the stem; version 2: norms in front, one at the end."""
    count.norm(3)
    stem(count)
    if version == 1:
        count.norm(64)
        norms_behind(count, layers, BIT)
    else:
        for inputs, outputs, size, changes in blocks(layers):
            count.norm(inputs)
            count.norm(outputs)
            count.conv(inputs, outputs, 3, size, BIT)
            count.conv(outputs, outputs, 3, size, BIT)
            count.conv(inputs, outputs if changes else 0, 1, size, BIT)
        count.norm(512)
    classifier(count, 512)


def scaled_resnet(count: Counter, bits: tuple[int, int], norms_first: bool) -> None:
    """XNOR-Net's and BWN's ResNet-18: real 1x1 convolutions with norms in the shortcuts."""
    stem(count)
    for inputs, outputs, size, changes in blocks(18):
        for channels in (inputs, outputs):
            count.conv(channels, outputs, 3, size, bits)
            count.norm(channels if norms_first else outputs)
        if changes:
            count.conv(inputs, outputs, 1, size)
            count.norm(outputs)
    if norms_first:
        count.norm(512)
    classifier(count, 512)


def bnn_mlp(count: Counter) -> None:
    """784 pixels of 8 bits, three layers of 4096, 10 classes; a norm behind each."""
    for inputs, outputs in ((784, 4096), (4096, 4096), (4096, 4096), (4096, 10)):
        count.dense(inputs, outputs, BIT)
        count.norm(outputs)


def bnn_convnet(count: Counter, width: int) -> None:
    """Pairs of convolutions of 1, 2 and 4 times the width on 32, 16 and 8 pixels; 1024, 1024, 10."""
    inputs = 3
    for outputs, size in ((width, 32), (2 * width, 16), (4 * width, 8)):
        for _ in range(2):
            count.conv(inputs, outputs, 3, size, (1, 8 if inputs == 3 else 1))
            count.norm(outputs)
            inputs = outputs
    for units, outputs in ((16 * inputs, 1024), (1024, 1024), (1024, 10)):
        count.dense(units, outputs, BIT)
        count.norm(outputs)


def alexnet(count: Counter, bits: tuple[int, int], sizes: tuple[int, ...], widen: int, first: int) -> None:
    """The six quantized layers of AlexNet without groups; sizes are of their outputs' edges."""
    inputs = first
    for (outputs, kernel), size in zip(((256, 5), (384, 3), (384, 3), (256, 3), (4096, 6), (4096, 1)), sizes):
        count.conv(inputs, widen * outputs, kernel, size, bits)
        inputs = widen * outputs


def xnor_alexnet(count: Counter) -> None:
    """Norms on the inputs of layers 2 to 8; no bias."""
    count.conv(3, 96, 11, 55)
    alexnet(count, BIT, (27, 13, 13, 13, 1, 1), 1, 96)
    for channels in (96, 96, 256, 384, 384, 256, 4096, 4096):
        count.norm(channels)
    count.dense(4096, 1000)


def wrpn_alexnet(count: Counter, widen: int = 1) -> None:
    """Norms behind layers 1 to 7; 4 bits."""
    count.conv(3, 96, 11, 55)
    alexnet(count, (4, 4), (27, 13, 13, 13, 1, 1), widen, 96)
    for channels in (96, *(widen * wide for wide in (256, 384, 384, 256, 4096, 4096))):
        count.norm(channels)
    classifier(count, 4096 * widen)


def dorefanet(count: Counter) -> None:
    """Norms behind layers 2 to 7; biases in the first and the last; 6 and 7 are dense: size 0."""
    count.conv(3, 96, 12, 54)
    count.extra(96)
    alexnet(count, (1, 2), (54, 27, 14, 14, 0, 0), 1, 96)
    for channels in (256, 384, 384, 256, 4096, 4096):
        count.norm(channels)
    classifier(count, 4096)


def wrpn_resnet34(count: Counter, widen: int = 1) -> None:
    """4 bits; the stem keeps its 64 channels."""
    stem(count)
    norms_behind(count, 34, (4, 4), widen)
    classifier(count, 512 * widen)


def abc_resnet(count: Counter, layers: int, terms: tuple[int, int]) -> None:
    """M weights and M * N convolutions for each of the real net's."""
    stem(count)
    norms_behind(count, layers, BIT, terms=terms)
    classifier(count, 512)


def lenet(count: Counter) -> None:
    """BMXNet's: the first convolution has a bias."""
    count.conv(1, 64, 5, 24)
    count.extra(64)
    count.conv(64, 64, 5, 8, BIT)
    count.dense(64 * 4 * 4, 1000, BIT)
    for channels in (64, 64, 1000):
        count.norm(channels)
    classifier(count, 1000, 10)


def resnete_small(count: Counter) -> None:
    """Our own: pooled behind the first convolution; real 1x1 convolutions in shortcuts of another shape."""
    count.conv(3, 64, 3, 32)
    count.norm(64)
    inputs = 64
    for stage, (outputs, number) in enumerate(((64, 2), (128, 3), (256, 3))):
        size = 16 >> stage
        if stage:
            count.conv(inputs, outputs, 1, size)
            count.norm(outputs)
        for _ in range(number):
            count.conv(inputs, outputs, 3, size, BIT)
            count.norm(outputs)
            inputs = outputs
    classifier(count, 256, 10)


def horq_lenet(count: Counter) -> None:
    """Order 2: two convolutions with the same weights."""
    count.conv(1, 64, 5, 24)
    count.extra(64)
    count.conv(64, 64, 5, 8, BIT, (1, 2))
    count.dense(64 * 4 * 4, 1000, BIT, (1, 2))
    for channels in (64, 1024, 1000):
        count.norm(channels)
    classifier(count, 1000, 10)


def horq_convnet(count: Counter) -> None:
    """The ConvNet of half the width, norms in front of layers and behind the first; order 2."""
    count.conv(3, 64, 3, 32)
    count.norm(64)
    inputs = 64
    for outputs, size in ((64, 32), (128, 16), (128, 16), (256, 8), (256, 8)):
        count.norm(inputs)
        count.conv(inputs, outputs, 3, size, BIT, (1, 2))
        inputs = outputs
    for units in (4096, 1024):
        count.norm(units)
        count.dense(units, 1024, BIT, (1, 2))
    count.norm(1024)
    classifier(count, 1024, 10)


# name -> what adds up its layers, and arguments that make a test of the default ones affordable
NETS: dict[str, tuple[Callable[[Counter], None], dict[str, Any]]] = {
    "bmxnet_resnet18_v1": (lambda c: bmxnet_resnet(c, 18, 1), {}),
    "bmxnet_resnet18_v2": (lambda c: bmxnet_resnet(c, 18, 2), {}),
    "bmxnet_resnet34_v1": (lambda c: bmxnet_resnet(c, 34, 1), {}),
    "bmxnet_resnet34_v2": (lambda c: bmxnet_resnet(c, 34, 2), {}),
    "bnn_mlp": (bnn_mlp, {}),
    "bnn_cifar": (lambda c: bnn_convnet(c, 128), {}),
    "bnn_svhn": (lambda c: bnn_convnet(c, 64), {}),
    "xnor_alexnet": (xnor_alexnet, {}),
    "xnor_resnet18": (lambda c: scaled_resnet(c, BIT, True), {}),
    "bwn_resnet18": (lambda c: scaled_resnet(c, (1, 32), False), {}),
    "horq_lenet": (horq_lenet, {}),
    "horq_convnet": (horq_convnet, {}),
    "wrpn_resnet34": (wrpn_resnet34, {}),
    "wrpn_alexnet": (wrpn_alexnet, {}),
    "lenet": (lenet, {}),
    "resnete_small": (resnete_small, {}),
    "abc_resnet18": (lambda c: abc_resnet(c, 18, (2, 3)), {"weight_terms": 2, "input_terms": 3}),
    "abc_resnet34": (lambda c: abc_resnet(c, 34, (1, 2)), {"weight_terms": 1, "input_terms": 2}),
    "dorefanet": (dorefanet, {}),
}
# params, binary params, bytes, float MACs, products of bits; each as `Counter` derives it from the layers.
PINNED = {
    "bmxnet_resnet18_v1": (11_689_646, 11_157_504, 3_523_256, 118_013_952, 1_695_547_392),
    "bmxnet_resnet18_v2": (11_687_854, 11_157_504, 3_516_088, 118_013_952, 1_695_547_392),
    "bmxnet_resnet34_v1": (21_797_806, 21_258_240, 4_815_544, 118_013_952, 3_545_235_456),
    "bmxnet_resnet34_v2": (21_796_014, 21_258_240, 4_808_376, 118_013_952, 3_545_235_456),
    "bnn_mlp": (36_831_252, 36_806_656, 4_699_216, 0, 0),
    "bnn_cifar": (14_029_716, 14_022_016, 1_783_552, 0, 632_291_328),
    "bnn_svhn": (6_403_540, 6_397_632, 823_336, 0, 165_150_720),
    "xnor_alexnet": (62_387_104, 58_236_928, 23_880_320, 105_415_200, 1_025_744_896),
    "xnor_resnet18": (11_689_640, 10_985_472, 4_189_856, 137_281_536, 1_676_279_808),
    "bwn_resnet18": (11_689_512, 10_985_472, 4_189_344, 1_813_561_344, 0),
    "horq_lenet": (1_142_250, 1_126_400, 204_200, 921_600, 13_107_200),
    "horq_convnet": (6_411_338, 6_385_664, 900_904, 1_769_472, 301_989_888),
    "wrpn_resnet34": (21_797_672, 21_258_240, 12_786_848, 118_013_952, 56_723_767_296),
    "abc_resnet18": (22_847_130, 22_315_008, 4_917_864, 118_013_952, 10_173_284_352),
    "dorefanet": (62_394_440, 58_236_928, 23_909_664, 120_932_352, 5_740_167_168),
    "wrpn_alexnet": (62_387_912, 58_236_928, 45_722_400, 105_415_200, 16_411_918_336),
    "lenet": (1_140_330, 1_126_400, 196_520, 921_600, 6_553_600),
    "resnete_small": (1_965_642, 1_916_928, 434_472, 2_818_048, 66_060_288),
    "abc_resnet34": (21_797_812, 21_258_240, 4_815_568, 118_013_952, 7_090_470_912),
}


@pytest.mark.parametrize("name", NETS)
def test_counts(name: str) -> None:
    derive, arguments = NETS[name]
    count = Counter()
    derive(count)
    expected = (
        count.real + count.quantized,
        count.quantized,
        count.bytes,
        count.real_macs,
        count.binary_macs,
    )
    assert expected == PINNED[name]
    mx.random.seed(0)
    net = model_zoo.get_model(name, **arguments)
    shape = (1, *model_zoo.input_shape(name))
    net.initialize(mx.init.Uniform())  # every shape is known without a forward pass, but for LeNet's
    if name == "lenet":
        net(mx.nd.zeros(shape))
    found = bmx.summary(net, shape)
    assert expected == (
        found.params,
        found.binary_params,
        found.size_bytes,
        found.float_macs,
        found.binary_macs,
    )
    if name not in PUBLISHED:
        return
    binary, larq_params, larq_mib = PUBLISHED[name]
    assert found.binary_params == binary
    if larq_params is not None:
        # Larq's norms have no gamma but two statistics, so three numbers a channel.
        counts = count_parameters(net)
        assert counts.batch_norm_fixed == counts.batch_norm_channels == count.norm_channels
        larq = counts.real + counts.latent + 2 * counts.batch_norm_channels - counts.batch_norm_fixed
        assert larq == larq_params
        assert (found.size_bytes + 4 * (larq_params - found.params)) / 2**20 == pytest.approx(
            larq_mib, abs=0.01
        )
    if name == "bnn_cifar":
        assert sum(row.macs for row in found.layers) == 616_966_144
        assert (found.layers[0].weights, count.norm_channels) == (3456, 3850)


def test_the_mlp_of_torch() -> None:
    counts = count_parameters(model_zoo.get_model("bnn_mlp", units=2048))
    assert counts.latent == 10_014_720


@pytest.mark.parametrize("widen", [1, 2, 3])
@pytest.mark.parametrize(
    ("name", "derive"), [("wrpn_alexnet", wrpn_alexnet), ("wrpn_resnet34", wrpn_resnet34)]
)
def test_widened_nets(name: str, derive: Callable[..., None], widen: int) -> None:
    count = Counter()
    derive(count, widen)
    counts = count_parameters(model_zoo.get_model(name, widen=widen))
    assert (counts.real, counts.latent) == (count.real, count.quantized)


@pytest.mark.parametrize(("layers", "terms"), [(18, 5), (34, 3)])
def test_abc_net_learns_two_numbers_a_term(layers: int, terms: int) -> None:
    count = Counter()
    abc_resnet(count, layers, (1, terms))
    counts = count_parameters(model_zoo.get_model(f"abc_resnet{layers}", input_terms=terms))
    assert (counts.real, counts.latent) == (count.real, count.quantized)
