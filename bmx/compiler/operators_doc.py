"""Writes docs/operators.md: ``python -m bmx.compiler.operators_doc > docs/operators.md``."""

from __future__ import annotations

from bmx.compiler.frontend.converters import CONVERTERS
from bmx.compiler.ir.ops import OPERATORS

_INTRODUCTION = """\
# Operators that bmx compiles

`bmx.export` accepts nets of the operators below and lists every other one in its error, with the
attributes that are not supported. This page is written from the compiler's registries: `python -m
bmx.compiler.operators_doc`.

A net has inputs of shape (batch, channels, height, width) or (batch, features), and outputs with real
values; any number of both. Parameters are float32. Layers run as at inference.

What depends on parameters only, as a quantizer of weights does, may be made of any operators of MXNet: it is
computed when the net is packed. Gradients and noise of quantizers that were recorded while training go:
`BlockGrad(A) + (G - BlockGrad(G))` is A.

Operators that read real values take the bits of a sign as -1 and +1.

## From MXNet to bmx

Gluon layers become these operators of MXNet when a net is recorded; layers of bmx, those with a Q.

| MXNet operator | bmx operator | supported |
|---|---|---|
"""

_OPERATORS = """
## Operators of bmx

docs/format.md specifies those in the file. The others live only inside the compiler, until a pass
replaces them.

| operator | reads | in the file | meaning |
|---|---|---|---|
"""

_ADVICE = """
## When a net is not supported

- A layer of your own: write it with operators of this page, or replace it before exporting.
- `input_quantizer=None` with a `pad_value` other than 0 needs bits: put a `QActivation` before the layer
  (max pooling, flatten and dropout may stand between), or leave the input quantizer on.
- `round` is for codes: `F.round(F.clip(y, 0, 2**bits - 1))` with 1 to 8 bits.

## GluonCV's classification nets

These families export and verify, as they are and after `bmx.gluon.binarize`; `python
benchmarks/gluoncv_zoo.py [NAME ...]` repeats it: alexnet, vgg, resnet v1 (b, c, d, e, s too) and v2, their
CIFAR variants, wideresnet, resnext, se_resnet, se_resnext, densenet, squeezenet, googlenet, inceptionv3,
mobilenet v1, v2, v3, xception, shufflenet v1 and v2, darknet53, dla34, hrnet, resnest.

What does not, and why:

- residualattentionnet: `uses _contrib_BilinearResize2D(height=16, width=16): bmx has no such operator`
- resnet50_v1b_gn, resnet101_v1b_gn: MXNet 1.9.1 cannot record GluonCV's group norm: `cannot be recorded as a
  graph (MXNetError: Invalid Parameter format for keep_highest ...)`
"""


def operators_markdown() -> str:
    """The text of docs/operators.md."""
    mxnet = [
        f"| `{name}` | {each.becomes} | {each.limits or 'everything'} |" for name, each in CONVERTERS.items()
    ]
    operators = [
        f"| `{name}` | {', '.join(op.reads)} | {'yes' if op.in_file else 'no'} | {_summary(op.__doc__)} |"
        for name, op in OPERATORS.items()
    ]
    return _INTRODUCTION + "\n".join(mxnet) + "\n" + _OPERATORS + "\n".join(operators) + "\n" + _ADVICE


def _summary(docstring: str | None) -> str:
    return (docstring or "").strip().splitlines()[0]


if __name__ == "__main__":
    print(operators_markdown(), end="")
