"""From a trained net to a packed file: compile, write, verify, and only then give the file its name."""

from __future__ import annotations

import os
from typing import Any, Sequence

import numpy as np

from bmx import compiler, verification
from bmx.compiler import fileformat
from bmx.files import write_atomically


def export(
    net: Any,
    path: str,
    input_shape: Sequence[int],
    preprocessing: dict | None = None,
    classes: Sequence[str] | None = None,
    verify: bool = True,
    sample: np.ndarray | None = None,
    tolerance: float = 1e-4,
) -> verification.Report | None:
    """Export a trained Gluon net to a packed ``.bmx`` file that runs without MXNet.

    The file appears under ``path`` only when it is complete and, unless ``verify=False``, when MXNet and the
    packed file agreed on random inputs and on ``sample``. The report is printed and stored in the file.

    Args:
        net: an initialised HybridBlock built from Gluon and bmx layers.
        path: where the file goes; an existing file is replaced at the end, in one step.
        input_shape: shape of the input, batch axis in front, for example (1, 1, 28, 28). The batch is free.
        preprocessing: ``{"scale": s, "mean": [...], "std": [...]}``: how an 8-bit image becomes the input,
            (image * scale - mean) / std per channel. Stored in the file, so that devices can feed images.
        classes: labels of the output's last axis. Stored in the file.
        verify: compare with MXNet before the file appears.
        sample: more inputs to verify on (float32, batch axis first), for example held-out images.
        tolerance: see `bmx.verify`.

    Returns:
        The verification report, or None with ``verify=False``.

    Raises:
        bmx.compiler.UnsupportedError: the net holds operators that the runtime does not have; all are listed.
        bmx.verification.VerificationError: the packed file differs from the net. No file is left.
    """
    graph = compiler.compile(net, input_shape, preprocessing=preprocessing, classes=classes)
    content = fileformat.to_bytes(graph)
    report = None
    if verify:
        report = _verify(net, content, input_shape, sample, tolerance)
        content = fileformat.to_bytes(graph, report=report.as_dict())
    write_atomically(os.fspath(path), content)
    if report:
        print(f"{path}: {len(content):,} bytes; {report}")
    return report


def _verify(
    net: Any, content: bytes, input_shape: Sequence[int], sample: np.ndarray | None, tolerance: float
) -> verification.Report:
    inputs = np.random.RandomState(0).standard_normal((32, *input_shape[1:])).astype(np.float32)
    if sample is not None:
        sample = np.asarray(sample, dtype=np.float32)
        if sample.shape[1:] != inputs.shape[1:]:
            raise ValueError(
                f"bmx.export: sample should have shape (batch, {', '.join(map(str, inputs.shape[1:]))}), "
                f"found {sample.shape}."
            )
        inputs = np.concatenate([inputs, sample])
    report = verification.verify(net, content, inputs, tolerance)
    if not report.passed:
        raise verification.VerificationError(
            f"bmx.export: the packed file differs from the net, so no file was written ({report}); "
            "please report this net as a bug of bmx."
        )
    return report
