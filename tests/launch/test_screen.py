"""Lines and the progress bar, as a terminal would show them."""

from __future__ import annotations

import io

import pytest

from bmx.launch.screen import Lines, Screen


def test_lines_come_whole():
    lines = Lines()
    assert lines.feed("ä\nb".encode()[:1]) == []
    assert lines.feed("ä\nb".encode()[1:]) == ["ä"]
    assert lines.feed(b"c\r") == []
    assert lines.feed(b"\n") == ["bc"]
    assert lines.feed(b"end") == []
    assert lines.unfinished == "end"
    assert lines.feed(b"", final=True) == ["end"]
    assert lines.unfinished == ""
    assert lines.feed(b"", final=True) == []


def test_bytes_that_are_no_text_are_shown():
    assert Lines().feed(b"a\xffb\n") == ["a\ufffdb"]


def test_a_bar_overwrites_itself():
    """What tqdm writes, also from `tqdm.write`, where the line stands for the bar."""
    lines = Lines()
    assert lines.feed(b"\r 10%|#   |") == []
    assert lines.unfinished == " 10%|#   |"
    assert lines.feed(b"\r 20%|##  |") == []
    assert lines.unfinished == " 20%|##  |"
    assert lines.feed(b"\r          \repoch 1\n\r 30%|### |") == ["epoch 1"]
    assert lines.unfinished == " 30%|### |"
    lines.feed(b"\r          \r")
    assert lines.unfinished == ""
    assert lines.feed(b"\r100%|####|\n") == ["100%|####|"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_are_printed_above_the_progress():
    terminal = Terminal()
    screen = Screen(terminal, terminal)
    screen.progress("0", "50 %")
    screen.line("1", "hello", is_error=False)
    screen.progress("0", "")
    screen.say("done")
    shown = "\r\x1b[K[0] 50 %" + "\r\x1b[K[1] hello\n" + "[0] 50 %" + "\r\x1b[K" + "bmx launch: done\n"
    assert terminal.getvalue() == shown


def test_no_progress_without_a_terminal():
    output, errors = io.StringIO(), io.StringIO()
    screen = Screen(output, errors)
    assert screen.terminal_for("0") is None
    screen.progress("0", "50 %")
    screen.line("1", "out", is_error=False)
    screen.line("server 0", "error", is_error=True)
    assert (output.getvalue(), errors.getvalue()) == ("[1] out\n", "[server 0] error\n")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_any_encoding_can_show_it(encoding):
    raw = io.BytesIO()
    output = io.TextIOWrapper(raw, encoding)
    Screen(output, io.StringIO()).line("0", "≥", is_error=False)
    assert raw.getvalue() == ("[0] ?\n" if encoding == "ascii" else "[0] ≥\n").encode()
