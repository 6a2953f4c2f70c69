"""The schema of a training: frozen dataclasses whose fields carry their defaults and limits.

`Config.from_dict` reads dicts as TOML files give them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Mapping

from bmx.training.limits import ConfigError, chosen, limited
from bmx.training.reading import merge, read, require_known

KVSTORES = ("local", "device", "dist_sync", "dist_device_sync", "dist_async")
LOSSES = ("softmax", "squared_hinge")
MODES = ("constant", "cosine", "poly", "step", "exponential")
WEIGHTS = ("binary", "identity")
ACTIVATIONS = ("binary", "identity", "hardtanh", "tanh")


@dataclass(frozen=True)
class Model:
    """The net.

    Attributes:
        name: a source of `bmx.gluon.sources`: a zoo model, ``gluoncv:NAME``, ``binarized:NAME``,
            ``module:function`` or ``NAME-symbol.json``.
        arguments: arguments of the constructor; the number of classes comes from the data.
        layers: defaults of binary layers, as `bmx.gluon.nn.defaults` takes them.
        initializer: name and arguments of an MXNet initializer.
        params: parameter file to start from; empty to start from random numbers. A saved net needs its own.
        clip_threshold: bound of |x| up to which signs of activations pass gradients; 0 for the model's own.
    """

    name: str = ""
    arguments: dict = field(default_factory=dict)
    layers: dict = field(default_factory=dict)
    initializer: dict = field(default_factory=lambda: {"name": "xavier"})
    params: str = ""
    clip_threshold: float = limited(0.0, at_least=0)


@dataclass(frozen=True)
class Data:
    """The images to learn from.

    Attributes:
        name: a data set of `bmx data`; ``imagenet`` for any images on disk, in RecordIO files or folders; or
            ``random`` for noise, which shows that a training runs and how fast.
        root: folder of the data set; empty for the usual place.
        batch_size: images of one pass forward and backward, on each machine.
        augmentation: name of an augmentation, as `bmx.gluon.data.get_augmentation` takes it.
        scaling: ``standardized`` (data set's mean and standard deviation), ``unit`` (0 to 1) or ``symmetric``
            (-1 to 1).
        train_limit: number of training images to use; 0 for all.
        test_limit: number of held-out images to use; 0 for all.
        size: height and width that images of ``imagenet`` are cut to.
        processes: number of processes that read and augment images of ``imagenet``; 0 to do it in this one.
        shape: height, width and channels of an image of ``random``.
        classes: number of classes of ``random``.
    """

    name: str = ""
    root: str = ""
    batch_size: int = limited(128, at_least=1)
    augmentation: str = "none"
    scaling: str = "standardized"
    train_limit: int = limited(0, at_least=0)
    test_limit: int = limited(0, at_least=0)
    size: int = limited(224, at_least=1)
    processes: int = limited(2, at_least=0)
    shape: list = field(default_factory=lambda: [32, 32, 3])
    classes: int = 10


@dataclass(frozen=True)
class Training:
    """The length of a training, and its surroundings.

    Attributes:
        epochs: passes over the data, in each stage.
        steps: number of updates after which a stage ends; 0 for no such limit.
        seed: seed of all random numbers.
        accumulate: passes forward and backward whose gradients make one update.
        clip_norm: length to which the gradient of all parameters together is scaled down; 0 for no limit.
        kvstore: ``local``, or one of MXNet's for several machines.
        validate_every: epochs from one measurement on held-out images to the next.
    """

    epochs: int = limited(1, at_least=1)
    steps: int = limited(0, at_least=0)
    seed: int = 0
    accumulate: int = limited(1, at_least=1)
    clip_norm: float = limited(0.0, at_least=0)
    kvstore: str = chosen("local", KVSTORES)
    validate_every: int = limited(1, at_least=1)


@dataclass(frozen=True)
class Optimizer:
    """The optimizer of the parameters.

    Attributes:
        name: name of an optimizer of MXNet or bmx: ``adam``, ``radam``, ``sgd``, ``nag``, ...
        learning_rate: learning rate at the start, after the warm-up.
        wd: weight decay; binary layers take none of it.
        arguments: further arguments of the optimizer.
        binary: name and arguments of another optimizer for latent weights; empty for the same one.
        latent_limit: bound of latent weights, to which they are clipped after each update; 0 for none.
        center: whether to subtract the mean over input channels from latent weights.
        scale_rates: ``glorot`` or ``power_of_two`` for BNN's larger steps of latent weights; empty for none.
    """

    name: str = "adam"
    learning_rate: float = limited(1e-3, above=0)
    wd: float = limited(0.0, at_least=0)
    arguments: dict = field(default_factory=dict)
    binary: dict = field(default_factory=dict)
    latent_limit: float = limited(1.0, at_least=0)
    center: bool = False
    scale_rates: str = chosen("", ("", "glorot", "power_of_two"))


@dataclass(frozen=True)
class LearningRate:
    """The course of the learning rate, in each stage from its beginning to its end.

    Attributes:
        mode: ``constant``, ``cosine``, ``poly``, ``step`` or ``exponential``.
        end: learning rate at the end of cosine, poly and exponential.
        power: exponent of poly; 1 is a line.
        at: epochs at which step multiplies by the factor.
        factor: factor of step.
        values: learning rates of step after each epoch of ``at``, in place of a factor.
        warmup: epochs of a line from ``warmup_start`` to the learning rate, before all else.
        warmup_start: learning rate at the first update of a warm-up.
    """

    mode: str = chosen("cosine", MODES)
    end: float = 0.0
    power: float = 1.0
    at: list = field(default_factory=list)
    factor: float = 0.1
    values: list = field(default_factory=list)
    warmup: float = limited(0.0, at_least=0)
    warmup_start: float = 0.0

    def check(self, where: str) -> None:
        """Raises ConfigError for values that do not go together."""
        if self.values and len(self.values) != len(self.at):
            raise ConfigError(
                f"{where}.values: expected one for each epoch of at {self.at}, found {self.values}"
            )
        if self.mode == "exponential" and not self.end > 0:
            raise ConfigError(f"{where}.end: expected above 0 with exponential, found {self.end}")


@dataclass(frozen=True)
class Loss:
    """The loss of the labels.

    Attributes:
        name: ``softmax`` (cross-entropy) or ``squared_hinge`` (BNN's).
        label_smoothing: share of a label that is spread over all classes.
        mixup: alpha of the Beta distribution that shares of mixed images are drawn from; 0 for no mixing.
        mixup_off: epochs at the end of a stage without mixing.
        weight: weight of the labels' loss beside a teacher's; 0 leaves labels out.
    """

    name: str = chosen("softmax", LOSSES)
    label_smoothing: float = limited(0.0, at_least=0, at_most=1)
    mixup: float = limited(0.0, at_least=0)
    mixup_off: int = 0
    weight: float = limited(1.0, at_least=0)

    def check(self, where: str) -> None:
        """Raises ConfigError for values that do not go together."""
        for name in ("mixup", "label_smoothing"):
            found = getattr(self, name)
            if found and self.name == "squared_hinge":
                raise ConfigError(
                    f"{where}.{name}: expected 0 with {self.name!r}, found {found}; or take softmax"
                )


@dataclass(frozen=True)
class Teacher:
    """The net to imitate; without a name, a file or a stage there is none.

    Attributes:
        model: name of the net, as `Model.name`.
        arguments: arguments of its constructor.
        pretrained: whether to take GluonCV's weights.
        params: parameter file.
        previous: whether the teacher is the net of the stage before.
        loss: ``distribution`` (ReActNet's), ``distillation`` (Hinton's) or empty for neither.
        temperature: temperature of ``distillation``.
        weight: weight of that loss.
        attention: weight of attention matching at the last features of each size; 0 for none.
    """

    model: str = ""
    arguments: dict = field(default_factory=dict)
    pretrained: bool = False
    params: str = ""
    previous: bool = False
    loss: str = chosen("distribution", ("distribution", "distillation", ""))
    temperature: float = 1.0
    weight: float = 1.0
    attention: float = 0.0


@dataclass(frozen=True)
class Average:
    """Exponential moving average of the weights, which then takes their place in measurements and files.

    Attributes:
        decay: share of the average that stays at an update; 0 for no average.
        batches: training batches from which the batch norms of the average get their statistics.
    """

    decay: float = limited(0.0, at_least=0, below=1)
    batches: int = limited(20, at_least=1)


@dataclass(frozen=True)
class Checkpoints:
    """The times at which the whole state is written.

    Attributes:
        steps: updates from one checkpoint to the next within an epoch; 0 for one after each epoch only.
        keep: number of checkpoints that stay, the newest.
    """

    steps: int = limited(0, at_least=0)
    keep: int = limited(2, at_least=1)


@dataclass(frozen=True)
class Stage:
    """One part of a staged training; starts from the parameters that the one before ended with.

    Attributes:
        name: name in logs and files.
        weights: ``binary`` (as the model has them) or ``identity`` (real numbers).
        activations: ``binary`` (as the model has them), ``identity``, ``hardtanh`` or ``tanh``.
        fresh: whether to start from random parameters instead.
        overrides: sections of the description that are different in this stage.
    """

    name: str = "train"
    weights: str = chosen("binary", WEIGHTS)
    activations: str = chosen("binary", ACTIVATIONS)
    fresh: bool = False
    overrides: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """A training. Sections as their classes; ``schedules`` maps a quantizer's hyper-parameter to a schedule.

    Attributes:
        title: title of the recipe.
        paper: arXiv number, or place of publication.
        notes: departures of the recipe from the paper.
    """

    title: str = ""
    paper: str = ""
    notes: str = ""
    model: Model = field(default_factory=Model)
    data: Data = field(default_factory=Data)
    training: Training = field(default_factory=Training)
    optimizer: Optimizer = field(default_factory=Optimizer)
    learning_rate: LearningRate = field(default_factory=LearningRate)
    loss: Loss = field(default_factory=Loss)
    teacher: Teacher = field(default_factory=Teacher)
    average: Average = field(default_factory=Average)
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    schedules: dict = field(default_factory=dict)
    stages: list = field(default_factory=list)

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], name: str = "config") -> Config:
        """Reads and checks a description.

        Args:
            table: sections; missing ones have their defaults.
            name: name of the description, which begins error messages.

        Raises:
            ConfigError: a name is not known, or a value is of another type or outside its limits.
        """
        config: Config = read(cls, table, name, ": ")
        stages = [_stage(entry, f"{name}: stages[{n}]") for n, entry in enumerate(config.stages)]
        return dataclasses.replace(config, stages=stages)

    def to_dict(self) -> dict[str, Any]:
        """What `from_dict` reads as this description."""
        table = dataclasses.asdict(self)
        table["stages"] = [
            {**{key: value for key, value in stage.items() if key != "overrides"}, **stage["overrides"]}
            for stage in table["stages"]
        ]
        return table

    def of_stage(self, number: int) -> Config:
        """The description of one stage: its own sections over the common ones."""
        table = merge({**self.to_dict(), "stages": []}, self.all_stages[number].overrides)
        return Config.from_dict(table, f"stage {number + 1}")

    @property
    def all_stages(self) -> list[Stage]:
        """The stages; a training without any is one stage."""
        return self.stages or [Stage()]


def _stage(entry: Any, name: str) -> Stage:
    if isinstance(entry, Stage):
        return entry
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{name}: expected a table, found {entry!r}")
    own = {item.name for item in dataclasses.fields(Stage)}
    sections = {item.name for item in dataclasses.fields(Config)} - {"stages", "title", "paper", "notes"}
    require_known(name, entry, (own - {"overrides"}) | sections)
    overrides = {key: value for key, value in entry.items() if key in sections}
    plain = {key: value for key, value in entry.items() if key in own}
    stage: Stage = read(Stage, {**plain, "overrides": overrides}, name)
    return stage
