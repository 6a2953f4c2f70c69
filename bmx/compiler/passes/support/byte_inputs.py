"""Inputs that a net quantizes to 8 bits right away, which a packed file can read as bytes.

The net then reads the code of a number in place of the number. `code_numbers` gives a number of each code, so
that `bmx.verification` can feed MXNet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_LAST, Graph, Input, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS

BYTES = np.arange(256, dtype=np.uint8)


def image_quantizer(graph: Graph, name: str) -> Node | None:
    """The `quantize` to 8 bits that is the only reader of an input, perhaps through a transpose."""
    for _ in range(2):
        readers = graph.consumers(name)
        if len(readers) != 1 or name in graph.outputs:
            return None
        if readers[0].op == "quantize" and readers[0].attrs["bits"] == 8:
            return readers[0]
        if readers[0].op != "transpose":
            return None
        name = readers[0].name
    return None


def read_bytes(graph: Graph, name: str) -> Graph:
    """The graph in which an input that has an `image_quantizer` is bytes."""
    quantize = image_quantizer(graph, name)
    assert quantize is not None, "the caller has asked"
    graph = graph.copy()
    graph.inputs = [_as_bytes(value) if value.name == name else value for value in graph.inputs]
    graph.replace_node(quantize.name, Node(quantize.name, "to_planes", quantize.inputs))
    for value in {name, *quantize.inputs}:
        graph.set_origin(value, None)
    return graph


def _as_bytes(value: Input) -> Input:
    return replace(value, type=ValueType("bytes", value.type.shape), preprocessing=None)


def preprocessed_bytes(value: Input) -> np.ndarray:
    """float32 [256, C]: each byte after the preprocessing of an input; C = 1 for a vector."""
    rule: dict[str, Any] = value.preprocessing or {}
    mean, std = np.asarray(rule["mean"], np.float64), np.asarray(rule["std"], np.float64)
    return ((BYTES[:, np.newaxis] * np.float64(rule["scale"]) - mean) / std).astype(np.float32)


def code_numbers(quantize: Node) -> np.ndarray:
    """float32 [256, C]: a number for each code, far from its thresholds; NaN for codes without one."""
    threshold, flip = quantize.constants["threshold"].astype(np.float64), quantize.constants["flip"]
    with np.errstate(invalid="ignore"):  # thresholds of codes that never occur are infinite
        step = np.median(np.diff(threshold, axis=0), axis=0)
        edges = np.concatenate([threshold[:1] - step, threshold, threshold[-1:] + step])
        numbers = ((edges[:-1] + edges[1:]) / 2).astype(np.float32)
    numbers = np.where(flip, numbers[::-1], numbers)
    right = codes_of(quantize, numbers, flip.size) == BYTES[:, np.newaxis]
    return np.where(right & np.isfinite(numbers), numbers, np.float32(np.nan))


def codes_of(quantize: Node, numbers: np.ndarray, channels: int) -> np.ndarray:
    """uint8 [256, channels]: codes of numbers [256, channels or 1]."""
    x = np.broadcast_to(numbers, (256, channels))
    return OPERATORS["quantize"].evaluate(quantize, x, CHANNELS_LAST)
