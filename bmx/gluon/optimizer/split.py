"""One optimizer made of several, each for some of the parameters."""

from __future__ import annotations

from typing import Any, Callable, Iterable

import mxnet as mx

from bmx.gluon.arguments import require
from bmx.gluon.optimizer.bop import Bop
from bmx.gluon.optimizer.latent import center_array, clip_array, is_binary

Predicate = Callable[[Any], bool]


class SplitOptimizer(mx.optimizer.Optimizer):
    """Hands each parameter to one of several optimizers, and keeps latent weights in bounds.

    It is one optimizer to MXNet, so a Trainer's key-value stores, devices and state files work as with any
    other. `BinaryTrainer` makes it.

    After each update of latent weights, first their mean over the input channels is subtracted if ``center``,
    then they are clipped to [-limit, limit]. Weights that `Bop` updates are signs and left alone.

    Args:
        default: optimizer of the parameters for which no predicate holds.
        split: pairs of a function of a Parameter and the optimizer of those for which it holds; the first
            that holds decides.
        limit: largest magnitude of latent weights, above 0; None for no limit.
        center: whether to center latent weights.

    Attributes:
        optimizers: ``default``, then those of ``split``.

    Raises:
        ValueError: if a value is out of its range.
    """

    def __init__(
        self,
        default: Any,
        split: Iterable[tuple[Predicate, Any]] = (),
        limit: float | None = 1.0,
        center: bool = False,
    ) -> None:
        fits = limit is None or limit > 0
        require("optimizer.SplitOptimizer", "limit", limit, fits, "> 0 or None")
        split = list(split)
        self.optimizers = [default, *(optimizer for _, optimizer in split)]
        self.limit = limit
        self.center = center
        self._predicates: list[Predicate] | None = [predicate for predicate, _ in split]
        self._groups: dict[int, int] = {}
        self._latent: set[int] = set()
        self._ratios = self._ratios_to_default()
        super().__init__(rescale_grad=default.rescale_grad)

    def _ratios_to_default(self) -> list[float]:
        default, *others = self.optimizers
        if not others or default.lr_scheduler is not None:
            return [1.0 for _ in self.optimizers]
        expected = "> 0 of the default optimizer, because the others keep their ratio to it"
        require("optimizer.SplitOptimizer", "learning_rate", default.lr, default.lr > 0, expected)
        return [1.0, *(1.0 if other.lr is None else other.lr / default.lr for other in others)]

    # Which parameters

    @property
    def param_dict(self) -> dict[int, Any]:
        """The Parameters by their numbers. A Trainer sets it; then each Parameter gets its optimizer."""
        return self._param_dict

    @param_dict.setter
    def param_dict(self, params: dict[int, Any]) -> None:
        self._param_dict = params or {}
        for optimizer in self.optimizers:
            optimizer.param_dict = self._param_dict
        # An optimizer out of a file has no predicates, and knows the groups.
        if params and self._predicates is not None:
            self._groups = {index: self._group_of(parameter) for index, parameter in params.items()}
            self._require_every_group()
            self._latent = {
                index
                for index, parameter in params.items()
                if is_binary(parameter) and not isinstance(self.optimizer_of(index), Bop)
            }

    def _group_of(self, parameter: Any) -> int:
        matches = (n for n, holds in enumerate(self._predicates or [], 1) if holds(parameter))
        return next(matches, 0)

    def _require_every_group(self) -> None:
        for n, optimizer in enumerate(self.optimizers[1:], 1):
            if n not in self._groups.values():
                raise ValueError(
                    "bmx.gluon.optimizer.SplitOptimizer: expected parameters for each optimizer of split, "
                    f"found none of {len(self._groups)} for which the predicate of number {n}, "
                    f"{type(optimizer).__name__}, is the first that holds."
                )

    @property
    def groups(self) -> dict[int, int]:
        """For each number of a parameter the number of its optimizer among `optimizers`."""
        return dict(self._groups)

    def optimizer_of(self, index: int) -> Any:
        """The optimizer of a parameter, by the parameter's number."""
        return self.optimizers[self._groups.get(index, 0)]

    # Learning rates

    @property
    def learning_rate(self) -> float:
        """The learning rate of the default optimizer."""
        return self.optimizers[0].learning_rate

    def set_learning_rate(self, lr: float) -> None:
        """Set the learning rate of the default optimizer; the others keep their first ratio to it.

        Those with a scheduler follow it instead.

        Raises:
            UserWarning: if the default optimizer has a scheduler, as in MXNet.
        """
        self.optimizers[0].set_learning_rate(lr)
        for optimizer, ratio in zip(self.optimizers[1:], self._ratios[1:]):
            if optimizer.lr_scheduler is None:
                optimizer.set_learning_rate(lr * ratio)

    # Updates

    def create_state_multi_precision(self, index: int, weight: Any) -> Any:
        """The state that the parameter's optimizer keeps."""
        return self.optimizer_of(index).create_state_multi_precision(index, weight)

    def update_multi_precision(self, index: int, weight: Any, grad: Any, state: Any) -> None:
        """Let the parameter's optimizer update, then center and clip latent weights."""
        optimizer = self.optimizer_of(index)
        optimizer.rescale_grad = self.rescale_grad
        optimizer.update_multi_precision(index, weight, grad, state)
        self.num_update: int = max(self.num_update, optimizer.num_update)
        if index in self._latent:
            if self.center:
                center_array(weight)
            if self.limit is not None:
                clip_array(weight, self.limit)

    def _set_current_context(self, device_id: int) -> None:
        super()._set_current_context(device_id)
        for optimizer in self.optimizers:
            optimizer._set_current_context(device_id)

    # Pickled for state files

    def __getstate__(self) -> dict[str, Any]:
        """State without Parameters and predicates, which cannot be pickled."""
        state = self.__dict__.copy()
        del state["_param_dict"]
        state["_predicates"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state; the Trainer sets the Parameters."""
        self.__dict__ = state
        self._param_dict = {}
