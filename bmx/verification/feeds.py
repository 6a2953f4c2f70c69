"""The same samples, as MXNet and as a packed file take them.

Where a file reads bytes, the net takes numbers and quantizes them to 8 bits itself. Samples that are numbers
reach the file as their codes; samples that are bytes reach the net as numbers with these codes.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Sequence

import numpy as np

from bmx import compiler
from bmx.compiler.ir.graph import CHANNELS_FIRST, Graph, Node
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.passes.support.byte_inputs import code_numbers, image_quantizer, read_bytes
from bmx.verification.report import VerificationError
from bmx.verification.samples import Samples, check_samples, random_samples


class Feeds:
    """Samples for a net and its packed file.

    Args:
        net: a HybridBlock.
        shapes: shapes of one sample by name of the file's inputs, in order.
        takes_bytes: names of the inputs that are bytes.
    """

    def __init__(self, net: Any, shapes: dict[str, Sequence[int]], takes_bytes: Sequence[str]) -> None:
        self.shapes = shapes
        self._net = net
        self._takes_bytes = list(takes_bytes)

    def compiled(self) -> Graph:
        """The net, compiled to a graph whose inputs are those of the file."""
        graph = self._compiled
        for name in self._takes_bytes:
            graph = read_bytes(graph, self._inner_name(name))
        return graph

    def random(self, count: int = 32, seed: int = 0) -> list[np.ndarray]:
        """Standard normal samples, and numbers of random bytes; float32 [count, ...] for each input."""
        arrays = random_samples(list(self.shapes.values()), count, seed)
        random = np.random.RandomState(seed)
        for index, (name, shape) in enumerate(self.shapes.items()):
            if name in self._takes_bytes:
                known = np.flatnonzero(np.isfinite(code_numbers(self._quantizers[name])).all(axis=1))
                arrays[index] = self._numbers(name, random.choice(known, (count, *shape)).astype(np.uint8))
        return arrays

    def check(self, samples: Samples, convert: bool = False) -> list[np.ndarray]:
        """Samples as `check_samples` returns them; bytes are allowed where the file reads bytes."""
        convert_bytes = {name: lambda x, name=name: self._numbers(name, x) for name in self._takes_bytes}
        return check_samples(samples, self.shapes, convert, convert_bytes)

    def to_file(self, batch: Sequence[np.ndarray]) -> list[np.ndarray]:
        """A batch of numbers as the file takes it."""
        return [
            OPERATORS["quantize"].evaluate(self._quantizers[name], array, CHANNELS_FIRST)
            if name in self._takes_bytes
            else array
            for name, array in zip(self.shapes, batch)
        ]

    @cached_property
    def _compiled(self) -> Graph:
        return compiler.compile(self._net, [(1, *shape) for shape in self.shapes.values()])

    @cached_property
    def _quantizers(self) -> dict[str, Node]:
        """The quantizers of the inputs that are bytes, by name."""
        return {name: self._quantizer(name) for name in self._takes_bytes}

    def _quantizer(self, name: str) -> Node:
        quantizer = image_quantizer(self._compiled, self._inner_name(name))
        if quantizer is None:
            raise VerificationError(
                f"bmx.verify: the packed file reads bytes as {name!r}, which the net does not quantize to 8 "
                "bits; the file was exported from another net."
            )
        return quantizer

    def _inner_name(self, name: str) -> str:
        """The name of a file's input in the compiled graph."""
        return self._compiled.inputs[list(self.shapes).index(name)].name

    def _numbers(self, name: str, codes: np.ndarray) -> np.ndarray:
        """float32 [batch, C, ...]: numbers whose codes are these bytes."""
        numbers = code_numbers(self._quantizers[name])
        channel = np.arange(codes.shape[1]).reshape(-1, *(1,) * (codes.ndim - 2))
        return numbers[codes, channel]
