"""Options that several commands share."""

from __future__ import annotations

import subprocess
import sys

import click.testing
import pytest

from bmx import runtime
from bmx.cli import cli


@pytest.mark.parametrize("command", ["bench", "diff", "info", "run", "verify"])
def test_help_names_the_instruction_sets_of_this_build(command: str) -> None:
    help_text = " ".join(click.testing.CliRunner().invoke(cli, [command, "--help"]).output.split())
    assert f"auto, or one of this build: {', '.join(runtime.built_isas())};" in help_text


def test_help_names_the_instruction_sets_that_the_build_has_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "built_isas", lambda: ["neon32", "scalar"])
    help_text = " ".join(click.testing.CliRunner().invoke(cli, ["run", "--help"]).output.split())
    assert "one of this build: neon32, scalar;" in help_text
    assert "avx" not in help_text


def test_the_list_of_commands_does_not_wait_for_the_runtime() -> None:
    code = (
        "import sys; from bmx.cli import cli; cli(['--help'], standalone_mode=False); "
        "assert 'bmx._core' not in sys.modules, 'bmx --help loads bmx._core'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
