"""The compiler: frontend (a trained Gluon net to the IR), passes, backend (the IR to a packed file).

    graph = compile(net, (1, 1, 28, 28))
    content = fileformat.to_bytes(graph)

It knows nothing of the runtime.
"""

from __future__ import annotations

import sys
from typing import Any, Mapping, Sequence

from bmx.compiler.backend import fileformat
from bmx.compiler.backend.container import FormatError
from bmx.compiler.frontend.importer import UnsupportedError
from bmx.compiler.frontend.inputs import InputShape
from bmx.compiler.frontend.trace import load_saved_net, trace_net
from bmx.compiler.ir.graph import Graph, GraphError
from bmx.compiler.passes.pipeline import run_passes

__all__ = [
    "FormatError",
    "Graph",
    "GraphError",
    "InputShape",
    "UnsupportedError",
    "compile",
    "fileformat",
    "load_saved_net",
]

# Its old name; `bmx.compiler.fileformat` is a module that users import.
sys.modules["bmx.compiler.fileformat"] = fileformat


def compile(
    net: Any,
    input_shape: InputShape,
    preprocessing: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    name: str | None = None,
) -> Graph:
    """Compile a trained net to a graph that can be written to a file.

    Args:
        net: an initialized HybridBlock, or the two files of a saved one: (symbol, params), as
            ``net.export`` writes them.
        input_shape: shape of the input, batch axis first: (1, channels, height, width) or (1, features). For
            a net of several inputs a list of shapes in the order of its arguments, or shapes by name.
        preprocessing: ``{"scale": s, "mean": [...], "std": [...]}``, from an 8-bit image to the input; for a
            net of several inputs a dict from names of inputs to such dicts.
        classes: labels of the last axis of the output.
        name: name of the graph; by default the net's.

    Returns:
        A verified graph that `bmx.compiler.backend.fileformat.to_bytes` can write.

    Raises:
        UnsupportedError: the net holds operators that cannot be compiled; all are listed.
        GraphError: preprocessing or classes do not fit the net.
        TypeError: the net is neither a HybridBlock nor the two files of one.
        ValueError: the input shape, the parameters or the files cannot be used.
    """
    graph = trace_net(net, input_shape, preprocessing, name)
    if isinstance(classes, str):
        raise TypeError(f"bmx.export: classes should be a list of labels, found the string {classes!r}.")
    if classes is not None:
        graph.classes = [str(label) for label in classes]
    return run_passes(graph)
