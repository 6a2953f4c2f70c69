"""The intermediate representation: a graph of operators over typed values.

Numbers are ``f32`` or ``i32``; ``bits`` are +-1; ``u1`` to ``u8`` are *codes*, unsigned integers of as many
bits, which the runtime keeps as bit planes; ``bytes`` are unsigned integers of 8 bits, as images have them.

A value is a graph input or the single result of a node, and has its name. Shapes are those of one sample; the
batch axis in front is implicit. A graph has one layout: it is traced with channels first and leaves the
compiler with channels last.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Iterable

import numpy as np

CHANNELS_FIRST = "channels_first"
CHANNELS_LAST = "channels_last"
LAYOUTS = (CHANNELS_FIRST, CHANNELS_LAST)
CODES = tuple(f"u{bits}" for bits in range(1, 9))
DTYPES = ("f32", "i32", "bits", *CODES, "bytes")


class GraphError(ValueError):
    """A graph that breaks a rule of the IR."""


def largest(dtype: str) -> int:
    """The largest magnitude of ``bits``, codes or ``bytes``."""
    if dtype == "bits":
        return 1
    return 255 if dtype == "bytes" else 2 ** int(dtype[1:]) - 1


@dataclass(frozen=True)
class ValueType:
    """Type of a value: dtype (one of `DTYPES`) and the shape of one sample."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        """For example ``f32[1, 28, 28]``."""
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Input:
    """An input of a graph.

    Attributes:
        name: name of the value.
        type: ``f32`` or ``bytes``; laid out as in training (channels, height, width), whatever the layout of
            the graph.
        preprocessing: from an 8-bit image to the input, see docs/format.md; for ``f32`` only.
    """

    name: str
    type: ValueType
    preprocessing: dict[str, Any] | None = None


@dataclass(frozen=True)
class Node:
    """One application of an operator.

    Attributes:
        name: name of the node and of the value that it computes.
        op: name of an operator of `bmx.compiler.ir.ops`.
        inputs: names of the values that it reads.
        attrs: attributes; all of them, defaults filled in.
        constants: weights by role. Binary ones are int8 arrays of +-1, those of several bits int16 arrays;
            masks are arrays of bool.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)

    def with_inputs(self, *inputs: str) -> Node:
        """The same node reading other values."""
        return replace(self, inputs=inputs)

    def with_constants(self, **constants: np.ndarray) -> Node:
        """The same node with some of its constants replaced."""
        return replace(self, constants={**self.constants, **constants})


@dataclass(frozen=True)
class Origin:
    """What a value of the IR stands for in the traced net.

    Attributes:
        node: name of MXNet's operator or variable.
        output: number of its output.
        sign: whether the value is the sign of that output, which a binary layer takes inside.
        code: largest code if the value is that output rounded to an integer from 0 to it, otherwise 0. If
            ``sign`` is set too, the value is this code where the sign is +1, and 0 where it is -1.
        pools: nodes that max pool the output first, where the traced net pools codes.
    """

    node: str
    output: int = 0
    sign: bool = False
    code: int = 0
    pools: tuple[Node, ...] = ()


@dataclass
class Graph:
    """A compiled or half-compiled net. Nodes and arrays are never changed in place, so copies are shallow.

    Attributes:
        name: name of the net.
        inputs: the graph's inputs.
        nodes: in topological order.
        outputs: names of the values that the net returns.
        layout: `CHANNELS_FIRST` or `CHANNELS_LAST`.
        classes: labels of the first output's channels, or None.
        origins: what values stand for, as far as is known; `bmx.verification` compares by it. It is not
            stored in a file.
        rounded: names of integer values that are exact here and rounded in the traced net, which multiplied
            its codes with their scale before it summed them up. They are not stored in a file.
    """

    name: str
    inputs: list[Input]
    nodes: list[Node]
    outputs: list[str]
    layout: str = CHANNELS_FIRST
    classes: list[str] | None = None
    origins: dict[str, Origin] = field(default_factory=dict, compare=False)
    rounded: set[str] = field(default_factory=set, compare=False)

    def copy(self) -> Graph:
        """A graph whose lists can be changed without changing this one's."""
        return replace(
            self,
            inputs=list(self.inputs),
            nodes=list(self.nodes),
            outputs=list(self.outputs),
            origins=dict(self.origins),
            rounded=set(self.rounded),
        )

    def producers(self) -> dict[str, Node]:
        """Nodes by the name of their value."""
        return {node.name: node for node in self.nodes}

    def consumers(self, value: str) -> list[Node]:
        """Nodes that read a value."""
        return [node for node in self.nodes if value in node.inputs]

    def uses(self, value: str) -> int:
        """How often a value is read, as an output of the graph too."""
        return sum(node.inputs.count(value) for node in self.nodes) + self.outputs.count(value)

    def names(self) -> set[str]:
        """Names of all values."""
        return {value.name for value in self.inputs} | {node.name for node in self.nodes}

    def unique_name(self, wanted: str) -> str:
        """``wanted``, with a number appended if the name is taken."""
        return unique_name(wanted, self.names())

    def replace_node(self, name: str, *replacements: Node) -> None:
        """Put nodes where the node ``name`` stands."""
        index = next(i for i, node in enumerate(self.nodes) if node.name == name)
        self.nodes[index : index + 1] = replacements

    def replace_uses(self, old: str, new: str) -> None:
        """Let every reader of ``old`` read ``new``, which then stands for what ``old`` stood for."""
        self.set_origin(new, self.origins.get(old))
        self.nodes = [
            node.with_inputs(*(new if value == old else value for value in node.inputs))
            if old in node.inputs
            else node
            for node in self.nodes
        ]
        self.outputs = [new if value == old else value for value in self.outputs]

    def set_origin(self, value: str, origin: Origin | None) -> None:
        """Note what a value stands for; None: nothing that the traced net computes."""
        if origin is None:
            self.origins.pop(value, None)
        else:
            self.origins[value] = origin


def unique_name(wanted: str, taken: Iterable[str]) -> str:
    """``wanted``, with a number appended if it is among ``taken``."""
    taken = set(taken)
    name, count = wanted, 0
    while name in taken:
        count += 1
        name = f"{wanted}_{count}"
    return name
