"""Parameter files of MXNet, layer by layer in the order of the file."""

from __future__ import annotations

from typing import NamedTuple

import mxnet as mx
import numpy as np

# Ends of parameter names that have no dots; the first that fits is the role.
_ROLES = (
    "running_mean",
    "running_var",
    "moving_mean",
    "moving_var",
    "weight",
    "bias",
    "gamma",
    "beta",
    "alpha",
)
# Names of the statistics in symbols -> those in Gluon, which are used here.
_GLUON_ROLES = {"moving_mean": "running_mean", "moving_var": "running_var"}

PACKED_HINT = (
    "it looks as if BMXNet's model-converter had packed it; load the file that it was converted from"
)


class StoredLayer(NamedTuple):
    """Parameters of one layer.

    Attributes:
        name: `features.0` of `features.0.weight`, `qconv0` of `arg:qconv0_weight`.
        arrays: by role, such as 'weight' or 'running_mean'.
    """

    name: str
    arrays: dict[str, np.ndarray]


def read_layers(path: str) -> list[StoredLayer]:
    """Read the layers of a file.

    Raises:
        ValueError: it cannot be read, holds no names, or other arrays than float32.
    """
    try:
        arrays = mx.nd.load(path)
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"{path}: this is not a parameter file of MXNet ({reason})") from None
    if not isinstance(arrays, dict) or not arrays:
        raise ValueError(
            f"{path}: the file holds no parameters with names; save the net with save_parameters"
        )
    layers: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        layer, role = _split(key)
        layers.setdefault(layer, {})[role] = _float32(path, key, array)
    return [StoredLayer(name, roles) for name, roles in layers.items()]


def _split(key: str) -> tuple[str, str]:
    """(layer, role) of a parameter's name."""
    name = key.split(":", 1)[1] if key.startswith(("arg:", "aux:")) else key
    if "." in name:
        layer, _, role = name.rpartition(".")
    else:
        role = next((role for role in _ROLES if name.endswith(role)), name.rpartition("_")[2])
        layer = name[: -len(role)].rstrip("_")
    return layer, _GLUON_ROLES.get(role, role)


def _float32(path: str, key: str, array: mx.nd.NDArray) -> np.ndarray:
    values = array.asnumpy()
    if values.dtype != np.float32:
        hint = f"; {PACKED_HINT}" if values.dtype.kind == "i" or values.dtype == np.float64 else ""
        raise ValueError(f"{path}: {key!r} is {values.dtype}; expected float32{hint}")
    return values
