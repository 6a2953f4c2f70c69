"""The inputs that MXNet and the packed file are compared on: one float32 array per input of the model."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence, Union

import numpy as np

# An array for a model of one input; for several a list in their order, or arrays by name.
Samples = Union[np.ndarray, Sequence[np.ndarray], Mapping[str, np.ndarray]]


def random_samples(shapes: Sequence[Sequence[int]], count: int = 32, seed: int = 0) -> list[np.ndarray]:
    """Standard normal samples.

    Args:
        shapes: shapes of one sample, one per input.
        count: number of samples.
        seed: seed of the generator.

    Returns:
        One array [count, ...] per input.
    """
    random = np.random.RandomState(seed)
    return [random.standard_normal((count, *shape)).astype(np.float32) for shape in shapes]


def check_samples(
    samples: Samples,
    shapes: Mapping[str, Sequence[int]],
    convert: bool = False,
    convert_bytes: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None = None,
) -> list[np.ndarray]:
    """Samples as one array per input, in the order of the inputs.

    Args:
        samples: see `Samples`.
        shapes: shapes of one sample by name of the input, in order.
        convert: whether other numbers are converted to float32 instead of refused.
        convert_bytes: functions from uint8 [batch, ...] to float32, by name of the inputs that may be given
            as bytes.

    Raises:
        ValueError: names, counts, dtypes or shapes do not fit, or values are not finite.
    """
    arrays = _in_order(samples, list(shapes))
    for index, (name, shape) in enumerate(shapes.items()):
        from_bytes = (convert_bytes or {}).get(name)
        if from_bytes and arrays[index].dtype == np.uint8 and arrays[index].shape[1:] == tuple(shape):
            arrays[index] = from_bytes(arrays[index])
    if convert:
        arrays = [array.astype(np.float32) if array.dtype.kind in "biuf" else array for array in arrays]
    for (name, shape), array in zip(shapes.items(), arrays):
        _check_sample(name, shape, array)
    if len({len(array) for array in arrays}) > 1:
        raise ValueError(
            "bmx.verify: the samples of all inputs should be equally many, "
            f"found {', '.join(str(len(array)) for array in arrays)}."
        )
    return arrays


def _check_sample(name: str, shape: Sequence[int], array: np.ndarray) -> None:
    is_float = array.dtype == np.float32
    if not is_float or array.size == 0 or array.ndim == 0 or not np.isfinite(array).all():
        nan = " with NaN or infinity" if is_float and not np.isfinite(array).all() else ""
        raise ValueError(
            f"bmx.verify: the samples should be finite float32 values, at least one; found {array.dtype} "
            f"of shape {array.shape}{nan}."
        )
    if array.shape[1:] != tuple(shape):
        raise ValueError(
            f"bmx.verify: the samples of {name!r} should have shape "
            f"(batch, {', '.join(map(str, shape))}), found {array.shape}."
        )


def batches(samples: Sequence[np.ndarray], size: int) -> list[list[np.ndarray]]:
    """The samples in batches of at most ``size``."""
    return [
        [np.ascontiguousarray(array[start : start + size]) for array in samples]
        for start in range(0, len(samples[0]), size)
    ]


def _in_order(samples: Samples, names: list[str]) -> list[np.ndarray]:
    if isinstance(samples, Mapping):
        if set(samples) != set(names):
            raise ValueError(
                f"bmx.verify: the inputs are {', '.join(names)}; samples were given for "
                f"{', '.join(map(str, samples)) or 'none'}."
            )
        arrays: list[Any] = [samples[name] for name in names]
    else:
        arrays = list(samples) if isinstance(samples, (list, tuple)) else [samples]
    if len(arrays) != len(names):
        raise ValueError(
            f"bmx.verify: the inputs are {', '.join(names)}; {len(arrays)} arrays of samples were given."
        )
    return [np.asarray(array) for array in arrays]
