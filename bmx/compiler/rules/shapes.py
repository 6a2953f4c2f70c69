"""Operators that move elements, and those that do nothing at inference."""

from __future__ import annotations

from bmx.compiler.attributes import Attributes
from bmx.compiler.rules.base import Builder, Emit, flat, rule


def _emit_flatten(build: Builder, name: str, x: str) -> str:
    return flat(build, name, x, flatten=True)


@rule("Flatten", "flatten", becomes="`flatten`")
def _flatten(attrs: Attributes) -> Emit:
    return _emit_flatten


@rule("Reshape", "reshape", becomes="`flatten`", limits="only `shape=(0, -1)`")
def _reshape(attrs: Attributes) -> Emit:
    attrs.choice("shape", "", ("(0, -1)", "(0,-1)"))
    attrs.choice("reverse", "False", ("False",))
    attrs.ignore("keep_highest", "target_shape")
    return _emit_flatten


@rule("Dropout", becomes="nothing", limits="`mode` training")
def _dropout(attrs: Attributes) -> Emit:
    attrs.ignore("p", "axes", "cudnn_off")
    attrs.choice("mode", "training", ("training",))
    return _emit_identity


@rule("identity", "_copy", "BlockGrad", becomes="nothing")
def _identity(attrs: Attributes) -> Emit:
    return _emit_identity


def _emit_identity(build: Builder, name: str, x: str) -> str:
    return build.add(name, "identity", x)
