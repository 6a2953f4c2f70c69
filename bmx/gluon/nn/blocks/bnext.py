"""BNext's blocks: what a binary convolution loses is brought back by its own input."""

from __future__ import annotations

from typing import Any

from mxnet import init
from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.parts import NormLayer, halving, q_conv, sequence
from bmx.gluon.nn.blocks.real_to_binary import DataDependentScale
from bmx.gluon.nn.prelu import PReLU
from bmx.gluon.nn.quantizers import DetSign
from bmx.gluon.nn.quantizers.base import Learned
from bmx.gluon.nn.quantizers.straight_through import straight_through
from bmx.gluon.tensor import Tensor


class ShiftedSign(DetSign):
    r"""Sign of the input plus a number that each channel learns, with the clipped straight-through estimator.

    Forward, with the shift b of the channel::

        q(x) = -1 if x + b < 0 else +1

    Backward::

        dC/dx = dC/dq if |x + b| <= clip else 0;    dC/db = sum of dC/dx over the channel

    Paper: Guo et al., BNext, arXiv:2211.12933, whose code has a clip of 1.5.

    Args:
        clip: gradient canceling threshold; None is the identity estimator.
    """

    method = None
    learned = (Learned("shift", per_channel=True),)

    def __init__(self, clip: float | None = 1.5) -> None:
        super().__init__(clip)

    def latent(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """See `SignQuantizer`."""
        return F.broadcast_add(x, learned["shift"])


def _paper() -> dict[str, Any]:
    return {"input_quantizer": ShiftedSign(), "weight_quantizer": "progressive_sign", "scaling": None}


class _Processor(HybridBlock):
    """A binary convolution and its recoupling with its input, which the modules share.

    Forward::

        y = PReLU(BN(conv(sign(x + b))))
        y = SE(s pool(x) + (1 - s) y) * y           s: one number a channel, held in [0, 1]

    Output channels are as many as input channels.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        strides: int,
        reduction: int,
        norm_layer: NormLayer,
        prefix: str | None,
        params: ParameterDict | None,
        quantized: dict[str, Any],
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.conv = q_conv(channels, kernel_size, strides, channels, _paper(), quantized)
            self.norm1 = norm_layer(in_channels=channels)
            self.activation = PReLU(channels)
            self.pool = halving(strides) if strides != 1 else None
            self.excitation = DataDependentScale(channels, channels, reduction, use_bias=True)
            self.share = self.params.get("share", shape=(channels,), init=init.Constant(0.5), wd_mult=0.0)
            self.norm2 = norm_layer(in_channels=channels)

    def _process(self, F: Any, x: Tensor, share: Tensor) -> tuple[Any, Any]:
        """The pooled input and the recoupled result."""
        y = self.activation(self.norm1(self.conv(x)))
        pooled = x if self.pool is None else self.pool(x)
        # Held in [0, 1] without stopping its gradient, as the paper's code clamps the number itself.
        share = F.reshape(straight_through(F, F.clip(share, 0, 1), share), shape=(1, -1, 1, 1))
        mix = F.broadcast_mul(pooled, share) + F.broadcast_mul(y, 1 - share)
        return pooled, F.broadcast_mul(y, self.excitation(mix))


class BNextFFN(_Processor):
    """A processor with its shortcut; y as in `BNextAttention`.

    Forward::

        out = BN(y) + pool(x)

    Paper: Guo et al., BNext, arXiv:2211.12933, section 3.

    Args:
        channels: channels of input and output.
        kernel_size: size of the kernel; 1 or 3 in the paper.
        strides: stride of the convolution.
        reduction: reduction of the squeeze-and-excitation.
        norm_layer: function that makes the norms.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`. Weights are quantized by 'progressive_sign', whose
            temperature a schedule lowers.

    Inputs:
        - **data**: float32 [batch, channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, ceil(height / strides), ceil(width / strides)].
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        strides: int = 1,
        reduction: int = 8,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(channels, kernel_size, strides, reduction, norm_layer, prefix, params, quantized)

    def hybrid_forward(self, F: Any, x: Tensor, share: Tensor) -> Tensor:
        pooled, y = self._process(F, x, share)
        return self.norm2(y) + pooled


class BNextAttention(_Processor):
    """A processor whose input also multiplies its result.

    Forward::

        y = PReLU(BN(conv(sign(x + b))));  y = SE(s pool(x) + (1 - s) y) * y
        r = pool(PReLU(x));  out = BN(y r) + r

    Arguments as those of `BNextFFN`.

    Paper: Guo et al., BNext, arXiv:2211.12933, section 3 (element-wise attention).
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        strides: int = 1,
        reduction: int = 8,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        super().__init__(channels, kernel_size, strides, reduction, norm_layer, prefix, params, quantized)
        with self.name_scope():
            self.residual = sequence(PReLU(channels), halving(strides) if strides != 1 else None)

    def hybrid_forward(self, F: Any, x: Tensor, share: Tensor) -> Tensor:
        residual = self.residual(x)
        _, y = self._process(F, x, share)
        return self.norm2(y * residual) + residual


class BNextBlock(HybridBlock):
    """A 3x3 module and a 1x1 module, or two of them side by side where the channels double.

    Paper: Guo et al., BNext, arXiv:2211.12933, section 3.

    Args:
        channels: output channels: as many as the input's, or twice as many.
        strides: stride of the 3x3 module.
        in_channels: input channels.
        attention: whether the 3x3 module is `BNextAttention`, as in every other block; otherwise `BNextFFN`.
        norm_layer: function that makes the norms.
        prefix: as in Gluon.
        params: as in Gluon.
        **quantized: further arguments of `QConv2D`.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, ceil(height / strides), ceil(width / strides)].

    Raises:
        ValueError: if the channels are neither.
    """

    def __init__(
        self,
        channels: int,
        strides: int = 1,
        *,
        in_channels: int,
        attention: bool = True,
        norm_layer: NormLayer = nn.BatchNorm,
        prefix: str | None = None,
        params: ParameterDict | None = None,
        **quantized: Any,
    ) -> None:
        if channels not in (in_channels, 2 * in_channels):
            raise ValueError(
                f"BNextBlock: expected channels {in_channels} or {2 * in_channels} "
                f"with in_channels={in_channels}, found {channels}."
            )
        super().__init__(prefix=prefix, params=params)
        module = BNextAttention if attention else BNextFFN
        with self.name_scope():
            self.spatial = module(in_channels, 3, strides, norm_layer=norm_layer, **quantized)
            self.pointwise = nn.HybridSequential(prefix="")
            for _ in range(channels // in_channels):
                self.pointwise.add(BNextFFN(in_channels, 1, norm_layer=norm_layer, **quantized))

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        x = self.spatial(x)
        parts = [module(x) for module in self.pointwise]
        return F.concat(*parts, dim=1) if len(parts) > 1 else parts[0]
