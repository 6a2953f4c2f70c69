"""Which layer of a file goes into which layer of a net."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, NamedTuple, Sequence

import mxnet as mx
import numpy as np
from mxnet import gluon

from bmx.gluon.bmxnet.file import PACKED_HINT, StoredLayer
from bmx.gluon.nn.layer import QuantizedLayer

_WORDS = (32, 64)  # bits of a packed word


class Layer(NamedTuple):
    """A block of a net that has parameters of its own.

    Attributes:
        name: as in the names of `save_parameters`, such as `features.0`.
        block: the block.
        parameters: by the block's own name, such as 'weight'.
    """

    name: str
    block: gluon.Block
    parameters: dict[str, gluon.Parameter]

    @property
    def title(self) -> str:
        """For messages."""
        return f"the net's layer {self.name!r} ({type(self.block).__name__})"


def layers_of(net: gluon.Block) -> list[Layer]:
    """The layers of a net in the order in which they were registered; shared parameters once."""
    seen: set[int] = set()
    found = []
    for name, block in _blocks(net, ""):
        own = {key: value for key, value in block._reg_params.items() if id(value) not in seen}
        seen.update(map(id, own.values()))
        if own:
            found.append(Layer(name, block, own))
    return found


def _blocks(block: gluon.Block, name: str) -> Iterator[tuple[str, gluon.Block]]:
    yield name, block
    for key, child in block._children.items():
        yield from _blocks(child, f"{name}.{key}" if name else key)


class Values:
    """The arrays that the parameters of a net get."""

    def __init__(self, pairs: Sequence[tuple[Layer, StoredLayer]]) -> None:
        self._arrays = {layer.name: dict(stored.arrays) for layer, stored in pairs}
        self._layers = [layer for layer, _ in pairs]
        self._names = {layer.name: stored.name for layer, stored in pairs}

    def array(self, layer: Layer, role: str) -> np.ndarray:
        """The array of one parameter."""
        return self._arrays[layer.name][role]

    def set(self, layer: Layer, role: str, array: np.ndarray) -> None:
        """Replace it."""
        self._arrays[layer.name][role] = np.asarray(array, dtype=np.float32)

    def stored_name(self, layer: Layer) -> str:
        """What the file calls the layer."""
        return self._names[layer.name]

    def assign(self, ctx: mx.Context | Sequence[mx.Context] | None) -> None:
        """Give all arrays to the net's parameters."""
        for layer in self._layers:
            for role, parameter in layer.parameters.items():
                _assign(parameter, self.array(layer, role), ctx)


def _assign(
    parameter: gluon.Parameter, array: np.ndarray, ctx: mx.Context | Sequence[mx.Context] | None
) -> None:
    try:
        devices = parameter.list_ctx()
    except RuntimeError:  # not initialized
        devices = [mx.cpu()]
    if ctx is not None:
        devices = [ctx] if isinstance(ctx, mx.Context) else list(ctx)
    try:
        parameter.data(devices[0])
        in_place = parameter.list_ctx() == devices
    except (RuntimeError, gluon.parameter.DeferredInitializationError):
        in_place = False
    if not in_place:
        parameter.shape = array.shape
        parameter.initialize(init=mx.init.Zero(), ctx=devices, force_reinit=True)
    parameter.set_data(mx.nd.array(array))


def match(
    path: str,
    stored: list[StoredLayer],
    layers: list[Layer],
    called: list[str],
    names: Mapping[str, str] | None = None,
) -> Values:
    """Find the layer of the file for each layer of the net.

    Args:
        path: path of the file, for messages.
        stored: layers of the file.
        layers: layers of the net in the order in which they were registered.
        called: names of the net's parameters in the order in which the net reads them.
        names: names of the file's layers by those of the net's; without it, equal names or the order decide.

    Raises:
        ValueError: numbers, parameters or shapes do not fit.
    """
    if len(stored) != len(layers):
        raise ValueError(
            f"load_bmxnet: {path} has {len(stored)} layers with parameters, the net has {len(layers)}; build "
            f"the net that was saved. The file: {_names(stored)}. The net: {_names(layers)}."
        )
    if names is None:
        names = _equal_names(stored, layers)
    if names is None:
        orders = [layers, _as_called(layers, called)]
    else:
        stored, orders = _chosen(names, stored, layers), [layers]
    for order in orders:
        if all(_misfit(layer, kept) is None for layer, kept in zip(order, stored)):
            return Values(list(zip(order, stored)))
    raise _first_misfit(path, orders[0], stored)


def _equal_names(stored: list[StoredLayer], layers: list[Layer]) -> Mapping[str, str] | None:
    """Every layer's name to itself, if the file and the net have the same ones."""
    own_names = {layer.name for layer in layers}
    return {name: name for name in own_names} if own_names == {layer.name for layer in stored} else None


def _chosen(names: Mapping[str, str], stored: list[StoredLayer], layers: list[Layer]) -> list[StoredLayer]:
    """The layers of the file in the order of the net's."""
    by_name = {layer.name: layer for layer in stored}
    if set(names) != {layer.name for layer in layers} or set(names.values()) != set(by_name):
        raise ValueError(
            "load_bmxnet: names should give every layer of the net one of the file. "
            f"The net: {_names(layers)}. The file: {_names(stored)}."
        )
    return [by_name[names[layer.name]] for layer in layers]


def _first_misfit(path: str, layers: list[Layer], stored: list[StoredLayer]) -> ValueError:
    number, layer, kept = next(
        (number, layer, kept)
        for number, (layer, kept) in enumerate(zip(layers, stored), 1)
        if _misfit(layer, kept) is not None
    )
    return ValueError(
        f"load_bmxnet: layer {number} of {path}, {kept.name!r}, holds {_shapes(kept.arrays)}, but "
        f"{layer.title} takes {_shapes({key: value.shape for key, value in layer.parameters.items()})}; "
        f"{_misfit(layer, kept)}"
    )


def _as_called(layers: list[Layer], called: list[str]) -> list[Layer]:
    place = {name: index for index, name in enumerate(called)}

    def first(layer: Layer) -> int:
        return min(place.get(parameter.name, len(called)) for parameter in layer.parameters.values())

    return sorted(layers, key=first)


def _misfit(layer: Layer, stored: StoredLayer) -> str | None:
    """What to do about two layers that do not fit; None if they do."""
    if set(stored.arrays) != set(layer.parameters):
        if set(layer.parameters) - set(stored.arrays) == {"bias"}:
            return "give the layer use_bias=False"
        return "build the net that was saved, its layers in the same order"
    for role, parameter in layer.parameters.items():
        shape, array = parameter.shape, stored.arrays[role]
        # 0 is a length that the net does not know yet.
        fits = len(shape) == array.ndim and all(a in (0, b) for a, b in zip(shape, array.shape))
        if not fits:
            packed = isinstance(layer.block, QuantizedLayer) and array.size in (
                int(np.prod(shape)) // word for word in _WORDS
            )
            return PACKED_HINT if packed else "build the net that was saved, with the same sizes"
    return None


def _shapes(arrays: dict[str, Any]) -> str:
    return ", ".join(f"{key} {tuple(getattr(value, 'shape', value))}" for key, value in arrays.items())


def _names(layers: Sequence[Any], limit: int = 40) -> str:
    names = [layer.name for layer in layers]
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")
