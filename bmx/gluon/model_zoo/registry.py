"""Models by name: an architecture registers its constructor; tests and the command line list them."""

from __future__ import annotations

import difflib
import inspect
import os
from typing import Any, Callable, Mapping, NamedTuple, Sequence, TypeVar, overload

import mxnet as mx

from bmx.gluon.model_zoo.support.publication import Paper, Published

Constructor = TypeVar("Constructor", bound=Callable[..., Any])


class Model(NamedTuple):
    """What the registry knows of a name.

    Attributes:
        constructor: function that makes the net.
        input_shape: (channels, height, width) that the net is made for.
        arguments: arguments that the name gives the constructor.
        paper: where the architecture was published; None for a net of one's own.
        published: accuracy and counts.
    """

    constructor: Callable[..., Any]
    input_shape: tuple[int, int, int]
    arguments: dict[str, Any]
    paper: Paper | None
    published: Published


_models: dict[str, Model] = {}
_aliases: dict[str, str] = {}

IMAGENET = (3, 224, 224)
CIFAR = (3, 32, 32)


@overload
def register(constructor: Constructor) -> Constructor: ...


@overload
def register(
    *,
    names: dict[str, dict[str, Any]] | None = None,
    aliases: dict[str, str] | None = None,
    input_shape: tuple[int, int, int] = IMAGENET,
    paper: Paper | None = None,
    published: Mapping[str, Published] | None = None,
) -> Callable[[Constructor], Constructor]: ...


def register(
    constructor: Any = None,
    *,
    names: dict[str, dict[str, Any]] | None = None,
    aliases: dict[str, str] | None = None,
    input_shape: tuple[int, int, int] = IMAGENET,
    paper: Paper | None = None,
    published: Mapping[str, Published] | None = None,
) -> Any:
    """Makes a constructor known, as its decorator, under its function's name if no other is given.

    The constructor takes `classes` (the number of classes, with a default) among its keyword arguments and
    returns a HybridBlock that is not initialized yet.

    Args:
        constructor: the function, if the decorator stands without arguments.
        names: names of models, each with the arguments that make it.
        aliases: further names -> one of the names.
        input_shape: (channels, height, width) that the nets are made for.
        paper: where the architecture was published.
        published: accuracy and counts, by name. The tests hold every net of bmx to its counts; a net of your
            own needs none.

    Raises:
        ValueError: if a name is taken, or something is published of a name that is not registered here.
    """

    def add(function: Constructor) -> Constructor:
        known = names or {function.__name__: {}}
        unknown = sorted(set(published or {}) - set(known))
        if unknown:
            raise ValueError(
                f"register: published has {unknown[0]!r}, expected one of {', '.join(known)}; rename it"
            )
        for name, arguments in known.items():
            _claim(name)
            of_net = (published or {}).get(name, Published())
            _models[name] = Model(function, input_shape, arguments, paper, of_net)
        for alias, name in (aliases or {}).items():
            _claim(alias)
            _aliases[alias] = name
        return function

    return add if constructor is None else add(constructor)


def _claim(name: str) -> None:
    if name in _models or name in _aliases:
        raise ValueError(f"register: a model named {name!r} is registered already; choose another name")


def list_models() -> list[str]:
    """Names that `get_model` knows, sorted, without aliases."""
    return sorted(_models)


def list_aliases() -> list[str]:
    """Further names that `get_model` knows, sorted."""
    return sorted(_aliases)


def takes(name: str, argument: str) -> bool:
    """Whether the constructor of a model names an argument, for example `thumbnail`.

    Raises:
        ValueError: if the name of the model is unknown.
    """
    return argument in inspect.signature(find(name).constructor).parameters


def get_model(
    name: str,
    classes: int | None = None,
    thumbnail: bool | None = None,
    *,
    pretrained: bool | str = False,
    root: str | os.PathLike[str] | None = None,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
    **kwargs: Any,
) -> Any:
    """Builds a model by name.

    Args:
        name: one of `list_models()` or an alias, in upper or lower case.
        classes: number of outputs; by default that of the model's data set, 1000 for ImageNet's.
        thumbnail: whether the stem is that for CIFAR's images instead of ImageNet's, where a model has both.
        pretrained: True loads trained parameters from `root` or, if they are not there, from the address in
            the environment's `BMX_MODELS_URL`. Where there are several, a text says which: the data set, or
            the beginning of the file's SHA-256. The path of a file, ending in `.params`, loads that file.
        root: folder of trained parameters; `$BMX_HOME/models` by default.
        ctx: device or devices that trained parameters are loaded to; the CPU by default. Without
            `pretrained` it has no effect, as in GluonCV: `net.initialize` takes one.
        kwargs: further arguments of the constructor, for example `initial_layers="grouped_stem"`.

    Returns:
        A HybridBlock; it is not initialized yet if it is not pretrained.

    Raises:
        ValueError: if the name is unknown; the message lists the known ones and what may have been meant.
        PretrainedError: if there are no trained parameters for these arguments; the message says what to do.
    """
    model = find(name)
    given = {"classes": classes, "thumbnail": thumbnail}
    kwargs.update({key: value for key, value in given.items() if value is not None})
    arguments = {**model.arguments, **kwargs}
    if not pretrained:
        return model.constructor(**arguments)
    from bmx.gluon.model_zoo.support import pretrained as store

    defaults = inspect.signature(model.constructor).parameters.items()
    all_arguments = {key: value.default for key, value in defaults if value.default is not value.empty}
    file = store.find(_canonical(name), {**all_arguments, **arguments}, pretrained, root)
    net = model.constructor(**arguments)
    store.load(net, file, ctx)
    return net


def input_shape(name: str, thumbnail: bool = False) -> tuple[int, int, int]:
    """(channels, height, width) that a model is made for; `thumbnail` stands for CIFAR's images.

    Raises:
        ValueError: if the name is unknown.
    """
    shape = find(name).input_shape
    return CIFAR if thumbnail and shape == IMAGENET else shape


def find(name: str) -> Model:
    """What the registry knows of a name or an alias.

    Raises:
        ValueError: if the name is unknown.
    """
    model = _models.get(_canonical(name))
    if model is None:
        suggestion = _suggestion(name.lower(), list_models())
        raise ValueError(f"get_model: there is no model named {name!r}{suggestion}")
    return model


def _canonical(name: str) -> str:
    """The name without its alias, in lower case."""
    lower = name.lower()
    return _aliases.get(lower, lower)


def _suggestion(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, [*known, *_aliases], n=3)
    meant = f" (did you mean {' or '.join(close)}?)" if close else ""
    return f"{meant}; known models: {', '.join(known)}"
