"""Alpha, by which a layer multiplies its dot products, for each value of the argument ``scaling``."""

from __future__ import annotations

from typing import Any

from bmx.gluon.nn.quantizers.straight_through import sign
from bmx.gluon.tensor import Tensor

SCALINGS = (None, "channel", "channel_detached", "tensor", "xnor")


def weight_scale(F: Any, scaling: str | None, weight: Tensor) -> Tensor | None:
    """Alpha, the mean magnitude of the latent weights, [filters, 1, ...] or [1, 1, ...]; or None.

    ``channel`` and ``xnor``: of each filter, with its gradient sign(W) / n, so that alpha * sign(W) has

        dC/dW_i = sign(W_i) / n * sum_j dC/dW~_j sign(W_j) + dC/dW~_i * alpha * dsign(W_i)/dW_i

    ``channel_detached``: of each filter, without that gradient. ``tensor``: of all filters together, without
    that gradient.

    Rastegari et al., XNOR-Net, arXiv:1603.05279, equations 6 and 12; Liu et al., Bi-Real Net,
    arXiv:1808.00278, equation 10 (detached).
    """
    if scaling is None:
        return None
    # W * sign(W) is |W|, with gradient sign(W) at 0 too.
    magnitude = weight * F.BlockGrad(sign(F, weight))
    alpha = F.mean(magnitude, axis=0, exclude=True, keepdims=True)
    if scaling == "tensor":
        alpha = F.mean(alpha, axis=0, keepdims=True)
    return alpha if scaling in ("channel", "xnor") else F.BlockGrad(alpha)
