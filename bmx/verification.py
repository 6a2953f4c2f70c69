"""Does a packed file answer as the net it was exported from?

Integer results of the two are equal. Floats agree to rounding, with one exception that no finite precision
can avoid: where the real input of a sign lies within rounding error of zero, the two may round to different
sides, and everything behind that bit differs. Such a sample is a *tie*. It does not decide the verdict, but
ties are rare in a right file, so more than a few of them are a failure, too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# A sum of a few dozen float32 terms, a batch norm and a tanh: 16 roundings of the tensor's largest value.
_TIE_EPSILON = 16 * float(np.finfo(np.float32).eps)
# Share of samples that may differ by a tie; one may always.
_TIES_ALLOWED = 0.1


class VerificationError(ValueError):
    """The packed file does not answer as the net does."""


@dataclass(frozen=True)
class Report:
    """Outcome of running MXNet and the packed file on the same inputs.

    Attributes:
        samples: number of inputs compared.
        max_abs_difference: largest absolute difference of any output value, ties left out.
        top1_agreement: share of all samples whose largest output has the same index.
        ties: samples left out because the input of a sign is zero to within rounding.
        tolerance: bound on ``max_abs_difference``, relative to max(1, largest output).
        passed: within tolerance and top-1 equal on every sample that is not a tie, and at most a tenth of the
            samples (or one) are ties.
        isa: instruction set that ran the packed file.
    """

    samples: int
    max_abs_difference: float
    top1_agreement: float
    ties: int
    tolerance: float
    passed: bool
    isa: str

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """One line for people."""
        ties = f", {self.ties} tied at a sign" if self.ties else ""
        return (
            f"{self.samples} samples on {self.isa}: max |difference| {self.max_abs_difference:.2g} "
            f"(tolerance {self.tolerance:g}), top-1 agreement {self.top1_agreement:.4f}{ties}"
        )


def verify(
    net: Any,
    path: str | bytes,
    samples: np.ndarray | None = None,
    tolerance: float = 1e-4,
    isa: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
) -> Report:
    """Run ``net`` in MXNet and a packed file on the same inputs and compare all outputs.

    Args:
        net: an initialised HybridBlock with one input.
        path: the packed file, or its content.
        samples: float32 inputs, batch axis first; by default 32 standard normal ones drawn with ``seed``.
        tolerance: bound on the absolute difference, relative to max(1, largest value of the output).
        isa: instruction set for the packed file; the best one by default.
        batch_size: samples per run.
        seed: seed of the default samples.

    Returns:
        The `Report`; whether it passed is for the caller to act on.

    Raises:
        ValueError: if the tolerance or the samples make no sense.
        VerificationError: if the outputs' number or shapes differ: the file is another net's.
        bmx.runtime.ModelError: if the file is not valid, or the samples do not fit it.
    """
    from bmx import runtime

    model = runtime.Model(path, isa=isa)
    if samples is None:
        shape = (32, *model.inputs[0].shape)
        samples = np.random.RandomState(seed).standard_normal(shape).astype(np.float32)
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"bmx.verify: the tolerance should be a number of at least 0, found {tolerance}.")
    if len(samples) == 0 or samples.dtype != np.float32 or not np.isfinite(samples).all():
        raise ValueError(
            f"bmx.verify: the samples should be finite float32 values, at least one; found {samples.dtype} "
            f"of shape {samples.shape}{'' if np.isfinite(samples).all() else ' with NaN or infinity'}."
        )
    session = model.session()
    expected, actual = [], []
    for start in range(0, len(samples), batch_size):
        batch = np.ascontiguousarray(samples[start : start + batch_size], dtype=np.float32)
        actual.append(session.run(batch))
        expected.append(_run_mxnet(net, batch))
    return _compare(net, samples, _join(expected), _join(actual), tolerance, model.isa)


def _run_mxnet(net: Any, batch: np.ndarray) -> list[np.ndarray]:
    import mxnet as mx

    outputs = net(mx.nd.array(batch, dtype=np.float32))
    return [value.asnumpy() for value in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


def _join(batches: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Outputs of all batches -> one array an output."""
    return [np.concatenate(parts) for parts in zip(*batches)]


def _compare(
    net: Any,
    samples: np.ndarray,
    expected: list[np.ndarray],
    actual: list[np.ndarray],
    tolerance: float,
    isa: str,
) -> Report:
    shapes = [[value.shape for value in values] for values in (expected, actual)]
    if shapes[0] != shapes[1]:
        raise VerificationError(
            f"bmx.verify: the net's outputs have shapes {shapes[0]}, the packed file's {shapes[1]}; "
            "the file was exported from another net."
        )
    count = len(samples)
    difference = np.zeros(count)
    same_top1 = np.ones(count, dtype=bool)
    differs = np.zeros(count, dtype=bool)
    for net_value, file_value in zip(expected, actual):
        net_rows, file_rows = net_value.reshape(count, -1), file_value.reshape(count, -1)
        rows = np.abs(net_rows.astype(np.float64) - file_rows).max(axis=1)
        rows[np.isnan(rows)] = np.inf
        difference = np.maximum(difference, rows)
        differs |= rows > tolerance * max(1.0, float(np.abs(net_rows).max()))
        same_top1 &= net_rows.argmax(axis=1) == file_rows.argmax(axis=1)
    differs |= ~same_top1

    tied = np.zeros(count, dtype=bool)
    if differs.any():
        indices = np.flatnonzero(differs)
        tied[indices] = _ties(net, samples[indices])
    few_ties = tied.sum() <= max(1, _TIES_ALLOWED * count) and not tied.all()
    return Report(
        samples=count,
        max_abs_difference=float(difference[~tied].max() if few_ties else difference.max()),
        top1_agreement=float(same_top1.mean()),
        ties=int(tied.sum()),
        tolerance=tolerance,
        passed=bool(few_ties and not (differs & ~tied).any()),
        isa=isa,
    )


def _ties(net: Any, samples: np.ndarray) -> np.ndarray:
    """Which samples bring the input of some sign to zero within rounding error."""
    import mxnet as mx

    from bmx.gluon import nn

    with nn.lowering("operator"):
        outputs = net(mx.sym.var("data"))
    symbol = mx.sym.Group(outputs) if isinstance(outputs, (list, tuple)) else outputs
    entries = _sign_inputs(symbol)
    tied = np.zeros(len(samples), dtype=bool)
    if not entries:
        return tied
    group = mx.sym.Group(entries)
    arrays = {name: parameter.data() for name, parameter in net.collect_params().items()}
    arrays["data"] = mx.nd.array(samples, dtype=np.float32)
    executor = group.bind(
        mx.cpu(),
        {name: arrays[name] for name in group.list_arguments()},
        grad_req="null",
        aux_states={name: arrays[name] for name in group.list_auxiliary_states()},
    )
    for value in executor.forward(is_train=False):
        magnitude = np.abs(value.asnumpy().reshape(len(samples), -1))
        # Exact zeros (of a ReLU, of an empty image) are zero in both.
        small = (magnitude > 0) & (magnitude <= _TIE_EPSILON * magnitude.max(axis=1, keepdims=True))
        tied |= small.any(axis=1)
    return tied


def _sign_inputs(symbol: Any) -> list[Any]:
    """The values that bmx operators of a symbol take the sign of, and that are subject to rounding."""
    entries = []
    for value in symbol.get_internals():
        attributes = value.list_attr()
        is_sign = "method" in attributes and "clip" in attributes  # QActivation
        if is_sign or attributes.get("input_quantizer", "none") != "none":
            entry = value.get_children()[0]
            if not _stems_from_integers(entry):
                entries.append(entry)
    return entries


def _stems_from_integers(value: Any) -> bool:
    """Whether a value is computed from dot products of signs alone: then its sign is exact in the file."""
    while True:
        attributes = value.list_attr()
        if "input_quantizer" in attributes:
            return True
        children = value.get_children()
        sums = (
            "num_filter" in attributes or "num_hidden" in attributes or attributes.get("pool_type") == "avg"
        )
        if sums or children is None:
            return False
        value = children[0]
