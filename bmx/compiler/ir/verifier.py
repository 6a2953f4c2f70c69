"""Checks that a graph keeps the rules of the IR, and infers the types of its values."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import DTYPES, LAYOUTS, Graph, GraphError, Input, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.ops.base import NUMPY_DTYPES

MAX_INPUTS = 64  # of a node
_MAX_DIMENSION = 2**31 - 1


def verify(graph: Graph) -> dict[str, ValueType]:
    """Check names, order, attributes, constants, dtypes and shapes of a whole graph.

    Args:
        graph: the graph; it is not changed.

    Returns:
        The type of every value, by name.

    Raises:
        GraphError: the graph breaks a rule; one sentence names the node.
    """
    if graph.layout not in LAYOUTS:
        raise GraphError(f"layout should be one of {', '.join(LAYOUTS)}, found {graph.layout!r}.")
    types: dict[str, ValueType] = {}
    for value in graph.inputs:
        _check_name(value.name, types)
        if value.type.dtype not in ("f32", "bytes"):
            raise GraphError(f"input {value.name!r} should be f32 or bytes, found {value.type}.")
        types[value.name] = _checked_type(value.name, value.type)
        _check_preprocessing(value)
    for node in graph.nodes:
        _check_name(node.name, types)
        types[node.name] = _checked_type(node.name, infer(node, types, graph.layout))
    _check_outputs(graph, types)
    return types


def infer(node: Node, types: dict[str, ValueType], layout: str) -> ValueType:
    """Check a node and infer the type of its result; ``types`` holds those of the values before it."""
    operator = OPERATORS.get(node.op)
    if operator is None:
        raise GraphError(f"node {node.name!r}: no operator is named {node.op!r}.")
    _check_arity(node, operator.arity)
    for value in node.inputs:
        if value not in types:
            raise GraphError(
                f"node {node.name!r} reads {value!r}, which no input or node before it computes."
            )
    inputs = [types[value] for value in node.inputs]
    for x in inputs:
        if x.dtype not in operator.reads:
            raise GraphError(f"node {node.name!r}: {node.op} reads {' or '.join(operator.reads)}, found {x}.")
    _check_attributes(node)
    _check_constants(node, inputs[0])
    return operator.infer_all(node, inputs, layout)


def with_defaults(node: Node) -> Node:
    """The node with its operator's defaults for the attributes that it leaves out."""
    specs = OPERATORS[node.op].attributes if node.op in OPERATORS else {}
    attrs = {key: node.attrs.get(key, spec.default) for key, spec in specs.items()}
    return Node(node.name, node.op, node.inputs, {**attrs, **node.attrs}, node.constants)


def _check_arity(node: Node, arity: int | None) -> None:
    count = len(node.inputs)
    if arity is None and not 1 <= count <= MAX_INPUTS:
        raise GraphError(f"node {node.name!r}: {node.op} takes 1 to {MAX_INPUTS} inputs, found {count}.")
    if arity is not None and count != arity:
        inputs = "1 input" if arity == 1 else f"{arity} inputs"
        raise GraphError(f"node {node.name!r}: {node.op} takes {inputs}, found {count}.")


def _check_name(name: str, types: dict[str, ValueType]) -> None:
    if not isinstance(name, str) or not name:
        raise GraphError(f"a value's name should be a string that is not empty, found {name!r}.")
    if name in types:
        raise GraphError(f"two values are named {name!r}; names should be unique.")


def _checked_type(name: str, value: ValueType) -> ValueType:
    if value.dtype not in DTYPES:
        raise GraphError(
            f"value {name!r}: dtype should be one of {', '.join(DTYPES)}, found {value.dtype!r}."
        )
    if not 1 <= len(value.shape) <= 8 or not all(1 <= size <= _MAX_DIMENSION for size in value.shape):
        raise GraphError(f"value {name!r}: expected 1 to 8 axes of at least 1 element, found {value}.")
    return value


def _check_preprocessing(value: Input) -> None:
    """See docs/format.md: x = (u8 * scale - mean[c]) / std[c]."""
    if value.preprocessing is None:
        return
    if value.type.dtype == "bytes":
        raise GraphError(f"input {value.name!r} is bytes, which have no preprocessing; found one.")
    # The first axis of an image; one set of numbers for all elements of a vector.
    channels = value.type.shape[0] if len(value.type.shape) == 3 else 1
    try:
        fields = dict(value.preprocessing)
        numbers = [np.asarray(fields.pop(key), dtype=np.float64) for key in ("scale", "mean", "std")]
        valid = not fields and [array.shape for array in numbers] == [(), (channels,), (channels,)]
        valid = valid and all(np.isfinite(array).all() for array in numbers) and bool(np.all(numbers[2] != 0))
    except (KeyError, TypeError, ValueError):
        valid = False
    if not valid:
        raise GraphError(
            f"preprocessing of {value.name!r} should be {{'scale': s, 'mean': [...], 'std': [...]}} with "
            f"{channels} numbers in each list and no std of 0, found {value.preprocessing!r}."
        )


def _check_attributes(node: Node) -> None:
    specs = OPERATORS[node.op].attributes
    unknown = sorted(set(node.attrs) - set(specs))
    if unknown:
        raise GraphError(f"node {node.name!r}: {node.op} has no attribute {unknown[0]!r}.")
    for key, spec in specs.items():
        if key not in node.attrs:
            raise GraphError(
                f"node {node.name!r}: the attribute {key!r} is missing; it should be {spec.expected}."
            )
        if not spec.accepts(node.attrs[key]):
            raise GraphError(
                f"node {node.name!r}: {key} should be {spec.expected}, found {node.attrs[key]!r}."
            )


def _check_constants(node: Node, x: ValueType) -> None:
    specs = OPERATORS[node.op].constants
    unknown = sorted(set(node.constants) - set(specs))
    if unknown:
        raise GraphError(f"node {node.name!r}: {node.op} has no constant {unknown[0]!r}.")
    for role, spec in specs.items():
        if role not in node.constants:
            if not spec.optional:
                raise GraphError(f"node {node.name!r}: the constant {role!r} is missing.")
            continue
        kind = x.dtype if spec.kind == "input" else spec.kind
        array = node.constants[role]
        if array.dtype != NUMPY_DTYPES[kind]:
            raise GraphError(f"node {node.name!r}: {role} should be {kind}, found an array of {array.dtype}.")
        if array.size == 0:
            raise GraphError(f"node {node.name!r}: {role} is empty.")
        if kind == "bits" and not np.all(np.abs(array) == 1):
            raise GraphError(f"node {node.name!r}: {role} should hold +1 and -1 only.")


def _check_outputs(graph: Graph, types: dict[str, ValueType]) -> None:
    if not graph.outputs:
        raise GraphError("a graph should have at least one output.")
    if len(set(graph.outputs)) < len(graph.outputs):
        raise GraphError(f"an output is named twice among {', '.join(graph.outputs)}; return it once.")
    for name in graph.outputs:
        if name not in types:
            raise GraphError(f"the output {name!r} is not a value of the graph.")
    if graph.classes is not None:
        first = types[graph.outputs[0]]
        if len(graph.classes) != first.shape[-1]:
            raise GraphError(
                f"{len(graph.classes)} class labels were given, but the output is {first}; "
                "give one label per element of its last axis."
            )
