"""A shortcut around every binary convolution of a residual block, as in Bi-Real Net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, NamedTuple

from mxnet.gluon import Block, HybridBlock

from bmx.gluon.dataflow import Graph
from bmx.gluon.surgery.places import RemovedActivation, replace_class
from bmx.gluon.surgery.residual import Residual, Step, input_channels
from bmx.gluon.tensor import Tensor


class Unit(NamedTuple):
    """A convolution with the norm that goes with it.

    Attributes:
        steps: what it computes, in order.
        identity: whether its input is added to its output.
        around: whether the block's own shortcut is added to its output.
    """

    steps: tuple[Block | None, ...]
    identity: bool
    around: bool


@dataclass(frozen=True)
class Plan:
    """How a `ShortcutPerConv` computes; None among the steps is a ReLU.

    Attributes:
        shared: steps before the units and the block's own shortcut.
        shortcut: steps of the block's own shortcut.
        units: units of the block, one for each convolution.
        last: steps after the last unit.
    """

    shared: tuple[Block | None, ...]
    shortcut: tuple[Block | None, ...]
    units: tuple[Unit, ...]
    last: tuple[Block | None, ...]


class ShortcutPerConv(HybridBlock):
    """A residual block in which each convolution has a shortcut.

    A block that computed ``shortcut(x) + conv2(conv1(x))``, each convolution with its norm, computes::

        y = shortcut(x) + conv1(x)
        out = y + conv2(y)

    without ReLUs in front of signs. `binarize` turns a residual block into this class, `export_float` turns
    it back; it is not constructed.

    Paper: Liu et al., Bi-Real Net, arXiv:1808.00278.

    Inputs:
        - **data**: as the block that it was.

    Outputs:
        - **out**: as the block that it was.
    """

    _plan: Plan

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        """The formula of the class, unit by unit."""
        plan = self._plan
        x = _run(F, plan.shared, x)
        shortcut = _run(F, plan.shortcut, x)
        for steps, identity, around in plan.units:
            out = _run(F, steps, x)
            out = out + x if identity else out
            x = out + shortcut if around else out
        return _run(F, plan.last, x)


def _run(F: Any, steps: Iterable[Block | None], x: Tensor) -> Tensor:
    for step in steps:
        x = F.Activation(x, act_type="relu") if step is None else step(x)
    return x


def feeds_sign(graph: Graph, node: int, binary: set[int]) -> bool:
    """Whether values of a node arrive at the sign of a binary layer."""
    pending = [node]
    while pending:
        for m in graph.consumers[pending.pop()]:
            if graph.nodes[m].block in binary:
                return True
            if graph.nodes[m].passes_signs:
                pending.append(m)
    return False


class Change(NamedTuple):
    """How a residual block gets its shortcuts.

    Attributes:
        plan: how the block will compute.
        with_shortcut: numbers of the convolutions that get one.
        without: numbers of those that get none, and why.
        relus: numbers of the ReLU blocks to take out.
        code_relus: number of ReLUs to take out of the block's code.
    """

    plan: Plan
    with_shortcut: list[int]
    without: dict[int, str]
    relus: list[int]
    code_relus: int


def plan_shortcuts(
    residual: Residual, graph: Graph, blocks: list[Any], names: dict[Any, str], binary: set[int]
) -> Change | str:
    """Plan the shortcuts of a residual block.

    Args:
        residual: block that gets shortcuts.
        graph: graph of the net.
        blocks: all blocks of the net.
        names: places of the blocks.
        binary: numbers of the layers that take signs.

    Returns:
        The plan, or why there can be none.
    """
    obstacle = _obstacle(residual, blocks, names, binary)
    if obstacle:
        return obstacle
    convs = [step.block for step in residual.main if step.kind == "conv"]
    without = {i: _changes_shape(blocks[i], input_channels(graph, blocks, i)) for i in convs}
    # After this convolution the shape is that of the block's output, so its own shortcut can end there.
    join = max((number for number, i in enumerate(convs) if number and without[i]), default=0)
    identities = [not without[i] and number != join for number, i in enumerate(convs)]
    if len(convs) > 1 and not any(identities):
        reasons = "; ".join(f"{names[blocks[i]]}: {without[i]}" for i in convs if without[i])
        return f"none of its convolutions keeps the shape of its input: {reasons}"
    units = tuple(
        Unit(_layers(piece, blocks), identity, number == join)
        for number, (piece, identity) in enumerate(zip(_pieces(residual), identities))
    )
    plan, gone = _plan(residual, blocks, units, feeds_sign(graph, residual.end, binary))
    # The block's own shortcut is that of its one convolution up to where it ends, if there is one.
    with_shortcut = [i for number, i in enumerate(convs) if identities[number] or (number == join == 0)]
    return Change(
        plan,
        with_shortcut,
        {i: without[i] for i in convs if i not in with_shortcut},
        [step.block for step in gone if step.block != residual.block],
        sum(step.block == residual.block for step in gone),
    )


def _plan(
    residual: Residual, blocks: list[Any], units: tuple[Unit, ...], before_sign: bool
) -> tuple[Plan, list[Step]]:
    """The plan with these units, and the ReLUs that it leaves out; a last one only before a sign."""
    inner = [*residual.shared, *residual.main]
    on_shortcut = [step for step in residual.shared if step.kind == "relu" and residual.shortcut]
    gone = [step for step in inner if step.kind == "relu" and step not in on_shortcut]
    last = [residual.relu] if residual.relu else []
    if before_sign:
        gone, last = [*last, *gone], []
    plan = Plan(
        _layers(residual.shared, blocks),
        tuple(_layer(step, blocks, residual.block) for step in (*on_shortcut, *residual.shortcut)),
        units,
        tuple(_layer(step, blocks, residual.block) for step in last),
    )
    return plan, gone


def _obstacle(residual: Residual, blocks: list[Any], names: dict[Any, str], binary: set[int]) -> str:
    """Why the convolutions of a block cannot have shortcuts, whatever their shapes; empty if they can."""
    for step in (*residual.shared, *residual.main):
        if step.kind == "other" or (step.kind == "conv" and step in residual.shared):
            return f"{step.op} ({names[blocks[step.block]]}) between its convolutions"
        if step.kind == "conv" and step.block not in binary:
            return f"{names[blocks[step.block]]} stays float"
    return ""


def _changes_shape(conv: Any, channels: int) -> str:
    """How a convolution changes the shape of an input of so many channels; empty if it does not."""
    arguments = conv._kwargs
    if channels != conv._channels:
        return f"{channels or '?'} -> {conv._channels} channels"
    if any(stride != 1 for stride in arguments["stride"]):
        return f"strides {arguments['stride']}"
    sides = zip(arguments["kernel"], arguments["pad"], arguments["dilate"])
    if any(2 * pad != dilation * (kernel - 1) for kernel, pad, dilation in sides):
        return f"kernel {arguments['kernel']} with padding {arguments['pad']}"
    return ""


def _pieces(residual: Residual) -> list[list[Step]]:
    """The main branch, cut into one convolution each with the norm after it, or before it if a norm leads."""
    main = residual.main
    leading = next(step.kind for step in (*residual.shared, *main) if step.kind in ("conv", "norm")) == "norm"
    pieces: list[list[Step]] = [[]]
    for step in main:
        full = any(other.kind == "conv" for other in pieces[-1])
        if full and (leading or step.kind == "conv") and _convs_follow(main, step):
            pieces.append([])
        pieces[-1].append(step)
    return pieces


def _convs_follow(main: tuple[Step, ...], step: Step) -> bool:
    return any(other.kind == "conv" for other in main[main.index(step) :])


def _layers(steps: Iterable[Step], blocks: list[Any]) -> tuple[Block, ...]:
    return tuple(blocks[step.block] for step in steps if step.kind != "relu")


def _layer(step: Step, blocks: list[Any], residual: int) -> Block | None:
    return None if step.block == residual else blocks[step.block]


def give_shortcuts(block: Any, change: Change, blocks: list[Any]) -> None:
    """Carry out the planned change of a residual block."""
    replace_class(block, ShortcutPerConv)
    block._plan = change.plan
    for i in change.relus:
        replace_class(blocks[i], RemovedActivation)
