"""The IR as a .bmx file and back. docs/format.md is the specification."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

import numpy as np

from bmx._version import __version__
from bmx.compiler import container
from bmx.compiler.container import FormatError
from bmx.compiler.ir import CHANNELS_LAST, Graph, GraphError, Input, Node, ValueType
from bmx.compiler.ops import OPERATORS
from bmx.compiler.packing import pack, unpack
from bmx.compiler.verifier import infer, verify

_MAX_NODES = 65536
_DTYPES = {"f32": np.float32, "i32": np.int32, "bits": np.uint8, "mask": np.uint8}


def to_bytes(graph: Graph, report: Mapping[str, Any] | None = None) -> bytes:
    """Write a compiled graph.

    Args:
        graph: a graph that all passes have run on.
        report: the verification report of the export; plain JSON values.

    Returns:
        The content of a .bmx file; equal graphs give equal bytes.

    Raises:
        GraphError: the graph is not valid or not compiled.
        ValueError: the graph is larger than a file may be.
    """
    types = verify(graph)
    _check_compiled(graph)
    tensors, names = _stored_tensors(graph)
    metadata = {
        "bmx.producer": f"bmx {__version__}",
        "bmx.graph": container.to_json(_graph_json(graph, types, names)),
    }
    if report is not None:
        metadata["bmx.report"] = container.to_json(dict(report))
    return container.to_bytes(metadata, tensors)


def read(content: bytes) -> Graph:
    """Read a .bmx file, checking all of it.

    Args:
        content: the bytes of the file.

    Returns:
        A verified graph, channels last.

    Raises:
        FormatError: the bytes are damaged, or are no .bmx file of a version that this reader knows.
    """
    metadata, tensors = container.read(content)
    fields = container.parse_json(metadata.get("bmx.graph"), "bmx.graph")
    try:
        return _read_graph(fields, tensors)
    except GraphError as error:
        raise FormatError(f"the graph of the file is not valid: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"bmx.graph lacks a field or has one of a wrong type ({error!r}).") from None


def _check_compiled(graph: Graph) -> None:
    if graph.layout != CHANNELS_LAST:
        raise GraphError(f"graph {graph.name!r} is not compiled: its layout should be {CHANNELS_LAST}.")
    for node in graph.nodes:
        if not OPERATORS[node.op].in_file:
            raise GraphError(f"graph {graph.name!r} is not compiled: node {node.name!r} uses {node.op}.")
    if len(graph.nodes) > _MAX_NODES:
        raise GraphError(
            f"graph {graph.name!r} has {len(graph.nodes)} nodes; at most {_MAX_NODES} are allowed."
        )


# The name of a node's tensor, by (node, role).
_Names = Dict[Tuple[str, str], str]


def _stored_tensors(graph: Graph) -> tuple[dict[str, np.ndarray], _Names]:
    """The tensors by name; equal ones are stored once, under the name that the first node gives."""
    tensors: dict[str, np.ndarray] = {}
    names: _Names = {}
    known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
    for node in graph.nodes:
        for role, array in node.constants.items():
            stored = array if array.dtype in (np.float32, np.int32) else pack(array > 0)
            key = (stored.dtype.str, stored.shape, stored.tobytes())
            name = names[node.name, role] = known.setdefault(key, f"{node.name}.{role}")
            tensors.setdefault(name, stored)
    return tensors, names


def _graph_json(graph: Graph, types: dict[str, ValueType], names: _Names) -> dict[str, Any]:
    content: dict[str, Any] = {
        "name": graph.name,
        "inputs": [_input_json(value) for value in graph.inputs],
        "outputs": graph.outputs,
    }
    if graph.classes is not None:
        content["classes"] = graph.classes
    return {**content, "nodes": [_node_json(node, types[node.name], names) for node in graph.nodes]}


def _input_json(value: Input) -> dict[str, Any]:
    content: dict[str, Any] = {"name": value.name, "dtype": value.type.dtype, "shape": list(value.type.shape)}
    if value.preprocessing is not None:
        content["preprocessing"] = value.preprocessing
    return content


def _node_json(node: Node, value: ValueType, names: _Names) -> dict[str, Any]:
    return {
        "name": node.name,
        "op": node.op,
        "inputs": list(node.inputs),
        "dtype": value.dtype,
        "shape": list(value.shape),
        "attrs": node.attrs,
        "tensors": {role: names[node.name, role] for role in node.constants},
    }


def _read_graph(fields: dict[str, Any], tensors: dict[str, np.ndarray]) -> Graph:
    inputs = [_read_input(entry) for entry in fields["inputs"]]
    types = {value.name: value.type for value in inputs}
    nodes = []
    for entry in fields["nodes"]:
        node = _read_node(entry, types, tensors)
        types[node.name] = infer(node, types, CHANNELS_LAST)
        if types[node.name] != _read_type(entry):
            declared = _read_type(entry)
            raise GraphError(f"node {node.name!r} is declared as {declared}, but is {types[node.name]}.")
        nodes.append(node)
    _check_all_used(fields["nodes"], tensors)
    graph = Graph(fields["name"], inputs, nodes, fields["outputs"], CHANNELS_LAST, fields.get("classes"))
    verify(graph)
    return graph


def _read_input(entry: dict[str, Any]) -> Input:
    return Input(entry["name"], _read_type(entry), entry.get("preprocessing"))


def _read_type(entry: dict[str, Any]) -> ValueType:
    return ValueType(entry["dtype"], tuple(entry["shape"]))


def _read_node(entry: dict[str, Any], types: dict[str, ValueType], tensors: dict[str, np.ndarray]) -> Node:
    name, op, inputs = entry["name"], entry["op"], tuple(entry["inputs"])
    unknown = sorted(set(entry) - {"name", "op", "inputs", "dtype", "shape", "attrs", "tensors"})
    if unknown:
        raise GraphError(f"node {name!r}: a node has no key {unknown[0]!r}.")
    if op not in OPERATORS or not OPERATORS[op].in_file:
        raise GraphError(f"node {name!r}: no operator is named {op!r}.")
    if not inputs or any(value not in types for value in inputs):
        raise GraphError(f"node {name!r} should read values that stand before it, found {list(inputs)}.")
    node = Node(name, op, inputs, entry.get("attrs", {}))
    constants = {}
    for role, tensor in entry.get("tensors", {}).items():
        if role not in OPERATORS[op].constants or tensor not in tensors:
            raise GraphError(f"node {name!r}: there is no constant {role!r}, or no tensor {tensor!r}.")
        constants[role] = _read_constant(node, role, tensors[tensor], types[inputs[0]])
    return node.with_constants(**constants)


def _read_constant(node: Node, role: str, stored: np.ndarray, x: ValueType) -> np.ndarray:
    kind = OPERATORS[node.op].constants[role].kind
    kind = x.dtype if kind == "input" else kind
    if stored.dtype != _DTYPES[kind]:
        raise GraphError(f"node {node.name!r}: {role} should be {kind}, found a tensor of {stored.dtype}.")
    if kind not in ("bits", "mask"):
        return stored
    length = _row_length(node, x)
    bits = unpack(stored, length)
    if bits is None:
        raise GraphError(
            f"node {node.name!r}: {role} should hold {length} bits in each row and zeros behind them, "
            f"found rows of {stored.shape[-1:]} bytes."
        )
    return bits if kind == "mask" else np.where(bits, 1, -1).astype(np.int8)


def _row_length(node: Node, x: ValueType) -> int:
    """Bits in a row of a packed constant: the channels that each output sees."""
    groups = node.attrs.get("groups", 1)
    if type(groups) is not int or groups < 1:
        raise GraphError(f"node {node.name!r}: groups should be an integer of at least 1, found {groups!r}.")
    return x.shape[-1] // groups


def _check_all_used(nodes: list[dict[str, Any]], tensors: dict[str, np.ndarray]) -> None:
    unused = set(tensors) - {name for entry in nodes for name in entry.get("tensors", {}).values()}
    if unused:
        raise GraphError(f"no node uses the tensor {min(unused)!r}.")
