"""Writes the table of operators in docs/format.md: ``python -m bmx.compiler.format_doc docs/format.md``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

from bmx.compiler.backend.fileformat import PLANE_ATTRIBUTES
from bmx.compiler.ir.ops import OPERATORS, Operator
from bmx.compiler.ir.ops.base import Constant

BEGIN = "<!-- written by python -m bmx.compiler.format_doc docs/format.md -->"
END = "<!-- end of what it writes -->"
# How a file stores each kind of constant; what threshold's and quantize's have for which input is said once.
_STORED = {
    "f32": "F32",
    "bits": "U8 packed",
    "mask": "U8 packed",
    "i16": "U8 packed, in planes",
    "input": "F32, or for i32 I8, I16 or I32",
}
_PACKED = ("bits", "mask", "i16")


def format_table() -> str:
    """The operators of the file format as a table, a row each."""
    rows = [_row(operator) for operator in OPERATORS.values() if operator.in_file]
    return "\n".join(["| op | input -> output | attrs | tensors | meaning |", "|---|---|---|---|---|", *rows])


def with_table(page: str) -> str:
    """The page with the table between its marks."""
    between = re.compile(f"(?<={re.escape(BEGIN)}\n).*(?=\n{re.escape(END)})", re.DOTALL)
    return between.sub(lambda _: f"\n{format_table()}\n", page)


def _row(operator: Operator) -> str:
    cells = (
        f"`{operator.name}`",
        operator.signature or _default_signature(operator),
        "; ".join(_attributes(operator)),
        "; ".join(_tensor(role, constant) for role, constant in operator.constants.items()),
        " ".join((operator.__doc__ or "").split()),
    )
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def _default_signature(operator: Operator) -> str:
    return f"{' or '.join(operator.reads)} -> {'f32' if operator.reads == ('f32',) else 'same dtype'}"


def _attributes(operator: Operator) -> Iterator[str]:
    in_planes = any(constant.kind == "i16" for constant in operator.constants.values())
    attributes = {**operator.attributes, **(PLANE_ATTRIBUTES if in_planes else {})}
    for name, attribute in attributes.items():
        yield f"`{name}`: {attribute.expected}"


def _tensor(role: str, constant: Constant) -> str:
    *leading, last = constant.shape.split(",")
    if constant.kind == "i16":
        leading.insert(0, "weight_bits")
    if constant.kind in _PACKED:
        last = f"ceil({last}/8)"
    optional = "optional " if constant.optional else ""
    return f"{optional}`{role}` {_STORED[constant.kind]} [{','.join([*leading, last])}]"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
