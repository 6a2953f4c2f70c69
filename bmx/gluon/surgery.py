"""Existing nets made binary in place, and back: `binarize` and `export_float`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, NamedTuple

import numpy as np
from mxnet.gluon import Block, HybridBlock, nn
from mxnet.gluon.nn.conv_layers import _Conv

from bmx.gluon.dataflow import Graph, try_trace
from bmx.gluon.nn import DetSign, QConv2D, QDense, current_config

_BINARY = (QConv2D, QDense)


class Entry(NamedTuple):
    """One line of a `Report`.

    Attributes:
        name: where the block stands, as in the names of ``save_parameters``: ``features.0``.
        text: what became of it, or why it was left.
    """

    name: str
    text: str


@dataclass(frozen=True)
class Report:
    """What `binarize` or `export_float` did; ``print(report)`` shows it.

    Attributes:
        title: one line, with counts.
        changed: blocks that are something else now.
        left: blocks that were left, and why.
        constant: binary layers that see +1 only; they learn next to nothing, so keep them float (``keep``) or
            change the net's code.
    """

    title: str
    changed: tuple[Entry, ...]
    left: tuple[Entry, ...]
    constant: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line a block."""
        lines = [self.title]
        width = max((len(entry.name) for entry in (*self.changed, *self.left)), default=0)
        for heading, entries in (("changed", self.changed), ("left", self.left)):
            lines += [f"{heading}:"] if entries else []
            lines += [f"  {entry.name:{width}}  {entry.text}" for entry in entries]
        if self.constant:
            lines.append(
                f"{len(self.constant)} binary layers see +1 only: keep them float, or change the net's code"
            )
        return "\n".join(lines)


class SignAboveZero(DetSign):
    """Sign for values that are never negative: what a ReLU lets through is +1, what it cuts off is -1.

    Forward, with t = 2**-100::

        q(x) = sign(x - t)

    which is the sign of the ReLU's input. Backward, as `DetSign`::

        dC/dx = dC/dq if |x - t| <= clip else 0

    Args:
        clip: gradient cancelling threshold; None is the identity estimator.
    """

    method = None

    def latent(self, F: Any, x: Any, **learned: Any) -> Any:  # noqa: N803
        """See `SignQuantizer`."""
        return x - 2.0**-100


class RemovedActivation(HybridBlock):  # type: ignore[misc]
    """Identity in the place of a ReLU that would have made the sign behind it constant.

    `binarize` turns an activation into this class, `export_float` turns it back; it is not constructed.

    Inputs:
        - **data**: any shape.

    Outputs:
        - **out**: the input.
    """

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        """Pass through."""
        return x

    def __repr__(self) -> str:
        """For example ``RemovedActivation(Activation)``."""
        return f"RemovedActivation({self._float_class.__name__})"


def binarize(net: Any, keep: Callable[[str, Any], bool] | None = None, *, verbose: bool = True) -> Report:
    """Make the Conv2D and Dense layers of a net binary, in place.

    Each becomes a `QConv2D` or `QDense` with the same arguments, and remains the same object with the same
    parameters: weights, biases, deferred initialisation, names in parameter files, references to it and a
    Trainer's hold on it all stay. Settings that only binary layers have come from the current
    `bmx.gluon.nn.defaults`.

    A ReLU in front of a binary layer would make its input's sign +1 everywhere. A ReLU block, or the
    ``activation`` of a layer, is taken out where all that it feeds, through pooling, dropout, concatenation
    and reshaping, are binary layers. Other ReLUs stay, and the report says why; binary layers behind them
    quantize with `SignAboveZero` where they would with `DetSign`. Where values flow is read from the net's
    graph with one input; a net that cannot be traced so keeps its ReLUs and quantizers.

    Give the outermost block: blocks around ``net`` that are hybridized would go on with their old graph.

    Args:
        net: Block, initialised or not.
        keep: which layers stay float, called with a layer's place (``features.0``) and the layer. Without it
            the first and the last stay float: those with no other layer with weights before or after them.
        verbose: whether to print the report.

    Returns:
        What was changed, what was left and why.

    Raises:
        TypeError: if ``net`` is not a Block.
        ValueError: if no layer can be made binary; the net is then as it was.
    """
    names = _names("binarize", net)
    blocks = list(names)
    layers = [i for i, block in enumerate(blocks) if isinstance(block, (_Conv, nn.Dense))]
    graph, trace_error = try_trace(net, blocks)
    reasons = _reasons_to_stay_float(blocks, names, layers, graph, keep)
    swaps = [i for i in layers if i not in reasons and not isinstance(blocks[i], _BINARY)]
    left = [Entry(names[blocks[i]], f"{_describe(blocks[i])}: {reason}") for i, reason in reasons.items()]
    if not swaps:
        found = "; ".join(f"{entry.name}: {entry.text}" for entry in left) or "no Conv2D and no Dense in it"
        raise ValueError(
            f"bmx.gluon.binarize: there is nothing to binarize in {type(net).__name__}: {found}."
        )
    binary = {*swaps, *(i for i in layers if _takes_signs(blocks[i]))}
    relus = Relus()
    if graph is None:
        left.append(Entry("(net)", f"its ReLUs, because it could not be traced: {trace_error}"))
    elif current_config().input_quantizer is not None:
        relus = _search_relus(graph, blocks, names, binary)
        for i, layers_behind in relus.stay.items():
            text = f"{relus.reasons[i]}; it feeds the sign of {_list(layers_behind, blocks, names)}"
            left.append(Entry(names[blocks[i]], text))
    changed = {}
    constant = set().union(*relus.stay.values())
    # Read before any layer changes: layers may share a Parameter.
    decays = {i: blocks[i].weight.wd_mult for i in swaps}
    for i in swaps:
        before = type(blocks[i]).__name__
        _make_binary(blocks[i], decays[i])
        changed[i] = f"{before} -> {type(blocks[i]).__name__}"
        if i in relus.zeros and _quantize_above_zero(blocks[i]):
            constant.remove(i)
            changed[i] += ", the sign is -1 where its input is 0"
    for i, layers_behind in relus.leave.items():
        text = f"taken out: it fed the sign of {_list(layers_behind, blocks, names)}"
        changed[i] = f"{_describe(blocks[i])} {text}"
        blocks[i]._float_class = type(blocks[i])
        blocks[i].__class__ = RemovedActivation
    _clear_graphs(blocks)
    report = Report(
        f"binarize: {len(swaps)} of {len(layers)} layers made binary, {len(relus.leave)} ReLUs taken out",
        tuple(Entry(names[blocks[i]], changed[i]) for i in sorted(changed)),
        tuple(left),
        tuple(names[blocks[i]] for i in sorted(constant)),
    )
    if verbose:
        print(report)
    return report


def export_float(net: Any, *, verbose: bool = True) -> Report:
    """Make the QConv2D and QDense layers of a net Conv2D and Dense layers with the latent weights, in place.

    The inverse of `binarize`: activations that it took out come back. Layers that were built binary become
    float too, without an activation in front. An explicit `QActivation` stays.

    Args:
        net: Block, initialised or not.
        verbose: whether to print the report.

    Returns:
        What was changed and what was left.

    Raises:
        TypeError: if ``net`` is not a Block.
        ValueError: if there is no binary layer in it.
    """
    names = _names("export_float", net)
    changed, left = [], []
    for block, name in names.items():
        before = type(block).__name__
        if type(block) in _BINARY:
            _make_float(block)
            changed.append(Entry(name, f"{before} -> {type(block).__name__}"))
        elif type(block) is RemovedActivation:
            block.__class__ = block._float_class
            del block._float_class
            changed.append(Entry(name, f"{_describe(block)} back in place"))
        elif isinstance(block, _BINARY):
            left.append(Entry(name, f"{_describe(block)}: {before} is a class of its own"))
    if not changed:
        raise ValueError(
            f"bmx.gluon.export_float: there is no QConv2D and no QDense in {type(net).__name__}."
        )
    _clear_graphs(names)
    layers = sum(isinstance(block, (nn.Conv2D, nn.Dense)) for block in names)
    swapped = sum(entry.text.startswith("Q") for entry in changed)
    report = Report(f"export_float: {swapped} of {layers} layers made float", tuple(changed), tuple(left))
    if verbose:
        print(report)
    return report


def _names(function: str, net: Any) -> dict[Any, str]:
    """Every block of the net once, with the first place where it stands; outer blocks first."""
    if not isinstance(net, Block):
        raise TypeError(f"bmx.gluon.{function}: expected a gluon Block, found {type(net).__name__}.")
    names = {net: "(net)"}

    def visit(block: Any, prefix: str) -> None:
        for key, child in block._children.items():
            if child not in names:
                names[child] = prefix + key
                visit(child, f"{prefix}{key}.")

    visit(net, "")
    return names


def _clear_graphs(blocks: Any) -> None:
    for block in blocks:
        if isinstance(block, HybridBlock):
            block._clear_cached_op()


def _describe(block: Any) -> str:
    text = repr(block)
    return type(block).__name__ if "\n" in text else text


def _list(numbers: Any, blocks: list[Any], names: dict[Any, str]) -> str:
    return ", ".join(names[blocks[i]] for i in sorted(numbers))


# Which layers


def _reasons_to_stay_float(
    blocks: list[Any],
    names: dict[Any, str],
    layers: list[int],
    graph: Graph | None,
    keep: Callable[[str, Any], bool] | None,
) -> dict[int, str]:
    reasons = {}
    first, last = _ends(layers, graph)
    for i in layers:
        block = blocks[i]
        reason = _unsupported(block)
        if isinstance(block, _BINARY):
            continue
        if reason:
            reasons[i] = reason
        elif keep is not None:
            if keep(names[block], block):
                reasons[i] = "kept float by keep"
        elif i in first or i in last:
            reasons[i] = "first layer" if i in first else "last layer"
        elif graph is not None and not graph.of_block(i):
            reasons[i] = "the forward pass does not use it"
    return reasons


def _takes_signs(layer: Any) -> bool:
    return isinstance(layer, _BINARY) and layer._settings.input_quantizer is not None


def _unsupported(layer: Any) -> str:
    """Why a layer has no binary counterpart; empty if it has."""
    if type(layer) not in (nn.Conv2D, nn.Dense):
        return f"there is no binary {type(layer).__name__}"
    if np.dtype(layer.weight.dtype) != np.float32:
        return f"dtype {np.dtype(layer.weight.dtype).name}, binary layers train in float32"
    if type(layer) is nn.Conv2D and layer._kwargs["layout"] != "NCHW":
        return f"layout {layer._kwargs['layout']}, binary layers need NCHW"
    return ""


def _ends(layers: list[int], graph: Graph | None) -> tuple[set[int], set[int]]:
    if graph is None:
        return set(layers[:1]), set(layers[-1:])
    before, after = [False] * len(graph.nodes), [False] * len(graph.nodes)
    for n, node in enumerate(graph.nodes):
        before[n] = any(before[m] or graph.nodes[m].weighted for m in node.inputs)
    for n in reversed(range(len(graph.nodes))):
        after[n] = any(after[m] or graph.nodes[m].weighted for m in graph.consumers[n])
    weighted = [(n, node.block) for n, node in enumerate(graph.nodes) if node.weighted]
    return {i for n, i in weighted if not before[n]}, {i for n, i in weighted if not after[n]}


def _make_binary(layer: Any, wd_mult: float) -> None:
    # The constructor checks the arguments and reads the config; what it built is then given to the layer.
    if type(layer) is nn.Dense:
        built: Any = QDense(
            layer._units, flatten=layer._flatten, use_bias=layer.bias is not None, prefix=layer.prefix
        )
    else:
        arguments = layer._kwargs
        built = QConv2D(
            arguments["num_filter"],
            arguments["kernel"],
            arguments["stride"],
            arguments["pad"],
            arguments["dilate"],
            arguments["num_group"],
            arguments["layout"],
            use_bias=layer.bias is not None,
            prefix=layer.prefix,
        )
    for quantizer in built.quantizers:
        if quantizer.learned:
            raise ValueError(
                f"bmx.gluon.binarize: {quantizer!r} brings parameters, which layers that exist cannot take; "
                "choose another quantizer in bmx.gluon.nn.defaults, or build the net of binary layers."
            )
    layer.__class__ = type(built)
    layer._settings = built._settings
    layer._float_wd_mult = wd_mult
    layer.weight.wd_mult = built.weight.wd_mult
    layer.weight.binary = built.weight.binary


def _quantize_above_zero(layer: Any) -> bool:
    quantizer = layer._settings.input_quantizer
    if type(quantizer) is not DetSign:
        return False
    layer._settings = replace(layer._settings, input_quantizer=SignAboveZero(quantizer.clip))
    return True


def _make_float(layer: Any) -> None:
    layer.__class__ = nn.Dense if type(layer) is QDense else nn.Conv2D
    # A layer that was built binary has no other.
    layer.weight.wd_mult = vars(layer).pop("_float_wd_mult", 1.0)
    layer.weight.binary = False
    del layer._settings


# Which ReLUs


@dataclass
class Relus:
    """Blocks whose values are never negative and that feed signs, each with the binary layers behind.

    Attributes:
        leave: those to take out.
        stay: those that cannot be.
        reasons: why they cannot.
        zeros: layers behind one that stays where zeros arrive too.
    """

    leave: dict[int, set[int]] = field(default_factory=dict)
    stay: dict[int, set[int]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    zeros: set[int] = field(default_factory=set)


def _search_relus(graph: Graph, blocks: list[Any], names: dict[Any, str], binary: set[int]) -> Relus:
    found = Relus()
    # One at a time and from the input on: behind one ReLU there may be another.
    while True:
        found.stay, found.zeros = _never_negative(graph, binary, found.leave)
        new = sorted((min(graph.of_block(i)), i) for i in found.stay if i not in found.reasons)
        if not new:
            return found
        i = new[0][1]
        reason = _why_not(graph, blocks, names, binary, i)
        if reason:
            found.reasons[i] = reason
        else:
            found.leave[i] = found.stay[i]


def _never_negative(graph: Graph, binary: set[int], gone: Any) -> tuple[dict[int, set[int]], set[int]]:
    """Follow values that are never negative up to signs.

    Args:
        graph: of the net.
        binary: layers that take signs.
        gone: blocks that count as identities.

    Returns:
        The blocks whose functions they come from, each with the layers where they arrive; the layers that
        see zeros among them.
    """
    sources: list[set[int]] = []
    zeros: list[bool] = []
    for node in graph.nodes:
        inputs = [sources[m] for m in node.inputs]
        some, every = (f(zeros[m] for m in node.inputs) for f in (any, all))
        if node.block in gone or node.passes_signs:
            sources.append(set().union(*inputs))
            zeros.append(some)
        elif node.function:
            sources.append({node.block})
            zeros.append(node.is_relu)
        elif node.mixes and all(inputs):
            sources.append(set().union(*inputs))
            zeros.append(some if node.multiplies else every and len(inputs) > 1)
        else:
            sources.append(set())
            zeros.append(False)
    behind: dict[int, set[int]] = {}
    with_zeros = set()
    for layer in binary:
        for n in graph.of_block(layer):
            for m in graph.nodes[n].inputs:
                if graph.nodes[m].block != layer:
                    for source in sources[m]:
                        behind.setdefault(source, set()).add(layer)
                    if sources[m] and zeros[m]:
                        with_zeros.add(layer)
    return behind, with_zeros


def _why_not(graph: Graph, blocks: list[Any], names: dict[Any, str], binary: set[int], i: int) -> str:
    """Why the activation of block ``i`` has to stay; empty if it can be taken out."""
    own = graph.of_block(i)
    kind = type(blocks[i]).__name__
    if blocks[i]._children or blocks[i]._reg_params or len({graph.nodes[n].op for n in own}) > 1:
        functions = {graph.nodes[n].function for n in own} - {""}
        return f"{' and '.join(sorted(functions))} inside the code of {kind}"
    if not all(graph.nodes[n].is_relu for n in own):
        return f"{_describe(blocks[i])} is not a ReLU"
    pending = list(own)
    while pending:
        n = pending.pop()
        if n in graph.outputs:
            return f"{_describe(blocks[i])} feeds the net's output too"
        for m in graph.consumers[n]:
            consumer = graph.nodes[m]
            if consumer.passes_signs or consumer.is_relu:
                pending.append(m)
            elif consumer.block not in binary:
                other = blocks[consumer.block]
                return f"{_describe(blocks[i])} feeds {names[other]} ({type(other).__name__}) too"
    return ""
