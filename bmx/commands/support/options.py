"""Option types and options that several commands share."""

from __future__ import annotations

import math
from typing import Any, Callable

import click

from bmx.commands.support.source import params_option, source_argument


def example(*lines: str) -> str:
    """The epilog of a command's help: examples, kept as they are (click would wrap them without the mark)."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])


class Shape(click.ParamType):
    """`1,1,28,28` -> (1, 1, 28, 28)."""

    name = "shape"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Parses a value of the command line; a wrong one is a usage error."""
        if isinstance(value, tuple):
            return value
        try:
            shape = tuple(int(size) for size in value.split(","))
        except ValueError:
            shape = ()
        if not shape or min(shape) < 1:
            self.fail(f"{value!r} is not a shape; expected positive integers like 1,1,28,28", param, ctx)
        return shape


class NamedShape(click.ParamType):
    """`1,1,28,28` -> ("", (1, 1, 28, 28)), `x=1,10` -> ("x", (1, 10))."""

    name = "shape"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        """Parses a value of the command line; a wrong one is a usage error."""
        if isinstance(value, tuple):
            return value
        name, _, shape = value.rpartition("=")
        return name, Shape().convert(shape, param, ctx)


class Numbers(click.ParamType):
    """`0.5,0.25` -> [0.5, 0.25]."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[float]:
        """Parses a value of the command line; a wrong one is a usage error."""
        if isinstance(value, list):
            return value
        try:
            return [float(number) for number in value.split(",")]
        except ValueError:
            self.fail(
                f"{value!r} is not a list of numbers; expected numbers like 0.485,0.456,0.406", param, ctx
            )


class Tolerance(click.ParamType):
    """`1e-4` -> 0.0001."""

    name = "tolerance"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parses a value of the command line; a wrong one is a usage error."""
        try:
            tolerance = float(value)
        except ValueError:
            tolerance = math.nan
        if not (math.isfinite(tolerance) and tolerance >= 0):
            self.fail(f"{value!r} is no tolerance; expected a number of at least 0 like 1e-4", param, ctx)
        return tolerance


def json_option(function: Callable) -> Callable:
    """Adds `--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(function)


class IsaOption(click.Option):
    """`--isa`. Only its help loads the runtime, which names the instruction sets of the build."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help, in which the names stand."""
        from bmx import runtime

        names = ", ".join(runtime.built_isas())
        self.help = (
            f"Instruction set: auto, or one of this build: {names}; by default the best of this machine."
        )
        return super().get_help_record(ctx)


def isa_option(function: Callable) -> Callable:
    """Adds `--isa`."""
    return click.option("--isa", metavar="NAME", envvar="BMX_ISA", show_envvar=True, cls=IsaOption)(function)


def threads_option(function: Callable) -> Callable:
    """Adds `--threads`."""
    text = "Threads that share the work of a run; the result does not depend on their number."
    return click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True, help=text)(
        function
    )


def batch_option(function: Callable) -> Callable:
    """Adds `--batch`; None if it is not given."""
    return click.option("--batch", type=click.IntRange(min=1), help="Samples in a run; 1 by default.")(
        function
    )


def comparison_options(samples: int, of_what: str) -> Callable[[Callable], Callable]:
    """Adds the arguments and options of `bmx verify` and `bmx diff`.

    Args:
        samples: number of random samples that are compared by default.
        of_what: words for the values that the tolerance bounds.
    """
    options = (
        source_argument(),
        click.argument("file"),
        params_option,
        click.option(
            "--samples",
            metavar="X.npy",
            multiple=True,
            help=f"float32 inputs, batch axis first, once per input; {samples} random ones by default.",
        ),
        click.option(
            "--tolerance",
            type=Tolerance(),
            default=1e-4,
            show_default=True,
            metavar="NUMBER",
            help=f"Bound on the difference of {of_what}.",
        ),
        isa_option,
        json_option,
    )

    def add(function: Callable) -> Callable:
        for option in reversed(options):
            function = option(function)
        return function

    return add
