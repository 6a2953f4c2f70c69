"""The net of a description, with all its parameters."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any, Callable, Iterator, Mapping

import mxnet as mx
from mxnet import gluon

from bmx.gluon import sources
from bmx.gluon.nn import defaults
from bmx.training.precision import set_clip, set_precision
from bmx.training.reading import ConfigError
from bmx.training.schema import Model

Builder = Callable[[str, Mapping[str, Any]], gluon.HybridBlock]


def make_net(
    model: Model,
    classes: int,
    shape: tuple[int, ...],
    build: Builder = sources.build_model,
    weights: str = "binary",
    activations: str = "binary",
) -> gluon.HybridBlock:
    """The described net with all its parameters, hybridized.

    Args:
        model: description of the net.
        classes: number of classes, unless the description's arguments have another.
        shape: shape of a batch of one image.
        build: function from the net's name and arguments to the net.
        weights: precision of weights, as `set_precision` takes it.
        activations: precision of activations, as `set_precision` takes it.

    Raises:
        ConfigError: something in the description is not known, or does not fit.
    """
    try:
        with defaults(**{key: _or_none(value) for key, value in model.layers.items()}):
            net = _build(model, classes, build)
        if model.clip_threshold:
            set_clip(net, model.clip_threshold)
        set_precision(net, weights, activations)
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, ConfigError) else ConfigError(f"model: {error}") from None
    _initialize(net, model.initializer)
    net(mx.nd.zeros(shape))
    if model.params and not sources.is_saved_net(model.name):
        load_parameters(net, model.params)
    net.hybridize(static_alloc=True)
    return net


@contextlib.contextmanager
def without_unused_warnings() -> Iterator[None]:
    """Inside the ``with`` block Gluon does not warn of parameters that a stage does not use."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Parameter .* not used by any computation")
        yield


def load_parameters(net: gluon.Block, path: Any) -> None:
    """Loads what ``save_parameters`` wrote.

    Raises:
        ConfigError: the file does not fit the net.
    """
    try:
        sources.load_parameters(net, path)
    except sources.ParametersError as error:
        raise ConfigError(f"{error} (a stage of another model starts with fresh = true)") from None


def _build(model: Model, classes: int, build: Builder) -> gluon.HybridBlock:
    arguments = dict(model.arguments)
    if sources.is_saved_net(model.name):
        arguments.setdefault("params", model.params or None)
    elif sources.takes_classes(model.name):
        arguments.setdefault("classes", classes)
    try:
        return build(model.name, arguments)
    except sources.SourceError as error:
        raise ConfigError(f"model {model.name!r} with {arguments}: {error}") from None


def _or_none(value: Any) -> Any:
    """TOML has no word for None, which several settings of layers take."""
    return None if value == "none" else value


def _initialize(net: gluon.Block, initializer: Mapping[str, Any]) -> None:
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
