"""Ranges and choices of a description's values, which no type tells."""

from __future__ import annotations

from typing import Any, Union

from bmx.training.reading import ConfigError, choice

PRECISIONS = ("binary", "identity", "hardtanh", "tanh")
LOSSES = ("softmax", "squared_hinge")
MODES = ("constant", "cosine", "poly", "step", "exponential")
KVSTORES = ("local", "device", "dist_sync", "dist_device_sync", "dist_async")


Number = Union[int, float]


def check(config: Any, name: str) -> None:
    """Raises ConfigError for a value of a `bmx.training.config.Config` that makes no sense."""
    training, data, optimizer = config.training, config.data, config.optimizer
    rate, loss, average = config.learning_rate, config.loss, config.average
    choice(f"{name}: loss.name", loss.name, LOSSES)
    choice(f"{name}: learning_rate.mode", rate.mode, MODES)
    choice(f"{name}: training.kvstore", training.kvstore, KVSTORES)
    choice(f"{name}: teacher.loss", config.teacher.loss, ("distribution", "distillation", ""))
    choice(f"{name}: optimizer.scale_rates", optimizer.scale_rates, ("", "glorot", "power_of_two"))
    at_least: list[tuple[str, Number, Number]] = [
        ("training.epochs", training.epochs, 1),
        ("training.steps", training.steps, 0),
        ("training.accumulate", training.accumulate, 1),
        ("training.clip_norm", training.clip_norm, 0),
        ("training.validate_every", training.validate_every, 1),
        ("data.batch_size", data.batch_size, 1),
        ("data.train_limit", data.train_limit, 0),
        ("data.test_limit", data.test_limit, 0),
        ("data.size", data.size, 1),
        ("data.processes", data.processes, 0),
        ("optimizer.wd", optimizer.wd, 0),
        ("optimizer.latent_limit", optimizer.latent_limit, 0),
        ("learning_rate.warmup", rate.warmup, 0),
        ("model.clip_threshold", config.model.clip_threshold, 0),
        ("loss.mixup", loss.mixup, 0),
        ("loss.weight", loss.weight, 0),
        ("average.batches", average.batches, 1),
        ("checkpoints.steps", config.checkpoints.steps, 0),
        ("checkpoints.keep", config.checkpoints.keep, 1),
    ]
    for key, value, least in at_least:
        if not value >= least:
            raise ConfigError(f"{name}: {key}: expected at least {least}, found {value}")
    if not optimizer.learning_rate > 0:
        raise ConfigError(
            f"{name}: optimizer.learning_rate: expected above 0, found {optimizer.learning_rate}"
        )
    if not 0 <= average.decay < 1:
        raise ConfigError(f"{name}: average.decay: expected from 0 to below 1, found {average.decay}")
    if not 0 <= loss.label_smoothing <= 1:
        raise ConfigError(f"{name}: loss.label_smoothing: expected 0 to 1, found {loss.label_smoothing}")
    if rate.values and len(rate.values) != len(rate.at):
        raise ConfigError(
            f"{name}: learning_rate.values: expected one for each epoch of at {rate.at}, found {rate.values}"
        )
    if rate.mode == "exponential" and not rate.end > 0:
        raise ConfigError(f"{name}: learning_rate.end: expected above 0 with exponential, found {rate.end}")
    if loss.mixup and loss.name == "squared_hinge":
        raise ConfigError(f"{name}: loss.mixup goes with softmax, found loss.name 'squared_hinge'")
    if loss.label_smoothing and loss.name == "squared_hinge":
        raise ConfigError(f"{name}: loss.label_smoothing goes with softmax, found 'squared_hinge'")
