"""The operators of the IR, one file each. `OPERATORS` is the registry: name -> operator."""

from __future__ import annotations

from bmx.compiler.ops.affine import Affine
from bmx.compiler.ops.arithmetic import Add, Div, Mul, Sub
from bmx.compiler.ops.avg_pool2d import AvgPool2D
from bmx.compiler.ops.base import Operator
from bmx.compiler.ops.batch_norm import BatchNorm
from bmx.compiler.ops.binary_conv2d import BinaryConv2D
from bmx.compiler.ops.binary_dense import BinaryDense
from bmx.compiler.ops.binary_weight_conv2d import BinaryWeightConv2D
from bmx.compiler.ops.binary_weight_dense import BinaryWeightDense
from bmx.compiler.ops.cast import Cast
from bmx.compiler.ops.clip import Clip
from bmx.compiler.ops.code import Code
from bmx.compiler.ops.concat import Concat
from bmx.compiler.ops.conv2d import Conv2D
from bmx.compiler.ops.dense import Dense
from bmx.compiler.ops.divide import Divide
from bmx.compiler.ops.flatten import Flatten
from bmx.compiler.ops.identity import Identity
from bmx.compiler.ops.integer_conv2d import IntegerConv2D
from bmx.compiler.ops.integer_dense import IntegerDense
from bmx.compiler.ops.lrn import LRN
from bmx.compiler.ops.max_pool2d import MaxPool2D
from bmx.compiler.ops.pad2d import Pad2D
from bmx.compiler.ops.quantize import Quantize
from bmx.compiler.ops.relu import Relu
from bmx.compiler.ops.reshape import Reshape
from bmx.compiler.ops.round import Round
from bmx.compiler.ops.shuffle_channels import ShuffleChannels
from bmx.compiler.ops.sigmoid import Sigmoid
from bmx.compiler.ops.sign import Sign
from bmx.compiler.ops.slice import Slice
from bmx.compiler.ops.slopes import Elu, Prelu
from bmx.compiler.ops.softmax import Softmax
from bmx.compiler.ops.tanh import Tanh
from bmx.compiler.ops.threshold import Threshold
from bmx.compiler.ops.to_planes import ToPlanes
from bmx.compiler.ops.transpose import Transpose
from bmx.compiler.ops.upsample2d import Upsample2D

OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        Transpose(),
        Conv2D(),
        Dense(),
        BinaryConv2D(),
        BinaryDense(),
        IntegerConv2D(),
        IntegerDense(),
        BinaryWeightConv2D(),
        BinaryWeightDense(),
        Threshold(),
        Quantize(),
        ToPlanes(),
        Add(),
        Sub(),
        Mul(),
        Div(),
        Affine(),
        Cast(),
        Relu(),
        Prelu(),
        Elu(),
        Clip(),
        Tanh(),
        Sigmoid(),
        MaxPool2D(),
        AvgPool2D(),
        Upsample2D(),
        LRN(),
        Pad2D(),
        Concat(),
        Slice(),
        ShuffleChannels(),
        Reshape(),
        Flatten(),
        Softmax(),
        BatchNorm(),
        Divide(),
        Sign(),
        Round(),
        Code(),
        Identity(),
    )
}

__all__ = ["OPERATORS", "Operator"]
