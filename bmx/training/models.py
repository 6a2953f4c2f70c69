"""Nets by name: of this zoo, of GluonCV's, and GluonCV's made binary."""

from __future__ import annotations

import contextlib
import difflib
import warnings
from typing import Any, Callable, Iterator, Mapping

import mxnet as mx
from mxnet import gluon

from bmx.gluon import model_zoo
from bmx.gluon.model_zoo.support.gluoncv_names import gluoncv_registry
from bmx.gluon.nn import defaults
from bmx.training.config import Model
from bmx.training.precision import set_clip, set_precision
from bmx.training.reading import ConfigError

Builder = Callable[[str, Mapping[str, Any]], gluon.HybridBlock]


def build_model(name: str, arguments: Mapping[str, Any]) -> gluon.HybridBlock:
    """Builds a net, not initialised unless it comes with weights.

    Args:
        name: of a zoo model; ``gluoncv:NAME``; ``binarized:NAME`` for GluonCV's with binary layers.
        arguments: of the constructor.

    Raises:
        ConfigError: the name or an argument is not known.
    """
    kind, _, other = name.rpartition(":")
    try:
        if kind == "":
            return model_zoo.get_model(name, **arguments)
        if kind == "binarized":
            with model_zoo.register_in_gluoncv():
                return _of_gluoncv(name, arguments)
        if kind == "gluoncv":
            return _of_gluoncv(other, arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"model {name!r} with {dict(arguments)}: {error}") from None
    raise ConfigError(
        f"model {name!r}: expected the name of a zoo model, gluoncv:NAME or binarized:NAME, found {kind!r}"
    )


def _of_gluoncv(name: str, arguments: Mapping[str, Any]) -> gluon.HybridBlock:
    known = gluoncv_registry()
    if name.lower() not in known:
        close = difflib.get_close_matches(name.lower(), list(known), n=3)
        raise ValueError("GluonCV has no such net" + (f"; it has {', '.join(close)}" if close else ""))
    return known[name.lower()](**arguments)


def make_net(
    model: Model,
    classes: int,
    shape: tuple[int, ...],
    build: Builder = build_model,
    weights: str = "binary",
    activations: str = "binary",
) -> gluon.HybridBlock:
    """The described net with all its parameters, hybridized.

    Args:
        model: its description.
        classes: number of classes, unless the description's arguments have another.
        shape: of a batch of one image.
        build: makes a net from name and arguments.
        weights: as `set_precision`.
        activations: as `set_precision`.

    Raises:
        ConfigError: something in the description is not known, or does not fit.
    """
    arguments = dict(model.arguments)
    if not is_function(model.name):
        arguments.setdefault("classes", classes)
    try:
        with defaults(**{key: _or_none(value) for key, value in model.layers.items()}):
            net = build(model.name, arguments)
        if model.clip_threshold:
            set_clip(net, model.clip_threshold)
        set_precision(net, weights, activations)
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, ConfigError) else ConfigError(f"model: {error}") from None
    _initialise(net, model.initializer)
    net(mx.nd.zeros(shape))
    if model.params:
        load_parameters(net, model.params)
    net.hybridize(static_alloc=True)
    return net


@contextlib.contextmanager
def without_unused_warnings() -> Iterator[None]:
    """Inside the ``with`` block Gluon does not warn of parameters that a stage leaves out of use."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Parameter .* not used by any computation")
        yield


def is_function(name: str) -> bool:
    """Whether a name is ``module:function``."""
    return ":" in name and name.partition(":")[0] not in ("gluoncv", "binarized")


def load_parameters(net: gluon.Block, path: Any) -> None:
    """Loads what ``save_parameters`` wrote.

    Raises:
        ConfigError: the file does not fit the net.
    """
    try:
        net.load_parameters(str(path))
    except (AssertionError, OSError, RuntimeError, ValueError) as error:
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise ConfigError(
            f"{path}: no parameters of this net ({lines[0].strip()}); give a file that save_parameters wrote "
            "of a net of the same layers (a stage of another model starts with fresh = true)"
        ) from None


def _or_none(value: Any) -> Any:
    """TOML has no word for None, which several settings of layers take."""
    return None if value == "none" else value


def _initialise(net: gluon.Block, initializer: Mapping[str, Any]) -> None:
    arguments = dict(initializer)
    name = arguments.pop("name", "xavier")
    try:
        made = mx.initializer.create(name, **arguments)
    except (AssertionError, TypeError, KeyError, ValueError) as error:
        raise ConfigError(f"model.initializer: {dict(initializer)} cannot be made: {error}") from None
    missing = [p for p in net.collect_params().values() if p._data is None]
    for parameter in missing:
        if not parameter._deferred_init:
            parameter.initialize(default_init=made)
