"""Parts of blocks: the paper's arguments overridden by the caller's, rows and chains, shortcuts."""

from __future__ import annotations

from typing import Any, Callable

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.conv import QConv2D
from bmx.gluon.tensor import Tensor

# Makes the norm of `in_channels` channels: nn.BatchNorm, ShiftBatchNorm, functools.partial(...)
NormLayer = Callable[..., HybridBlock]


def chosen(paper: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a quantized layer: the paper's, where the caller gave none.

    A caller who asks for other bits takes away what the paper says about one bit: the quantizer, and with
    the weights' bits the scaling, and the padding value. Other bits or scaling take away the output range.
    """
    paper = dict(paper)
    other_weights = given.get("bits", 1) != 1
    other_inputs = given.get("input_bits", 1) != 1
    scaled = given.get("scaling") is not None
    dropped = {
        "weight_quantizer": "bits" in given,
        "scaling": other_weights,
        "input_quantizer": "input_bits" in given,
        "pad_value": other_weights or other_inputs,
        "output_range": other_weights or other_inputs or scaled,
    }
    for name, drop in dropped.items():
        if drop:
            paper.pop(name, None)
    return {**paper, **given}


def q_conv(
    channels: int,
    kernel_size: int,
    strides: Any,
    in_channels: int,
    paper: dict[str, Any],
    given: dict[str, Any],
    dilation: int = 1,
) -> QConv2D:
    """A quantized convolution without bias that pads as much as keeps the size at stride 1, or as given."""
    return QConv2D(
        channels,
        kernel_size,
        strides=strides,
        dilation=dilation,
        in_channels=in_channels,
        **{"padding": dilation * (kernel_size // 2), "use_bias": False, **chosen(paper, given)},
    )


def halving(strides: Any) -> nn.AvgPool2D:
    """The average pool of shortcuts: as large as a padded convolution with these strides, odd sizes too."""
    return nn.AvgPool2D(strides, strides=strides, ceil_mode=True, count_include_pad=False)


def sequence(*blocks: HybridBlock | None) -> nn.HybridSequential:
    """The blocks in a row; None stands for nothing. Call it inside a name scope."""
    row = nn.HybridSequential(prefix="")
    row.add(*(block for block in blocks if block is not None))
    return row


class Row(HybridBlock):
    """A block that is a row of others: its `body`."""

    body: HybridBlock

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return self.body(x)


class Chain(nn.HybridSequential):
    """Blocks in a row that hand several values on; out comes the first value of the last block."""

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        values = [x]
        for block in self._children.values():
            values = block(*values)
        return values[0]


class Shortcut(Row):
    """Shortcut past a block that changes the shape: average pool, real 1x1 convolution, batch norm.

    Paper: Liu et al., Bi-Real Net, arXiv:1808.00278, section 3.2.

    Args:
        channels: output channels.
        strides: stride of the block; 1 leaves the pool out.
        in_channels: input channels; 0 leaves them to the first call.
        norm_layer: function that makes the norm.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, ceil(height / strides), ceil(width / strides)].
    """

    def __init__(
        self,
        channels: int,
        strides: int = 2,
        in_channels: int = 0,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.body = sequence(
                halving(strides) if strides != 1 else None,
                nn.Conv2D(channels, 1, use_bias=False, in_channels=in_channels),
                norm_layer(in_channels=channels),
            )


def shortcut_for(
    channels: int, strides: int, in_channels: int, downsample: bool | None, norm_layer: NormLayer
) -> Shortcut | None:
    """The shortcut of a residual block; None where the input itself is.

    Args:
        channels: channels of the block's output.
        strides: stride of the block.
        in_channels: channels of the block's input; 0 stands for ``channels``.
        downsample: whether there is one; None: where strides or channels change the shape.
        norm_layer: function that makes the norm.
    """
    if downsample is None:
        downsample = strides != 1 or in_channels not in (0, channels)
    return Shortcut(channels, strides, in_channels, norm_layer) if downsample else None
