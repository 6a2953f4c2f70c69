"""Values that change while a net trains: functions of the step, and how quantizers get them."""

from bmx.gluon.schedule.curves import Cosine, Exponential, Linear, Step, Temperature, WarmUp
from bmx.gluon.schedule.hyperparameters import Schedule, set_hyperparameter

__all__ = [
    "Cosine",
    "Exponential",
    "Linear",
    "Schedule",
    "Step",
    "Temperature",
    "WarmUp",
    "set_hyperparameter",
]
