"""HORQ convolution: high-order residual quantization of the input, window by window or sample by sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from bmx.gluon.arguments import require
from bmx.gluon.nn.conv import QConv2D
from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers import Quantizer, Term
from bmx.gluon.nn.quantizers.horq import HORQ
from bmx.gluon.nn.quantizers.straight_through import sign, straight_through, within
from bmx.gluon.tensor import Tensor

BETAS = ("position", "sample")


class HORQConv2D(QConv2D):
    r"""Binary convolution of an input with several terms, each the sign of what the terms before it left.

    Forward, with X the window of one output position as a vector of n values, R_0 = X and K the order::

        H_i = sign(R_{i-1});  beta_i = ||R_{i-1}||_1 / n;  R_i = R_{i-1} - beta_i H_i
        y = alpha sum_{i <= K} beta_i (H_i . sign(W))

    alpha is each filter's mean magnitude (``scaling='channel'``). A pixel leaves a different rest in every
    window, so the windows are laid out as columns first (im2col) and one 1x1 binary convolution goes over
    them: kernel height * width times the memory of the input. Pixels outside the image are zeros of their
    column: they count in n, and their first sign is +1. With ``beta='sample'`` beta is one number a sample,
    and the signs are one stack of images: `QConv2D` with ``input_quantizer='horq'``.

    Backward: the betas are constant, as in XNOR-Net, and each sign passes gradients where
    |R_{i-1}| <= clip; see `bmx.gluon.nn.quantizers.horq.HORQ`.

    Paper: Li et al., Performance Guaranteed Network Acceleration via High-Order Residual Quantization,
    arXiv:1708.08687.

    Args:
        channels: number of output channels.
        kernel_size: size of the kernel, int or (height, width).
        strides: stride of the convolution, int or (height, width).
        padding: padding on both sides, int or (height, width).
        dilation: dilation of the kernel, int or (height, width).
        order: K, the number of signs of a value, 1 to 4.
        beta: what has a beta of its own: each 'position' of the output, or each 'sample'.
        clip: gradient canceling threshold of the signs.
        in_channels: number of input channels; 0 leaves it to the first call, only with ``beta='sample'``.
        **arguments: further arguments of `QConv2D`, except ``input_quantizer``, ``input_bits``, ``pad_value``
            and ``output_range``; ``groups`` only with ``beta='sample'``.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, out_height, out_width], sizes as ``gluon.nn.Conv2D``.

    Raises:
        ValueError: if an argument does not fit.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: Any = (0, 0),
        dilation: Any = (1, 1),
        *,
        order: int = 2,
        beta: str = "position",
        clip: float | None = 1.0,
        in_channels: int = 0,
        **arguments: Any,
    ) -> None:
        require("nn.HORQConv2D", "beta", beta, beta in BETAS, "'position' or 'sample'")
        if beta == "position" and (in_channels < 1 or arguments.get("groups", 1) != 1):
            raise ValueError(
                "bmx.gluon.nn.HORQConv2D: expected in_channels and groups=1 for beta='position', found "
                f"in_channels={in_channels}, groups={arguments.get('groups', 1)}; or give beta='sample'."
            )
        refused = sorted({"input_quantizer", "input_bits", "pad_value", "output_range"} & set(arguments))
        if refused:
            raise ValueError(
                "bmx.gluon.nn.HORQConv2D: expected arguments that its method leaves open, found "
                f"{', '.join(refused)}; use QConv2D."
            )
        arguments.setdefault("scaling", "channel")
        super().__init__(
            channels,
            kernel_size,
            strides,
            padding,
            dilation,
            in_channels=in_channels,
            input_quantizer=HORQ(order, clip),
            pad_value=0,
            output_range="dot",
            **arguments,
        )
        self._by_position = beta == "position"

    def set_quantizers(
        self,
        *,
        input_quantizer: str | Quantizer | None = None,
        weight_quantizer: str | Quantizer | None = None,
    ) -> None:
        """Replace quantizers, see `QConv2D`; by position the input quantizer stays a `HORQ`."""
        if self._by_position and not isinstance(input_quantizer, (HORQ, type(None))):
            raise ValueError(
                f"bmx.gluon.nn.HORQConv2D: {self.name}: expected input_quantizer HORQ with beta='position', "
                f"found {input_quantizer!r}; or build the layer with beta='sample'."
            )
        super().set_quantizers(input_quantizer=input_quantizer, weight_quantizer=weight_quantizer)

    def _sum(self, F: Any, x: Tensor, weight: Tensor, of_input: dict, of_weight: dict) -> Tensor:
        if not self._by_position:
            return super()._sum(F, x, weight, of_input, of_weight)
        quantizer = self._settings.weight_quantizer
        rows = [Term(self._as_row(F, w.codes), w.scale) for w in quantizer.terms(F, weight, **of_weight)]
        return self._sum_of_products(F, rows, self._residuals(F, self._columns(F, x)), signs=True)

    def _columns(self, F: Any, x: Tensor) -> Tensor:
        """The windows [batch, kernel taps * in_channels, out_height, out_width], tap by tap."""
        (kernel, dilation), (height, width) = self._window, self._kwargs["pad"]
        if height or width:
            x = F.pad(x, mode="constant", pad_width=(0, 0, 0, 0, height, height, width, width))
        taps = []
        for row, column in np.ndindex(*kernel):
            tap = x
            for axis, at, size, step in (
                (2, row, kernel[0], dilation[0]),
                (3, column, kernel[1], dilation[1]),
            ):
                end = (at + 1 - size) * step
                tap = F.slice_axis(tap, axis=axis, begin=at * step, end=end if end else None)
            taps.append(tap)
        columns = F.concat(*taps, dim=1) if len(taps) > 1 else taps[0]
        strides = self._kwargs["stride"]
        if tuple(strides) == (1, 1):
            return columns
        return F.Pooling(columns, kernel=(1, 1), stride=strides, pool_type="max")

    @property
    def _window(self) -> tuple[tuple, tuple]:
        return self._kwargs["kernel"], self._kwargs["dilate"]

    def _as_row(self, F: Any, weight: Tensor) -> Tensor:
        """The filters [channels, in_channels, height, width] in the order of the columns."""
        return F.reshape(F.transpose(weight, axes=(0, 2, 3, 1)), shape=(0, -1, 1, 1))

    def _residuals(self, F: Any, columns: Tensor) -> list[Term]:
        quantizer = self._settings.input_quantizer
        assert isinstance(quantizer, HORQ)
        training = current_lowering() != "inference"
        rest, terms = columns, []
        for number in range(quantizer.order):
            codes = sign(F, rest)
            if training:
                codes = straight_through(F, codes, within(F, rest, quantizer.clip))
            scale = F.BlockGrad(F.mean(F.abs(rest), axis=1, keepdims=True))
            terms.append(Term(codes, scale))
            if number + 1 < quantizer.order:
                rest = rest - F.broadcast_mul(codes, scale)
        return terms

    def _pointwise(self) -> dict[str, Any]:
        return {"kernel": (1, 1), "num_filter": self._channels, "no_bias": True}

    def _dot(self, F: Any, x: Tensor, weight: Tensor, name: str) -> Tensor:
        if not self._by_position:
            return super()._dot(F, x, weight, name)
        return F.Convolution(x, weight, name=name, **self._pointwise())

    def _operator(
        self,
        F: Any,
        inputs: list[Any],
        attributes: dict[str, Any],
        name: str = "fwd",
    ) -> Tensor:
        if not self._by_position:
            return super()._operator(F, inputs, attributes, name)
        return F.QConvolution(*inputs, name=name, **attributes, **self._pointwise())
