"""What was published of the zoo's nets: where, and the accuracy on ImageNet."""

from __future__ import annotations

from typing import NamedTuple

ARXIV = "https://arxiv.org/abs/"


class Publication(NamedTuple):
    """Where a net comes from.

    Attributes:
        paper: short name of the paper.
        link: its address.
        top1: accuracy on ImageNet in percent; None where none was published, or for other data.
        source: who measured it. "unconfirmed": quoted from the paper by others, not looked up.
    """

    paper: str
    link: str
    top1: float | None = None
    source: str = ""


def _family(paper: str, number: str, nets: dict[str, tuple[float, str] | None]) -> dict[str, Publication]:
    link = number if "/" in number else ARXIV + number
    return {name: Publication(paper, link, *(result or (None, ""))) for name, result in nets.items()}


_WIKI, _ZOO, _README = "BMXNet-v2 wiki", "Larq Zoo", "authors' code"

PUBLISHED: dict[str, Publication] = {
    **_family(
        "BMXNet", "1705.09864", {"lenet": None, "bmxnet_resnet18_v1": None, "bmxnet_resnet18_v2": None}
    ),
    **_family("BMXNet", "1705.09864", {"bmxnet_resnet34_v1": None, "bmxnet_resnet34_v2": None}),
    **_family("BNN", "1602.02830", {"bnn_mlp": None, "bnn_cifar": None, "bnn_svhn": None}),
    **_family(
        "XNOR-Net",
        "1603.05279",
        {
            "xnor_alexnet": (44.2, "paper"),
            "xnor_resnet18": (51.2, "paper"),
            "bwn_resnet18": (60.8, "unconfirmed"),
        },
    ),
    **_family("HORQ", "1708.08687", {"horq_lenet": None, "horq_convnet": None}),
    **_family("WRPN", "1709.01134", {"wrpn_alexnet": None, "wrpn_resnet34": None}),
    **_family(
        "ABC-Net",
        "1711.11294",
        {"abc_resnet18": (65.0, "unconfirmed"), "abc_resnet34": (68.4, "unconfirmed")},
    ),
    **_family(
        "Group-Net",
        "1811.10413",
        {
            "groupnet18": (64.8, "unconfirmed"),
            "groupnet34": (68.5, "unconfirmed"),
            "groupnet50": (69.5, "unconfirmed"),
        },
    ),
    **_family(
        "Bi-Real Net",
        "1808.00278",
        {
            "birealnet18": (56.4, _README),
            "birealnet34": (62.2, _README),
            "birealnet50": (62.6, _README),
            "birealnet152": (64.5, "paper"),
        },
    ),
    **_family("ResNetE", "1906.08637", {"resnete18": (60.0, _WIKI), "resnete34": (63.2, _WIKI)}),
    **_family(
        "BinaryDenseNet",
        "1906.08637",
        {
            "binarydensenet28": (61.7, _WIKI),
            "binarydensenet37": (63.3, _WIKI),
            "binarydensenet37_dilated": (64.34, _ZOO),
            "binarydensenet45": (64.59, _ZOO),
            "binarydensenet_flex": None,
        },
    ),
    **_family(
        "MeliusNet",
        "2001.05936",
        {
            "meliusnet22": (63.6, _WIKI),
            "meliusnet23": None,
            "meliusnet29": (65.8, _WIKI),
            "meliusnet42": (69.2, _WIKI),
            "meliusnet59": (70.7, _WIKI),
            "meliusneta": (63.4, _WIKI),
            "meliusnetb": (65.7, _WIKI),
            "meliusnetc": (64.1, _WIKI),
            "meliusnet_flex": None,
            "naivenet17": None,
        },
    ),
    **_family("Self-Binarizing", "1902.00730", {"selfbin_vgg16": None, "selfbin_alexnet": None}),
    **_family(
        "MobileNet",
        "1704.04861",
        {
            "mobilenet0.25": None,
            "mobilenet0.5": (63.7, "paper"),
            "mobilenet0.75": (68.4, "paper"),
            "mobilenet1.0": (70.6, "paper"),
        },
    ),
    **_family(
        "QuickNet",
        "https://docs.larq.dev/zoo/",
        {"quicknet_small": (59.4, _ZOO), "quicknet": (63.3, _ZOO), "quicknet_large": (66.9, _ZOO)},
    ),
    **_family("ReActNet", "2003.03488", {"reactnet_a": (69.5, _README), "react_resnet18": (65.9, _README)}),
    **_family("Real-to-Binary", "2003.11535", {"real_to_binary": (65.4, "paper")}),
    **_family("BoolNet", "2106.06991", {"boolnet": (57.6, _README)}),
    **_family(
        "BNext",
        "2211.12933",
        {
            "bnext_t": (72.4, _README),
            "bnext_s": (76.1, _README),
            "bnext_m": (78.3, _README),
            "bnext_l": (80.6, _README),
        },
    ),
    **_family("DoReFa-Net", "1606.06160", {"dorefanet": (53.39, _ZOO)}),
}
