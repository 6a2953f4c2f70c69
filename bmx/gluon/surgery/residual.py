"""Residual blocks in a traced net: chains of layers with a shortcut around them, found without names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from mxnet.gluon import nn

from bmx.gluon.dataflow import Graph

_SUMS = {"broadcast_add", "elemwise_add"}
_NORMS = {"BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm", "_contrib_SyncBatchNorm"}
_RELUS = {"Activation", "relu"}
_KEEP_CHANNELS = _SUMS | _NORMS | _RELUS | {"Dropout", "LeakyReLU", "Pooling", "clip", "_copy"}


class Step(NamedTuple):
    """A layer of a chain, or a ReLU in the code of the residual block.

    Attributes:
        block: number of the layer, or of the residual block itself for a ReLU in its code.
        kind: 'conv', 'norm', 'relu', 'pass' for dropout, or 'other'.
        op: name of its first operator.
    """

    block: int
    kind: str
    op: str


@dataclass(frozen=True)
class Residual:
    """A block that computes ``y = shared(x); [relu](main(y) + shortcut(y))`` and nothing else.

    Attributes:
        block: its number.
        shared: steps before the branches.
        main: steps of the branch with more convolutions.
        shortcut: steps of the other one; none if it is the identity.
        relu: ReLU after the sum, if there is one.
        end: number of the node that is the block's output.
    """

    block: int
    shared: tuple[Step, ...]
    main: tuple[Step, ...]
    shortcut: tuple[Step, ...]
    relu: Step | None
    end: int


class NotResidual(Exception):  # noqa: N818  not an error, an answer
    """Why a block with a sum in its code is not a `Residual`."""


def residual_blocks(graph: Graph, blocks: list[Any]) -> tuple[list[Residual], dict[int, str]]:
    """Find the residual blocks of a net.

    Args:
        graph: graph of the net.
        blocks: all blocks of the net; outer blocks first.

    Returns:
        Those found; the numbers of other blocks whose code adds, and why each is none.
    """
    found, others = [], {}
    for number in range(len(blocks)):
        if any(graph.nodes[n].op in _SUMS for n in graph.of_block(number)):
            try:
                found.append(_Reader(graph, blocks, number).residual())
            except NotResidual as reason:
                others[number] = str(reason)
    return found, others


def input_channels(graph: Graph, blocks: list[Any], conv: int) -> int:
    """Input channels of a convolution that is used once; 0 if neither it nor the graph tells.

    Shapes of parameters are not asked: a net is to become the same before its first call as after it.

    Args:
        graph: graph of the net.
        blocks: all blocks of the net.
        conv: number of the convolution.
    """
    if blocks[conv]._in_channels:
        return int(blocks[conv]._in_channels)
    node = graph.nodes[graph.of_block(conv)[0]].inputs[0]
    while graph.nodes[node].op in _KEEP_CHANNELS:
        node = graph.nodes[node].inputs[0]
    found = graph.nodes[node]
    known = found.op == "Convolution" and isinstance(blocks[found.block], nn.Conv2D)
    return int(blocks[found.block]._channels) if known else 0


class _Reader:
    """Reads one block backwards from its output."""

    def __init__(self, graph: Graph, blocks: list[Any], number: int) -> None:
        numbers = {block: i for i, block in enumerate(blocks)}
        self.graph = graph
        self.blocks = blocks
        self.number = number
        self.nodes = {
            n for block in _with_descendants(blocks[number]) for n in graph.of_block(numbers[block])
        }

    def residual(self) -> Residual:
        end = self._end()
        total = self._sum(end)
        first, second = self._branches(total)
        self._require_nothing_else({*first, *second, total, end})
        shared = [n for n in first if n in second]
        first, second = first[len(shared) :], second[len(shared) :]
        main, shortcut = sorted((first, second), key=self._count_weighted, reverse=True)
        return Residual(
            self.number,
            self._steps(shared),
            self._steps(main),
            self._steps(shortcut),
            self._steps([end])[0] if end != total else None,
            end,
        )

    def _sum(self, end: int) -> int:
        """The node that adds the branches: the last one, or the one before a ReLU."""
        total = self.graph.nodes[end].inputs[0] if self.graph.nodes[end].is_relu else end
        node = self.graph.nodes[total]
        if total not in self.nodes or node.op not in _SUMS or node.block != self.number:
            raise NotResidual("its sum is not the last thing that its code does")
        return total

    def _branches(self, total: int) -> tuple[list[int], list[int]]:
        (entry, first), (other_entry, second) = (self._chain(n) for n in self.graph.nodes[total].inputs)
        if entry != other_entry:
            raise NotResidual("it takes several inputs")
        return first, second

    def _require_nothing_else(self, seen: set[int]) -> None:
        rest = sorted({self.graph.nodes[n].op for n in self.nodes - seen})
        if rest:
            raise NotResidual(
                f"its code does more than add a shortcut to a chain of layers: {', '.join(rest)}"
            )

    def _end(self) -> int:
        ends = [
            n
            for n in self.nodes
            if n in self.graph.outputs or any(m not in self.nodes for m in self.graph.consumers[n])
        ]
        if len(ends) != 1:
            raise NotResidual("it has several outputs")
        return ends[0]

    def _chain(self, node: int) -> tuple[int, list[int]]:
        """The node outside that the first reads; nodes up to this one, each the only input of the next."""
        chain: list[int] = []
        while node in self.nodes:
            data, *rest = self.graph.nodes[node].inputs or [-1]
            for other in rest:
                if self.graph.nodes[other].op != "null":
                    raise NotResidual(f"{self.graph.nodes[node].op} joins values in one of its branches")
            chain.append(node)
            node = data
        return node, chain[::-1]

    def _count_weighted(self, chain: list[int]) -> int:
        return sum(self.graph.nodes[n].weighted for n in chain)

    def _steps(self, chain: list[int]) -> tuple[Step, ...]:
        steps = []
        while chain:
            owner = self.graph.nodes[chain[0]].block
            own = self.graph.of_block(owner)
            op = self.graph.nodes[chain[0]].op
            if owner == self.number:
                if op not in _RELUS or not self.graph.nodes[chain[0]].is_relu:
                    raise NotResidual(f"{op} in its code")
                own = chain[:1]
            elif isinstance(self.blocks[owner], nn.Conv2D) and self.blocks[owner].act is not None:
                raise NotResidual(f"{type(self.blocks[owner]).__name__} has an activation of its own")
            elif chain[: len(own)] != own or self.blocks[owner]._children:
                raise NotResidual(f"{op} in the code of {type(self.blocks[owner]).__name__}")
            steps.append(Step(owner, self._kind(owner, own), op))
            chain = chain[len(own) :]
        return tuple(steps)

    def _kind(self, owner: int, nodes: list[int]) -> str:
        if isinstance(self.blocks[owner], nn.Conv2D):
            return "conv"
        node = self.graph.nodes[nodes[0]]
        if len(nodes) > 1 or (node.is_relu and node.op in _NORMS):
            return "other"
        if node.is_relu:
            return "relu"
        return "norm" if node.op in _NORMS else "pass" if node.op == "Dropout" else "other"


def _with_descendants(block: Any) -> set[Any]:
    found = {block}
    for child in block._children.values():
        found |= _with_descendants(child)
    return found
