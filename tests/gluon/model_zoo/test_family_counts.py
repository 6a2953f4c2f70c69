"""Counts of Group-Net, deep Bi-Real Net, self-binarizing nets, MobileNet and BoolNet.

What is published is compared with it. The other figures are computed from the papers' layers by a counter of
its own, written out here layer by layer, and compared with what the nets hold.
"""

from __future__ import annotations

import pytest

import bmx
from bmx.gluon import model_zoo
from bmx.gluon.parameters import count_parameters

CHANNELS = (64, 128, 256, 512)


class Counter:
    """Weights and multiply-accumulates of convolutions, as the tables of BMXNet's authors count them."""

    def __init__(self) -> None:
        self.real = self.binary = self.real_macs = self.binary_macs = 0

    def conv(self, inputs, outputs, kernel, size, groups=1, binary=False, input_bits=1, times=1):
        """``times``: how often the same weights are multiplied."""
        weights = inputs * outputs * kernel * kernel // groups
        if binary:
            self.binary += weights
            self.binary_macs += times * weights * size * size * input_bits
        else:
            self.real += weights
            self.real_macs += times * weights * size * size

    def norm(self, channels):
        self.real += 2 * channels

    def dense(self, inputs, outputs, binary=False):
        if binary:
            self.binary += inputs * outputs
        else:
            self.real += (inputs + 1) * outputs

    def stem(self):
        """7x7 convolution and norm."""
        self.conv(3, 64, 7, 112)
        self.norm(64)

    @property
    def figures(self):
        return (self.real + self.binary, self.binary, self.real_macs, self.binary_macs)


def groupnet(counts, bases, bottleneck):
    """K branches a block; one binary shortcut for all of them, which each multiplies; real stem with bias."""
    c = Counter()
    c.stem()
    c.real += 64
    wider = 4 if bottleneck else 1
    inputs, size = 64, 56
    for stage, (width, count) in enumerate(zip(CHANNELS, counts)):
        for number in range(count):
            before, outputs = size, width * wider
            size = size // 2 if stage and not number else size
            for _ in range(bases):
                if bottleneck:
                    c.conv(inputs, width, 1, before, binary=True)
                    c.conv(width, width, 3, size, binary=True)
                    c.conv(width, outputs, 1, size, binary=True)
                    c.real += 2 * (width + width + outputs)
                else:
                    c.conv(inputs, width, 3, size, binary=True)
                    c.conv(width, width, 3, size, binary=True)
                    c.real += 2 * (width + width)
            if inputs != outputs:
                # Branches of a block without a gate read the same value: there it is multiplied once.
                c.conv(inputs, outputs, 1, size, binary=True, times=bases if stage else 1)
                c.norm(outputs)
            c.real += bases + (1 if stage else 0)  # mixture, and the gate
            inputs = outputs
    c.dense(inputs, 1000)
    return c.figures


def deep_birealnet(counts):
    """Three binary convolutions a block, the very first 1x1 real; real shortcuts where the shape changes."""
    c = Counter()
    c.stem()
    inputs, size = 64, 56
    for stage, (width, count) in enumerate(zip(CHANNELS, counts)):
        for number in range(count):
            first, before = not number, size
            size = size // 2 if stage and first else size
            c.conv(inputs, width, 1, before, binary=bool(stage or number))
            c.conv(width, width, 3, size, binary=True)
            c.conv(width, 4 * width, 1, size, binary=True)
            for channels in (width, width, 4 * width):
                c.norm(channels)
            if first:
                c.conv(inputs, 4 * width, 1, size)
                c.norm(4 * width)
            if first and stage:
                c.conv(inputs // 4, width, 1, before)
            inputs = 4 * width
    c.dense(2048, 1000)
    return c.figures


def vgg16():
    c = Counter()
    inputs, size = 3, 32
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            c.conv(inputs, width, 3, size, binary=True, input_bits=8 if inputs == 3 else 1)
            c.norm(width)
            inputs = width
        size //= 2
    for units in (512, 512):
        c.dense(512, units, binary=True)
        c.norm(units)
    c.dense(512, 10, binary=True)
    return c.figures


def alexnet():
    c = Counter()
    c.conv(3, 96, 11, 55, binary=True, input_bits=8)
    c.conv(96, 256, 5, 27, binary=True)
    c.conv(256, 384, 3, 13, binary=True)
    c.conv(384, 384, 3, 13, binary=True)
    c.conv(384, 256, 3, 13, binary=True)
    for inputs, outputs in ((256 * 6 * 6, 4096), (4096, 4096), (4096, 1000)):
        c.dense(inputs, outputs, binary=True)
    for channels in (96, 256, 384, 384, 256, 4096, 4096):
        c.norm(channels)
    return c.figures


def mobilenet(multiplier):
    c = Counter()
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
    c.dense(inputs, 1000)
    return c.figures


def boolnet(slices=4):
    """A group a slice in the 3x3 convolutions; shortcuts have all slices, a bias, and a pool behind them."""
    c = Counter()
    c.stem()
    for _ in range(3):
        c.norm(64)
    c.conv(64, 64, 3, 56, groups=64)
    inputs, size = 64, 56
    for stage, width in enumerate(CHANNELS):
        for number in range(2):
            read = width if number else inputs
            if stage and not number:
                c.conv(slices * read, width, 1, size, binary=True)
                c.real += width
                c.norm(width)
                size //= 2
            c.conv(slices * read, width, 3, size, groups=slices, binary=True)
            c.conv(slices * width, width, 3, size, groups=slices, binary=True)
            c.norm(width)
            c.norm(width)
            inputs = 2 * width
    c.norm(512)  # of the last block's slices
    c.real += 512  # PReLU
    c.dense(512, 1000)
    return c.figures


# name: params, binary params, MiB, float MACs (M), binary MACs (G), ops (M). Group-Net's is the authors' code
# with 5 bases; MobileNet's MACs are the paper's 1.49e8, 3.25e8 and (with the dense layer) 5.69e8.
PUBLISHED = {
    "groupnet18": (55_099_392 + 562_838, 55_099_392, 8.72, 118.01, 8.478, 250),
    "mobilenet0.5": (1_331_592, 0, 5.08, 148.99, 0, 148.99),
    "mobilenet0.75": (2_585_560, 0, 9.86, 324.63, 0, 324.63),
    "mobilenet1.0": (4_231_976, 0, 16.14, 567.72, 0, 567.72),
}
# params, binary params, float MACs, binary MACs: what the counter gives. The paper of BoolNet has 1.64e8 ops
# for 119.82 M + 2466.25 M / 64 = 158.4 M here; all its rows are 5 to 6 M above what the convolutions of the
# authors' code add up to, so they seem to count layers that are none.
COMPUTED = {
    "groupnet18": (groupnet((2, 2, 2, 2), 5, False), (55_662_230, 55_099_392, 118_013_952, 8_477_736_960)),
    "groupnet34": (groupnet((3, 4, 6, 3), 5, False), (106_203_077, 105_603_072, 118_013_952, 17_726_177_280)),
    "groupnet50": (groupnet((3, 4, 6, 3), 5, True), (108_444_869, 106_151_936, 118_013_952, 19_640_090_624)),
    "birealnet50": (deep_birealnet((3, 4, 6, 3)), (25_729_064, 20_672_512, 567_590_912, 3_596_615_680)),
    "birealnet152": (deep_birealnet((3, 8, 36, 3)), (60_364_840, 55_209_984, 567_590_912, 11_021_058_048)),
    "selfbin_vgg16": (vgg16(), (15_250_368, 15_239_872, 0, 325_582_848)),
    "selfbin_alexnet": (alexnet(), (62_386_912, 62_367_776, 0, 1_814_540_544)),
    "mobilenet0.25": (mobilenet(0.25), (470_072, 0, 40_774_272, 0)),
    "boolnet": (boolnet(), (14_445_416, 13_910_016, 119_820_288, 2_466_250_752)),
}


def summary_of(net, shape):
    net.initialize()
    return bmx.summary(net, shape)


def figures(found):
    return (found.params, found.binary_params, found.float_macs, found.binary_macs)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_counts(name):
    params, binary, mib, float_macs, binary_macs, ops = PUBLISHED[name]
    found = summary_of(model_zoo.get_model(name), (1, *model_zoo.input_shape(name)))
    assert (found.params, found.binary_params) == (params, binary)
    assert found.size_bytes / 2**20 == pytest.approx(mib, abs=0.01)
    assert found.float_macs / 1e6 == pytest.approx(float_macs, abs=0.01)
    assert found.binary_macs / 1e9 == pytest.approx(binary_macs, abs=0.001)
    assert found.ops / 1e6 == pytest.approx(ops, rel=0.003)


@pytest.mark.parametrize("name", COMPUTED)
def test_parameters_are_what_the_layers_add_up_to(name):
    counted, pinned = COMPUTED[name]
    assert counted == pinned
    found = count_parameters(model_zoo.get_model(name))
    assert (found.real + found.latent, found.latent) == counted[:2]


@pytest.mark.parametrize("name", ["birealnet50", "selfbin_vgg16", "mobilenet0.25", "boolnet"])
def test_computed_counts(name):
    net = model_zoo.get_model(name)
    found = summary_of(net, (1, *model_zoo.input_shape(name)))
    assert figures(found) == COMPUTED[name][0]
    assert found.size_bytes == round(4 * found.float_params + found.binary_params / 8)


def test_groupnet_of_50_layers_and_one_base():
    """Five take long."""
    found = summary_of(model_zoo.get_model("groupnet50", bases=1), (1, 3, 224, 224))
    assert figures(found) == groupnet((3, 4, 6, 3), 1, True)


def test_convolutions_of_alexnet():
    """Its dense layers have 58 million weights, and no count of operations."""
    net = model_zoo.get_model("selfbin_alexnet")[:-6]
    found = summary_of(net, (1, 3, 224, 224))
    assert (found.float_macs, found.binary_macs) == COMPUTED["selfbin_alexnet"][0][2:]
    assert found.layers[0].shape == (96, 55, 55)
    assert found.layers[-1].shape == (256, 13, 13)
