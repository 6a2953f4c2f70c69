"""The C++ operators of bmx inside MXNet."""

from __future__ import annotations

from pathlib import Path

PATH = Path(__file__).resolve().parent.parent / "lib" / "libbmx_mxnet.so"


def is_loaded() -> bool:
    """Whether MXNet knows the operators of bmx in this process."""
    import mxnet as mx

    return hasattr(mx.nd, "QConvolution")


def load() -> bool:
    """Load the operator library into MXNet, once per process.

    Returns:
        Whether the operators are there; False if this install was built without them.
    """
    import mxnet as mx

    if not is_loaded() and PATH.exists():
        mx.library.load(str(PATH), verbose=False)
    return is_loaded()


def require() -> None:
    """Require that MXNet knows the operators of bmx.

    Raises:
        RuntimeError: if they are not.
    """
    if not is_loaded():
        raise RuntimeError(
            f"bmx: the operator lowering needs {PATH}, which this install was built without; "
            "reinstall bmx-gluon from source on a machine that has MXNet 1.9.1."
        )
