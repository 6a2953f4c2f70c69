"""The Trainer of a description: its optimizer, that of latent weights, and the bounds of these."""

from __future__ import annotations

from typing import Any

from mxnet import gluon

from bmx.gluon.optimizer import (
    BinaryTrainer,
    center_latent_weights,
    is_binary,
    scale_learning_rates,
)
from bmx.training.reading import ConfigError
from bmx.training.schema import Optimizer


def parameters(net: gluon.Block) -> list[gluon.Parameter]:
    """A net's parameters in the order of their places in it, shared ones once.

    A Trainer numbers the parameters of a dict in the order of their names, which hold counters of the process
    (``conv9_weight`` comes after ``conv10_weight``): states of a checkpoint would meet other parameters.
    """
    return list({id(p): p for p in net._collect_params_with_prefix().values()}.values())


def make_trainer(net: gluon.Block, optimizer: Optimizer, kvstore: Any = None) -> gluon.Trainer:
    """Makes the Trainer of a net whose parameters have their shapes.

    Args:
        net: initialized net.
        optimizer: description of the optimizer.
        kvstore: key-value store of several machines; None for this one alone.

    Raises:
        ConfigError: the optimizer or one of its arguments is not known.
    """
    params = parameters(net)
    latent = any(map(is_binary, params))
    if optimizer.scale_rates:
        scale_learning_rates(params, power_of_two=optimizer.scale_rates == "power_of_two")
    if optimizer.center:
        center_latent_weights(params)
    split: dict[Any, Any] = {is_binary: _binary(optimizer)} if optimizer.binary and latent else {}
    arguments = {**optimizer.arguments, "learning_rate": optimizer.learning_rate, "wd": optimizer.wd}
    try:
        return BinaryTrainer(
            params,
            optimizer.name,
            arguments,
            kvstore="device" if kvstore is None else kvstore,
            split=split,
            limit=optimizer.latent_limit or None,
            center=optimizer.center,
        )
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"optimizer: {optimizer.name} {arguments} cannot be made: {reason}") from None


def _binary(optimizer: Optimizer) -> tuple[str, dict[str, Any]]:
    arguments = dict(optimizer.binary)
    name = arguments.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError(f"optimizer.binary: expected the name of an optimizer, found {optimizer.binary!r}")
    return name, arguments
