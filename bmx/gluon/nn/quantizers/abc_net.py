"""Several signs of shifted values for one array: the binary bases of ABC-Net."""

from __future__ import annotations

from typing import Any

from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers.base import Learned, Quantizer, Term, require
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.straight_through import between, sign, straight_through, within
from bmx.gluon.tensor import Tensor


def spread(count: int) -> list[float]:
    """``count`` numbers at equal distances from -1 to 1; a single one is 0."""
    return [0.0] if count == 1 else [-1 + 2 * i / (count - 1) for i in range(count)]


def require_terms(owner: Any, terms: Any, most: int = 8) -> None:
    """Raise ValueError unless ``terms`` is an integer from 1 to ``most``."""
    fits = isinstance(terms, int) and not isinstance(terms, bool) and 1 <= terms <= most
    require(owner, "terms", terms, fits, f"from 1 to {most}")


@register("abc_weight")
class ABCWeight(Quantizer):
    r"""Weights as a sum of several binary arrays, fitted by least squares.

    Forward, with M terms and shifts u_m evenly from -1 to 1 (0 if M is 1)::

        B_m = sign(W - mean(W) + u_m std(W))          codes -1 and +1
        alpha = argmin ||W - sum_m alpha_m B_m||^2          scales
        q(W) = sum_m alpha_m B_m

    Mean, standard deviation and alpha belong to the whole layer, or to each filter. Arrays that coincide
    share their alpha: the normal equations have 1e-8 n added to their diagonal and are solved in float64.
    Backward, all three constant::

        dC/dW = sum_m alpha_m dC/dq          (NaN and infinities get no gradient)

    Paper: Lin et al., Towards Accurate Binary Convolutional Neural Network, arXiv:1711.11294.

    Args:
        terms: number of binary arrays, 1 to 8.
        per_filter: whether each filter has its own mean, deviation and alpha.
    """

    def __init__(self, terms: int = 3, per_filter: bool = False) -> None:
        require_terms(self, terms)
        self._terms = terms
        self.per_filter = per_filter

    def terms(self, F: Any, x: Tensor, **learned: Tensor) -> list[Term]:
        """A term for each shift."""
        constant = F.BlockGrad(x)
        over = {"axis": 0, "exclude": True, "keepdims": True} if self.per_filter else {"keepdims": True}
        mean = F.mean(constant, **over)
        centered = F.broadcast_sub(constant, mean)
        deviation = F.sqrt(F.mean(F.square(centered), **over))
        signs = [sign(F, F.broadcast_add(centered, deviation * shift)) for shift in spread(self._terms)]
        alphas = self._least_squares(F, constant, signs)
        passing = within(F, x, None)
        return [
            Term(straight_through(F, codes, passing), F.BlockGrad(F.reshape_like(alpha, mean)))
            for codes, alpha in zip(signs, alphas)
        ]

    def _least_squares(self, F: Any, weight: Tensor, signs: list[Any]) -> list[Any]:
        """The alpha of each sign, [1 or filters, 1, 1]."""
        rows = (0, 1, -1) if self.per_filter else (1, 1, -1)  # [1 or filters, 1, weights]
        count = len(signs)
        vectors = F.concat(*(F.reshape(vector, shape=rows) for vector in (*signs, weight)), dim=1)
        vectors = F.cast(vectors, "float64")
        products = F.slice_axis(
            F.linalg.gemm2(vectors, vectors, transpose_b=True), axis=1, begin=0, end=count
        )
        gram = F.slice_axis(products, axis=2, begin=0, end=count)
        # Every place of the diagonal holds n, the number of weights.
        ridge = F.linalg.makediag(F.linalg.extractdiag(gram)) * 1e-8
        factor = F.linalg.potrf(gram + ridge)
        alpha = F.slice_axis(products, axis=2, begin=count, end=count + 1)
        alpha = F.linalg.trsm(factor, F.linalg.trsm(factor, alpha), transpose=True)
        alpha = F.cast(alpha, "float32")
        return [F.slice_axis(alpha, axis=1, begin=m, end=m + 1) for m in range(count)]


@register("abc")
class ABCActivation(Quantizer):
    r"""Activations as a sum of several signs, at learned thresholds and with learned scales.

    Forward, with N terms::

        A_n = sign(x + v_n - 1/2)          codes -1 and +1
        q(x) = sum_n beta_n A_n          scales beta_n

    Backward::

        dC/dx = sum_n dC/dA_n if 0 <= x + v_n <= 1 else 0
        dC/dv_n = sum of dC/dA_n where 0 <= x + v_n <= 1

    Each v_n and beta_n is one number for the layer. v starts at ``shift`` plus numbers evenly from -1 to 1 (0
    if N is 1), beta at 1.

    Paper: Lin et al., Towards Accurate Binary Convolutional Neural Network, arXiv:1711.11294.

    Args:
        terms: number of signs of a value, 1 to 8.
        shift: middle of the initial v.
    """

    def __init__(self, terms: int = 3, shift: float = 0.0) -> None:
        require_terms(self, terms)
        self._terms = terms
        self.shift = shift
        shifts = (Learned(f"shift{n}", shift + u) for n, u in enumerate(spread(terms)))
        scales = (Learned(f"step{n}", 1.0) for n in range(terms))
        self.learned = (*shifts, *scales)

    def terms(self, F: Any, x: Tensor, **learned: Tensor) -> list[Term]:
        """A term for each threshold."""
        return [
            Term(self._codes(F, F.broadcast_add(x, learned[f"shift{n}"])), learned[f"step{n}"])
            for n in range(self._terms)
        ]

    def _codes(self, F: Any, shifted: Tensor) -> Tensor:
        codes = sign(F, shifted - 0.5)
        if current_lowering() == "inference":
            return codes
        return straight_through(F, codes, between(F, shifted, 0, 1))
