"""Python runs this first in every worker, so that a worker ends as the launcher and the others need it.

By default an MXNet worker waits at its end until all workers have ended, and then stops the servers. A worker
that failed would wait like this while the others wait for its gradients, forever, and nobody would notice.
Here no worker waits at its end; the launcher stops the servers.

At its end MXNet also drops the work that it has not done yet. If gradients are among it, because the worker
never asked for a result of them, the others wait for these gradients forever. Here a worker sends them first.
"""

from __future__ import annotations

import atexit
import importlib.machinery
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

_MODULE = "mxnet.kvstore.kvstore"
_HERE = os.path.dirname(os.path.abspath(__file__))


class _Finder:
    """Finds MXNet's kvstore module as usual, and changes it once it is loaded."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The spec of the module; None for all others. Entries of sys.meta_path have this method."""
        if name != _MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_change(module: ModuleType) -> None:
                load(module)
                _change(module)

            spec.loader.exec_module = load_and_change  # type: ignore[method-assign]
        return spec


def _change(module: Any) -> None:
    make = module.KVStore.__init__

    def init(store: Any, *arguments: Any, **keywords: Any) -> None:
        make(store, *arguments, **keywords)
        if "dist" in store.type:
            module.check_call(module._LIB.MXKVStoreSetBarrierBeforeExit(store.handle, 0))
            # Runs before what MXNet registered on import, which drops the rest.
            atexit.register(module._LIB.MXNDArrayWaitAll)

    module.KVStore.__init__ = init


def _run_the_next() -> None:
    """Runs the sitecustomize that Python would have found without this one."""
    rest = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if os.environ.get("DMLC_ROLE") == "worker":
    sys.meta_path.insert(0, _Finder)
_run_the_next()
