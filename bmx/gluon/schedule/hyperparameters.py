"""Hyper-parameters of quantizers that follow a schedule, such as the temperature of a soft sign."""

from __future__ import annotations

from typing import Callable

from mxnet import gluon

from bmx.gluon.nn.quantizers import quantizers_of


def set_hyperparameter(net: gluon.Block, name: str, value: float) -> int:
    """Set a hyper-parameter of all quantizers in a net that have it.

    Args:
        net: initialized Block.
        name: name of the hyper-parameter, such as ``nu``.
        value: new value, as for `Quantizer.set`.

    Returns:
        How many quantizers have it.

    Raises:
        KeyError: if none has it.
    """
    count = 0
    quantizers = list(quantizers_of(net))
    for quantizer in quantizers:
        try:
            quantizer.set(name, value)
        except KeyError:
            continue
        count += 1
    if not count:
        found = ", ".join(sorted({repr(quantizer) for quantizer in quantizers})) or "no quantizers"
        raise KeyError(
            f"bmx.gluon.schedule: expected a quantizer with the hyper-parameter {name!r} in "
            f"{type(net).__name__}, found {found}."
        )
    return count


class Schedule:
    """Callback that keeps hyper-parameters of a net's quantizers on schedule.

    For example, called before each epoch::

        schedule = Schedule(net, nu=Exponential(1, 1000, epochs))
        for epoch in range(epochs):
            schedule(epoch)

    Args:
        net: initialized Block.
        **schedules: a function of the step for each hyper-parameter.

    Raises:
        ValueError: if there is no schedule.
    """

    def __init__(self, net: gluon.Block, **schedules: Callable[[float], float]) -> None:
        if not schedules:
            raise ValueError("bmx.gluon.schedule.Schedule: expected hyper-parameter=schedule, found none.")
        self.net = net
        self.schedules = schedules

    def __call__(self, step: float) -> dict[str, float]:
        """Set the values of a step.

        Returns:
            The values by name, for a log.

        Raises:
            KeyError: if no quantizer has one of the hyper-parameters.
        """
        values = {name: schedule(step) for name, schedule in self.schedules.items()}
        for name, value in values.items():
            set_hyperparameter(self.net, name, value)
        return values
