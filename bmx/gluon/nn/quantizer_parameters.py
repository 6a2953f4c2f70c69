"""The parameters that quantizers learn in the layer that holds them."""

from __future__ import annotations

from typing import Any

from mxnet import gluon, init

from bmx.gluon.arguments import require
from bmx.gluon.nn.config import current_config
from bmx.gluon.nn.quantizers import Quantizer, get_quantizer


def _initializer(value: Any) -> Any:
    return init.Constant(float(value)) if isinstance(value, (int, float)) else value


def declare(layer: gluon.HybridBlock, role: str, count: int, argument: str, quantizer: Quantizer) -> None:
    """Give a layer the parameters that a quantizer learns, as attributes ``ROLE_NAME``."""
    made = {}
    for learned in quantizer.learned:
        fits = count > 0 or not learned.per_channel
        expected = f"for {quantizer!r}, which learns a number for each channel"
        require(f"nn.{type(layer).__name__}", argument, count, fits, expected)
        parameter = layer.params.get(
            f"{role}_{learned.name}",
            shape=(count if learned.per_channel else 1,),
            init=_initializer(learned.init),
            wd_mult=0.0,
            grad_req="write" if learned.trained else "null",
            allow_deferred_init=True,
        )
        setattr(layer, f"{role}_{learned.name}", parameter)
        made[learned.name] = parameter
    quantizer.bind(made)


def replacement(layer: Any, role: str, quantizer: str | Quantizer | None) -> Any:
    """A quantizer that may replace one of a layer; None for None.

    Args:
        layer: the layer that holds the quantizer so far.
        role: ``input`` or ``weight``.
        quantizer: registered name or `Quantizer`.

    Raises:
        ValueError: the quantizer is not known, or learns parameters that the layer does not have.
    """
    if quantizer is None:
        return None
    found = get_quantizer(quantizer, current_config().clip)
    missing = [learned.name for learned in found.learned if not hasattr(layer, f"{role}_{learned.name}")]
    if missing:
        raise ValueError(
            f"bmx.gluon.nn: {layer.name}: expected a quantizer that learns nothing new, found {found!r}, "
            f"which learns {', '.join(missing)}; give it to the constructor of the layer."
        )
    return found


def hand_over(layer: Any, role: str, old: Quantizer | None, new: Quantizer) -> None:
    """Let the next quantizer learn in a layer; parameters that only the old one learned get no gradient.

    Args:
        layer: the layer that holds the quantizers.
        role: ``input`` or ``weight``.
        old: the quantizer so far, if there was one.
        new: the quantizer to come, a `replacement`.
    """
    before = {learned.name: learned for learned in (() if old is None else old.learned)}
    after = {learned.name: learned for learned in new.learned}
    parameters = {name: getattr(layer, f"{role}_{name}") for name in {**before, **after}}
    for name in before.keys() - after.keys():
        parameters[name].grad_req = "null"
    for name in after.keys() - before.keys():
        parameters[name].grad_req = "write" if after[name].trained else "null"
    new.bind({name: parameters[name] for name in after})


def replace_input_quantizer(layer: Any, quantizer: str | Quantizer | None) -> Quantizer:
    """The next quantizer of a layer whose input alone has one; None keeps it."""
    old: Quantizer = layer.input_quantizer
    new: Quantizer | None = replacement(layer, "input", quantizer)
    if new is None:
        return old
    hand_over(layer, "input", old, new)
    return new


def learned_values(
    F: Any,
    quantizer: Quantizer | None,
    prefix: str,
    values: dict[str, Any],
    shape: tuple,
) -> dict[str, Any]:
    """A quantizer's parameters out of those of ``hybrid_forward``, shaped to broadcast."""
    learned = () if quantizer is None else quantizer.learned
    return {item.name: F.reshape(values[prefix + item.name], shape=shape) for item in learned}
