"""The command `bmx` inside the tests' own process."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from bmx.cli import cli


def invoke(*arguments: str | Path, **environment: str) -> Result:
    """Calls `bmx` with arguments; stdout and stderr apart.

    Args:
        arguments: arguments after `bmx`.
        environment: variables of the environment to set.
    """
    # Before click 8.2, which Python 3.8 and 3.9 have, the runner mixes stderr into stdout unless told not to.
    separate = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(env=environment, **separate).invoke(cli, list(map(str, arguments)), prog_name="bmx")


def json_of(*arguments: str | Path) -> Any:
    """What a call with `--json` prints, and nothing else."""
    result = invoke(*arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return json.loads(result.stdout)


def assert_fails(result: Result, code: int, pattern: str, *, prints: bool = False) -> None:
    """The exit code, a matching sentence on stderr, and nothing on stdout unless it ``prints`` first."""
    assert result.exit_code == code, result.stderr
    assert re.fullmatch(r"bmx: [^\n]+\n", result.stderr), result.stderr
    assert re.search(pattern, result.stderr), result.stderr
    assert prints or result.stdout == "", result.stdout
