"""The command `bmx`: its commands, and the one place where an error becomes a sentence and an exit code.

Exit codes: 0 for success, 1 for a failure, 2 for a wrong call. `BMX_DEBUG=1` shows a failure's traceback.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Any, NoReturn

import click

from bmx._version import __version__
from bmx.commands import find_commands
from bmx.commands.support.options import example


class ErrorsAsSentences(click.Group):
    """A group of commands that reports any error in one sentence on stderr."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuses empty arguments, which mean nothing to any command."""
        own = args[: args.index("--")] if "--" in args else args  # another program's command comes after it
        for before, argument in zip(["bmx", *own], own):
            if not argument:
                ctx.fail(f"the argument after {before!r} is empty; give a value or leave it out")
        return super().parse_args(ctx, args)

    def main(self, *args: Any, standalone_mode: bool = True, **kwargs: Any) -> Any:
        """Runs the command line; ends the process unless `standalone_mode` is False."""
        run = functools.partial(super().main, *args, standalone_mode=False, **kwargs)
        if not standalone_mode:
            return run()
        try:
            code: Any = run()
        except click.UsageError as error:
            if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):  # since click 8.2
                error.show()
                sys.exit(error.exit_code)
            _fail(f"{error.format_message().rstrip('.')}{_help_hint(error)}", error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            _fail("interrupted", 1)
        except Exception as error:
            if os.environ.get("BMX_DEBUG", "0") not in ("", "0"):
                raise
            _fail(_sentence(error), 1)
        sys.exit(code if isinstance(code, int) else 0)


def _help_hint(error: click.UsageError) -> str:
    return f"; see '{error.ctx.command_path} --help'" if error.ctx else ""


def _sentence(error: Exception) -> str:
    """The error's message; with its type where bmx does not expect it and the message may say too little."""
    if isinstance(error, click.ClickException):
        return error.format_message()
    message = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if message and isinstance(
        error, (ValueError, OSError, RuntimeError, ArithmeticError, ImportError, MemoryError)
    ):
        return message
    return f"{type(error).__name__}: {message} (BMX_DEBUG=1 shows where)"


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"bmx: {message}", err=True)
    sys.exit(code)


@click.group(
    cls=ErrorsAsSentences,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "bmx demo                                     train, export and run a binary LeNet",
        "bmx info demo/lenet.bmx                      what is in a packed file",
        "bmx run demo/lenet.bmx --input digit.png     classify an image",
    ),
)
@click.version_option(__version__, prog_name="bmx")
def cli() -> None:
    """Binary neural networks for MXNet Gluon, from training to the device."""


for command in find_commands().values():
    cli.add_command(command)


def main() -> None:
    """Entry point of the `bmx` script."""
    cli(prog_name="bmx")


if __name__ == "__main__":
    main()
