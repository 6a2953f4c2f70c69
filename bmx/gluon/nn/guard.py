"""A shield between the C++ operators' gradients and MXNet's way of adding gradients up."""

from __future__ import annotations

import itertools
from typing import Any

from mxnet import symbol

from bmx.gluon.tensor import Tensor

_numbers = itertools.count()


def guard(F: Any, x: Tensor) -> Tensor:
    """Identity that must stand in front of every input of a C++ operator.

    MXNet asks operators to add into a gradient (``grad_req='add'``, or a value with many consumers in a
    static graph), but does not pass that request on to library operators, whose gradient would replace what
    is there. With MXNet's own identity in front, the identity does the adding.

    MXNet merges equal expressions of a hybridized graph, also two identities of one value, and one identity
    with many consumers would be back at the start. The number in the attribute makes each identity different.
    """
    if isinstance(x, symbol.Symbol):
        return F.identity(x, attr={"__bmx_guard__": str(next(_numbers))})
    return F.identity(x)
