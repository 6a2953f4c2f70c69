"""GluonCV's training scripts, run unmodified on binary nets: `python -m bmx.gluoncv_scripts SCRIPT ...`."""

from __future__ import annotations

import os
import runpy
import sys
from contextlib import ExitStack
from typing import Any, Callable, Mapping, Sequence

import click

Schedules = Mapping[str, Callable[[float], float]]

# Share of the training after which BNext's weights are signs: epoch 153 of 512 (arXiv:2211.12933).
_SIGNS_FROM = 0.3
_RAMPS = ("linear", "exponential", "cosine")


class ScriptError(Exception):
    """A mistake of the caller, in one sentence."""


def run_script(
    script: str,
    arguments: Sequence[str] = (),
    *,
    clip: float | None = 1.0,
    shortcuts: str | None = None,
    params: str | None = None,
    layers: Mapping[str, Any] | None = None,
    schedules: Schedules | None = None,
    steps: int | None = None,
) -> None:
    """Runs a script as ``python SCRIPT ARGUMENTS...`` does, with our models and Trainers for binary layers.

    Everything is as before when it ends, also if by an exception.

    Args:
        script: path of the script.
        arguments: command line of the script.
        clip: bound of latent weights, to which they are clipped after each step; None for no bound.
        shortcuts: shortcuts of ``binarized:`` models, see `bmx.gluon.binarize`.
        params: file to load where the script asks for pretrained parameters.
        layers: settings of binary layers, see `bmx.gluon.nn.defaults`.
        schedules: functions of the step, by the hyper-parameters of quantizers that follow them.
        steps: steps of the whole training; hyper-parameters without a schedule then follow
            `default_schedules`.

    Raises:
        ScriptError: there is no such script, GluonCV cannot be imported or does not know the model that the
            script asks for, our net cannot be as the script wants it, there is no such setting of layers, or
            no net has the hyper-parameter of a schedule. Whatever else the script raises comes through.
    """
    if not os.path.isfile(script):
        raise ScriptError(
            f"there is no script {script}; GluonCV's are not in its package but in its source repository, "
            "under scripts/classification"
        )
    from bmx.gluon import nn
    from bmx.gluon.model_zoo.support.gluoncv_names import RefusedArgument, register_in_gluoncv
    from bmx.gluon.model_zoo.support.pretrained import PretrainedError
    from bmx.gluon.optimizer.scripts import trainers_for_binary_layers

    with ExitStack() as stack:
        try:
            names = stack.enter_context(register_in_gluoncv(shortcuts=shortcuts, params=params))
            stack.enter_context(nn.defaults(**(layers or {})))
        except (ImportError, TypeError) as error:
            raise ScriptError(str(error).rstrip(".")) from error
        stack.enter_context(nn.lowering(nn.fastest_lowering()))
        observer = _Observer(names, clip, schedules or {}, default_schedules(steps) if steps else {})
        stack.enter_context(trainers_for_binary_layers(clip, observer))
        stack.callback(_set_command_line, sys.argv, sys.path)
        _set_command_line([script, *arguments], [os.path.dirname(os.path.abspath(script)), *sys.path[1:]])
        try:
            runpy.run_path(script, run_name="__main__")
        except (RefusedArgument, PretrainedError) as error:
            raise ScriptError(str(error).rstrip(".")) from error
        except ValueError as error:
            name = _unknown_model(error)
            if name is None:
                raise
            raise ScriptError(names.explain_unknown(name)) from error


def _set_command_line(argv: list[str], path: list[str]) -> None:
    sys.argv, sys.path = argv, path


def _unknown_model(error: ValueError) -> str | None:
    """The name that GluonCV's get_model refused, if that raised the error."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame = traceback.tb_frame if traceback else None
    if frame is None or frame.f_globals.get("__name__") != "gluoncv.model_zoo.model_zoo":
        return None
    return frame.f_locals.get("name") if frame.f_code.co_name == "get_model" else None


class _Observer:
    """Reports on a script's Trainer, and advances the schedules with its steps."""

    def __init__(self, names: Any, clip: float | None, asked: Schedules, usual: Schedules) -> None:
        self.names = names
        self.clip = clip
        self.asked = asked
        self.schedules = {**usual, **asked}

    def __call__(self, step: int, trainer: Any) -> None:
        from bmx.gluon.schedule import Schedule

        if step and not self.schedules:
            return
        found = {net: hyperparameters(net) for net in self.names.nets}
        if step == 0:
            self._report(trainer, {name for names in found.values() for name in names})
        for net, names in found.items():
            mine = {name: self.schedules[name] for name in names if name in self.schedules}
            if mine:
                Schedule(net, **mine)(step)

    def _report(self, trainer: Any, found: set[str]) -> None:
        from bmx.gluon.optimizer import is_binary

        latent = sum(is_binary(parameter) for parameter in trainer._params)
        clipped = "not clipped" if self.clip is None else f"clipped to +-{self.clip:g} after each step"
        _say(f"{latent} of {len(trainer._params)} parameters are latent weights, {clipped}")
        for name in sorted(set(self.asked) - found):
            raise ScriptError(
                f"expected a net with the hyper-parameter {name!r} for its schedule, found "
                f"{', '.join(sorted(found)) or 'no hyper-parameters'}"
            )
        for name in sorted(found - set(self.schedules)):
            _say(f"{name} stays as it is: give --steps N, the steps of the whole training, or --schedule")


def hyperparameters(net: Any) -> list[str]:
    """Names of the hyper-parameters of a net's quantizers, which schedules can change; sorted."""
    from bmx.gluon.nn import quantizers_of

    return sorted({p.name for quantizer in quantizers_of(net) for p in quantizer.learned if not p.trained})


def _say(text: str) -> None:
    click.echo(f"bmx.gluoncv_scripts: {text}", err=True)


def default_schedules(steps: int) -> Schedules:
    """The papers' schedules of hyper-parameters over a training.

    nu: 1 to 1000 exponentially (Lahoud et al., arXiv:1902.00730). temperature: 1 to 1e-7 exponentially, in
    the first 30 % (Guo et al., arXiv:2211.12933).
    """
    from bmx.gluon.schedule import Exponential

    early = max(round(_SIGNS_FROM * steps), 1)
    return {"nu": Exponential(1, 1000, steps), "temperature": Exponential(1, 1e-7, early)}


def parse_schedule(text: str, steps: int | None) -> tuple[str, Callable[[float], float]]:
    """``nu=exponential:1:1000:5000`` -> nu, and its function of the step.

    Args:
        text: NAME=KIND:START:END[:STEPS], KIND one of linear, exponential and cosine.
        steps: value of STEPS where the text leaves it out.

    Raises:
        ValueError: the text is no such schedule.
    """
    from bmx.gluon import schedule

    name, _, rest = text.partition("=")
    kind, *numbers = rest.split(":")
    expected = f"expected NAME=KIND:START:END[:STEPS] with KIND one of {', '.join(_RAMPS)}, found {text!r}"
    if not name or kind not in _RAMPS or len(numbers) not in (2, 3):
        raise ValueError(f"{expected}.")
    try:
        start, end = float(numbers[0]), float(numbers[1])
        steps = int(numbers[2]) if numbers[2:] else steps
    except ValueError:
        raise ValueError(f"{expected}: START and END are numbers, STEPS is a whole one.") from None
    if steps is None:
        raise ValueError(f"{expected}: say how many steps it takes, there or by --steps.")
    return name, getattr(schedule, kind.capitalize())(start, end, steps)


def parse_setting(text: str) -> tuple[str, Any]:
    """``clip=1.3`` -> clip, 1.3: a number, None, or a word.

    Raises:
        ValueError: there is no ``=``.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"expected NAME=VALUE, such as input_quantizer=approx_sign, found {text!r}.")
    if value == "None":
        return name, None
    for number in (int, float):
        try:
            return name, number(value)
        except ValueError:
            continue
    return name, value


@click.command(
    context_settings={
        "allow_interspersed_args": False,
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
    epilog="""\b
Example:
  python -m bmx.gluoncv_scripts train_cifar10.py --model bmx_resnete18_thumbnail --mode hybrid
  python -m bmx.gluoncv_scripts --shortcuts per_conv train_cifar10.py --model binarized:cifar_resnet20_v1
  python -m bmx.gluoncv_scripts --steps 78100 train_imagenet.py --use-rec --model bmx_bnext_t""",
)
@click.option(
    "--clip",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Bound of latent weights, to which they are clipped after each step.",
)
@click.option("--no-clip", is_flag=True, help="Do not clip latent weights.")
@click.option(
    "--shortcuts",
    type=click.Choice(["per_conv"]),
    help="binarized: models get a shortcut around every binary convolution where blocks allow it.",
)
@click.option(
    "--layers",
    multiple=True,
    metavar="NAME=VALUE",
    help="Default of binary layers, as in bmx.gluon.nn.defaults: input_quantizer=approx_sign.",
)
@click.option(
    "--params",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Parameters to load where the script asks for a pretrained model.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    metavar="N",
    help="Steps of the whole training, batches x epochs: quantizers' hyper-parameters follow the "
    "papers' schedules over them.",
)
@click.option(
    "--schedule",
    "schedules",
    multiple=True,
    metavar="NAME=KIND:START:END[:STEPS]",
    help="Schedule of a hyper-parameter; KIND is linear, exponential or cosine: nu=exponential:1:1000.",
)
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    clip: float,
    no_clip: bool,
    shortcuts: str | None,
    layers: tuple[str, ...],
    params: str | None,
    steps: int | None,
    schedules: tuple[str, ...],
    script: str,
    arguments: tuple[str, ...],
) -> None:
    """Run a training script of GluonCV, unmodified, on binary nets.

    SCRIPT gets the ARGUMENTS after it. GluonCV's get_model knows bmx_NAME and bmx_NAME_thumbnail for the
    models that `bmx list models` shows, and binarized:NAME for its own. Latent weights get no weight decay
    and are clipped after each step.
    """
    try:
        options = {
            "layers": dict(parse_setting(text) for text in layers),
            "schedules": dict(parse_schedule(text, steps) for text in schedules),
        }
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        run_script(
            script,
            arguments,
            clip=None if no_clip else clip,
            shortcuts=shortcuts,
            params=params,
            steps=steps,
            **options,
        )
    except ScriptError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    command(prog_name="python -m bmx.gluoncv_scripts")
