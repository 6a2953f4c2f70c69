"""Pass: an image that the net quantizes to 8 bits right away is read as it is.

If quantize(preprocessing(v)) = v for every byte v, preparing the image and quantizing it can be left out: the
graph's input becomes bytes. The net then reads the code of a number in place of the number.
"""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Graph
from bmx.compiler.passes import compiler_pass
from bmx.compiler.passes.support.byte_inputs import (
    BYTES,
    codes_of,
    image_quantizer,
    preprocessed_bytes,
    read_bytes,
)


@compiler_pass
def images_to_codes(graph: Graph) -> Graph:
    """Inputs with such a preprocessing become bytes; channels last."""
    for value in graph.inputs:
        quantize = image_quantizer(graph, value.name)
        if value.preprocessing is not None and quantize is not None:
            numbers = preprocessed_bytes(value)
            channels = quantize.constants["flip"].size
            if np.array_equal(codes_of(quantize, numbers, channels), np.tile(BYTES[:, np.newaxis], channels)):
                graph = read_bytes(graph, value.name)
    return graph
