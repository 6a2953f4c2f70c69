"""Leaky activations with parameters for each channel."""

from __future__ import annotations

from typing import Any

from mxnet import init
from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.arguments import require
from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.tensor import Tensor


def _leak(F: Any, x: Tensor, slope: Tensor, shape: tuple) -> Tensor:
    """The input where it is positive, elsewhere times the slope [channels]; ``shape`` to broadcast.

    Training does not use MXNet's LeakyReLU: in hybridized nets, if another operator follows, its backward
    pass overwrites what the gradient of the slope is computed from.
    """
    if current_lowering() == "inference":
        return F.LeakyReLU(x, gamma=slope, act_type="prelu", name="fwd")
    return F.relu(x) + F.broadcast_mul(F.minimum(x, 0), F.reshape(slope, shape=shape))


class PReLU(nn.PReLU):
    """Parametric ReLU with a slope for each channel, exempt from weight decay.

    Forward, with the slope a of the channel::

        y = x if x > 0 else a x

    Paper: He et al., Delving Deep into Rectifiers, arXiv:1502.01852.

    Args:
        in_channels: channels of the input (its second axis).
        alpha_initializer: initializer of the slopes; by default 0.25.
        ndim: number of axes of the input.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, ...] with ``ndim`` axes.

    Outputs:
        - **out**: float32, the same shape.

    Raises:
        ValueError: if ``in_channels`` is below 1.
    """

    def __init__(
        self,
        in_channels: int,
        alpha_initializer: Any = None,
        ndim: int = 4,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        require("nn.PReLU", "in_channels", in_channels, in_channels >= 1, "of at least 1")
        start = init.Constant(0.25) if alpha_initializer is None else alpha_initializer
        super().__init__(start, in_channels, prefix=prefix, params=params)
        self._shape = (1, -1, *(1,) * (ndim - 2))
        self.alpha.wd_mult = 0.0

    def hybrid_forward(self, F: Any, x: Tensor, alpha: Tensor) -> Tensor:
        return _leak(F, x, alpha, self._shape)


class RPReLU(HybridBlock):
    """Parametric ReLU that each channel shifts before and after; its parameters have no weight decay.

    Forward, with three parameters for each channel::

        y = PReLU(x + before) + after

    The paper subtracts the first shift. Paper: Liu et al., ReActNet, arXiv:2003.03488, equation 2.

    Args:
        in_channels: channels of the input (its second axis).
        slope: initial slope below 0.
        ndim: number of axes of the input.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, ...] with ``ndim`` axes.

    Outputs:
        - **out**: float32, the same shape.

    Raises:
        ValueError: if ``in_channels`` is below 1.
    """

    def __init__(
        self,
        in_channels: int,
        slope: float = 0.25,
        ndim: int = 4,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        require("nn.RPReLU", "in_channels", in_channels, in_channels >= 1, "of at least 1")
        super().__init__(prefix=prefix, params=params)
        self._shape = (1, -1, *(1,) * (ndim - 2))
        with self.name_scope():
            shape = (in_channels,)
            self.before = self.params.get("before", shape=shape, init="zeros", wd_mult=0.0)
            self.slope = self.params.get("slope", shape=shape, init=init.Constant(slope), wd_mult=0.0)
            self.after = self.params.get("after", shape=shape, init="zeros", wd_mult=0.0)

    def hybrid_forward(self, F: Any, x: Tensor, before: Tensor, slope: Tensor, after: Tensor) -> Tensor:
        x = F.broadcast_add(x, F.reshape(before, shape=self._shape))
        return F.broadcast_add(_leak(F, x, slope, self._shape), F.reshape(after, shape=self._shape))
