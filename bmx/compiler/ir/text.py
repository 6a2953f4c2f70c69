"""The IR as text, for people and for the tests of passes.

    graph lenet channels_first
    input data: f32[1, 28, 28]
    conv0: f32[8, 24, 24] = conv2d(data) {"strides": [2, 2]} weight=f32[8, 1, 5, 5](seed 1) bias=f32[8](...)
    relu0: f32[8, 24, 24] = relu(conv0)
    output relu0

Attributes that have their default value are left out. A constant is printed with its values if it is small
and as ``(...)`` otherwise. The parser takes values, or ``(seed n)`` for random ones, ``(integers n)`` for
random integers from -3 to 3 and ``(signs n)`` for random signs. The type after a node's name is optional when
parsing; if it is there, it is checked.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_FIRST, Graph, GraphError, Input, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.ops.base import NUMPY_DTYPES
from bmx.compiler.ir.verifier import verify, with_defaults

_KINDS = ("f32", "i32", "i16", "bits", "mask")  # of constants
_TYPE = r"(f32|i32|i16|bits|mask|bytes|u[1-8])\[([\d, ]*)\]"
_INPUT = re.compile(rf"input (\S+): {_TYPE}$")
_NODE = re.compile(rf"(\S+?)(?:: {_TYPE})? = (\w+)\(([^)]*)\)(?: (\{{.*?\}}))?((?: \w+={_TYPE}\([^)]*\))*)$")
_CONSTANT = re.compile(rf"(\w+)={_TYPE}\(([^)]*)\)")


def to_text(graph: Graph, max_elements: int | None = 8) -> str:
    """Print a graph.

    Args:
        graph: a valid graph.
        max_elements: constants with more elements are printed as ``(...)``; None prints every value.

    Returns:
        The text, one line per node.
    """
    types = verify(graph)
    lines = [f"graph {graph.name} {graph.layout}"]
    lines += [f"input {value.name}: {value.type}" for value in graph.inputs]
    lines += [_node_text(node, types[node.name], max_elements) for node in graph.nodes]
    lines += [f"output {name}" for name in graph.outputs]
    return "\n".join(lines) + "\n"


def parse(text: str) -> Graph:
    """Read what `to_text` prints. Empty lines and further spaces are ignored.

    Args:
        text: the text.

    Returns:
        A verified graph.

    Raises:
        GraphError: a line is not understood, a declared type is wrong, or the graph is not valid.
    """
    graph = Graph("graph", [], [], [], CHANNELS_FIRST)
    declared: dict[str, ValueType] = {}
    for line in text.splitlines():
        if line.strip():
            _parse_line(" ".join(line.split()), graph, declared)
    types = verify(graph)
    for name, wanted in declared.items():
        if types[name] != wanted:
            raise GraphError(f"value {name!r} is declared as {wanted}, but is {types[name]}.")
    return graph


def _node_text(node: Node, value: ValueType, max_elements: int | None) -> str:
    specs = OPERATORS[node.op].attributes
    attrs = {key: v for key, v in node.attrs.items() if v != specs[key].default}
    parts = [f"{node.name}: {value} = {node.op}({', '.join(node.inputs)})"]
    if attrs:
        parts.append(json.dumps(attrs, sort_keys=True))
    parts += [f"{role}={_array_text(array, max_elements)}" for role, array in sorted(node.constants.items())]
    return " ".join(parts)


def _array_text(array: np.ndarray, max_elements: int | None) -> str:
    kind = next(kind for kind in _KINDS if array.dtype == NUMPY_DTYPES[kind])
    shown = max_elements is None or array.size <= max_elements
    values = ", ".join(_number(v) for v in array.ravel()) if shown else "..."
    return f"{ValueType(kind, array.shape)}({values})"


def _number(value: Any) -> str:
    return str(value) if isinstance(value, np.floating) else str(int(value))


def _parse_line(line: str, graph: Graph, declared: dict[str, ValueType]) -> None:
    words, value = line.split(), _INPUT.match(line)
    if words[0] == "graph" and len(words) == 3:
        graph.name, graph.layout = words[1:]
    elif words[0] == "output" and len(words) == 2:
        graph.outputs.append(words[1])
    elif value:
        name, dtype, shape = value.groups()
        graph.inputs.append(Input(name, ValueType(dtype, _shape(shape))))
    else:
        node, found = _parse_node(line)
        graph.nodes.append(node)
        if found:
            declared[node.name] = found


def _parse_node(line: str) -> tuple[Node, ValueType | None]:
    match = _NODE.match(line)
    if not match:
        raise GraphError(
            f"cannot read {line!r}; expected 'name: type = operator(input) {{attributes}} constants'."
        )
    name, dtype, shape, op, inputs, attrs, constants = match.groups()[:7]
    node = Node(
        name,
        op,
        tuple(value.strip() for value in inputs.split(",")),
        json.loads(attrs) if attrs else {},
        {m.group(1): _parse_array(*m.groups()[1:]) for m in _CONSTANT.finditer(constants)},
    )
    return with_defaults(node), ValueType(dtype, _shape(shape)) if dtype else None


def _parse_array(kind: str, shape: str, content: str) -> np.ndarray:
    dtype, sizes = NUMPY_DTYPES[kind], _shape(shape)
    draw, _, seed = content.partition(" ")
    random = np.random.RandomState(int(seed) if seed.isdigit() else 0)
    if draw == "seed":
        return _random_array(kind, sizes, random)
    if draw == "integers":
        return random.randint(-3, 4, sizes).astype(dtype)
    if draw == "signs":
        return random.choice([-1, 1], sizes).astype(dtype)
    if content == "...":
        raise GraphError("a constant printed as (...) cannot be read; give its values or (seed n).")
    values = [float(word) for word in content.split(",")]
    return np.array(values, dtype=np.float64).astype(dtype).reshape(sizes)


def _random_array(kind: str, shape: tuple[int, ...], random: np.random.RandomState) -> np.ndarray:
    if kind == "f32":
        return random.standard_normal(shape).astype(np.float32)
    if kind in ("i32", "i16"):
        return random.randint(-8, 8 if kind == "i16" else 9, shape).astype(NUMPY_DTYPES[kind])
    bits = random.randint(0, 2, shape)
    return bits.astype(np.bool_) if kind == "mask" else (2 * bits - 1).astype(np.int8)


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(",")) if text.strip() else ()
