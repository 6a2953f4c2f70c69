"""Blocks that binary networks are built of, one file for each paper.

Every block takes its paper's layer order and quantizers; keyword arguments that it does not name go to its
`QConv2D` layers, so quantizers, bits, scaling and padding value can be changed for the whole block. With
``norm_layer`` its norms can.
"""

from bmx.discovery import keep_old_names
from bmx.gluon.nn.blocks.abc_net import ABCBlock, ABCResidualBlock
from bmx.gluon.nn.blocks.binarydensenet import (
    BinaryDenseLayer,
    ChannelShuffle,
    Transition,
    transition_channels,
)
from bmx.gluon.nn.blocks.birealnet import BiRealBlock
from bmx.gluon.nn.blocks.birealnet_bottleneck import BiRealBottleneck
from bmx.gluon.nn.blocks.bnext import BNextAttention, BNextBlock, BNextFFN, ShiftedSign
from bmx.gluon.nn.blocks.bnn import BNNConvBlock, BNNDenseBlock, HardTanh
from bmx.gluon.nn.blocks.boolnet import BoolNetBlock, GhostNormSign, GhostSign
from bmx.gluon.nn.blocks.groupnet import GroupNetBlock, GroupNetStage
from bmx.gluon.nn.blocks.groupnet_bottleneck import GroupNetBottleneck
from bmx.gluon.nn.blocks.meliusnet import ImprovementBlock, MeliusUnit
from bmx.gluon.nn.blocks.parts import Chain, Shortcut
from bmx.gluon.nn.blocks.quicknet import QuickNetBlock, QuickNetStem, QuickNetTransition
from bmx.gluon.nn.blocks.reactnet import ReActBlock, ReActResNetBlock, ReActStem
from bmx.gluon.nn.blocks.real_to_binary import DataDependentScale, RealToBinaryBlock
from bmx.gluon.nn.blocks.resnete import ResNetEBlock
from bmx.gluon.nn.blocks.stems import GroupedStem, ImageStem, ThumbnailStem
from bmx.gluon.nn.blocks.xnor_net import BWNBlock, XNORBlock

keep_old_names(
    __name__,
    {
        "binary_dense_net": "bmx.gluon.nn.blocks.binarydensenet",
        "bireal_bottleneck": "bmx.gluon.nn.blocks.birealnet_bottleneck",
        "bireal_net": "bmx.gluon.nn.blocks.birealnet",
        "bool_net": "bmx.gluon.nn.blocks.boolnet",
        "group_net": "bmx.gluon.nn.blocks.groupnet",
        "group_net_bottleneck": "bmx.gluon.nn.blocks.groupnet_bottleneck",
        "melius_net": "bmx.gluon.nn.blocks.meliusnet",
        "quick_net": "bmx.gluon.nn.blocks.quicknet",
        "react_net": "bmx.gluon.nn.blocks.reactnet",
        "resnet_e": "bmx.gluon.nn.blocks.resnete",
    },
)

__all__ = [
    "ABCBlock",
    "ABCResidualBlock",
    "BNNConvBlock",
    "BNNDenseBlock",
    "BNextAttention",
    "BNextBlock",
    "BNextFFN",
    "BWNBlock",
    "BiRealBlock",
    "BiRealBottleneck",
    "BinaryDenseLayer",
    "BoolNetBlock",
    "Chain",
    "ChannelShuffle",
    "DataDependentScale",
    "GhostNormSign",
    "GhostSign",
    "GroupNetBlock",
    "GroupNetBottleneck",
    "GroupNetStage",
    "GroupedStem",
    "HardTanh",
    "ImageStem",
    "ImprovementBlock",
    "MeliusUnit",
    "QuickNetBlock",
    "QuickNetStem",
    "QuickNetTransition",
    "ReActBlock",
    "ReActResNetBlock",
    "ReActStem",
    "RealToBinaryBlock",
    "ResNetEBlock",
    "ShiftedSign",
    "Shortcut",
    "ThumbnailStem",
    "Transition",
    "XNORBlock",
    "transition_channels",
]
