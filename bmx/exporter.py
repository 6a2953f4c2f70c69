"""From a trained net to a packed file: compile, verify, and only then write the file."""

from __future__ import annotations

import os
from typing import Any, Mapping, Sequence

import numpy as np

from bmx import compiler, verification
from bmx.compiler import InputShape, fileformat
from bmx.compiler.frontend.trace import as_net
from bmx.compiler.ir.graph import Graph
from bmx.files import write_atomically
from bmx.verification.feeds import Feeds
from bmx.verification.samples import Samples


def export(
    net: Any,
    path: str,
    input_shape: InputShape,
    preprocessing: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    verify: bool = True,
    sample: Samples | None = None,
    tolerance: float = 1e-4,
) -> verification.Report | None:
    """Export a trained Gluon net to a packed ``.bmx`` file that runs without MXNet.

    The file appears under ``path`` only when it is complete and, unless ``verify=False``, when MXNet and the
    packed file agreed on random inputs and on ``sample``. The report is printed and stored in the file.

    Args:
        net: an initialized HybridBlock built from Gluon and bmx layers; or the two files of a saved one,
            ("net-symbol.json", "net-0000.params"), as ``net.export`` writes them.
        path: path of the file; an existing one is replaced at the end, in one step.
        input_shape: shape of the input, batch axis first, for example (1, 1, 28, 28). The batch is free.
            For a net of several inputs a list of shapes in the order of its arguments, or a dict from names
            to shapes; the inputs of the file then have these names.
        preprocessing: ``{"scale": s, "mean": [...], "std": [...]}``, from an 8-bit image to the input:
            (image * scale - mean) / std per channel. Stored in the file, so that devices can feed images. For
            a net of several inputs a dict from names to such dicts.
        classes: labels of the output's last axis. Stored in the file.
        verify: whether to compare with MXNet before the file appears.
        sample: further inputs to verify on, as the net takes them (float32, batch axis first), for example
            held-out images; a list or a dict of arrays for a net of several inputs.
        tolerance: see `bmx.verify`.

    Returns:
        The verification report, or None with ``verify=False``.

    Raises:
        bmx.compiler.UnsupportedError: the net holds operators that the runtime does not have; all are listed.
        bmx.verification.VerificationError: the packed file differs from the net. No file is left.
    """
    net = as_net(net)
    graph = compiler.compile(net, input_shape, preprocessing=preprocessing, classes=classes)
    content = fileformat.to_bytes(graph)
    report = None
    if verify:
        report = _verify(net, content, graph, sample, tolerance)
        content = fileformat.to_bytes(graph, report=report.as_dict())
    write_atomically(os.fspath(path), content)
    if report:
        print(f"{path}: {len(content):,} bytes; {report}")
    return report


def _verify(
    net: Any, content: bytes, graph: Graph, sample: Samples | None, tolerance: float
) -> verification.Report:
    takes_bytes = [value.name for value in graph.inputs if value.type.dtype == "bytes"]
    feeds = Feeds(net, {value.name: value.type.shape for value in graph.inputs}, takes_bytes)
    inputs = feeds.random()
    if sample is not None:
        given = feeds.check(sample, convert=True)
        inputs = [np.concatenate(pair) for pair in zip(inputs, given)]
    report = verification.verify(net, content, inputs, tolerance)
    if not report.passed:
        raise verification.VerificationError(
            f"bmx.export: the packed file differs from the net, so no file was written ({report}); "
            "please report this net as a bug of bmx."
        )
    return report
