"""Compares MXNet and a packed file layer by layer.

It compares twice: as the file runs, where a difference is the sum of all before it; and with each layer given
the inputs that MXNet's layer had, where a difference is the layer's own. Only the second decides. If every
layer agrees on equal inputs, the file computes the net to within rounding, however far a bit at the edge of a
sign's jump drives the two apart further down.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from bmx.compiler import fileformat
from bmx.compiler.ir.graph import CHANNELS_FIRST, CODES, Graph, Node, Origin
from bmx.compiler.ir.numerics import round_half_away
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.verifier import verify as verify_graph
from bmx.verification.feeds import Feeds
from bmx.verification.mxnet_values import MxnetValues
from bmx.verification.probes import Layouts, force, forced_input, show
from bmx.verification.report import LayerReport, LayerRow, VerificationError, check_tolerance
from bmx.verification.samples import Samples, batches
from bmx.verification.ties import distance_to_jump, near_jump, near_jump_in_net


def compare_layers(
    net: Any,
    path: str | os.PathLike | bytes,
    samples: Samples | None = None,
    tolerance: float = 1e-4,
    isa: str | None = None,
    batch_size: int = 4,
    seed: int = 0,
) -> LayerReport:
    """Compare all values that MXNet and a packed file have in common.

    The net is compiled again to learn what each value of the file stands for.

    Args:
        net: an initialized HybridBlock, or the two files of a saved one, (symbol, params).
        path: the packed file, or its content.
        samples: as for `bmx.verify`; by default 8 random ones drawn with ``seed``.
        tolerance: bound on each layer's difference, relative to max(1, largest value in a sample).
        isa: instruction set for the packed file; the best one by default.
        batch_size: samples per run. All inner values of a batch are held in memory.
        seed: seed of the default samples.

    Returns:
        The report; whether it passed is for the caller to act on.

    Raises:
        ValueError: the samples do not fit the file, or the net cannot be compiled.
        VerificationError: the file has other layers than the net compiles to.
        bmx.runtime.ModelError: the file is not valid.
    """
    content = path if isinstance(path, bytes) else Path(path).read_bytes()
    comparison = LayerComparison(net, content, tolerance, isa)
    feeds = comparison.feeds
    arrays = feeds.random(8, seed) if samples is None else feeds.check(samples)
    for batch in batches(arrays, batch_size):
        comparison.add(batch)
    return comparison.report()


def feeds_of(net: Any, model: Any) -> Feeds:
    """The `Feeds` of a net and a `bmx.runtime.Model` of it."""
    takes_bytes = [value.name for value in model.inputs if value.dtype == "uint8"]
    return Feeds(net, {value.name: value.shape for value in model.inputs}, takes_bytes)


# Values of MXNet's net by node and output, laid out as in training.
_Found = Mapping[Tuple[str, int], np.ndarray]


class Verdict(NamedTuple):
    """What a comparison says about each sample; bool [samples].

    Attributes:
        agreeing: all layers agree.
        flipped: a bit or code differs as the file runs.
        explained: the first ones that do are signs of numbers near zero or codes of numbers near a half, so
            nothing but rounding can have come before them.
        equal: the outputs are those of the recorded net within tolerance: then it is MXNet that answers
            otherwise when it runs the net in another way.
    """

    agreeing: np.ndarray
    flipped: np.ndarray
    explained: np.ndarray
    equal: np.ndarray


class LayerComparison:
    """A net and a packed file, ready to be compared on batches.

    Args:
        net: as for `compare_layers`.
        content: the bytes of the packed file.
        tolerance: see `compare_layers`.
        isa: see `compare_layers`.
    """

    def __init__(self, net: Any, content: bytes, tolerance: float, isa: str | None) -> None:
        from bmx import runtime

        check_tolerance(tolerance)
        self._tolerance = tolerance
        self._file = runtime.Model(content, isa=isa)
        self.feeds = feeds_of(net, self._file)
        self._mxnet = MxnetValues(net, list(self.feeds.shapes.values()))
        graph = fileformat.read(content)
        self._types, self._producers = verify_graph(graph), graph.producers()
        self._layouts = Layouts(graph, self._types)
        origins, self._rounded = _match(graph, self.feeds.compiled())
        self._origins = {
            node.name: origins[node.name]
            for node in graph.nodes
            if node.name in origins and self._is_comparable(origins[node.name])
        }
        self._forced = [value for value in self._origins if self._types[value].dtype != "i32"]
        shown = show(graph, list(self._origins))
        forced = force(shown, self._forced, self._types)
        self._outputs, self._shown_names = graph.outputs, shown.outputs
        self._free_model = runtime.Model(fileformat.to_bytes(shown), isa=isa)
        self._forced_model = runtime.Model(fileformat.to_bytes(forced), isa=isa)
        self._rows = {node.name: self._row(node) for node in graph.nodes if self._is_layer(node)}
        self._largest = dict.fromkeys(self._rows, 1.0)
        self._fusing_agrees = True
        self._verdicts: list[Verdict] = []

    def add(self, batch: Sequence[np.ndarray]) -> None:
        """Compare on a batch, one array per input."""
        heads = self._mxnet.outputs if all(map(self._mxnet.knows, self._mxnet.outputs)) else []
        found = self._mxnet.run([*self._origins.values(), *heads], batch)
        read = self.feeds.to_file(batch)
        fused = self._file.session().run(read)
        free = self._run(self._free_model, read)
        expected = self._all_expected(found, free)
        forced = self._run(self._forced_model, self._forced_inputs(read, expected))

        same = all(np.array_equal(free[n], y, equal_nan=True) for n, y in zip(self._outputs, fused))
        self._fusing_agrees &= same
        agreeing = np.full(len(batch[0]), same)
        for value in self._origins:
            agreeing &= self._compare(value, expected[value], forced[value], found)
        flipped, explained = self._follow(expected, free, found)
        self._verdicts.append(Verdict(agreeing, flipped, explained, self._equal(heads, found, fused)))

    def verdict(self) -> Verdict:
        """What all batches so far say about their samples."""
        return Verdict(*map(np.concatenate, zip(*self._verdicts)))

    def report(self) -> LayerReport:
        """The comparison of all batches so far."""
        rows = list(self._rows.values())
        count = sum(len(verdict.agreeing) for verdict in self._verdicts)
        return LayerReport(rows, count, self._tolerance, self._file.isa, self._fusing_agrees)

    def _run(self, model: Any, inputs: Any) -> dict[str, np.ndarray]:
        """All shown values of the file, by name."""
        return dict(zip(self._shown_names, model.session().run(inputs)))

    def _all_expected(self, found: _Found, free: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """MXNet's values, laid out as in the file; the first batch settles the layouts."""
        if not self._verdicts:
            for value, origin in self._origins.items():
                self._layouts.settle(value, _value(origin, found), free[value])
        return {value: self._expected(value, origin, found) for value, origin in self._origins.items()}

    def _forced_inputs(
        self, read: Sequence[np.ndarray], expected: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """The inputs of the file whose layers work on MXNet's values."""
        inputs = dict(zip(self.feeds.shapes, read))
        for value in self._forced:
            inputs[forced_input(value)] = np.ascontiguousarray(expected[value], np.float32)
        return inputs

    def _follow(
        self, expected: Mapping[str, np.ndarray], free: Mapping[str, np.ndarray], found: _Found
    ) -> tuple[np.ndarray, np.ndarray]:
        """`flipped` and `explained` of a batch, from the file as it runs."""
        count = len(next(iter(free.values())))
        flipped, explained = np.zeros(count, bool), np.ones(count, bool)
        for value in self._origins:
            differs = self._accumulate(value, expected[value], free[value])
            if differs.any():
                unexplained = differs & ~self._near_jump(value, found, near_jump_in_net).reshape(count, -1)
                explained &= flipped | ~unexplained.any(axis=1)
                flipped |= differs.any(axis=1)
        return flipped, explained

    def _equal(self, heads: Sequence[Origin], found: _Found, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """`equal` of a batch: never without the recorded net's outputs."""
        equal = np.full(len(outputs[0]), bool(heads))
        for origin, y in zip(heads, outputs):
            difference, largest = _difference(_value(origin, found), y)
            equal &= difference <= self._tolerance * np.maximum(1, largest)
        return equal

    def _is_comparable(self, origin: Origin) -> bool:
        is_input = origin.node in self._mxnet.inputs and not (origin.sign or origin.code)
        return self._mxnet.knows(origin) and not is_input

    def _is_layer(self, node: Node) -> bool:
        """Whether a node has a row: all but the transposes that only the file's layout needs."""
        return node.name in self._origins or node.op != "transpose"

    def _row(self, node: Node) -> LayerRow:
        origin = self._origins.get(node.name)
        if origin is None:
            return LayerRow(node.name, node.name, node.op, fused=True, dtype=self._types[node.name].dtype)
        layer = f"{origin.node}[{origin.output}]" if origin.output else origin.node
        if origin.sign or origin.code:
            layer = f"sign({layer})" if origin.sign else f"code({layer})"
        if origin.pools:
            layer = f"max_pool({layer})"
        dtype = self._types[node.name].dtype
        return LayerRow(layer, node.name, node.op, bits=0 if dtype in ("bits", *CODES) else None, dtype=dtype)

    def _expected(self, value: str, origin: Origin, found: _Found) -> np.ndarray:
        """MXNet's value, laid out as in the file."""
        array = _value(origin, found)
        laid_out = self._layouts.apply(value, array)
        if laid_out is None:
            raise VerificationError(
                f"bmx.verify: {value!r} of the packed file has shape {self._types[value].shape}, MXNet's "
                f"{origin.node!r} has {array.shape[1:]}; the file was exported from another net."
            )
        return laid_out

    def _compare(
        self,
        value: str,
        expected: np.ndarray,
        actual: np.ndarray,
        found: _Found,
    ) -> np.ndarray:
        """Enter what a layer computes from MXNet's inputs; returns which samples agree, bool [batch]."""
        row = self._rows[value]
        if row.bits is not None:
            differs = expected != actual
            tied = differs & self._near_jump(value, found, near_jump)
            row.bits += int(differs.sum())
            row.ties += int(tied.sum())
            agrees = ~(differs & ~tied).reshape(len(expected), -1).any(axis=1)
        else:
            difference, largest = _difference(expected, actual)
            self._largest[value] = max(self._largest[value], float(largest.max()))
            row.max_abs_difference = max(row.max_abs_difference, float(difference.max()))
            row.relative_difference = row.max_abs_difference / self._largest[value]
            exact = self._types[value].dtype == "i32" and self._is_exact(value)
            agrees = difference <= (0 if exact else self._tolerance * np.maximum(1, largest))
        row.agrees &= bool(agrees.all())
        return agrees

    def _near_jump(
        self,
        value: str,
        found: _Found,
        near: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """Where the number of a sign or code has been rounded and lies at a jump, as ``near`` decides."""
        origin = self._origins[value]
        numbers = _numbers(origin, found)
        tied = np.zeros(numbers.shape, bool)
        if (origin.sign or origin.code) and not self._reads_integers(value):
            tied = near(distance_to_jump(numbers, 0 if origin.sign else origin.code), numbers)
        laid_out = self._layouts.apply(value, tied)
        assert laid_out is not None, "the value itself was laid out before"
        return laid_out

    def _reads_integers(self, value: str) -> bool:
        """Whether bits or codes come from bytes or thresholds of integers, which are exact."""
        node = self._producers[value]
        if node.op in ("threshold", "quantize"):
            return self._types[node.inputs[0]].dtype == "i32" and self._is_exact(node.inputs[0])
        return node.op == "to_planes" or all(self._reads_integers(x) for x in node.inputs)

    def _is_exact(self, value: str) -> bool:
        """Whether MXNet computes an integer value without rounding."""
        node = self._producers[value]
        while OPERATORS[node.op].selects:
            node = self._producers[node.inputs[0]]
        return node.name not in self._rounded

    def _accumulate(self, value: str, expected: np.ndarray, actual: np.ndarray) -> np.ndarray:
        """Enter how far the running file is from MXNet; returns which bits differ, bool [batch, bits]."""
        row, count = self._rows[value], len(expected)
        if row.bits is None:
            difference, _ = _difference(expected, actual)
            row.accumulated = max(row.accumulated, float(difference.max()))
            return np.zeros((count, 1), bool)
        differs: np.ndarray = (expected != actual).reshape(count, -1)
        row.accumulated += int(differs.sum())
        return differs


def _value(origin: Origin, found: _Found) -> np.ndarray:
    """MXNet's value, laid out as in training."""
    array = _numbers(origin, found)
    if origin.sign:
        return np.where(array < 0, np.float32(0 if origin.code else -1), np.float32(origin.code or 1))
    if origin.code:
        return round_half_away(np.clip(array, 0, origin.code))
    return array


def _numbers(origin: Origin, found: _Found) -> np.ndarray:
    """The numbers in MXNet whose sign or code a value is, in its shape."""
    numbers = found[origin.node, origin.output]
    for pool in origin.pools:
        numbers = OPERATORS[pool.op].evaluate(pool, numbers, CHANNELS_FIRST)
    return numbers


def _difference(expected: np.ndarray, actual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per sample, the largest difference (infinite where a NaN is on one side) and the largest value."""
    count = len(expected)
    rows = np.abs(expected.astype(np.float64) - actual).reshape(count, -1).max(axis=1)
    rows[np.isnan(rows)] = np.inf
    return rows, np.abs(expected).reshape(count, -1).max(axis=1)


def _match(file: Graph, compiled: Graph) -> tuple[dict[str, Origin], set[str]]:
    """Origins of a file's values, and those that are rounded in MXNet alone; names may differ."""
    names = {ours.name: theirs.name for ours, theirs in zip(compiled.inputs, file.inputs)}
    fits = [v.type for v in file.inputs] == [v.type for v in compiled.inputs]
    fits = fits and len(file.nodes) == len(compiled.nodes)
    for theirs, ours in zip(file.nodes, compiled.nodes):
        names[ours.name] = theirs.name
        inputs = tuple(names.get(value, "") for value in ours.inputs)
        fits = fits and (theirs.op, theirs.inputs, theirs.attrs) == (ours.op, inputs, ours.attrs)
    if not fits or file.outputs != [names.get(value) for value in compiled.outputs]:
        raise VerificationError(
            "bmx.verify: the packed file has other layers than the net compiles to; it was exported from "
            "another net, or by another version of bmx. Export it again."
        )
    origins = {names[value]: origin for value, origin in compiled.origins.items() if value in names}
    return origins, {names[value] for value in compiled.rounded if value in names}
