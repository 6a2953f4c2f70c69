"""How many binary weights change their sign in training."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon

from bmx.gluon.optimizer.latent import binary_parameters


class FlipRatio(mx.metric.EvalMetric):
    """Share of binary weights whose sign changes from one update of the metric to the next.

    The signs are remembered when the metric is made and at each `update`, so call it after each step for the
    share that a step flips, or after each epoch. `get` averages over the updates since the last
    `reset`, which forgets shares but no signs. A weight whose shape is not known yet is first remembered at
    the first update where it is.

    Paper: Helwegen et al., Latent Weights Do Not Exist, arXiv:1906.02107, watches this share.

    Args:
        net: Block; its layers mark their latent weights by ``Parameter.binary``.
        name: name of the total; a weight adds its own, ``flip_ratio:conv0_weight``.

    Raises:
        ValueError: if the net has no binary weights.
    """

    def __init__(self, net: gluon.Block, name: str = "flip_ratio") -> None:
        self._parameters = list(binary_parameters(net.collect_params()))
        if not self._parameters:
            raise ValueError(
                "bmx.gluon.metric.FlipRatio: expected a net with binary weights, found none in "
                f"{type(net).__name__}."
            )
        super().__init__(name)
        self._negative: dict[str, np.ndarray] = {}
        self._compare()

    def reset(self) -> None:
        """Forget the shares so far."""
        super().reset()
        self._flips = {parameter.name: 0 for parameter in self._parameters}
        self._compared = dict(self._flips)

    def update(self, labels: Any = None, preds: Any = None) -> None:
        """Compare with the signs at the last update; the arguments are ignored."""
        for name, flips in self._compare().items():
            self._flips[name] += int(flips.sum())
            self._compared[name] += flips.size

    def get(self) -> tuple[list[str], list[float]]:
        """Names and shares, 0 to 1: the total, then each weight; NaN where nothing was compared."""
        names = [self.name, *(f"{self.name}:{name}" for name in self._flips)]
        pairs = [(self._flips[name], self._compared[name]) for name in self._flips]
        pairs.insert(0, (sum(self._flips.values()), sum(self._compared.values())))
        return names, [flips / compared if compared else float("nan") for flips, compared in pairs]

    def _compare(self) -> dict[str, np.ndarray]:
        """Which signs differ from the remembered ones, by weight; remembers the new ones."""
        flips = {}
        for parameter in self._parameters:
            if parameter._data is None:
                continue
            negative = parameter.list_data()[0].asnumpy() < 0
            if parameter.name in self._negative:
                flips[parameter.name] = negative != self._negative[parameter.name]
            self._negative[parameter.name] = negative
        return flips
