"""What surgery did to a net, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Entry(NamedTuple):
    """One line of a `Report`.

    Attributes:
        name: where the block stands, as in the names of ``save_parameters``: ``features.0``.
        text: what became of it, or why it was left.
    """

    name: str
    text: str


@dataclass(frozen=True)
class Report:
    """What `binarize` or `export_float` did; ``print(report)`` shows it.

    Attributes:
        title: one line, with counts.
        changed: blocks that are something else now.
        left: blocks that were left, and why.
        constant: binary layers that see +1 only; they learn next to nothing, so keep them float (``keep``) or
            change the net's code.
    """

    title: str
    changed: tuple[Entry, ...]
    left: tuple[Entry, ...]
    constant: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line a block."""
        lines = [self.title]
        width = max((len(entry.name) for entry in (*self.changed, *self.left)), default=0)
        for heading, entries in (("changed", self.changed), ("left", self.left)):
            lines += [f"{heading}:"] if entries else []
            lines += [f"  {entry.name:{width}}  {entry.text}" for entry in entries]
        if self.constant:
            lines.append(
                f"{len(self.constant)} binary layers see +1 only: keep them float, or change the net's code"
            )
        return "\n".join(lines)
