"""The bytes of a .bmx file: a safetensors file with a checksum. docs/format.md, section "Bytes"."""

from __future__ import annotations

import json
import re
import struct
import zlib
from typing import Any

import numpy as np

FORMAT_VERSION = "1"

_PREFIX = b'{"__metadata__":{"bmx.checksum":"crc32:'
_CHECKSUM = slice(8 + len(_PREFIX), 8 + len(_PREFIX) + 8)
_MAX_HEADER, _MAX_COUNT, _MAX_RANK, _MAX_SIZE, _MAX_NESTING = 16 * 2**20, 65536, 8, 2**31 - 1, 32
# In the order in which tensors are written: each is aligned to its elements.
_DTYPES: dict[str, np.dtype] = {
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
}


class FormatError(ValueError):
    """Bytes that are not a valid .bmx file."""


def to_bytes(metadata: dict[str, str], tensors: dict[str, np.ndarray]) -> bytes:
    """Write metadata and tensors.

    Args:
        metadata: strings by key; checksum and format version are added.
        tensors: float32, int32, int16, int8 and uint8 arrays by name.

    Returns:
        The content of the file.

    Raises:
        ValueError: metadata or tensors exceed what a reader accepts.
    """
    checksum = {"bmx.checksum": "crc32:00000000", "bmx.format_version": FORMAT_VERSION}
    header: dict[str, Any] = {"__metadata__": {**checksum, **metadata}}
    data = bytearray()
    for name, array in sorted(tensors.items(), key=lambda item: _rank(_dtype_name(item[1]))):
        dtype = _dtype_name(array)
        stored = array.astype(_DTYPES[dtype]).tobytes()
        offsets = [len(data), len(data) + len(stored)]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
        data += stored
    text = to_json(header).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > _MAX_HEADER or len(tensors) > _MAX_COUNT:
        raise ValueError(
            f"{len(tensors)} tensors and a header of {len(text)} bytes are too much for a .bmx file."
        )
    content = bytearray(struct.pack("<Q", len(text)) + text + data)
    content[_CHECKSUM] = b"%08x" % zlib.crc32(content)
    return bytes(content)


def read(content: bytes) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Read metadata and tensors, checking all bytes.

    Args:
        content: the bytes of the file.

    Returns:
        The metadata by key, and read-only arrays by tensor name.

    Raises:
        FormatError: the bytes are damaged, or are not a .bmx file of a version that this reader knows.
    """
    header, data = _split(content)
    metadata = header.pop("__metadata__")
    version = metadata.get("bmx.format_version")
    if version != FORMAT_VERSION:
        raise FormatError(
            f"the file has format version {version!r}, this reader knows {FORMAT_VERSION!r}; "
            "use a bmx that is as new as the one that wrote the file."
        )
    return metadata, _read_tensors(header, data)


def to_json(value: Any) -> str:
    """JSON without spaces; infinities and NaN are refused."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def parse_json(text: Any, what: str) -> dict[str, Any]:
    """A JSON object; ``what`` names it in errors."""
    if not isinstance(text, str) or _nesting(text) > _MAX_NESTING:
        raise FormatError(f"{what} is missing or nested more than {_MAX_NESTING} levels deep.")
    try:
        value = json.loads(text, object_pairs_hook=_unique_keys)
    except ValueError as error:
        raise FormatError(f"{what} is not valid JSON ({error}).") from None
    if not isinstance(value, dict):
        raise FormatError(f"{what} should be a JSON object.")
    return value


def _dtype_name(array: np.ndarray) -> str:
    return next(name for name, dtype in _DTYPES.items() if array.dtype == dtype)


def _rank(dtype: str) -> int:
    """Position in the order in which tensors are written."""
    return list(_DTYPES).index(dtype)


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and data of a file whose checksum is right."""
    size = struct.unpack("<Q", content[:8])[0] if len(content) >= 8 else 0
    if not content[8:].startswith(_PREFIX) or size > _MAX_HEADER or 8 + size > len(content):
        raise FormatError("not a complete .bmx file; expected one that bmx.export has written.")
    blank = bytearray(content)
    blank[_CHECKSUM] = b"00000000"
    if content[_CHECKSUM] != b"%08x" % zlib.crc32(blank):
        raise FormatError("the checksum is wrong: the file is damaged; export or copy it again.")
    header = parse_json(content[8 : 8 + size].decode("utf-8", "replace"), "the header")
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise FormatError("__metadata__ of the header should map strings to strings.")
    return header, content[8 + size :]


def _nesting(text: str) -> int:
    depth = deepest = 0
    for character in re.sub(r'"(\\.|[^"\\])*"', "", text):
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    return deepest


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("an object has a key twice")
    return dict(pairs)


def _read_tensors(header: dict[str, Any], data: bytes) -> dict[str, np.ndarray]:
    """All tensors; their offsets must follow each other without gaps, in the order of `_DTYPES`."""
    if len(header) > _MAX_COUNT:
        raise FormatError(f"the file has {len(header)} tensors; at most {_MAX_COUNT} are allowed.")
    entries = [(name, *_check_entry(name, entry)) for name, entry in header.items()]
    entries.sort(key=lambda entry: (entry[3], _rank(entry[1])))
    tensors, position, kinds = {}, 0, []
    for name, dtype, shape, begin, end in entries:
        if begin != position or end > len(data):
            raise FormatError(
                f"tensor {name!r} should start at byte {position} of the data, found [{begin}, {end}]."
            )
        tensors[name] = np.frombuffer(data[begin:end], dtype=_DTYPES[dtype]).reshape(shape)
        position = end
        kinds.append(_rank(dtype))
    if position != len(data):
        raise FormatError(f"{len(data) - position} bytes follow the last tensor; expected none.")
    if kinds != sorted(kinds):
        raise FormatError(f"tensors should stand in the order {', '.join(_DTYPES)}.")
    return tensors


def _check_entry(name: str, entry: Any) -> tuple[str, list[int], int, int]:
    """Dtype, shape and offsets of a tensor."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise FormatError(f"tensor {name!r} should have dtype, shape and data_offsets.")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in _DTYPES:
        raise FormatError(f"tensor {name!r} should be one of {', '.join(_DTYPES)}, found {dtype!r}.")
    if not _integers(shape, 1) or len(shape) > _MAX_RANK:
        raise FormatError(
            f"tensor {name!r} should have at most {_MAX_RANK} axes of 1 to 2^31 - 1, found {shape!r}."
        )
    size = _DTYPES[dtype].itemsize
    for length in shape:
        size *= length
    if not _integers(offsets, 0, 2**63) or len(offsets) != 2 or offsets[1] - offsets[0] != size:
        raise FormatError(f"tensor {name!r} should take {size} bytes, found data_offsets {offsets!r}.")
    return dtype, shape, offsets[0], offsets[1]


def _integers(values: Any, least: int, most: int = _MAX_SIZE) -> bool:
    return isinstance(values, list) and all(type(v) is int and least <= v <= most for v in values)
