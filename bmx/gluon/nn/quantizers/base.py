"""What a quantizer is: codes, their scale, and the parameters that it learns in its layer."""

from __future__ import annotations

import functools
import inspect
import operator
from dataclasses import dataclass
from typing import Any, ClassVar, Iterator, NamedTuple

import numpy as np
from mxnet import gluon

from bmx.gluon import arguments
from bmx.gluon.tensor import Tensor


class Term(NamedTuple):
    """One term of a quantized array: ``codes * scale``.

    Attributes:
        codes: small integers in float32, shape of the quantized array; or real numbers, if it stays real.
        scale: what a code is worth: None for 1, a number, or an array that broadcasts against the quantized
            one. It varies with the sample only (inputs) or with the filter only (weights).
    """

    codes: Tensor
    scale: Tensor | float | None = None


Base = Term  # its former name, for quantizers outside bmx


@dataclass(frozen=True)
class Learned:
    """A parameter that a quantizer brings to its layer.

    Attributes:
        name: name of the keyword by which the quantizer's methods get the value, shaped to broadcast; the
            parameter of the layer is ``input_NAME`` or ``weight_NAME``.
        init: initial value: an initializer, its name, or a number.
        per_channel: whether each channel of the input, or each filter of the weight, has a number of its own.
        trained: whether gradients train it. Otherwise `Quantizer.set` changes it, as schedules do.
    """

    name: str
    init: Any = 0.0
    per_channel: bool = False
    trained: bool = True


class Quantizer:
    """Base class of all quantizers, which map real arrays to codes.

    To add a quantizer, derive from this class or, if the codes are signs, from `SignQuantizer`. Write its
    methods with MXNet's own operators, give the class a docstring with its forward formula, its backward
    formula and its paper, and decorate it with `register`. Constructor arguments have defaults; if a layer
    names the quantizer, those called ``clip`` and ``bits`` come from the config and from the ``bits`` or
    ``input_bits`` of the layer.

    Attributes:
        kind: the values of codes: 'signs' (-1 and +1), 'unsigned' (0 to 2^bits - 1), 'signed' (integers on
            both sides of 0) or 'real' (any number: the array is not quantized).
        bits: bits of a code, 1 to 8; 32 if codes are real.
        method: name of this quantizer in the C++ operators; None if they lack it: then the operator lowering
            quantizes with MXNet's operators and hands the codes to the C++ operator.
        soft: whether codes are real numbers that only tend to signs while training. MXNet's operators then
            multiply them, those of bmx in the inference lowering.
        learned: parameters that the quantizer brings to its layer.
    """

    kind: ClassVar[str] = "signs"
    soft: ClassVar[bool] = False
    bits: int = 1
    method: str | None = None
    learned: tuple[Learned, ...] = ()

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Let quantizers outside bmx keep the former names of `scale` and `terms`: step and bases."""
        super().__init_subclass__(**arguments)
        for name, old in (("scale", "step"), ("terms", "bases")):
            if callable(vars(cls).get(old)) and name not in vars(cls):
                setattr(cls, name, vars(cls)[old])

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """The codes, which pass their gradient to ``x``.

        Args:
            F: ``mx.nd`` or ``mx.sym``.
            x: array or symbol of any shape, float32.
            **learned: values of the parameters in `learned`, shaped to broadcast against ``x``.
        """
        raise NotImplementedError

    def scale(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor | float | None:
        """What a code is worth, see `Term`; takes the arguments of `codes`."""
        return None

    def terms(self, F: Any, x: Tensor, **learned: Tensor) -> list[Term]:
        """The terms whose sum stands for ``x``; one, unless a quantizer says otherwise."""
        return [Term(self.codes(F, x, **learned), self.scale(F, x, **learned))]

    def __call__(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """The quantized array: the sum of codes times scales."""
        terms = (scaled(F, codes, scale) for codes, scale in self.terms(F, x, **learned))
        return functools.reduce(operator.add, terms)

    @property
    def has_scales(self) -> bool:
        """Whether codes may be worth anything but 1: the quantizer overrides `scale` or `terms`."""
        return type(self).scale is not Quantizer.scale or self.has_terms

    @property
    def has_terms(self) -> bool:
        """Whether the quantizer chooses how many terms stand for an array: it overrides `terms`."""
        return type(self).terms is not Quantizer.terms

    def initial(self, values: np.ndarray) -> dict[str, float]:
        """Initial values of the parameters that depend on the quantized values, by name; see `calibrate`."""
        return {}

    def bind(self, parameters: dict[str, gluon.Parameter]) -> None:
        """Remember the parameters that a layer made for this quantizer, by name."""
        bound = self.__dict__.setdefault("_bound", [])
        if parameters not in bound:
            bound.append(parameters)

    def set(self, name: str, value: float) -> None:
        """Set a parameter that is not trained, in all layers of this quantizer.

        Raises:
            KeyError: there is no such parameter.
        """
        if not any(learned.name == name and not learned.trained for learned in self.learned):
            known = [learned.name for learned in self.learned if not learned.trained]
            raise KeyError(
                f"bmx.gluon.nn: expected a hyper-parameter of {self!r}: {', '.join(known) or 'it has none'}; "
                f"found {name!r}."
            )
        for parameters in self.__dict__.get("_bound", []):
            parameters[name].set_data(parameters[name].data() * 0 + value)

    def __repr__(self) -> str:
        """For example ``DetSign(clip=1.0)``."""
        kept = {name: f"_{name}" if f"_{name}" in vars(self) else name for name in arguments_of(type(self))}
        given = {name: getattr(self, where) for name, where in kept.items() if hasattr(self, where)}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def arguments_of(cls: type[Quantizer]) -> dict[str, Any]:
    """The arguments of a quantizer's constructor, with their defaults."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {p.name: p.default for p in parameters if p.kind in named}


def require(quantizer: Quantizer, name: str, value: Any, fits: bool, expected: str) -> None:
    """Raise ValueError unless an argument of a quantizer fits."""
    arguments.require(f"nn.{type(quantizer).__name__}", name, value, fits, expected)


def scaled(F: Any, x: Tensor, scale: Tensor | float | None) -> Tensor:
    """An array times the scale of a `Term`."""
    if scale is None:
        return x
    return x * scale if isinstance(scale, (int, float)) else F.broadcast_mul(x, scale)


def quantizers_of(net: gluon.Block) -> Iterator[Quantizer]:
    """The quantizers of a net, each once, in the order of the layers."""
    seen: set[int] = set()
    for layer in quantized_layers(net):
        for quantizer in layer.quantizers:
            if id(quantizer) not in seen:
                seen.add(id(quantizer))
                yield quantizer


def quantized_layers(block: gluon.Block) -> Iterator[Any]:
    """The layers of a net that have quantizers; the net may be such a layer itself."""
    if getattr(block, "quantizers", ()):
        yield block
    for child in block._children.values():
        yield from quantized_layers(child)
