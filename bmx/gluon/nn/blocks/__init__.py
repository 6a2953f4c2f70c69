"""Blocks that binary networks are built of, one file for each paper.

Every block takes its paper's layer order and quantizers; keyword arguments that it does not name go to its
`QConv2D` layers, so quantizers, bits, scaling and padding value can be changed for the whole block. With
``norm_layer`` its norms can.
"""

from bmx.gluon.nn.blocks.abc_net import ABCBlock, ABCResidualBlock
from bmx.gluon.nn.blocks.binary_dense_net import (
    BinaryDenseLayer,
    ChannelShuffle,
    Transition,
    transition_channels,
)
from bmx.gluon.nn.blocks.bireal_bottleneck import BiRealBottleneck
from bmx.gluon.nn.blocks.bireal_net import BiRealBlock
from bmx.gluon.nn.blocks.bnext import BNextAttention, BNextBlock, BNextFFN, ShiftedSign
from bmx.gluon.nn.blocks.bnn import BNNConvBlock, BNNDenseBlock, HardTanh
from bmx.gluon.nn.blocks.bool_net import BoolNetBlock, GhostNormSign, GhostSign
from bmx.gluon.nn.blocks.group_net import GroupNetBlock, GroupNetStage
from bmx.gluon.nn.blocks.group_net_bottleneck import GroupNetBottleneck
from bmx.gluon.nn.blocks.melius_net import ImprovementBlock, MeliusUnit
from bmx.gluon.nn.blocks.parts import Chain, Shortcut
from bmx.gluon.nn.blocks.quick_net import QuickNetBlock, QuickNetStem, QuickNetTransition
from bmx.gluon.nn.blocks.react_net import ReActBlock, ReActResNetBlock, ReActStem
from bmx.gluon.nn.blocks.real_to_binary import DataDependentScale, RealToBinaryBlock
from bmx.gluon.nn.blocks.resnet_e import ResNetEBlock
from bmx.gluon.nn.blocks.stems import GroupedStem, ImageStem, ThumbnailStem
from bmx.gluon.nn.blocks.xnor_net import BWNBlock, XNORBlock

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
