"""What a training is: one frozen description with defaults, read from dicts as TOML files give them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Mapping

from bmx.training.ranges import PRECISIONS, check
from bmx.training.reading import ConfigError, choice, merge, read, require_known


@dataclass(frozen=True)
class Model:
    """The net.

    Attributes:
        name: a zoo model, ``gluoncv:NAME``, ``binarized:NAME`` (a GluonCV net made binary) or
            ``module:function``.
        arguments: of its constructor; the number of classes comes from the data.
        layers: what `bmx.gluon.nn.defaults` takes: for binary layers that are not told otherwise.
        initializer: name and arguments of an MXNet initializer.
        params: parameter file to start from; empty for a start from random numbers.
        clip_threshold: signs of activations pass gradients where |x| is at most this; 0 for the model's own.
    """

    name: str = ""
    arguments: dict = field(default_factory=dict)
    layers: dict = field(default_factory=dict)
    initializer: dict = field(default_factory=lambda: {"name": "xavier"})
    params: str = ""
    clip_threshold: float = 0.0


@dataclass(frozen=True)
class Data:
    """What it learns.

    Attributes:
        name: of a data set of `bmx data`; ``imagenet``: any images on disk, in RecordIO files or folders; or
            ``random``: noise, which shows that a training runs and how fast.
        root: its folder; empty for the usual place.
        batch_size: images of one pass forward and backward, on each machine.
        augmentation: a name that `bmx.gluon.data.get_augmentation` knows.
        scaling: ``standardized`` (data set's mean and standard deviation), ``unit`` (0 to 1) or ``symmetric``
            (-1 to 1).
        train_limit: number of training images that are used; 0 for all.
        test_limit: of held-out ones.
        size: height and width that images of ``imagenet`` are cut to.
        processes: that read and augment images of ``imagenet``; 0 for none but this one.
        shape: of an image of ``random``: height, width, channels.
        classes: of ``random``.
    """

    name: str = ""
    root: str = ""
    batch_size: int = 128
    augmentation: str = "none"
    scaling: str = "standardized"
    train_limit: int = 0
    test_limit: int = 0
    size: int = 224
    processes: int = 2
    shape: list = field(default_factory=lambda: [32, 32, 3])
    classes: int = 10


@dataclass(frozen=True)
class Training:
    """How long, and what surrounds it.

    Attributes:
        epochs: passes over the data, in each stage.
        steps: a stage ends after so many updates; 0 for no such limit.
        seed: of all random numbers.
        accumulate: passes forward and backward whose gradients make one update.
        clip_norm: the gradient of all parameters together is scaled down to this length; 0 for no limit.
        kvstore: ``local``, or one of MXNet's for several machines.
        validate_every: epochs from one measurement on held-out images to the next.
    """

    epochs: int = 1
    steps: int = 0
    seed: int = 0
    accumulate: int = 1
    clip_norm: float = 0.0
    kvstore: str = "local"
    validate_every: int = 1


@dataclass(frozen=True)
class Optimizer:
    """Who updates the parameters.

    Attributes:
        name: of an optimizer of MXNet or bmx: ``adam``, ``radam``, ``sgd``, ``nag``, ...
        learning_rate: at the start, behind the warm-up.
        wd: weight decay; binary layers take none of it.
        arguments: further ones of the optimizer.
        binary: name and arguments of another one for latent weights; empty for the same one.
        latent_limit: latent weights are clipped to [-limit, limit] after each update; 0 for no limit.
        center: whether the mean over input channels is subtracted from latent weights.
        scale_rates: ``glorot`` or ``power_of_two``: BNN's larger steps for latent weights; empty for none.
    """

    name: str = "adam"
    learning_rate: float = 1e-3
    wd: float = 0.0
    arguments: dict = field(default_factory=dict)
    binary: dict = field(default_factory=dict)
    latent_limit: float = 1.0
    center: bool = False
    scale_rates: str = ""


@dataclass(frozen=True)
class LearningRate:
    """How the learning rate changes, in each stage from its beginning to its end.

    Attributes:
        mode: ``constant``, ``cosine``, ``poly``, ``step`` or ``exponential``.
        end: learning rate at the end, of cosine, poly and exponential.
        power: of poly; 1 is a line.
        at: epochs at which step multiplies by the factor.
        factor: of step.
        values: of step: the learning rate behind each epoch of ``at``, in place of a factor.
        warmup: epochs of a line from ``warmup_start`` to the learning rate, before all else.
        warmup_start: learning rate at the first update of a warm-up.
    """

    mode: str = "cosine"
    end: float = 0.0
    power: float = 1.0
    at: list = field(default_factory=list)
    factor: float = 0.1
    values: list = field(default_factory=list)
    warmup: float = 0.0
    warmup_start: float = 0.0


@dataclass(frozen=True)
class Loss:
    """What is to be small.

    Attributes:
        name: ``softmax`` (cross-entropy) or ``squared_hinge`` (BNN's).
        label_smoothing: share of a label that is spread over all classes.
        mixup: alpha of the Beta distribution that shares of mixed images are drawn from; 0 for no mixing.
        mixup_off: epochs at the end of a stage without mixing.
        weight: of the labels' loss beside a teacher's; 0 leaves labels out.
    """

    name: str = "softmax"
    label_smoothing: float = 0.0
    mixup: float = 0.0
    mixup_off: int = 0
    weight: float = 1.0


@dataclass(frozen=True)
class Teacher:
    """The net that is imitated; without a name, a file or a stage there is none.

    Attributes:
        model: as `Model.name`.
        arguments: of its constructor.
        pretrained: take GluonCV's weights.
        params: parameter file.
        previous: the teacher is the net of the stage before.
        loss: ``distribution`` (ReActNet's), ``distillation`` (Hinton's) or empty for neither.
        temperature: of ``distillation``.
        weight: of that loss.
        attention: weight of attention matching at the last features of each size; 0 for none.
    """

    model: str = ""
    arguments: dict = field(default_factory=dict)
    pretrained: bool = False
    params: str = ""
    previous: bool = False
    loss: str = "distribution"
    temperature: float = 1.0
    weight: float = 1.0
    attention: float = 0.0


@dataclass(frozen=True)
class Average:
    """Exponential moving average of the weights, which is then what is measured and kept.

    Attributes:
        decay: share of the average that stays at an update; 0 for no average.
        batches: training batches from which the batch norms of the average get their statistics.
    """

    decay: float = 0.0
    batches: int = 20


@dataclass(frozen=True)
class Checkpoints:
    """When the whole state is written.

    Attributes:
        steps: updates from one checkpoint to the next within an epoch; 0 for one after each epoch only.
        keep: the last so many stay.
    """

    steps: int = 0
    keep: int = 2


@dataclass(frozen=True)
class Stage:
    """One part of a staged training; starts from the parameters that the one before ended with.

    Attributes:
        name: for logs and files.
        weights: ``binary`` (as the model has them) or ``identity`` (real numbers).
        activations: ``binary`` (as the model has them), ``identity``, ``hardtanh`` or ``tanh``.
        fresh: start from random parameters instead.
        overrides: sections of the description that are different in this stage.
    """

    name: str = "train"
    weights: str = "binary"
    activations: str = "binary"
    fresh: bool = False
    overrides: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """A training. Sections as their classes; ``schedules`` maps a quantizer's hyper-parameter to a schedule.

    Attributes:
        title: of the recipe.
        paper: arXiv number, or where it was published.
        notes: where the recipe departs from the paper.
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
            table: sections; those that are missing have their defaults.
            name: stands in front of error messages.

        Raises:
            ConfigError: a name is not known, or a value is of another type or out of its range.
        """
        config: Config = read(cls, table, name, ": ")
        stages = [_stage(entry, f"{name}: stages[{n}]") for n, entry in enumerate(config.stages)]
        config = dataclasses.replace(config, stages=stages)
        check(config, name)
        return config

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
    choice(f"{name}.weights", stage.weights, PRECISIONS[:2])
    choice(f"{name}.activations", stage.activations, PRECISIONS)
    return stage
