"""Group-Net: a residual block as the weighted sum of several binary ones."""

from __future__ import annotations

import functools
import operator
from typing import Any

import mxnet as mx
from mxnet import init
from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import Chain, NormLayer, q_conv, sequence
from bmx.gluon.nn.quantizers import DetSign
from bmx.gluon.tensor import Tensor


@init.register
class UnitUniform(init.Initializer):
    """Uniform numbers between 0 and 1."""

    def _init_weight(self, _: Any, array: Any) -> None:
        mx.nd.random.uniform(0, 1, out=array)


def paper(pad_value: int) -> dict[str, Any]:
    """Arguments of a binary convolution in the paper's code; ``pad_value`` is 0 where nothing is padded."""
    return {
        "input_quantizer": "approx_sign",
        "weight_quantizer": DetSign(None),
        "scaling": "tensor",
        "pad_value": pad_value,
    }


def _weighted(F: Any, output: Tensor, mixture: Tensor, number: int) -> Tensor:
    weight = F.slice_axis(mixture, axis=0, begin=number, end=number + 1)
    return F.broadcast_mul(output, F.reshape(weight, shape=(1, 1, 1, 1)))


class _Branch(HybridBlock):
    """Two binary convolutions, each with ReLU, norm and a shortcut past it."""

    conv1: HybridBlock
    norm1: HybridBlock
    conv2: HybridBlock
    norm2: HybridBlock

    def __init__(self, channels: int, strides: int, in_channels: int, norm: NormLayer, given: dict) -> None:
        super().__init__()
        with self.name_scope():
            for name, stride, inputs in (("1", strides, in_channels), ("2", 1, channels)):
                setattr(self, f"conv{name}", q_conv(channels, 3, stride, inputs, paper(1), given))
                setattr(self, f"norm{name}", norm(in_channels=channels))

    def hybrid_forward(self, F: Any, x: Tensor, shortcut: Tensor) -> Tensor:
        """The shortcut past the first convolution is given."""
        x = self.norm1(F.relu(self.conv1(x))) + shortcut
        return self.norm2(F.relu(self.conv2(x))) + x


class GroupNetBlock(HybridBlock):
    """K binary residual blocks whose weighted sum stands for a real one.

    Forward::

        x_i = g base_i + (1 - g) x  with  g = sigmoid(theta)        (x without a gate)
        y_i = BN(relu(conv(sign(x_i)))) + shortcut(x_i)
        out_i = BN(relu(conv(sign(y_i)))) + y_i
        out = sum_i lambda_i out_i

    Where the shape changes, the shortcut is one binary 1x1 convolution and a norm, the same for all K;
    otherwise it is x_i. Each tensor of weights is scaled by its mean magnitude, and signs are padded with +1.
    Blocks stand in a `GroupNetStage`, which hands the K outputs of one to the next.

    Paper: Zhuang et al., Structured Binary Neural Networks, arXiv:1811.10413, sections 3.2 and 3.3; its code.

    Args:
        channels: output channels.
        strides: stride of the first convolution.
        in_channels: input channels; 0 leaves them to the first call, and then they are ``channels`` unless
            ``downsample``.
        bases: number of branches, K.
        gated: whether branch i reads what branch i of the block before gave; the paper's first stage does
            not.
        downsample: whether the shortcut has a convolution; None: where strides or channels change the shape.
        norm_layer: function that makes the norms.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].
        - **bases**: K of the same shape if ``gated``; without a gate they may be left out.

    Outputs:
        - **out**: float32 [batch, channels, ceil(height / strides), ceil(width / strides)].
        - **bases**: K of the same shape; a list of K + 1 in all.

    Raises:
        ValueError: if the number of bases is below 1, or a gated block gets another number.
    """

    def __init__(
        self,
        channels: int,
        strides: int = 1,
        in_channels: int = 0,
        bases: int = 5,
        gated: bool = True,
        downsample: bool | None = None,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        if bases < 1:
            raise ValueError(f"GroupNetBlock: expected bases of at least 1, found {bases}.")
        super().__init__(prefix=prefix, params=params)
        if downsample is None:
            downsample = strides != 1 or in_channels not in (0, channels)
        with self.name_scope():
            self.mixture = self.params.get("mixture", shape=(bases,), init=UnitUniform(), wd_mult=0.0)
            if gated:
                self.gate = self.params.get("gate", shape=(1,), init=UnitUniform(), wd_mult=0.0)
            self.branches = nn.HybridSequential(prefix="")
            for _ in range(bases):
                self.branches.add(self._branch(channels, strides, in_channels, norm_layer, quantized))
            self.shortcut = None
            if downsample:
                self.shortcut = sequence(
                    q_conv(channels, 1, strides, in_channels, paper(0), quantized),
                    norm_layer(in_channels=channels),
                )

    def _branch(
        self, channels: int, strides: int, in_channels: int, norm_layer: NormLayer, quantized: dict
    ) -> HybridBlock:
        return _Branch(channels, strides, in_channels, norm_layer, quantized)

    def hybrid_forward(
        self,
        F: Any,
        x: Tensor,
        *bases: Tensor,
        mixture: Tensor,
        gate: Tensor | None = None,
    ) -> list[Tensor]:
        """The sum, and the branches' outputs."""
        outputs = []
        inputs = self._branch_inputs(F, x, bases, gate)
        for branch, base, shortcut in zip(self.branches, inputs, self._shortcuts(inputs, gate)):
            outputs.append(branch(base, shortcut))
        weighted = (_weighted(F, output, mixture, number) for number, output in enumerate(outputs))
        return [functools.reduce(operator.add, weighted), *outputs]

    def _shortcuts(self, inputs: list[Tensor], gate: Tensor | None) -> list[Tensor]:
        if self.shortcut is None:
            return inputs
        # Without a gate all branches read the same value.
        return [self.shortcut(inputs[0])] * len(inputs) if gate is None else list(map(self.shortcut, inputs))

    def _branch_inputs(
        self, F: Any, x: Tensor, bases: tuple[Tensor, ...], gate: Tensor | None
    ) -> list[Tensor]:
        if gate is None:
            return [x] * len(self.branches)
        if len(bases) != len(self.branches):
            raise ValueError(
                f"GroupNetBlock: expected {len(self.branches)} bases after the input of a gated block, "
                f"found {len(bases)}; give gated=False to the first block."
            )
        open_part = F.reshape(F.sigmoid(gate), shape=(1, 1, 1, 1))
        rest = F.broadcast_mul(x, 1 - open_part)
        return [F.broadcast_mul(base, open_part) + rest for base in bases]


class GroupNetStage(Chain):
    """`GroupNetBlock` s in a row, the first of them without a gate; several stages may stand in one.

    Inputs:
        - **data**: the input of the first block.

    Outputs:
        - **out**: the last block's weighted sum.
    """
