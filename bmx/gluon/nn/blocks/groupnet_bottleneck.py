"""Group-Net's bottleneck: three binary convolutions a branch."""

from __future__ import annotations

from typing import Any

from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.groupnet import GroupNetBlock, paper
from bmx.gluon.nn.blocks.parts import NormLayer, q_conv
from bmx.gluon.tensor import Tensor

EXPANSION = 4


class _Branch(HybridBlock):
    """Binary 1x1, 3x3 and 1x1 convolutions, each with ReLU and norm."""

    def __init__(self, channels: int, strides: int, in_channels: int, norm: NormLayer, given: dict) -> None:
        super().__init__()
        middle = channels // EXPANSION
        self._keeps_size = strides == 1
        with self.name_scope():
            self.conv1 = q_conv(middle, 1, 1, in_channels, paper(0), given)
            self.conv2 = q_conv(middle, 3, strides, middle, paper(1), given)
            self.conv3 = q_conv(channels, 1, 1, middle, paper(0), given)
            self.norm1 = norm(in_channels=middle)
            self.norm2 = norm(in_channels=middle)
            self.norm3 = norm(in_channels=channels)

    def hybrid_forward(self, F: Any, x: Tensor, shortcut: Tensor) -> Tensor:
        """The shortcut past all three is given."""
        x = self.norm1(F.relu(self.conv1(x)))
        y = self.norm2(F.relu(self.conv2(x)))
        y = y + x if self._keeps_size else y
        return self.norm3(F.relu(self.conv3(y))) + shortcut


class GroupNetBottleneck(GroupNetBlock):
    """`GroupNetBlock` whose branches are bottlenecks, as in Group-Net's net with 50 layers.

    Forward of a branch::

        a = BN(relu(conv1x1(sign(x_i))))
        b = BN(relu(conv3x3(sign(a)))) + a        without a where the size is halved
        out_i = BN(relu(conv1x1(sign(b)))) + shortcut(x_i)

    Arguments as those of `GroupNetBlock`; ``channels`` is a multiple of 4, and the 3x3 convolution has the
    strides.

    Paper: Zhuang et al., Structured Binary Neural Networks, arXiv:1811.10413. The authors' code names this
    block, but does not hold it: its order of layers is that of their basic block, and shortcuts stand
    wherever the shapes are equal.

    Raises:
        ValueError: if ``channels`` is no multiple of 4.
    """

    def _branch(
        self, channels: int, strides: int, in_channels: int, norm_layer: NormLayer, quantized: dict
    ) -> HybridBlock:
        if channels % EXPANSION:
            raise ValueError(
                f"GroupNetBottleneck: expected channels a multiple of {EXPANSION}, found {channels}."
            )
        return _Branch(channels, strides, in_channels, norm_layer, quantized)
