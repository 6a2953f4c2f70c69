"""Batch norm that multiplies by powers of two only."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers.straight_through import choose, in_training, straight_through
from bmx.gluon.tensor import Tensor


def power_of_two(F: Any, x: Tensor) -> Tensor:
    """AP2: the power of two nearest to |x| on a logarithmic scale, with the sign of x; 0 for 0.

    Hubara et al., Binarized Neural Networks, arXiv:1602.02830, section 2.3.
    """
    # Below 2^-126 float32 is denormal; 0 stays 0 by its sign.
    exponent = F.round(F.log2(F.maximum(F.abs(x), 2.0**-126)))
    return F.sign(x) * (2**exponent)


class ShiftBatchNorm(HybridBlock):
    r"""Batch norm that multiplies by powers of two only, so by shifts.

    Forward, training, with the means over all axes but the channels' and AP2 as `power_of_two`::

        m = mean(x);  c = x - m;  v = mean(c * AP2(c));  s = 1 / sqrt(v + epsilon)
        y = AP2(gamma) * AP2(s) * c + beta

    Forward, inference: the same with running_mean for m and running_inv_std for s. Backward, training::

        dC/dx = AP2(gamma) AP2(s) (g - mean(g) - AP2(c) AP2(s)^2 mean(AP2(c) g))          g = dC/dy
        dC/dgamma = sum g AP2(AP2(s) c);   dC/dbeta = sum g

    and without the means if running statistics are used. The backward pass updates the running
    statistics, as in MXNet's own batch norm::

        running = momentum * running + (1 - momentum) * batch

    Papers: Hubara et al., Binarized Neural Networks, arXiv:1602.02830, section 2.3, algorithm 3; the backward
    formula is that of the authors' Torch code.

    Args:
        momentum: momentum of the running statistics.
        epsilon: addend of the variance.
        center: whether beta is trained.
        scale: whether gamma is trained.
        in_channels: channels of the input (its second axis); 0 leaves them to the first call.
        ndim: number of axes of the input: 4 for images, 2 after fully connected layers.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, in_channels, ...] with ``ndim`` axes.

    Outputs:
        - **out**: float32, the same shape.
    """

    def __init__(
        self,
        momentum: float = 0.875,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        in_channels: int = 0,
        ndim: int = 4,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        self._momentum, self._epsilon = momentum, epsilon
        self._shape = (1, -1, *(1,) * (ndim - 2))
        with self.name_scope():
            self.gamma = self._parameter("gamma", "ones", in_channels, scale)
            self.beta = self._parameter("beta", "zeros", in_channels, center)
            self.running_mean = self._parameter("running_mean", "zeros", in_channels)
            self.running_inv_std = self._parameter("running_inv_std", "ones", in_channels)
            # MXNet's operator, which does the averaging, needs a second statistic; nothing reads it.
            self.running_unused = self._parameter("running_unused", "ones", in_channels)

    def _parameter(self, name: str, start: str, channels: int, trained: bool = False) -> Any:
        return self.params.get(
            name,
            shape=(channels,),
            init=start,
            grad_req="write" if trained else "null",
            allow_deferred_init=True,
            differentiable=not name.startswith("running"),
        )

    def hybrid_forward(
        self,
        F: Any,
        x: Tensor,
        gamma: Tensor,
        beta: Tensor,
        running_mean: Tensor,
        running_inv_std: Tensor,
        running_unused: Tensor,
    ) -> Tensor:
        if current_lowering() == "inference":
            return self._infer(F, x, gamma, beta, running_mean, running_inv_std)
        constant = F.BlockGrad(x)
        mean, inverse = self._statistics(F, constant)
        training = in_training(F, mean)
        source = F.mean(x, axis=1, exclude=True)
        of_mean = straight_through(F, mean, source)
        beta = self._average(F, training, of_mean, running_mean, running_unused, beta)
        factor = self._spread(F, F.BlockGrad(power_of_two(F, gamma)))
        of_inverse = straight_through(F, inverse, source)
        gamma = self._average(F, training, of_inverse, running_inv_std, running_unused, gamma)
        mean = choose(F, training, mean, running_mean)
        inverse = self._spread(F, power_of_two(F, choose(F, training, inverse, running_inv_std)))
        centered = F.broadcast_sub(constant, self._spread(F, mean))
        normal = F.broadcast_mul(centered, inverse)
        through_x = F.broadcast_mul(self._linear(F, x, power_of_two(F, centered), inverse, training), factor)
        through_gamma = F.broadcast_mul(F.BlockGrad(power_of_two(F, normal)), self._spread(F, gamma))
        out = straight_through(F, F.broadcast_mul(normal, factor), through_x + through_gamma)
        return F.broadcast_add(out, self._spread(F, beta))

    def _infer(self, F: Any, x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, inverse: Tensor) -> Tensor:
        factor = power_of_two(F, gamma) * power_of_two(F, inverse)
        centered = F.broadcast_sub(x, self._spread(F, mean))
        return F.broadcast_add(F.broadcast_mul(centered, self._spread(F, factor)), self._spread(F, beta))

    def _spread(self, F: Any, values: Tensor) -> Tensor:
        return F.reshape(values, shape=self._shape)

    def _statistics(self, F: Any, x: Tensor) -> tuple[Any, Any]:
        """Mean and inverse standard deviation of the batch, [channels]."""
        mean = F.mean(x, axis=1, exclude=True)
        centered = F.broadcast_sub(x, self._spread(F, mean))
        variance = F.mean(centered * power_of_two(F, centered), axis=1, exclude=True)
        return mean, F.rsqrt(variance + self._epsilon)

    def _average(
        self,
        F: Any,
        training: Tensor,
        statistic: Tensor,
        running: Tensor,
        unused: Tensor,
        parameter: Tensor,
    ) -> Tensor:
        """The parameter; its backward pass updates the running statistic.

        Only operators of MXNet may change a state inside a hybridized net, and batch norm is the one that
        averages. From a batch of one row it returns exactly its beta, which is the parameter here. The row's
        gradient is exactly 0 but requested, so the average moves even if the parameter is frozen.
        """
        row, ones = F.reshape(statistic, shape=(1, -1)), F.ones_like(parameter)
        settings = {"fix_gamma": False, "eps": 1e-3, "momentum": self._momentum}
        carried = F.BatchNorm(row, ones, parameter, running, unused, **settings)
        return F.where(training, F.reshape(carried, shape=(-1,)), parameter)

    def _linear(self, F: Any, x: Tensor, powers: Tensor, inverse: Tensor, training: Tensor) -> Tensor:
        """A linear function of ``x`` whose gradient is that of the normalized values.

        It is its own transpose, so it maps g backward as it maps x forward.
        """
        powers, inverse = F.BlockGrad(powers), F.BlockGrad(inverse)
        means = {"axis": 1, "exclude": True, "keepdims": True}
        projection = F.broadcast_mul(F.mean(powers * x, **means), inverse * inverse)
        lost = F.broadcast_add(F.broadcast_mul(powers, projection), F.mean(x, **means))
        return F.broadcast_mul(x - F.broadcast_mul(lost, self._spread(F, training)), inverse)
