"""Runs packed models (.bmx files). Needs NumPy only: this is what runs on a device.

Example:
    >>> model = bmx.runtime.Model("lenet.bmx")
    >>> model(images)  # float32 [batch, 1, 28, 28] -> float32 [batch, 10]
"""

from __future__ import annotations

import json
import os
from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np

from bmx import _core
from bmx._core import ModelError

__all__ = ["Model", "ModelError", "Preprocessing", "Session", "ValueInfo", "isas"]


class Preprocessing(NamedTuple):
    """How a uint8 image becomes the input: ``(u8 * scale - mean[c]) / std[c]``, c being the channel."""

    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


class ValueInfo(NamedTuple):
    """An input or output of a model.

    Attributes:
        name: its name in the graph.
        dtype: "float32" or "int32", the type of the array.
        shape: the shape of one sample; arrays have a batch axis in front of it.
        preprocessing: for an input that also takes uint8 images, what happens to them.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    preprocessing: Preprocessing | None = None


def isas() -> list[str]:
    """Names of the instruction sets that this CPU supports, best first."""
    return list(_core.isas())


class Session:
    """One use of a model: owns the memory of its intermediate values.

    Made by `Model.session`. Sessions of one model share its weights. Give each thread its own; a shared one
    works, but its callers take turns.
    """

    def __init__(self, model: Model, core: Any) -> None:
        self.model = model
        self._core = core

    def run(self, inputs: np.ndarray | Sequence[np.ndarray] | Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Runs a batch.

        Args:
            inputs: an array [batch, ...] of float32, or of uint8 where the input has a preprocessing; for
                several inputs a list in the order of `Model.inputs`, or a mapping from their names.

        Returns:
            One array [batch, ...] for each of `Model.outputs`.

        Raises:
            ModelError: if names, number, shape or dtype do not fit.
        """
        arrays: list[Any]
        if isinstance(inputs, Mapping):
            arrays = self._by_name(inputs)
        elif isinstance(inputs, (list, tuple)):
            arrays = list(inputs)
        else:
            arrays = [inputs]
        for array in arrays:
            if not isinstance(array, np.ndarray):
                found = type(array).__name__
                hint = "use x.asnumpy()" if hasattr(array, "asnumpy") else "use numpy.asarray(x, 'float32')"
                raise ModelError(f"expected a NumPy array, found {found}; {hint}")
        outputs: list[np.ndarray] = self._core.run(arrays)
        return outputs

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Runs a model of one output and returns that output; see `run`."""
        if len(self.model.outputs) != 1:
            raise ModelError(
                f"the model has {len(self.model.outputs)} outputs; use session().run(x), which returns a list"
            )
        return self.run(x)[0]

    def _by_name(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        names = [value.name for value in self.model.inputs]
        if set(names) != set(inputs):
            raise ModelError(f"the model's inputs are {names}, arrays were given for {sorted(inputs)}")
        return [inputs[name] for name in names]


class Model:
    """A packed model, validated and prepared for one instruction set. Immutable; threads may share it.

    Args:
        path: the file, or its content as bytes.
        isa: one of `isas`, or None or "auto" for the best one.

    Raises:
        FileNotFoundError: if there is no such file.
        ModelError: if the file is not a valid .bmx file or the instruction set is unknown or not supported.
    """

    def __init__(self, path: str | os.PathLike | bytes, isa: str | None = None) -> None:
        if not isinstance(path, bytes):
            path = os.fspath(path)
            if not os.path.exists(path):
                raise FileNotFoundError(f"{path}: there is no such file")
        self._core = _core.Model(path, isa or "auto")
        self._info: dict[str, Any] = json.loads(self._core.describe())
        self._session: Session | None = None

    @property
    def isa(self) -> str:
        """Name of the instruction set in use."""
        return str(self._core.isa)

    @property
    def inputs(self) -> list[ValueInfo]:
        """The inputs, in the order of the graph."""
        return [_input_info(value) for value in self._info["inputs"]]

    @property
    def outputs(self) -> list[ValueInfo]:
        """The outputs, in the order of the graph; bits arrive as -1 and +1 in float32."""
        return [_output_info(value) for value in self._info["outputs"]]

    @property
    def classes(self) -> list[str]:
        """Labels of the last axis of the first output; empty if the file has none."""
        return list(self._info["classes"])

    def info(self) -> dict[str, Any]:
        """What the file holds and how it runs.

        Returns:
            A new dictionary with the keys name, isa, format_version, producer, file_bytes, inputs, outputs,
            classes, nodes and report (the export's verification report, or None). Each node has name, op,
            inputs, dtype, shape, attrs, weight_bytes, macs (multiply-accumulates for one sample) and
            computed_by (the node whose step computes it; another one if it is fused).
        """
        result: dict[str, Any] = json.loads(self._core.describe())
        return result

    def session(self) -> Session:
        """A new session, for a thread of its own."""
        return Session(self, self._core.session())

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Runs a batch through a model of one input and one output.

        Args:
            x: [batch, ...], float32, or uint8 where the input has a preprocessing.

        Returns:
            [batch, ...]

        Raises:
            ModelError: if shape or dtype do not fit.
        """
        if self._session is None:
            self._session = self.session()
        return self._session(x)


def _input_info(value: dict[str, Any]) -> ValueInfo:
    rule = value.get("preprocessing")
    preprocessing = Preprocessing(rule["scale"], tuple(rule["mean"]), tuple(rule["std"])) if rule else None
    return ValueInfo(value["name"], "float32", tuple(value["shape"]), preprocessing)


def _output_info(value: dict[str, Any]) -> ValueInfo:
    dtype = "int32" if value["dtype"] == "i32" else "float32"
    return ValueInfo(value["name"], dtype, tuple(value["shape"]))
