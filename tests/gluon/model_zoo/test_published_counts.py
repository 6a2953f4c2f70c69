"""Counts equal to those that the papers and their authors' code publish, or pinned and derived."""

from __future__ import annotations

from typing import Any

import pytest

import bmx
from bmx.gluon import model_zoo
from bmx.gluon.parameters import ensure_initialised

GROUPED = {"initial_layers": "grouped_stem"}
IMAGENET = {"initial_layers": "imagenet"}
CIFAR10 = {"thumbnail": True, "classes": 10}
CIFAR100 = {"thumbnail": True, "classes": 100}

# params, binary params, MiB, float MACs (M), binary MACs (G), ops (M); None: not published. As published, or
# computed from the published architecture and equal to what is published: BMXNet's wiki, Larq Zoo, the
# papers' own code.
PUBLISHED: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    ("resnete18", {}, (11_689_646, 10_985_472, 3.996, 137.28, 1.676, 163.5)),
    ("resnete18", GROUPED, (None, None, 3.981, None, None, 114.1)),
    ("resnete18", CIFAR10, (11_173_968, None, 2.029, None, None, None)),
    ("resnete18", CIFAR100, (11_220_138, None, None, None, None, None)),
    ("binarydensenet28", GROUPED, (None, None, 4.030, None, None, 208.6)),
    ("binarydensenet28", CIFAR10, (4_552_458, None, 1.836, None, None, None)),
    ("binarydensenet28", CIFAR100, (4_604_388, None, None, None, None, None)),
    ("binarydensenet37", {}, (8_702_248, 7_593_984, 5.133, 199.10, 4.507, 269.5)),
    ("binarydensenet37", GROUPED, (None, None, 5.118, None, None, 220.1)),
    ("binarydensenet37", CIFAR10, (8_059_850, None, 2.682, None, None, None)),
    ("binarydensenet37", CIFAR100, (8_117_540, None, None, None, None, None)),
    ("binarydensenet37_dilated", {}, (8_702_248, 7_593_984, 5.133, None, None, None)),
    ("meliusnet22", {}, (6_944_584, 6_119_424, 3.877, 135.88, 4.624, 208.1)),
    ("meliusnet22", IMAGENET, (6_948_392, None, 3.892, None, None, 257.5)),
    ("meliusnet22", CIFAR10, (6_432_714, None, 1.925, None, None, None)),
    ("meliusnet22", CIFAR100, (6_478_884, None, None, None, None, None)),
    ("meliusnet23", {}, (8_187_784, 7_446_528, 3.715, 73.87, 2.533, 113.4)),
    ("meliusnet29", {}, (11_328_328, 10_321_920, 5.070, 128.85, 5.470, 214.3)),
    ("meliusnet29", IMAGENET, (11_332_136, None, 5.084, None, None, 263.7)),
    ("meliusnet29", CIFAR10, (10_689_738, None, 2.634, None, None, None)),
    ("meliusneta", {}, (9_238_984, 8_441_856, 4.047, 86.73, 4.852, 162.5)),
    ("meliusneta", CIFAR10, (8_568_714, None, 1.490, None, None, None)),
    ("meliusnetc", {}, (12_240_264, 11_427_840, 4.461, 82.21, 4.353, 150.2)),
    ("reactnet_a", {}, (29_343_592, 28_253_184, 7.53, 10.84, 4.817, 86.1)),
    ("react_resnet18", {}, (11_704_424, 10_985_472, 4.05, 137.28, 1.676, 163.5)),
    ("real_to_binary", {}, (None, None, 5.13, None, None, None)),
    ("bnext_t", {}, (None, None, None, None, 4.817, None)),
]
# Too large for every run of the tests; `make zoo-check` runs them.
LARGE = [
    ("bnext_s", {}, (None, None, None, None, 10.838, None)),
    ("bnext_m", {}, (None, None, None, None, 20.086, None)),
    ("bnext_l", {}, (None, None, None, None, 52.151, None)),
]
# With the weights that Keras counts beside: four a channel of a batch norm.
LARQ = {
    "birealnet18": 11_699_112,
    # Larq's has no norm on the image: beta, mean and variance of 3 channels.
    "resnete18": 11_699_368 + 9,
    "binarydensenet28": 5_150_504,
    "binarydensenet37": 8_734_120,
    "real_to_binary": 11_995_624,
}
# Larq Zoo's figures count two values a channel of a norm, and the kernels of the blur, which are constants.
QUICKNET = {
    "quicknet_small": (12_655_688, 4.00, (32, 64, 256), 1.156, 15.43),
    "quicknet": (13_234_088, 4.17, (64, 128, 256), 1.850, 29.14),
    "quicknet_large": (23_342_248, 5.40, (64, 128, 256), 3.699, 29.14),
}
TOLERANCES = (0, 0, 0.01, 0.01, 0.001, 0.1)


def summary_of(name: str, convention: str = "hpi", **arguments: Any) -> bmx.summarize.Summary:
    net = model_zoo.get_model(name, **arguments)
    shape = (1, *model_zoo.input_shape(name, arguments.get("thumbnail", False)))
    ensure_initialised(net, shape)
    return bmx.summary(net, shape, convention)


def figures(found: bmx.summarize.Summary) -> tuple[float, ...]:
    mib, millions, thousands = found.size_bytes / 2**20, found.float_macs / 1e6, found.binary_macs / 1e9
    return found.params, found.binary_params, mib, millions, thousands, found.ops / 1e6


def agree(found: bmx.summarize.Summary, published: tuple[Any, ...]) -> None:
    for value, expected, tolerance in zip(figures(found), published, TOLERANCES):
        if expected is not None:
            assert value == pytest.approx(expected, abs=tolerance, rel=0)


def identity(case: tuple[str, dict[str, Any], Any]) -> str:
    return "-".join([case[0], *(str(value) for value in case[1].values())])


@pytest.mark.parametrize("case", PUBLISHED, ids=identity)
def test_published_counts(case: tuple[str, dict[str, Any], tuple[Any, ...]]) -> None:
    name, arguments, published = case
    agree(summary_of(name, **arguments), published)


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE, ids=identity)
def test_published_counts_of_large_nets(case: tuple[str, dict[str, Any], tuple[Any, ...]]) -> None:
    test_published_counts(case)


@pytest.mark.parametrize("name", LARQ)
def test_counts_of_larq(name: str) -> None:
    assert summary_of(name, "larq").params == LARQ[name]


@pytest.mark.parametrize("name", QUICKNET)
def test_counts_of_quicknet(name: str) -> None:
    params, mib, blurred, binary_macs, float_macs = QUICKNET[name]
    found = summary_of(name)
    kernels = 9 * sum(blurred)
    assert found.params + kernels == params
    assert (found.size_bytes + 4 * kernels) / 2**20 == pytest.approx(mib, abs=0.01)
    agree(found, (None, None, None, float_macs, binary_macs, None))


class Counter:
    """Section 8 and 9 of the papers' architectures, added up layer by layer."""

    def __init__(self) -> None:
        self.real = self.binary = self.real_macs = self.binary_macs = 0

    def conv(
        self, inputs: int, outputs: int, kernel: int, size: int, groups: int = 1, binary: bool = False
    ) -> None:
        params = inputs * outputs * kernel**2 // groups
        if binary:
            self.binary += params
            self.binary_macs += params * size**2
        else:
            self.real += params
            self.real_macs += params * size**2

    def norm(self, channels: int) -> None:
        self.real += 2 * channels

    def stem(self, grouped: bool) -> None:
        layers = [(3, 32, 3, 1), (32, 32, 3, 4), (32, 64, 3, 8)] if grouped else [(3, 64, 7, 1)]
        for inputs, outputs, kernel, groups in layers:
            self.conv(inputs, outputs, kernel, 112, groups)
            self.norm(outputs)

    def figures(self, features: int) -> tuple[int, int, float, float, float, float]:
        """With a dense layer of 1000 classes behind."""
        real = self.real + (features + 1) * 1000
        size = (4 * real + self.binary / 8) / 2**20
        ops = (self.real_macs + self.binary_macs / 64) / 1e6
        return real + self.binary, self.binary, size, self.real_macs / 1e6, self.binary_macs / 1e9, ops


def dense_net(
    blocks: tuple[int, ...],
    transitions: tuple[int, ...],
    improve: str = "",
    groups: int = 1,
    dilated: bool = False,
) -> tuple[float, ...]:
    """BinaryDenseNet: a norm and a convolution append 64 channels. A second convolution improves the last 64
    of them in MeliusNet (`improve` "last"), all in NaiveNet ("all")."""
    count, channels, size = Counter(), 64, 56
    count.stem(grouped=bool(improve))
    for stage, layers in enumerate(blocks):
        for _ in range(layers):
            count.norm(channels)
            count.conv(channels, 64, 3, size, binary=True)
            channels += 64
            if improve:
                count.norm(channels)
                count.conv(channels, 64 if improve == "last" else channels, 3, size, binary=True)
        count.norm(channels)
        if stage < len(transitions):
            size //= 1 if dilated and stage else 2
            count.conv(channels, transitions[stage], 1, size, groups)
            channels = transitions[stage]
    return count.figures(channels)


def residual_net(convolutions: tuple[int, ...], image_norm: bool) -> tuple[float, ...]:
    """Bi-Real Net; ResNetE has a norm on the image and one behind the stem more."""
    count, inputs, size = Counter(), 64, 56
    count.stem(grouped=False)
    if image_norm:
        count.norm(3)
        count.norm(64)
    for stage, number in enumerate(convolutions):
        channels = 64 << stage
        size //= 2 if stage else 1
        if stage:
            count.conv(inputs, channels, 1, size)
            count.norm(channels)
        for _ in range(number):
            count.conv(inputs, channels, 3, size, binary=True)
            count.norm(channels)
            inputs = channels
    return count.figures(inputs)


# No paper has all of these: added up from the tables of blocks and channels, which gives the published
# figures where there are any (the first three). Pinned, so that neither side moves unseen.
DERIVED: dict[str, tuple[tuple[float, ...], tuple[Any, ...]]] = {
    "binarydensenet28": (
        dense_net((6, 6, 6, 5), (160, 192, 256)),
        (5_131_496, 4_202_496, 4.045, 201.91, 3.587, 258.0),
    ),
    "meliusnet59": (
        dense_net((6, 12, 24, 12), (192, 320, 544), "last"),
        (55_555_336, 52_641_792, 17.390, 245.76, 18.316, 532.0),
    ),
    "birealnet18": (
        residual_net((4, 4, 4, 4), image_norm=False),
        (11_689_512, 10_985_472, 3.995, 137.28, 1.676, 163.5),
    ),
    "binarydensenet37_dilated": (
        dense_net((6, 8, 12, 6), (128, 192, 256), dilated=True),
        (8_702_248, 7_593_984, 5.133, 451.99, 7.774, 573.5),
    ),
    "binarydensenet45": (
        dense_net((6, 12, 14, 8), (160, 288, 288)),
        (13_889_512, 12_349_440, 7.347, 243.30, 6.431, 343.8),
    ),
    # Halved and rounded to a multiple of 32, ties to the even one: 448 -> 224, 608 -> 320, 704 -> 352.
    "binarydensenet_flex": (
        dense_net((6, 6, 6, 5), (224, 320, 352)),
        (6_390_504, 5_142_528, 5.374, 246.97, 3.861, 307.3),
    ),
    "meliusnet_flex": (
        dense_net((4, 5, 4, 4), (160, 256, 256), "last"),
        (7_116_168, 6_266_880, 3.987, 139.29, 4.653, 212.0),
    ),
    "meliusnet42": (
        dense_net((5, 8, 14, 10), (160, 256, 416), "last"),
        (26_825_544, 24_956_928, 10.103, 174.01, 9.693, 325.5),
    ),
    "meliusnetb": (
        dense_net((4, 6, 8, 6), (160, 224, 320), "last", groups=2),
        (12_239_176, 11_280_384, 5.002, 106.42, 5.722, 195.8),
    ),
    "naivenet17": (
        dense_net((3, 3, 3, 3), (128, 160, 192), "all"),
        (10_002_440, 9_446_400, 3.247, 107.68, 6.441, 208.3),
    ),
    "resnete34": (
        residual_net((6, 8, 12, 6), image_norm=True),
        (21_797_806, 21_086_208, 5.228, 137.28, 3.526, 192.4),
    ),
    "birealnet34": (
        residual_net((6, 8, 12, 6), image_norm=False),
        (21_797_672, 21_086_208, 5.228, 137.28, 3.526, 192.4),
    ),
}


@pytest.mark.parametrize("name", DERIVED)
def test_derived_counts(name: str) -> None:
    derived, pinned = DERIVED[name]
    for value, expected, tolerance in zip(derived, pinned, TOLERANCES):
        assert value == pytest.approx(expected, abs=tolerance, rel=0)
    agree(summary_of(name), pinned)
