"""`binarize`: the layers of a net made binary, in place."""

from __future__ import annotations

from typing import Any, Callable

from mxnet import gluon
from mxnet.gluon import nn
from mxnet.gluon.nn.conv_layers import _Conv

from bmx.gluon.dataflow import Graph, try_trace
from bmx.gluon.nn import current_config
from bmx.gluon.nn.layer import make_binary
from bmx.gluon.surgery.layers import (
    BINARY,
    binary_twin,
    quantize_above_zero,
    reasons_to_stay_float,
    takes_signs,
)
from bmx.gluon.surgery.places import (
    RemovedActivation,
    clear_graphs,
    describe,
    list_places,
    places,
    replace_class,
)
from bmx.gluon.surgery.relus import Relus, search_relus
from bmx.gluon.surgery.report import Entry, Report
from bmx.gluon.surgery.residual import Residual, residual_blocks
from bmx.gluon.surgery.shortcuts import Change, ShortcutPerConv, give_shortcuts, plan_shortcuts

SHORTCUTS = (None, "per_conv")


def binarize(
    net: gluon.Block,
    keep: Callable[[str, Any], bool] | None = None,
    *,
    shortcuts: str | None = None,
    verbose: bool = True,
) -> Report:
    """Make the Conv2D and Dense layers of a net binary, in place.

    Each becomes a `QConv2D` or `QDense` with the same arguments, and remains the same object with the same
    parameters: weights, biases, deferred initialization, names in parameter files, references to it and a
    Trainer's hold on it all stay. Settings that only binary layers have come from the current
    `bmx.gluon.nn.defaults`.

    A ReLU before a binary layer would make the sign of its input +1 everywhere. A ReLU block, or the
    ``activation`` of a layer, is taken out if it feeds, through pooling, dropout, concatenation and
    reshaping, nothing but binary layers. Other ReLUs stay, and the report says why; binary layers after them
    quantize with `SignAboveZero` instead of `DetSign`. The flow of values is read from the net's
    graph with one input; a net that cannot be traced with one keeps its ReLUs and quantizers.

    With ``shortcuts='per_conv'`` each binary convolution of a residual block gets a shortcut, as in Bi-Real
    Net, so that real values pass it (`ShortcutPerConv`). If it keeps the shape of its input, its input is
    added to its output; the block's own shortcut ends where the shape is that of the block's
    output. The block's ReLUs before signs are taken out, also the one after the sum. A block
    qualifies if it computes a chain of convolutions and norms plus a shortcut and nothing else, in whatever
    class: Gluon's and GluonCV's basic blocks do; the report says why others do not.

    Give the outermost block: hybridized blocks around ``net`` would keep their old graph.

    Papers: Liu et al., Bi-Real Net, arXiv:1808.00278 (a shortcut for each convolution).

    Args:
        net: Block, initialized or not.
        keep: which layers stay float, called with a layer's place (``features.0``) and the layer. Without it
            the first and the last stay float: those with no other layer with weights before or after them;
            with ``shortcuts`` also the convolutions in the shortcuts of residual blocks.
        shortcuts: None, or 'per_conv'.
        verbose: whether to print the report.

    Returns:
        What was changed, what was left and why.

    Raises:
        TypeError: if ``net`` is not a Block.
        ValueError: if no layer can be made binary, or an argument is not supported; the net is then as it
            was.
    """
    if shortcuts not in SHORTCUTS:
        raise ValueError(f"bmx.gluon.binarize: expected shortcuts=None or 'per_conv', found {shortcuts!r}.")
    report = _Binarization(net, keep, shortcuts is not None).run()
    if verbose:
        print(report)
    return report


class _Binarization:
    """One call of `binarize`: what it knows of the net, and what it reports."""

    def __init__(self, net: gluon.Block, keep: Callable[[str, Any], bool] | None, shortcuts: bool) -> None:
        self.net = net
        self.keep = keep
        self.names = places("binarize", net)
        self.blocks = list(self.names)
        self.layers = [i for i, block in enumerate(self.blocks) if isinstance(block, (_Conv, nn.Dense))]
        self.graph, self.trace_error = try_trace(net, self.blocks)
        self.shortcuts = shortcuts
        self.changed: dict[int, str] = {}
        self.left: list[Entry] = []
        self.relus_taken_out = 0
        self.residuals: tuple[list[Residual], dict[int, str]] = ([], {})
        if shortcuts and self.graph is not None:
            self.residuals = residual_blocks(self.graph, self.blocks)

    def run(self) -> Report:
        swaps = self._choose_layers()
        # All that may raise an error comes before the first change.
        twins = {i: binary_twin(self.blocks[i]) for i in swaps}
        binary = {*swaps, *(i for i in self.layers if takes_signs(self.blocks[i]))}
        signs = current_config().input_quantizer is not None
        if self.graph is None:
            kept = "its ReLUs and shortcuts" if self.shortcuts else "its ReLUs"
            self._leave(0, f"{kept}, because it could not be traced: {self.trace_error}")
        elif self.shortcuts and signs:
            self._give_shortcuts(self.graph, binary)
        relus = Relus()
        if self.graph is not None and signs:
            relus = self._find_relus(binary)
        constant = self._swap(twins, relus)
        self._take_out(relus)
        clear_graphs(self.blocks)
        return self._report(len(swaps), constant)

    def _leave(self, i: int, text: str) -> None:
        self.left.append(Entry(self.names[self.blocks[i]], text))

    def _list(self, numbers: Any) -> str:
        return list_places(numbers, self.blocks, self.names)

    def _choose_layers(self) -> list[int]:
        found, _ = self.residuals
        projections = {step.block for residual in found for step in residual.shortcut}
        reasons = reasons_to_stay_float(
            self.blocks, self.names, self.layers, self.graph, self.keep, projections
        )
        swaps = [i for i in self.layers if i not in reasons and not isinstance(self.blocks[i], BINARY)]
        for i, reason in reasons.items():
            self._leave(i, f"{describe(self.blocks[i])}: {reason}")
        if not swaps:
            found_text = "; ".join(f"{entry.name}: {entry.text}" for entry in self.left)
            raise ValueError(
                "bmx.gluon.binarize: expected layers to make binary, found none in "
                f"{type(self.net).__name__}: {found_text or 'no Conv2D and no Dense in it'}."
            )
        return swaps

    def _give_shortcuts(self, graph: Graph, binary: set[int]) -> None:
        found, others = self.residuals
        convs = {i for i in binary if isinstance(self.blocks[i], nn.Conv2D)}
        inside: set[int] = set()
        changes: dict[int, Change] = {}
        why_not = dict(others)
        for residual in found:
            outcome = plan_shortcuts(residual, graph, self.blocks, self.names, binary)
            if isinstance(outcome, str):
                why_not[residual.block] = outcome
            else:
                changes[residual.block] = outcome
        for i, reason in why_not.items():
            mine = convs & self._inside(i) - {j for c in changes.values() for j in c.with_shortcut}
            if mine - inside:
                self._leave(i, f"{type(self.blocks[i]).__name__}, no shortcut per convolution: {reason}")
            inside |= mine
        for i, change in changes.items():
            self._give(i, change)
            inside |= {*change.with_shortcut, *change.without}
        rest = convs - inside
        if rest:
            self._leave(0, f"no shortcut around {self._list(rest)}: no residual block holds them")
        self.graph, self.trace_error = try_trace(self.net, self.blocks)

    def _inside(self, i: int) -> set[int]:
        prefix = "" if i == 0 else f"{self.names[self.blocks[i]]}."
        return {j for j in self.layers if self.names[self.blocks[j]].startswith(prefix)}

    def _give(self, i: int, change: Change) -> None:
        kind = type(self.blocks[i]).__name__
        text = f"{kind}: a shortcut around {self._list(change.with_shortcut)}"
        for j, reason in change.without.items():
            text += f"; none around {self._list([j])}, {reason}"
        if change.code_relus:
            text += f"; ReLUs taken out of its code: {change.code_relus}"
        for j in change.relus:
            self.changed[j] = f"{describe(self.blocks[j])} taken out: it was in front of a sign"
        give_shortcuts(self.blocks[i], change, self.blocks)
        self.changed[i] = text
        self.relus_taken_out += len(change.relus) + change.code_relus

    def _find_relus(self, binary: set[int]) -> Relus:
        assert self.graph is not None
        relus = search_relus(self.graph, self.blocks, self.names, binary)
        for i, layers_behind in relus.stay.items():
            self._leave(i, f"{relus.reasons[i]}; it feeds the sign of {self._list(layers_behind)}")
        return relus

    def _swap(self, twins: dict[int, Any], relus: Relus) -> set[int]:
        constant = set().union(*relus.stay.values())
        # Read before any layer changes: layers may share a Parameter.
        decays = {i: self.blocks[i].weight.wd_mult for i in twins}
        for i, twin in twins.items():
            before = type(self.blocks[i]).__name__
            make_binary(self.blocks[i], twin, decays[i])
            self.changed[i] = f"{before} -> {type(self.blocks[i]).__name__}"
            if i in relus.zeros and quantize_above_zero(self.blocks[i]):
                constant.remove(i)
                self.changed[i] += ", the sign is -1 where its input is 0"
        return constant

    def _take_out(self, relus: Relus) -> None:
        for i, layers_behind in relus.leave.items():
            text = f"taken out: it fed the sign of {self._list(layers_behind)}"
            self.changed[i] = f"{describe(self.blocks[i])} {text}"
            replace_class(self.blocks[i], RemovedActivation)
        self.relus_taken_out += len(relus.leave)

    def _report(self, swapped: int, constant: set[int]) -> Report:
        title = (
            f"binarize: {swapped} of {len(self.layers)} layers made binary, "
            f"{self.relus_taken_out} ReLUs taken out"
        )
        if self.shortcuts:
            blocks = sum(isinstance(block, ShortcutPerConv) for block in self.blocks)
            title += f", {blocks} residual blocks with a shortcut per convolution"
        return Report(
            title,
            tuple(Entry(self.names[self.blocks[i]], self.changed[i]) for i in sorted(self.changed)),
            tuple(self.left),
            tuple(self.names[self.blocks[i]] for i in sorted(constant)),
        )
