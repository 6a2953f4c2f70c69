"""The IR as a .bmx file and back. docs/format.md is the specification."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

import numpy as np

from bmx._version import __version__
from bmx.compiler.backend import container
from bmx.compiler.backend.container import FormatError
from bmx.compiler.backend.packing import from_planes, pack, to_planes, unpack
from bmx.compiler.ir.graph import CHANNELS_LAST, Graph, GraphError, Input, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.ops.base import bit_count, boolean
from bmx.compiler.ir.planes import Planes, planes_of
from bmx.compiler.ir.verifier import infer, verify

_MAX_NODES = 65536
# Types of tensors by the kind of the constant; bits, masks and bit planes are packed.
_DTYPES = {"f32": np.float32, "i32": np.int32, "i16": np.uint8, "bits": np.uint8, "mask": np.uint8}
# How a file stores the weight of an integer layer; the IR has the integers themselves.
PLANE_ATTRIBUTES = {"weight_bits": bit_count(), "signs": boolean()}
_SMALL_INTEGERS = (np.int8, np.int16, np.int32)
# In a whole graph, at most so many numbers may be stored as a single number for all channels.
_MAX_REPEATED = 2**24


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
        FormatError: the bytes are damaged, or are not a .bmx file of a version that this reader knows.
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
    repeated = 0
    for node in graph.nodes:
        for role, array in node.constants.items():
            if _is_one_number(node, role, array) and repeated + array.size <= _MAX_REPEATED:
                repeated += array.size
                array = array[..., :1]
            stored = _stored(array)
            key = (stored.dtype.str, stored.shape, stored.tobytes())
            name = names[node.name, role] = known.setdefault(key, f"{node.name}.{role}")
            tensors.setdefault(name, stored)
    return tensors, names


def _is_one_number(node: Node, role: str, array: np.ndarray) -> bool:
    """Whether there are several channels and all have the same number, bit by bit."""
    if not OPERATORS[node.op].constants[role].per_channel or array.shape[-1] == 1:
        return False
    bits = array.view(np.int32)
    return bool((bits == bits[..., :1]).all())


def _stored(array: np.ndarray) -> np.ndarray:
    """A constant as its tensor."""
    if array.dtype == np.int16:
        return pack(to_planes(array, _planes(array)))
    if array.dtype == np.int32:
        fits = (np.iinfo(d).min <= array.min() and array.max() <= np.iinfo(d).max for d in _SMALL_INTEGERS)
        return array.astype(_SMALL_INTEGERS[list(fits).index(True)])
    return array if array.dtype == np.float32 else pack(array > 0)


def _planes(integers: np.ndarray) -> Planes:
    planes = planes_of(integers)
    assert planes, "the verifier has refused larger integers"
    return planes


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
    integers = [array for array in node.constants.values() if array.dtype == np.int16]
    planes = dict(zip(PLANE_ATTRIBUTES, _planes(integers[0]))) if integers else {}
    content = {
        "name": node.name,
        "op": node.op,
        "inputs": list(node.inputs),
        "dtype": value.dtype,
        "shape": list(value.shape),
    }
    attrs = {**node.attrs, **planes}
    tensors = {role: names[node.name, role] for role in node.constants}
    return {**content, **({"attrs": attrs} if attrs else {}), **({"tensors": tensors} if tensors else {})}


class _Repeats:
    """Repeats numbers that are stored once for all channels, up to the limit of a graph."""

    def __init__(self) -> None:
        self._left = _MAX_REPEATED

    def repeated(self, node: Node, role: str, stored: np.ndarray, channels: int) -> np.ndarray:
        """A tensor with a number for each channel: repeated if its last axis is 1."""
        if not stored.ndim or stored.shape[-1] != 1 or channels == 1:
            return stored
        self._left -= channels * stored.size
        if self._left < 0:
            raise GraphError(
                f"node {node.name!r}: {role} stands for {channels * stored.size} numbers; tensors of one "
                "number for all channels may stand for 2^24 in the whole graph."
            )
        return np.repeat(stored, channels, axis=-1)


def _read_graph(fields: dict[str, Any], tensors: dict[str, np.ndarray]) -> Graph:
    inputs = [_read_input(entry) for entry in fields["inputs"]]
    types = {value.name: value.type for value in inputs}
    nodes, repeats = [], _Repeats()
    for entry in fields["nodes"]:
        node = _read_node(entry, types, tensors, repeats)
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


def _read_node(
    entry: dict[str, Any], types: dict[str, ValueType], tensors: dict[str, np.ndarray], repeats: _Repeats
) -> Node:
    name, op, inputs = entry["name"], entry["op"], tuple(entry["inputs"])
    unknown = sorted(set(entry) - {"name", "op", "inputs", "dtype", "shape", "attrs", "tensors"})
    if unknown:
        raise GraphError(f"node {name!r}: a node has no key {unknown[0]!r}.")
    if op not in OPERATORS or not OPERATORS[op].in_file:
        raise GraphError(f"node {name!r}: no operator is named {op!r}.")
    if not inputs or any(value not in types for value in inputs):
        raise GraphError(f"node {name!r} should read values that stand before it, found {list(inputs)}.")
    attrs, planes = _split_planes(name, op, entry.get("attrs", {}))
    node = Node(name, op, inputs, attrs)
    constants = {}
    for role, tensor in entry.get("tensors", {}).items():
        if role not in OPERATORS[op].constants or tensor not in tensors:
            raise GraphError(f"node {name!r}: there is no constant {role!r}, or no tensor {tensor!r}.")
        stored = tensors[tensor]
        if OPERATORS[op].constants[role].per_channel:
            stored = repeats.repeated(node, role, stored, types[inputs[0]].shape[-1])
        constants[role] = _read_constant(node, role, stored, types[inputs[0]], planes)
    return node.with_constants(**constants)


def _split_planes(name: str, op: str, attrs: dict[str, Any]) -> tuple[dict[str, Any], Planes | None]:
    """The attributes of the IR, and how the file stores the weight of an integer layer."""
    if all(constant.kind != "i16" for constant in OPERATORS[op].constants.values()):
        return attrs, None
    attrs = dict(attrs)
    for key, spec in PLANE_ATTRIBUTES.items():
        if not spec.accepts(attrs.get(key)):
            raise GraphError(f"node {name!r}: {key} should be {spec.expected}, found {attrs.get(key)!r}.")
    planes = Planes(attrs.pop("weight_bits"), attrs.pop("signs"))
    if planes == (1, False):
        raise GraphError(f"node {name!r}: weight_bits should be at least 2 where signs is false, found 1.")
    return attrs, planes


def _read_constant(
    node: Node, role: str, stored: np.ndarray, x: ValueType, planes: Planes | None
) -> np.ndarray:
    kind = OPERATORS[node.op].constants[role].kind
    kind = x.dtype if kind == "input" else kind
    if kind == "i32" and stored.dtype in _SMALL_INTEGERS:
        return stored.astype(np.int32)
    if kind not in _DTYPES:  # an input that the node may not have, as the verifier will say
        return stored
    if stored.dtype != _DTYPES[kind]:
        raise GraphError(f"node {node.name!r}: {role} should be {kind}, found a tensor of {stored.dtype}.")
    if kind not in ("bits", "mask", "i16"):
        return stored
    length = _row_length(node, x)
    bits = unpack(stored, length)
    if bits is None:
        raise GraphError(
            f"node {node.name!r}: {role} should hold {length} bits in each row and zeros after them, "
            f"found rows of {stored.shape[-1:]} bytes."
        )
    if planes:
        if len(bits) != planes.bits or bits.ndim < 2:
            raise GraphError(
                f"node {node.name!r}: {role} should have {planes.bits} planes, found shape {stored.shape}."
            )
        return from_planes(bits, planes.signs)
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
