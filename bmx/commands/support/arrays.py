"""Reading and writing the files that commands take: arrays and images."""

from __future__ import annotations

import io
from typing import Any, Sequence

import numpy as np

from bmx.files import write_atomically


def load_array(path: str) -> np.ndarray:
    """Reads a .npy file; pickled objects are refused."""
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{path}: not a complete .npy file of numbers ({reason}); write it with numpy.save"
        ) from None
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{path}: expected one array in a .npy file, found an archive of arrays")
    return array


def load_samples(paths: Sequence[str]) -> list[np.ndarray] | None:
    """Reads the samples of a comparison, one .npy file per input; None if there are none."""
    return [load_array(path) for path in paths] or None


def load_image(path: str, shape: tuple[int, ...]) -> np.ndarray:
    """Reads an image as a batch of one for an input of the given shape.

    Args:
        path: path of an image that Pillow reads.
        shape: shape of the input, (channels, height, width). The image is scaled to height x width and
            becomes gray for one channel, RGB for three.

    Returns:
        uint8 (1, channels, height, width).

    Raises:
        ValueError: the input or the file is not an image.
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ValueError(
            f"{path}: expected a model whose input is an image, found shape {shape}; give a .npy file"
        )
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise ImportError(
            'reading images needs Pillow; install it with: pip install "bmx-gluon[demo]"'
        ) from None
    channels, height, width = shape
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L" if channels == 1 else "RGB").resize((width, height)))
    except UnidentifiedImageError:
        raise ValueError(f"{path}: expected a .npy file or an image, found neither") from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{path}: the image cannot be read ({error.strerror or error})") from None
    return np.ascontiguousarray(pixels.reshape(height, width, channels).transpose(2, 0, 1))[None]


def load_input(path: str, inputs: Sequence[Any]) -> np.ndarray:
    """Reads the input of a model with one input, with a batch axis.

    Args:
        path: path of a .npy file, with or without a batch axis, or of an image.
        inputs: inputs of the model, as in `bmx.runtime.Model.inputs`.

    Raises:
        ValueError: the model has several inputs, or the file does not fit.
    """
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs)
        raise ValueError(f"--input feeds one input, the model has {len(inputs)} ({names}); use bmx.runtime")
    shape = tuple(inputs[0].shape)
    if not path.endswith(".npy"):
        return load_image(path, shape)
    array = load_array(path)
    return array[None] if array.ndim == len(shape) else array


def save_arrays(path: str, arrays: dict[str, np.ndarray]) -> None:
    """Writes a .npz archive of arrays by name, whole or not at all."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomically(path, content.getvalue())


def save_array(path: str, array: np.ndarray) -> None:
    """Writes a .npy file, whole or not at all."""
    content = io.BytesIO()
    np.save(content, array)
    write_atomically(path, content.getvalue())
