"""A command costs one file: `bmx` finds it by its name, lists it and runs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

import click
import pytest
from click.testing import CliRunner

from bmx import commands
from bmx.cli import ErrorsAsSentences

FILE = """
import click

from bmx.commands.support.options import example


@click.command(epilog=example("bmx greet-all --name world"))
@click.option("--name", default="world")
def greet(name: str) -> None:
    \"\"\"Greet.\"\"\"
    click.echo(f"hello, {name}")


@click.command("greet-all")
def greet_all() -> None:
    \"\"\"Greet everybody.\"\"\"
    click.echo("hello, all")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that counts as a part of bmx/commands."""
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    yield tmp_path
    sys.modules.pop("bmx.commands.greet_all", None)


def test_a_command_is_one_file(folder: Path) -> None:
    before = set(commands.find_commands())
    (folder / "greet_all.py").write_text(FILE)
    found = commands.find_commands()
    assert set(found) - before == {"greet-all"}
    bmx = ErrorsAsSentences("bmx", commands=found)
    assert "greet-all" in CliRunner().invoke(bmx, ["--help"]).output
    assert CliRunner().invoke(bmx, ["greet-all"]).output == "hello, all\n"


def test_a_file_without_its_command_is_named(folder: Path) -> None:
    (folder / "greet_all.py").write_text("import click\n")
    with pytest.raises(TypeError, match=r"greet_all.*expected a click.Command named 'greet-all', found none"):
        commands.find_commands()


def test_every_command_stands_in_the_file_of_its_name() -> None:
    for name, command in commands.find_commands().items():
        assert isinstance(command, click.Command)
        assert command.name == name
