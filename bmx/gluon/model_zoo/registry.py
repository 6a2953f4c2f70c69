"""Models by name: an architecture registers its constructor; tests and the command line list them."""

from __future__ import annotations

import difflib
from typing import Any, Callable, TypeVar

Constructor = TypeVar("Constructor", bound=Callable[..., Any])

_models: dict[str, Callable[..., Any]] = {}


def register(constructor: Constructor) -> Constructor:
    """Decorator: makes a constructor known under its function's name.

    The constructor takes `classes` (the number of classes, with a default) among its keyword arguments and
    returns a HybridBlock that is not initialised yet.

    Raises:
        ValueError: if the name is taken.
    """
    name = constructor.__name__
    if name in _models:
        raise ValueError(f"register: a model named {name!r} is registered already; choose another name")
    _models[name] = constructor
    return constructor


def list_models() -> list[str]:
    """Names that `get_model` knows, sorted."""
    return sorted(_models)


def get_model(name: str, **kwargs: Any) -> Any:
    """Builds a model by name.

    Args:
        name: one of `list_models()`, in upper or lower case.
        kwargs: arguments of the constructor, for example `classes=10`.

    Returns:
        A HybridBlock that is not initialised yet.

    Raises:
        ValueError: if the name is unknown; the message lists the known ones and what may have been meant.
    """
    constructor = _models.get(name.lower())
    if constructor is None:
        raise ValueError(f"get_model: there is no model named {name!r}{_suggestion(name)}")
    return constructor(**kwargs)


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), _models, n=3)
    meant = f" (did you mean {' or '.join(close)}?)" if close else ""
    return f"{meant}; known models: {', '.join(list_models())}"
