"""The operators of the IR, one file each. `OPERATORS` is the registry: name -> operator."""

from __future__ import annotations

from bmx.compiler.ir.ops.affine import Affine
from bmx.compiler.ir.ops.arithmetic import Add, Div, Mul, Sub
from bmx.compiler.ir.ops.avg_pool2d import AvgPool2D
from bmx.compiler.ir.ops.base import Operator
from bmx.compiler.ir.ops.batch_norm import BatchNorm
from bmx.compiler.ir.ops.binary_conv2d import BinaryConv2D
from bmx.compiler.ir.ops.binary_dense import BinaryDense
from bmx.compiler.ir.ops.binary_weight_conv2d import BinaryWeightConv2D
from bmx.compiler.ir.ops.binary_weight_dense import BinaryWeightDense
from bmx.compiler.ir.ops.cast import Cast
from bmx.compiler.ir.ops.clip import Clip
from bmx.compiler.ir.ops.code import Code
from bmx.compiler.ir.ops.concat import Concat
from bmx.compiler.ir.ops.conv2d import Conv2D
from bmx.compiler.ir.ops.dense import Dense
from bmx.compiler.ir.ops.divide import Divide
from bmx.compiler.ir.ops.flatten import Flatten
from bmx.compiler.ir.ops.identity import Identity
from bmx.compiler.ir.ops.integer_conv2d import IntegerConv2D
from bmx.compiler.ir.ops.integer_dense import IntegerDense
from bmx.compiler.ir.ops.lrn import LRN
from bmx.compiler.ir.ops.max_pool2d import MaxPool2D
from bmx.compiler.ir.ops.pad2d import Pad2D
from bmx.compiler.ir.ops.quantize import Quantize
from bmx.compiler.ir.ops.relu import Relu
from bmx.compiler.ir.ops.reshape import Reshape
from bmx.compiler.ir.ops.round import Round
from bmx.compiler.ir.ops.shuffle_channels import ShuffleChannels
from bmx.compiler.ir.ops.sigmoid import Sigmoid
from bmx.compiler.ir.ops.sign import Sign
from bmx.compiler.ir.ops.slice import Slice
from bmx.compiler.ir.ops.slopes import Elu, Prelu
from bmx.compiler.ir.ops.softmax import Softmax
from bmx.compiler.ir.ops.tanh import Tanh
from bmx.compiler.ir.ops.threshold import Threshold
from bmx.compiler.ir.ops.to_planes import ToPlanes
from bmx.compiler.ir.ops.transpose import Transpose
from bmx.compiler.ir.ops.upsample2d import Upsample2D

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
