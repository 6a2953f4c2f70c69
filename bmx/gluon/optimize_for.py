"""What ``net.optimize_for(x, backend="bmx")`` needs before MXNet calls the graph pass 'bmx'."""

from __future__ import annotations

import functools
from typing import Any


def install() -> None:
    """Extend ``HybridBlock.optimize_for`` by the backend 'bmx'; other backends work as before.

    The pass packs the C++ operators, but nets usually train in the native lowering, and a hybridized net
    keeps the graph of its first call. MXNet does not tell the layers which backend they are recorded for, so
    only this function can record the net anew in the operator lowering.
    """
    from mxnet.gluon import SymbolBlock
    from mxnet.gluon.block import HybridBlock

    original = HybridBlock.optimize_for

    @functools.wraps(original)
    def optimize_for(
        self: Any, x: Any, *args: Any, backend: str | None = None, clear: bool = False, **options: Any
    ) -> None:
        if backend != "bmx":
            original(self, x, *args, backend=backend, clear=clear, **options)
            return
        from bmx.gluon.nn.lowerings import lowering

        # A SymbolBlock has no layers to record, and loses its packed weights with the rest.
        clear = clear or not isinstance(self, SymbolBlock)
        try:
            with lowering("inference"):
                original(self, x, *args, backend=backend, clear=clear, **options)
        except Exception:
            # A refused net stays as it was; otherwise it would ask for the pass at every call.
            self._backend, self._backend_opts = None, {}
            self._clear_cached_op()
            raise

    HybridBlock.optimize_for = optimize_for  # type: ignore[method-assign]
