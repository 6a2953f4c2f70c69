"""Does a packed file answer as the net it was exported from?

Integer results of the two are equal. Floats agree to rounding, with one exception that no finite precision
can avoid: where the real input of a sign lies within rounding error of zero, the two may round to different
sides, and everything behind that bit differs. Such a sample is a *tie*; it is counted in the report, and it
does not decide the verdict.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Sequence

import numpy as np

# A sum of a few dozen float32 terms, a batch norm and a tanh: 16 roundings of the tensor's largest value.
_TIE_EPSILON = 16 * float(np.finfo(np.float32).eps)


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
        passed: within tolerance, and top-1 equal on every sample that is not a tie.
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
    path: str,
    samples: np.ndarray | None = None,
    tolerance: float = 1e-4,
    isa: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
) -> Report:
    """Run ``net`` in MXNet and the packed file ``path`` on the same inputs and compare.

    Args:
        net: an initialised HybridBlock with one input and one output.
        path: the packed file.
        samples: float32 inputs, batch axis first; by default 32 standard normal ones drawn with ``seed``.
        tolerance: bound on the absolute difference, relative to max(1, largest output).
        isa: instruction set for the packed file; the best one by default.
        batch_size: samples per run.
        seed: seed of the default samples.

    Returns:
        The `Report`; whether it passed is for the caller to act on.

    Raises:
        bmx.runtime.ModelError: if the file is not valid, or the samples do not fit it.
    """
    from bmx import runtime

    model = runtime.Model(path, isa=isa)
    if samples is None:
        shape = (32, *model.inputs[0].shape)
        samples = np.random.RandomState(seed).standard_normal(shape).astype(np.float32)
    expected, actual = [], []
    for start in range(0, len(samples), batch_size):
        batch = np.ascontiguousarray(samples[start : start + batch_size], dtype=np.float32)
        expected.append(_run_mxnet(net, batch))
        actual.append(model(batch))
    return _compare(net, samples, np.concatenate(expected), np.concatenate(actual), tolerance, model.isa)


def _compare(
    net: Any, samples: np.ndarray, expected: np.ndarray, actual: np.ndarray, tolerance: float, isa: str
) -> Report:
    if expected.shape != actual.shape:
        raise VerificationError(
            f"bmx.verify: the net's output has shape {expected.shape}, the packed file's {actual.shape}; "
            "the file was exported from another net."
        )
    count = len(samples)
    expected, actual = expected.reshape(count, -1), actual.reshape(count, -1)
    difference = np.abs(expected.astype(np.float64) - actual).max(axis=1)
    difference[np.isnan(difference)] = np.inf
    same_top1 = expected.argmax(axis=1) == actual.argmax(axis=1)
    allowed = tolerance * max(1.0, float(np.abs(expected).max()))
    differs = (difference > allowed) | ~same_top1

    tied = np.zeros(count, dtype=bool)
    if differs.any():
        indices = np.flatnonzero(differs)
        tied[indices] = _ties(net, samples[indices])
    return Report(
        samples=count,
        max_abs_difference=float(difference[~tied].max()) if not tied.all() else 0.0,
        top1_agreement=float(same_top1.mean()),
        ties=int(tied.sum()),
        tolerance=tolerance,
        passed=not bool((differs & ~tied).any()),
        isa=isa,
    )


def _run_mxnet(net: Any, batch: np.ndarray) -> np.ndarray:
    import mxnet as mx

    output = net(mx.nd.array(batch, dtype=np.float32))
    if isinstance(output, (list, tuple)):
        raise VerificationError("bmx.verify: the net has several outputs; one was expected.")
    return output.asnumpy()


def _ties(net: Any, samples: np.ndarray) -> np.ndarray:
    """Which samples bring the input of some sign to zero within rounding error."""
    import mxnet as mx

    from bmx.gluon import nn

    with nn.lowering("operator"):
        symbol = net(mx.sym.var("data"))
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
        tied |= magnitude.min(axis=1) <= _TIE_EPSILON * magnitude.max(axis=1)
    return tied


def _sign_inputs(symbol: Any) -> Sequence[Any]:
    """The values that bmx operators of a symbol take the sign of."""
    entries = []
    for value in symbol.get_internals():
        attributes = value.list_attr()
        is_sign = "method" in attributes and "clip" in attributes  # QActivation
        if is_sign or attributes.get("input_quantizer", "none") != "none":
            entries.append(value.get_children()[0])
    return entries
