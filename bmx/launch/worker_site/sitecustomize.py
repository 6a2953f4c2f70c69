"""Python runs this first in every worker: a worker has to end as the launcher and the other workers need it.

By default an MXNet worker waits at its end until all workers have ended, and stops the servers then. If it
failed, the others wait for its gradients meanwhile, for ever, and nobody notices. Here no worker waits for
that; the launcher stops the servers.

MXNet also drops at its end what it has not done yet. Gradients that a worker has not sent then, because it
never asked for what comes of them, are waited for by the others, for ever. Here a worker sends them first.
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
    """Finds the module as usual, and changes it once it is loaded."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """As an entry of sys.meta_path is called."""
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
            # Before what MXNet has registered when it was imported, which drops the rest.
            atexit.register(module._LIB.MXNDArrayWaitAll)

    module.KVStore.__init__ = init


def _run_the_one_behind() -> None:
    """Runs the sitecustomize that would have been found without this one."""
    rest = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if os.environ.get("DMLC_ROLE") == "worker":
    sys.meta_path.insert(0, _Finder)
_run_the_one_behind()
