"""The commands of `bmx`, one file each: the command `bmx NAME` is the one of that name in the module NAME.

Modules import only click at their top, so that `bmx --help` is quick; what commands share lies in `support`.
"""

from __future__ import annotations

import sys

import click

from bmx.discovery import import_modules


def find_commands() -> dict[str, click.Command]:
    """All commands by their names.

    Raises:
        TypeError: a module has no command of its name.
    """
    modules = import_modules(sys.modules[__name__])
    names = [module.__name__.rpartition(".")[2].replace("_", "-") for module in modules]
    return {name: _command_of(module, name) for name, module in zip(names, modules) if name != "support"}


def _command_of(module: object, name: str) -> click.Command:
    for value in vars(module).values():
        if isinstance(value, click.Command) and value.name == name:
            return value
    raise TypeError(f"{module}: expected a click.Command named {name!r}, found none; rename the file")
