"""Batch norm and sign in one, a comparison with a threshold at inference."""

from __future__ import annotations

from typing import Any, NamedTuple

import mxnet as mx
import numpy as np
from mxnet.gluon import ParameterDict, nn

from bmx.gluon.arguments import require
from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizer_parameters import declare, learned_values, replace_input_quantizer
from bmx.gluon.nn.quantizers import Quantizer, get_quantizer
from bmx.gluon.nn.quantizers.straight_through import choose, in_training, sign, straight_through
from bmx.gluon.tensor import Tensor


class Flips(NamedTuple):
    """Outputs that a narrow threshold changes, see `BinaryBatchNorm.flips`.

    Attributes:
        flipped: number of outputs that differ.
        total: number of outputs.
        by_channel: number of outputs that differ, for each channel.
    """

    flipped: int
    total: int
    by_channel: np.ndarray


class BinaryBatchNorm(nn.BatchNorm):
    r"""Batch norm and sign in one, which at inference compares an integer with a threshold of few bits.

    Forward, training::

        q(z) = tanh(nu * BN(z))          nu as `TanhSign` has it; other quantizers as they are

    Forward, inference, with T = mean - beta sigma / gamma, sigma = sqrt(var + epsilon)::

        q(z) = +1 if z >= ceil(T) else -1          gamma > 0
        q(z) = +1 if z <= floor(T) else -1         gamma < 0
        q(z) = sign(beta)                          gamma = 0

    with T clipped to -2^(bits - 1) ... 2^(bits - 1) - 1. Rounding changes nothing as long as z is an integer,
    such as a dot product; clipping may, see `flips`. A device stores the threshold and the sign of gamma:
    bits + 1 bits per channel instead of four floats. Backward, the gradient of the forward formula in
    training.

    Paper: Lahoud et al., Self-Binarizing Networks, arXiv:1902.00730. The paper has a threshold of
    8 bits; other widths are this layer's own.

    Args:
        bits: width of the threshold, 2 to 24.
        quantizer: registered name or `Quantizer` of one bit, which follows the batch norm while training.
        ndim: number of axes of the input: 4 for images, 2 after fully connected layers.
        momentum: as in ``gluon.nn.BatchNorm``, like the next three.
        epsilon: addend of the variance.
        center: whether beta is trained.
        scale: whether gamma is trained.
        in_channels: channels of the input (its second axis); 0 leaves them to the first call.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, ...] with ``ndim`` axes: integers.

    Outputs:
        - **out**: float32, the same shape: -1 or +1, in training what the quantizer gives.

    Raises:
        ValueError: if ``bits`` or the quantizer do not fit.
    """

    def __init__(
        self,
        bits: int = 8,
        quantizer: str | Quantizer = "tanh_sign",
        ndim: int = 4,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        in_channels: int = 0,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        fits = isinstance(bits, int) and not isinstance(bits, bool) and 2 <= bits <= 24
        require("nn.BinaryBatchNorm", "bits", bits, fits, "from 2 to 24")
        self._quantizer = get_quantizer(quantizer)
        if self._quantizer.kind != "signs":
            raise ValueError(
                f"bmx.gluon.nn.BinaryBatchNorm: expected a quantizer of one bit, found {self._quantizer!r}; "
                "for more bits put a QActivation after a BatchNorm."
            )
        super().__init__(
            1, momentum, epsilon, center, scale, in_channels=in_channels, prefix=prefix, params=params
        )
        self._bits = bits
        self._shape = (1, -1, *(1,) * (ndim - 2))
        declare(self, "input", in_channels, "in_channels", self._quantizer)

    @property
    def quantizers(self) -> list[Quantizer]:
        """The quantizer after the batch norm, alone."""
        return [self._quantizer]

    @property
    def input_quantizer(self) -> Quantizer:
        """The quantizer after the batch norm."""
        return self._quantizer

    def set_quantizers(self, *, input_quantizer: str | Quantizer | None = None) -> None:
        """Replace the quantizer, see `QuantizedLayer.set_quantizers`."""
        self._quantizer = replace_input_quantizer(self, input_quantizer)

    def hybrid_forward(
        self,
        F: Any,
        x: Tensor,
        gamma: Tensor,
        beta: Tensor,
        running_mean: Tensor,
        running_var: Tensor,
        **learned: Tensor,
    ) -> Tensor:
        compared = self._compare(F, x, gamma, beta, running_mean, running_var)
        if current_lowering() == "inference":
            return compared
        normal = super().hybrid_forward(F, x, gamma, beta, running_mean, running_var)
        values = learned_values(F, self._quantizer, "input_", learned, self._shape)
        quantized = self._quantizer(F, normal, **values)
        return straight_through(F, choose(F, in_training(F, x), quantized, compared), quantized)

    def _compare(
        self, F: Any, x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor
    ) -> Tensor:
        """sign(direction * (x - threshold) + constant); all three depend on the parameters alone."""
        gamma = F.ones_like(gamma) if self._kwargs["fix_gamma"] else gamma
        sigma = F.sqrt(variance + self._kwargs["eps"])
        threshold = mean - beta * sigma / (gamma + (gamma == 0))
        threshold = F.where(gamma > 0, F.ceil(threshold), F.floor(threshold))
        threshold = F.clip(threshold, -(2 ** (self._bits - 1)), 2 ** (self._bits - 1) - 1)
        constant = -(gamma == 0) * (beta < 0)
        distance = F.broadcast_sub(x, F.reshape(threshold, shape=self._shape))
        distance = F.broadcast_mul(distance, F.reshape(F.sign(gamma), shape=self._shape))
        return sign(F, F.broadcast_add(distance, F.reshape(constant, shape=self._shape)))

    def flips(self, x: Any) -> Flips:
        """How many outputs differ from the signs of the batch norm with its running statistics.

        Args:
            x: inputs of this layer, NDArray or array [batch, in_channels, ...].
        """
        x = np.asarray(x.asnumpy() if hasattr(x, "asnumpy") else x, dtype=np.float32)
        shape = (1, -1, *(1,) * (x.ndim - 2))
        parameters = (self.gamma, self.beta, self.running_mean, self.running_var)
        arrays = [parameter.data(parameter.list_ctx()[0]).as_in_context(mx.cpu()) for parameter in parameters]
        found = self._compare(mx.nd, mx.nd.array(x), *arrays).asnumpy()
        gamma, beta, mean, variance = (a.asnumpy().astype(np.float64).reshape(shape) for a in arrays)
        gamma = np.ones_like(gamma) if self._kwargs["fix_gamma"] else gamma
        normal = gamma * (x - mean) / np.sqrt(variance + self._kwargs["eps"]) + beta
        wrong = found != np.where(normal < 0, -1, 1)
        others = tuple(axis for axis in range(x.ndim) if axis != 1)
        return Flips(int(wrong.sum()), wrong.size, wrong.sum(axis=others))
