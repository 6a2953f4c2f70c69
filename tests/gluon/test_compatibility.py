"""Importing bmx.gluon where NumPy is newer than MXNet, and where MXNet is missing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_missing_aliases_are_restored_before_mxnet_is_imported():
    result = run(
        "import numpy as np\n"
        "removed = {'bool', 'int', 'float', 'object', 'complex', 'str'}\n"
        "for name in removed:\n"
        "    np.__dict__.pop(name, None)\n"
        "before = np.__getattr__\n"
        "def getattr_of_numpy(name):\n"
        "    if name in removed: raise AttributeError(name)\n"
        "    return before(name)\n"
        "np.__getattr__ = getattr_of_numpy\n"
        "import bmx.gluon, mxnet as mx\n"
        "assert np.bool is bool and np.float is float\n"
        "print(mx.nd.ones(3).sum().asscalar())"
    )
    assert result.stdout.strip() == "3.0", result.stderr


def test_aliases_that_numpy_has_stay():
    import bmx.gluon.compatibility as compatibility

    before = np.str_
    compatibility.restore_numpy_aliases()
    assert np.str_ is before


def test_missing_mxnet_is_one_sentence():
    result = run("import sys; sys.modules['mxnet'] = None; import bmx.gluon")
    last_line = result.stderr.strip().splitlines()[-1]
    assert last_line == (
        'ImportError: bmx.gluon needs MXNet 1.9.1; install it with: pip install "bmx-gluon[gluon]"'
    )


def test_importing_warns_of_nothing():
    result = run("import warnings; warnings.simplefilter('error'); import bmx.gluon")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
