"""What the user sees: lines of all processes, with their names in front, and the progress bar of one."""

from __future__ import annotations

import codecs
import os
from typing import TextIO

_CLEAR = "\r\x1b[K"


class Lines:
    """Cuts a stream of bytes into lines as a terminal would show them.

    After a carriage return, as progress bars write it, the line is overwritten.

    Attributes:
        unfinished: text of the line that has no line break yet.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes, final: bool = False) -> list[str]:
        """Takes the next bytes and returns the lines that they complete; with `final`, also the last one."""
        *finished, self._rest = (self._rest + self._decoder.decode(data, final)).split("\n")
        if final and self.unfinished.strip():
            finished.append(self._rest)
            self._rest = ""
        self._rest = self._rest[self._rest.rfind("\r", 0, -1) + 1 :]  # the overwritten part is not needed
        return [_visible(line) for line in finished]

    @property
    def unfinished(self) -> str:
        """The text after the last carriage return that something follows."""
        return _visible(self._rest)


def _visible(line: str) -> str:
    """What is left of a line after carriage returns have overwritten its beginning."""
    *overwritten, last = line.split("\r")
    parts = [part for part in overwritten if part.strip()]
    return last if last.strip() or not parts else parts[-1]


class Screen:
    """Prints lines, and keeps one line of progress below them where the error output is a terminal."""

    def __init__(self, output: TextIO, errors: TextIO) -> None:
        self._output = output
        self._errors = errors
        self._progress = ""
        self.is_terminal = errors.isatty()

    def terminal_for(self, name: str) -> tuple[int, int] | None:
        """Rows and columns that a name in front leaves; None without a terminal."""
        if not self.is_terminal:
            return None
        columns, rows = os.get_terminal_size(self._errors.fileno())
        return rows, max(columns - len(f"[{name}] ") - 1, 20)

    def line(self, name: str, text: str, is_error: bool) -> None:
        """Shows a complete line of a process."""
        self._print(self._errors if is_error else self._output, f"[{name}] {text}")

    def say(self, text: str) -> None:
        """Shows a line of the launcher."""
        self._print(self._errors, f"bmx launch: {text}")

    def progress(self, name: str, text: str) -> None:
        """Shows the unfinished line of a process, in place of what it was before."""
        if self.is_terminal:
            self._progress = f"[{name}] {text}" if text.strip() else ""
            _write(self._errors, _CLEAR + self._progress)

    def _print(self, stream: TextIO, text: str) -> None:
        if self._progress:
            _write(self._errors, _CLEAR)
        _write(stream, text + "\n")
        if self._progress:
            _write(self._errors, self._progress)


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
