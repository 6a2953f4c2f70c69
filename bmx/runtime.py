"""Runs packed models (.bmx files). Needs NumPy only: this is what runs on a device.

Example:
    >>> model = bmx.runtime.Model("lenet.bmx")
    >>> model(images)  # float32 [batch, 1, 28, 28] -> float32 [batch, 10]
    >>> model.session(threads=2).run_dict(images)  # {"output": float32 [batch, 10]}
"""

from __future__ import annotations

import json
import os
from typing import Any, Mapping, NamedTuple, Sequence, Union

import numpy as np

from bmx import _core
from bmx._core import ModelError

__all__ = [
    "Memory",
    "Model",
    "ModelError",
    "Preprocessing",
    "Profile",
    "Session",
    "StepProfile",
    "ValueInfo",
    "built_isas",
    "isas",
]

Inputs = Union[np.ndarray, Sequence[np.ndarray], Mapping[str, np.ndarray]]


class Preprocessing(NamedTuple):
    """How a uint8 image becomes the input: ``(u8 * scale - mean[c]) / std[c]``, c being the channel."""

    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


class ValueInfo(NamedTuple):
    """An input or output of a model.

    Attributes:
        name: name in the graph.
        dtype: type of the array: "float32", "int32", or "uint8" for an input that takes nothing else.
        shape: shape of one sample; arrays have a batch axis in front of it.
        preprocessing: what happens to uint8 images, if the input takes them as well.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    preprocessing: Preprocessing | None = None


class StepProfile(NamedTuple):
    """One step of a run: a node that does work, and the nodes that are fused into it.

    Attributes:
        node: name of the node whose operator runs.
        nodes: names of that node and of those fused into its step, in the order of the graph.
        op: the operator.
        ms: median time in milliseconds, for the whole batch.
        share: part of the sum of all steps, from 0 to 1.
        macs: multiply-accumulates for one sample.
        gmacs_per_s: 10^9 multiply-accumulates a second; 0 for a step without any.
    """

    node: str
    nodes: tuple[str, ...]
    op: str
    ms: float
    share: float
    macs: int
    gmacs_per_s: float


class Profile(NamedTuple):
    """Where the time of a run goes.

    Attributes:
        isa: name of the instruction set.
        threads: number of threads of the session.
        batch: samples in a run.
        runs: number of measured runs.
        median_ms: median of whole runs, with copies of inputs and outputs and the clock between steps.
        steps: the steps in the order in which they run.
    """

    isa: str
    threads: int
    batch: int
    runs: int
    median_ms: float
    steps: list[StepProfile]


class Memory(NamedTuple):
    """What a model and one session hold, in bytes.

    Attributes:
        batch: samples in a run.
        threads: number of threads of the session.
        slice_samples: samples that run at once; a larger batch runs in slices, so the arena stays small.
        arena_bytes: size of the values between the layers.
        live_bytes: the largest sum of values that are alive in one step; no arena can be smaller.
        workspace_bytes: scratch memory of the steps.
        output_bytes: size of the outputs, for the whole batch.
        packed_bytes: size of the weights in the order of the instruction set.
        file_bytes: size of the file, whose pages the system may drop and read again.
    """

    batch: int
    threads: int
    slice_samples: int
    arena_bytes: int
    live_bytes: int
    workspace_bytes: int
    output_bytes: int
    packed_bytes: int
    file_bytes: int


def isas() -> list[str]:
    """Names of the instruction sets that this CPU supports, best first."""
    return list(_core.isas())


def built_isas() -> list[str]:
    """Names of all instruction sets of this build, best first, whether this CPU supports them or not."""
    return list(_core.built_isas())


class Session:
    """One use of a model: owns the memory of its intermediate values.

    Made by `Model.session`. Sessions of one model share its weights. Give each thread its own; a shared one
    works, but its callers take turns.
    """

    def __init__(self, model: Model, core: Any) -> None:
        self.model = model
        self._core = core

    @property
    def threads(self) -> int:
        """Threads in use; fewer than asked for only if the system gives no more."""
        return int(self._core.threads)

    def run(self, inputs: Inputs) -> list[np.ndarray]:
        """Runs a batch.

        Args:
            inputs: an array [batch, ...] of the input's dtype, or of uint8 where it has a preprocessing; for
                several inputs a list in the order of `Model.inputs`, or a mapping from their names.

        Returns:
            One array [batch, ...] for each of `Model.outputs`.

        Raises:
            ModelError: if names, number, shape or dtype do not fit.
        """
        outputs: list[np.ndarray] = self._core.run(self._arrays(inputs))
        return outputs

    def run_dict(self, inputs: Inputs) -> dict[str, np.ndarray]:
        """Runs a batch as `run` does and returns the outputs by name, in the order of `Model.outputs`."""
        return dict(zip((value.name for value in self.model.outputs), self.run(inputs)))

    def time(self, inputs: Inputs, runs: int = 100) -> np.ndarray:
        """Measures whole runs, inside the C++ runtime.

        Args:
            inputs: as in `run`.
            runs: number of measured runs; one that is not measured comes first.

        Returns:
            Milliseconds, float64 [runs].

        Raises:
            ModelError: if the inputs do not fit, or runs is not between 1 and 1,000,000.
        """
        return np.array(self._core.time(self._arrays(inputs), runs))

    def profile(self, inputs: Inputs, runs: int = 100) -> Profile:
        """Measures every step of a run, inside the C++ runtime; other runs do not look at the clock.

        Args:
            inputs: as in `run`.
            runs: number of measured runs; one that is not measured comes first. Times are medians.

        Raises:
            ModelError: if the inputs do not fit, or runs is not between 1 and 1,000,000.
        """
        found = json.loads(self._core.profile(self._arrays(inputs), runs))
        steps = [StepProfile(**{**step, "nodes": tuple(step["nodes"])}) for step in found.pop("steps")]
        return Profile(**found, steps=steps)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Runs a model of one output and returns that output; see `run`."""
        if len(self.model.outputs) != 1:
            raise ModelError(
                f"the model has {len(self.model.outputs)} outputs; run_dict(x) returns them by name"
            )
        return self.run(x)[0]

    def _arrays(self, inputs: Inputs) -> list[Any]:
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
                dtype = self.model.inputs[0].dtype
                hint = "use x.asnumpy()" if hasattr(array, "asnumpy") else f"use numpy.asarray(x, '{dtype}')"
                raise ModelError(f"expected a NumPy array, found {found}; {hint}")
        return arrays

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
        """The outputs, in the order of the graph.

        Bits arrive as -1 and +1 in float32, unsigned integers of 1 to 8 bits as the same numbers in float32.
        """
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

    def session(self, threads: int = 1) -> Session:
        """A new session, for a thread of its own.

        Args:
            threads: number of threads that share the work of a run, with the calling one; 1 to 256. Results
                are equal to those of one thread, bit for bit.

        Raises:
            ModelError: if threads is out of range.
        """
        return Session(self, self._core.session(threads))

    def memory(self, batch: int = 1, threads: int = 1) -> Memory:
        """What the model and a session that runs such a batch hold.

        Raises:
            ModelError: if batch or threads is out of range.
        """
        return Memory(**json.loads(self._core.memory(batch, threads)))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Runs a batch through a model of one input and one output.

        Args:
            x: [batch, ...] of the input's dtype, or uint8 where it has a preprocessing.

        Returns:
            [batch, ...]

        Raises:
            ModelError: if shape or dtype do not fit.
        """
        return self._own_session()(x)

    def run_dict(self, inputs: Inputs) -> dict[str, np.ndarray]:
        """Runs a batch through a model of any number of inputs and outputs.

        Args:
            inputs: an array [batch, ...], a list of arrays, or a mapping from names; see `Session.run`.

        Returns:
            The outputs by name, each [batch, ...], in the order of `outputs`.

        Raises:
            ModelError: if names, number, shape or dtype do not fit.
        """
        return self._own_session().run_dict(inputs)

    def profile(self, inputs: Inputs | None = None, runs: int = 100, threads: int = 1) -> Profile:
        """Measures every step of a run; see `Session.profile`.

        Args:
            inputs: as in `Session.run`; one sample of random numbers if None.
            runs: number of measured runs.
            threads: as in `session`.
        """
        return self.session(threads).profile(self.random_inputs() if inputs is None else inputs, runs)

    def random_inputs(self, batch: int = 1) -> list[np.ndarray]:
        """An array [batch, ...] for every input, always the same ones: standard normal float32, or bytes."""
        random = np.random.RandomState(0)
        arrays = []
        for value in self.inputs:
            shape = (batch, *value.shape)
            is_bytes = value.dtype == "uint8"
            array = random.randint(0, 256, shape) if is_bytes else random.standard_normal(shape)
            arrays.append(array.astype(value.dtype))
        return arrays

    def _own_session(self) -> Session:
        if self._session is None:
            self._session = self.session()
        return self._session


def _input_info(value: dict[str, Any]) -> ValueInfo:
    rule = value.get("preprocessing")
    preprocessing = Preprocessing(rule["scale"], tuple(rule["mean"]), tuple(rule["std"])) if rule else None
    dtype = "uint8" if value["dtype"] == "bytes" else "float32"
    return ValueInfo(value["name"], dtype, tuple(value["shape"]), preprocessing)


def _output_info(value: dict[str, Any]) -> ValueInfo:
    dtype = "int32" if value["dtype"] == "i32" else "float32"
    return ValueInfo(value["name"], dtype, tuple(value["shape"]))
