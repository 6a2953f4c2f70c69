"""Compares what MXNet and a packed file return."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

from bmx.compiler.frontend.trace import as_net
from bmx.verification.layers import LayerComparison, feeds_of
from bmx.verification.mxnet_values import run_net
from bmx.verification.report import Report, VerificationError, check_tolerance
from bmx.verification.samples import Samples, batches
from bmx.verification.ties import find_ties, same_maximum

# Share of the samples that may differ by a tie where layers cannot be compared; a single one always may.
_TIES_ALLOWED = 0.1
# Batch of a comparison of layers, which keeps every inner value.
_FEW_SAMPLES = 2


def verify(
    net: Any,
    path: str | os.PathLike | bytes,
    samples: Samples | None = None,
    tolerance: float = 1e-4,
    isa: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
) -> Report:
    """Run ``net`` in MXNet and a packed file on the same inputs and compare all outputs.

    Where outputs differ, the layers are compared one by one: a sample is a tie, and forgiven, if each layer
    agrees with MXNet's on the same inputs; see `bmx.verification.compare_layers`.

    Args:
        net: an initialized HybridBlock, or the two files of a saved one, (symbol, params).
        path: the packed file, or its content.
        samples: inputs as the net takes them, float32, batch axis first, or bytes where the file reads them;
            a list or a dict of arrays for a net of several inputs; by default 32 random ones drawn with
            ``seed``: standard normal, or bytes.
        tolerance: bound on the absolute difference, relative to max(1, largest value of the output).
        isa: instruction set for the packed file; the best one by default.
        batch_size: samples per run.
        seed: seed of the default samples.

    Returns:
        The `Report`; whether it passed is for the caller to act on.

    Raises:
        ValueError: the tolerance is not a number of at least 0, or the samples do not fit the file.
        VerificationError: the number or the shapes of the outputs differ, so the file is another net's.
        bmx.runtime.ModelError: the file is not valid.
    """
    from bmx import runtime

    net = as_net(net)
    content = path if isinstance(path, bytes) else Path(path).read_bytes()
    model = runtime.Model(content, isa=isa)
    feeds = feeds_of(net, model)
    arrays = feeds.random(seed=seed) if samples is None else feeds.check(samples)
    check_tolerance(tolerance)
    session = model.session()
    expected, actual = [], []
    for batch in batches(arrays, batch_size):
        actual.append(session.run(feeds.to_file(batch)))
        expected.append(run_net(net, batch))

    def judge(differing: list[np.ndarray]) -> Judgment:
        return _judge_layers(net, content, differing, len(arrays[0]), tolerance, isa)

    return compare_outputs(net, arrays, _join(expected), _join(actual), tolerance, model.isa, judge)


@dataclass(frozen=True)
class Judgment:
    """What a comparison of layers says about samples whose outputs differ.

    Attributes:
        tied: bool [batch]: whether each layer agrees on the same inputs and a bit differs. None if the
            layers could not be compared.
        diverging_layer: the first layer that does not agree.
    """

    tied: np.ndarray | None
    diverging_layer: str | None = None


def compare_outputs(
    net: Any,
    samples: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    actual: Sequence[np.ndarray],
    tolerance: float,
    isa: str,
    judge: Callable[[list[np.ndarray]], Judgment] | None = None,
) -> Report:
    """Compare outputs.

    Args:
        net: a HybridBlock.
        samples: one array [batch, ...] per input.
        expected: MXNet's outputs.
        actual: the packed file's outputs.
        tolerance: see `verify`.
        isa: instruction set that ran the packed file, for the report.
        judge: compares layers on some samples; without it, or where it cannot, few samples may be ties.

    Raises:
        VerificationError: the number or the shapes of the outputs differ.
    """
    _check_shapes(expected, actual)
    rows = _compare_rows(expected, actual, tolerance)
    differing = [array[rows.differs] for array in samples]
    judgment = judge(differing) if judge and rows.differs.any() else Judgment(None)
    tied, forgiven = _find_tied(net, differing, rows.differs, judgment)
    counted = rows.difference[~tied] if forgiven and not tied.all() else rows.difference
    return Report(
        samples=len(rows.differs),
        max_abs_difference=float(counted.max()),
        top1_agreement=float(rows.same_top1.mean()),
        ties=int(tied.sum()),
        tolerance=tolerance,
        passed=bool(forgiven and not (rows.differs & ~tied).any()),
        isa=isa,
        diverging_layer=judgment.diverging_layer,
    )


class _Rows(NamedTuple):
    """The samples' outputs compared; arrays [samples].

    Attributes:
        difference: largest absolute difference; infinite where a NaN is on one side.
        same_top1: whether the largest value of each output has the same index.
        differs: whether an output is beyond tolerance, or another of its values is the largest.
    """

    difference: np.ndarray
    same_top1: np.ndarray
    differs: np.ndarray


def _compare_rows(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray], tolerance: float) -> _Rows:
    count = len(expected[0])
    rows = _Rows(np.zeros(count), np.ones(count, bool), np.zeros(count, bool))
    for net_value, file_value in zip(expected, actual):
        net_rows, file_rows = net_value.reshape(count, -1), file_value.reshape(count, -1)
        difference = np.abs(net_rows.astype(np.float64) - file_rows).max(axis=1)
        difference[np.isnan(difference)] = np.inf
        beyond = difference > tolerance * max(1.0, float(np.abs(net_rows).max()))
        rows = _Rows(
            np.maximum(rows.difference, difference),
            rows.same_top1 & (net_rows.argmax(axis=1) == file_rows.argmax(axis=1)),
            rows.differs | beyond | ~same_maximum(net_rows, file_rows),
        )
    return rows


def _find_tied(
    net: Any, differing: list[np.ndarray], differs: np.ndarray, judgment: Judgment
) -> tuple[np.ndarray, bool]:
    """Which samples are ties, and whether so many may be."""
    tied = np.zeros(len(differs), bool)
    if judgment.tied is not None:
        tied[differs] = judgment.tied
    elif differs.any():
        tied[differs] = find_ties(net, differing)
        return tied, bool(tied.sum() <= max(1, _TIES_ALLOWED * len(tied)) and not tied.all())
    return tied, True


def _judge_layers(
    net: Any,
    content: bytes,
    samples: list[np.ndarray],
    count: int,
    tolerance: float,
    isa: str | None,
) -> Judgment:
    try:
        comparison = LayerComparison(net, content, tolerance, isa)
    except ValueError:
        # A file of another net, or of another version of the compiler.
        return Judgment(None)
    for batch in batches(samples, _FEW_SAMPLES):
        comparison.add(batch)
    layer, verdict = comparison.report().diverging, comparison.verdict()
    right = verdict.agreeing & verdict.explained
    tied = right & verdict.flipped
    # The file is the recorded net, and MXNet answers otherwise when it runs the net in another way: the bit
    # flipped there. In more than a few of all `count` samples that would be a net recorded wrongly.
    elsewhere = right & ~verdict.flipped & verdict.equal
    if elsewhere.sum() <= max(1, _TIES_ALLOWED * count):
        tied |= elsewhere
    return Judgment(tied, layer.describe() if layer else None)


def _check_shapes(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> None:
    shapes = [[value.shape for value in values] for values in (expected, actual)]
    if shapes[0] != shapes[1]:
        raise VerificationError(
            f"bmx.verify: the net's outputs have shapes {shapes[0]}, the packed file's {shapes[1]}; "
            "the file was exported from another net."
        )


def _join(batches: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Outputs of all batches -> one array an output."""
    return [np.concatenate(parts) for parts in zip(*batches)]
