"""Our models, and binary versions of GluonCV's, under names that ``gluoncv.model_zoo.get_model`` knows."""

from __future__ import annotations

import difflib
import weakref
from typing import Any, Callable

from mxnet.gluon import nn

from bmx.gluon.model_zoo import registry
from bmx.gluon.surgery import binarize

PREFIX = "bmx_"
BINARIZED = "binarized:"
_MISSING = object()


class RefusedArgument(ValueError):  # noqa: N818  the name says it
    """An argument of GluonCV's recipes that would make another net of one of ours."""


class GluonCVNames:
    """Names in GluonCV's registry, until `restore` or the end of a ``with`` block.

    Attributes:
        names: all that were added.
    """

    def __init__(self, known: dict[str, Any], shortcuts: str | None, params: str | None) -> None:
        self._known = known
        self._nets: list[weakref.ref[Any]] = []
        builders = {
            f"{BINARIZED}{name}": _binarized(constructor, shortcuts)
            for name, constructor in known.items()
            if not name.startswith((PREFIX, BINARIZED))
        }
        for name in (*registry.list_models(), *registry.list_aliases()):
            builders[PREFIX + name] = _ours(name)
            if registry.takes(name, "thumbnail"):
                builders[f"{PREFIX}{name}_thumbnail"] = _ours(name, thumbnail=True)
        self.names = sorted(builders)
        self._before = {name: known.get(name, _MISSING) for name in self.names}
        for name, build in builders.items():
            known[name] = self._remembering(build, params)

    def _remembering(self, build: Callable[..., Any], params: str | None) -> Callable[..., Any]:
        def remember(**kwargs: Any) -> Any:
            from_file = params is not None and kwargs.pop("pretrained", False)
            net = build(**kwargs)
            if from_file:
                net.load_parameters(params, ctx=kwargs.get("ctx"))
            self._nets.append(weakref.ref(net))
            return net

        return remember

    @property
    def nets(self) -> list[Any]:
        """Nets that were built under these names and are still in use."""
        return [net for net in (reference() for reference in self._nets) if net is not None]

    def explain_unknown(self, name: str) -> str:
        """A sentence about a name that GluonCV does not know."""
        close = difflib.get_close_matches(name.lower(), list(self._known), n=3)
        meant = f" (did you mean {' or '.join(close)}?)" if close else ""
        ours = ", ".join(name for name in self.names if name.startswith(PREFIX))
        return (
            f"there is no model named {name!r}{meant}; bmx has {ours}, and {BINARIZED}NAME for each NAME of "
            f"GluonCV's, such as {BINARIZED}cifar_resnet20_v1"
        )

    def restore(self) -> None:
        """Make GluonCV's registry what it was."""
        for name, value in self._before.items():
            if value is _MISSING:
                self._known.pop(name, None)
            else:
                self._known[name] = value
        self._before = {}

    def __enter__(self) -> GluonCVNames:
        """The names are there since the call."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Restores the registry."""
        self.restore()


def register_in_gluoncv(*, shortcuts: str | None = None, params: str | None = None) -> GluonCVNames:
    """Let ``gluoncv.model_zoo.get_model`` build binary nets by name.

    - ``bmx_NAME``: each model of `list_models` and each alias.
    - ``bmx_NAME_thumbnail``: the same with ``thumbnail=True``, for those that have it: CIFAR's images.
      GluonCV's recipes for CIFAR pass nothing but ``classes``.
    - ``binarized:NAME``: GluonCV's own net of that name, which `binarize` then makes binary. It also takes
      ``shortcuts``; the rest goes to GluonCV's constructor, so pretrained weights become latent weights.

    For example::

        with register_in_gluoncv():
            net = gluoncv.model_zoo.get_model("bmx_resnete18_thumbnail", classes=10)

    Of what GluonCV's recipes pass, ``bmx_`` names take ``classes``, ``thumbnail`` and arguments of our
    constructors; ``pretrained``, ``root`` and ``ctx`` mean what they do in our `get_model`; ``batch_norm``
    is ignored, because our nets have the batch norms of their papers. ``use_se``, ``last_gamma`` and other
    norm layers than Gluon's BatchNorm would make another architecture and are refused.

    Args:
        shortcuts: for ``binarized:`` names, see `binarize`.
        params: path of the file that is loaded where a script asks for pretrained parameters. Without it
            ``binarized:`` names get GluonCV's, and ``bmx_`` names ours, if there are any.

    Returns:
        An object that takes the names away: a context manager, or `GluonCVNames.restore`.

    Raises:
        ImportError: if GluonCV cannot be imported.
    """
    return GluonCVNames(gluoncv_registry(), shortcuts, params)


def gluoncv_registry() -> dict[str, Any]:
    """The dict of constructors that ``gluoncv.model_zoo.get_model`` looks names up in.

    Raises:
        ImportError: if GluonCV cannot be imported.
    """
    try:
        from gluoncv.model_zoo import model_zoo
    except ImportError as error:
        raise ImportError(
            f"bmx.gluon.model_zoo: expected GluonCV to be installed, found that its import fails ({error}); "
            "install it with pip install 'bmx-gluon[gluon]'."
        ) from error
    return model_zoo._models


def _binarized(constructor: Callable[..., Any], shortcuts: str | None) -> Callable[..., Any]:
    default = shortcuts

    def build(*, shortcuts: str | None = default, **kwargs: Any) -> Any:
        net = constructor(**kwargs)
        binarize(net, shortcuts=shortcuts)
        return net

    return build


def _ours(name: str, **fixed: Any) -> Callable[..., Any]:
    def build(
        *,
        batch_norm: bool | None = None,
        use_se: bool = False,
        last_gamma: bool = False,
        norm_layer: Any = None,
        norm_kwargs: Any = None,
        **kwargs: Any,
    ) -> Any:
        other_norm = norm_kwargs or norm_layer not in (None, nn.BatchNorm)
        refused = {"use_se": use_se, "last_gamma": last_gamma, "norm_layer": other_norm}
        for argument, given in refused.items():
            if given:
                raise RefusedArgument(
                    f"{PREFIX}{name}: expected the net as its paper has it, found {argument}; leave it out."
                )
        return registry.get_model(name, **{**fixed, **kwargs})

    return build
