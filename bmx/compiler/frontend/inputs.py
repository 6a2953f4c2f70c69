"""The inputs of a net, from the shapes and the preprocessing that a caller gives."""

from __future__ import annotations

import operator
from typing import Any, Mapping, Sequence, Union

from bmx.compiler.ir.graph import Input, ValueType

Shape = Sequence[int]
# One shape for a net of one input; for several a list in the order of its arguments, or shapes by name.
InputShape = Union[Shape, Sequence[Shape], Mapping[str, Shape]]


def make_inputs(
    input_shape: InputShape,
    preprocessing: Mapping[str, Any] | None = None,
    names: Sequence[str] | None = None,
) -> list[Input]:
    """The graph's inputs, in the order of the net's arguments.

    Args:
        input_shape: (batch, ...) of the only input, a list of such shapes, or shapes by name.
        preprocessing: preprocessing of the only input, or preprocessings by name.
        names: names that the net itself gives to its inputs; None if it gives none.

    Returns:
        One input per shape. Without names they are "data", or "data0", "data1" and so on, as in MXNet.

    Raises:
        ValueError: a shape cannot be used, or names or their number do not fit the net.
    """
    shapes = _by_name(input_shape, names)
    rules = _rules(preprocessing, list(shapes))
    return [
        Input(name, ValueType("f32", _sample(shape, input_shape)), rules.get(name))
        for name, shape in shapes.items()
    ]


def _by_name(input_shape: InputShape, names: Sequence[str] | None) -> dict[str, Any]:
    if isinstance(input_shape, Mapping):
        if not input_shape or (names is not None and set(input_shape) != set(names)):
            inputs = "at least one input" if names is None else f"the inputs {', '.join(names)}"
            found = ", ".join(map(str, input_shape)) or "none"
            raise ValueError(f"input_shape should name {inputs}; found {found}.")
        return {name: input_shape[name] for name in names or input_shape}
    several = isinstance(input_shape, (list, tuple)) and any(
        isinstance(s, (list, tuple)) for s in input_shape
    )
    shapes = list(input_shape) if several else [input_shape]
    if names is None:
        names = ["data"] if len(shapes) == 1 else [f"data{index}" for index in range(len(shapes))]
    if len(shapes) != len(names):
        raise ValueError(
            f"input_shape holds {len(shapes)} shape{'s' if len(shapes) > 1 else ''}, but the net has the "
            f"inputs {', '.join(names)}; give a list of shapes, or a dict from names to shapes."
        )
    return dict(zip(names, shapes))


def _sample(shape: Any, given: Any) -> tuple[int, ...]:
    try:
        sample = tuple(operator.index(size) for size in shape[1:])
    except (TypeError, ValueError):
        sample = ()
    if len(sample) not in (1, 3) or min(sample) < 1:
        raise ValueError(
            "input_shape should be (batch, channels, height, width) or (batch, features), "
            f"found {shape!r}{'' if shape is given else f' in {given!r}'}."
        )
    return sample


def _rules(preprocessing: Mapping[str, Any] | None, names: list[str]) -> dict[str, Any]:
    if preprocessing is None:
        return {}
    if preprocessing and set(preprocessing) <= set(names):
        return dict(preprocessing)
    if len(names) > 1:
        raise ValueError(
            f"the net has the inputs {', '.join(names)}; give preprocessing by name: "
            f"{{{names[0]!r}: {{'scale': s, 'mean': [...], 'std': [...]}}}}."
        )
    return {names[0]: preprocessing}
