"""A Trainer that knows latent weights."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Mapping

import mxnet as mx
from mxnet import gluon

from bmx.gluon.optimizer.split import Predicate, SplitOptimizer


class BinaryTrainer(gluon.Trainer):
    """Trainer with several optimizers, which bounds latent weights after each step.

    Takes every argument of ``gluon.Trainer`` under the same name and in the same position. A binary layer
    marks its latent weights by ``Parameter.binary``. For example Bop for them and Adam for the rest::

        trainer = BinaryTrainer(
            net.collect_params(), "adam", {"learning_rate": 1e-3},
            split={is_binary: ("bop", {"gamma": 1e-3})},
        )

    ``save_states`` and ``load_states`` hold all of the optimizers. ``set_learning_rate`` sets that of
    ``optimizer``; those of ``split`` keep their first ratio to it, unless they have schedulers. Gradients
    that add up over several passes (``grad_req='add'``) are used as they are; zero them after the step, as
    with any Trainer.

    With a store of several machines, which adds up their gradients, each machine updates its own weights:
    MXNet's servers cannot load optimizers that are not MXNet's. ``gluon.Trainer`` with an optimizer of this
    package fails there unnoticed; use this Trainer instead.

    Papers: Courbariaux et al., arXiv:1602.02830, algorithm 1 (clipping); Rastegari et al., XNOR-Net,
    arXiv:1603.05279 (centering); Helwegen et al., arXiv:1906.02107 (Bop beside Adam).

    Args:
        params: ParameterDict, dict or list of Parameters.
        optimizer: name or Optimizer, for the parameters for which ``split`` has none.
        optimizer_params: arguments of ``optimizer``, if it is a name.
        kvstore: as in Gluon, but not 'dist_async'.
        compression_params: as in Gluon.
        update_on_kvstore: as in Gluon; None and False with several machines.
        split: functions of a Parameter, such as `is_binary`, and the optimizer of those for which the
            function is the first that holds: a name, a name and its arguments, or an Optimizer.
        limit: bound to which latent weights are clipped, above 0; None for no limit. Weights that Bop updates
            are not clipped.
        center: whether to subtract from latent weights their mean over the input channels before clipping.

    Raises:
        ValueError: if a value is not supported, or a function of ``split`` holds for no parameter.
    """

    def __init__(
        self,
        params: Any,
        optimizer: Any,
        optimizer_params: dict[str, Any] | None = None,
        kvstore: Any = "device",
        compression_params: dict[str, Any] | None = None,
        update_on_kvstore: bool | None = None,
        *,
        split: Mapping[Predicate, Any] | None = None,
        limit: float | None = 1.0,
        center: bool = False,
    ) -> None:
        pairs = [(_predicate(key), _optimizer(value)) for key, value in (split or {}).items()]
        default = _optimizer(optimizer if optimizer_params is None else (optimizer, optimizer_params))
        super().__init__(
            params,
            SplitOptimizer(default, pairs, limit, center),
            None,
            kvstore,
            compression_params,
            _update_on_kvstore(kvstore, update_on_kvstore),
        )

    @property
    def optimizers(self) -> list[Any]:
        """The optimizer of ``optimizer``, then those of ``split``."""
        return self._optimizer.optimizers

    def _init_params(self) -> None:
        super()._init_params()
        # The server keeps the sum of a weight's gradients in the weight's place. Without waiting, a weight
        # may be fetched after its first gradients have been sent, and is then their sum.
        if self._distributed:
            for parameter in self._params:
                for data in parameter._data or ():
                    data.wait_to_read()

    def load_states(self, fname: Any) -> None:
        """Load what `save_states` wrote.

        Raises:
            ValueError: if the file is not from a `BinaryTrainer` that had the same optimizers for the same
                parameters; nothing is loaded then.
        """
        own = self._optimizer
        loaded = pickle.loads(Path(fname).read_bytes())
        other = loaded[1] if isinstance(loaded, tuple) else None
        if not isinstance(other, SplitOptimizer) or _layout(other) != _layout(own):
            found = type(other).__name__ if not isinstance(other, SplitOptimizer) else _describe(other)
            raise ValueError(
                f"bmx.gluon.optimizer.BinaryTrainer: expected states of {_describe(own)} in {fname}, found "
                f"{found}; make the Trainer as it was when the file was saved."
            )
        super().load_states(fname)
        self._optimizer._predicates = own._predicates


def _predicate(key: Any) -> Predicate:
    if not callable(key):
        raise ValueError(
            "bmx.gluon.optimizer.BinaryTrainer: expected functions of a Parameter as keys of split, such as "
            f"is_binary, found {key!r}."
        )
    return key


def _update_on_kvstore(kvstore: Any, given: bool | None) -> bool | None:
    kind = kvstore if isinstance(kvstore, str) else getattr(kvstore, "type", "")
    if "dist" not in kind:
        return given
    if "async" in kind or given:
        raise ValueError(
            "bmx.gluon.optimizer.BinaryTrainer: expected machines that update their own weights, because "
            f"MXNet's servers cannot load this optimizer; found kvstore={kind!r} and "
            f"update_on_kvstore={given!r}. Give 'dist_sync' and None."
        )
    return False


def _optimizer(given: Any) -> Any:
    name, arguments = given if isinstance(given, tuple) else (given, {})
    if isinstance(name, str):
        return mx.optimizer.create(name, **arguments)
    if isinstance(name, mx.optimizer.Optimizer) and not arguments:
        return name
    raise ValueError(
        "bmx.gluon.optimizer.BinaryTrainer: expected an optimizer as its name, its name and arguments, or an "
        f"Optimizer without arguments, found {given!r}."
    )


def _layout(optimizer: SplitOptimizer) -> tuple[list[type], dict[int, int]]:
    return [type(o) for o in optimizer.optimizers], optimizer.groups


def _describe(optimizer: SplitOptimizer) -> str:
    groups = list(optimizer.groups.values())
    return " and ".join(
        f"{type(o).__name__} for {groups.count(n)} parameters" for n, o in enumerate(optimizer.optimizers)
    )
