"""A packed model's graph as `bmx info` and its drawings show it: kinds of layers, and the steps of a run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict

Node = Dict[str, Any]  # an entry of Model.info()["nodes"]

_FLOAT_BITS = 32
_INTEGERS = re.compile(r"(binary|integer)_(conv2d|dense)$")


def kind_of(node: Node) -> str:
    """The kind of a node's products: "binary" of bits, "float" of real numbers, "none" without products."""
    if not node["macs"]:
        return "none"
    return "binary" if _INTEGERS.match(node["op"]) else "float"


def bits_of(node: Node, nodes: list[Node]) -> tuple[int, int] | None:
    """Bits of a weight and of an input of a multiplication; None if there is none.

    Args:
        node: entry of ``nodes``.
        nodes: all nodes of the graph.
    """
    kind = kind_of(node)
    if kind == "none":
        return None
    if kind == "float":
        return (1 if node["op"].startswith("binary_weight") else _FLOAT_BITS), _FLOAT_BITS
    dtypes = {value["name"]: value["dtype"] for value in nodes}
    dtype = dtypes.get(node["inputs"][0], "bits")
    return node["attrs"].get("weight_bits", 1), 1 if dtype == "bits" else int(dtype[1:])


def bits_text(node: Node, nodes: list[Node]) -> str:
    """Bits of a weight and of an input: "1x1", "2x4" or "32x32"; "" without multiplications."""
    return "x".join(map(str, bits_of(node, nodes) or ()))


def macs_of(node: Node, nodes: list[Node]) -> int:
    """Multiply-accumulates for one sample: of real numbers, or of bits, where each meets each other one."""
    weight_bits, input_bits = bits_of(node, nodes) or (1, 1)
    return int(node["macs"] * (weight_bits * input_bits if kind_of(node) == "binary" else 1))


def totals_of(nodes: list[Node]) -> dict[str, Any]:
    """Sums over a graph: `weight_bytes`, and `macs` by kind."""
    macs = {
        kind: sum(macs_of(node, nodes) for node in nodes if kind_of(node) == kind)
        for kind in ("binary", "float")
    }
    return {"weight_bytes": sum(node["weight_bytes"] for node in nodes), "macs": macs}


def type_of(value: dict[str, Any]) -> str:
    """`f32 [24, 24, 64]`, the type and the shape of one sample."""
    return f"{value['dtype']} [{', '.join(map(str, value['shape']))}]"


def count(number: float) -> str:
    """A number in three or four digits: 950, 12.3 k, 1.85 G."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 0.9995 * size:  # what rounds to 1000 of the smaller unit is 1 of this one
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g}"


def size(number: int) -> str:
    """Bytes in three digits: 264 B, 5.38 kB."""
    text = count(number)
    return f"{text}B" if number >= 1000 else f"{text} B"


@dataclass
class Box:
    """A step of a run, an input or an output, as a drawing shows it.

    Attributes:
        kind: "input", "output", or as `kind_of`.
        lines: what stands in it; the first line is the title.
        details: a line for each node.
        sources: (box, dtype of the value) of everything it reads.
    """

    kind: str
    lines: list[str]
    details: list[str] = field(default_factory=list)
    sources: list[tuple[int, str]] = field(default_factory=list)


def boxes_of(description: dict[str, Any]) -> list[Box]:
    """The graph of `Model.info()` with a box for each input, step and output; sources are indices."""
    boxes = [Box("input", [value["name"], type_of(value)]) for value in description["inputs"]]
    producer = {value["name"]: index for index, value in enumerate(description["inputs"])}
    dtypes = {value["name"]: value["dtype"] for value in description["inputs"]}
    steps: dict[str, list[Node]] = {}
    for node in description["nodes"]:
        steps.setdefault(node["computed_by"], []).append(node)
    for nodes in steps.values():
        for node in nodes:
            producer[node["name"]] = len(boxes)
            dtypes[node["name"]] = node["dtype"]
        boxes.append(Box(kind_of(nodes[0]), _step_lines(nodes), [_detail(node) for node in nodes]))
    for node in description["nodes"]:
        _connect(boxes, producer[node["name"]], node["inputs"], producer, dtypes)
    for value in description["outputs"]:
        boxes.append(Box("output", [value["name"], type_of(value)]))
        _connect(boxes, len(boxes) - 1, [value["name"]], producer, dtypes)
    return boxes


def _connect(
    boxes: list[Box], box: int, values: list[str], producer: dict[str, int], dtypes: dict[str, str]
) -> None:
    for name in values:
        source = (producer[name], dtypes[name])
        if source[0] != box and source not in boxes[box].sources:
            boxes[box].sources.append(source)


def _step_lines(nodes: list[Node]) -> list[str]:
    """Title, fused operators, type and cost of a step."""
    lines = [f"{nodes[0]['op']}  {nodes[0]['name']}"]
    if len(nodes) > 1:
        lines.append("+ " + ", ".join(node["op"] for node in nodes[1:]))
    cost = [type_of(nodes[-1])]
    weight_bytes = sum(node["weight_bytes"] for node in nodes)
    if weight_bytes:
        cost.append(size(weight_bytes))
    if nodes[0]["macs"]:
        cost.append(f"{count(nodes[0]['macs'])} MACs")
    return [*lines, ", ".join(cost)]


def _detail(node: Node) -> str:
    return f"{node['op']} {node['name']}: {type_of(node)}"


def to_dot(description: dict[str, Any]) -> str:
    """The graph as Graphviz text, a box for each step."""
    colors = {"input": "white", "output": "white", "binary": "#cfe3ff", "float": "#ffe2c4", "none": "#ededed"}
    lines = [
        f"digraph {_quoted(description['name'])} {{",
        '  node [shape=box, style=filled, fontname="monospace", fontsize=10];',
    ]
    boxes = boxes_of(description)
    for index, box in enumerate(boxes):
        label = _quoted("\n".join(box.lines))
        lines.append(f"  b{index} [label={label}, fillcolor={_quoted(colors[box.kind])}];")
    for index, box in enumerate(boxes):
        lines += [f"  b{source} -> b{index} [label={_quoted(dtype)}];" for source, dtype in box.sources]
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
