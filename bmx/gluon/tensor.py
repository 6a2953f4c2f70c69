"""The type of what flows through nets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    import mxnet as mx

# An array when a net runs, a symbol when it is recorded.
Tensor = Union["mx.nd.NDArray", "mx.sym.Symbol"]
