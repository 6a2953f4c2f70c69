#!/usr/bin/env bash
# Builds the wheel and uses it as a device would: a new environment without MXNet, an empty folder, a packed file.
# Run scripts/environment.sh test first.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
place=build/device
rm -rf dist "$place"
mkdir -p "$place"

echo "bmx: building the wheel"
$python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
$python -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check dist/*.whl

echo "bmx: running a packed file with it"
$python - "$place" <<'PYTHON'
import sys

import numpy as np

import bmx.gluon
import mxnet as mx
from bmx import exporter, runtime
from bmx.gluon import model_zoo

net = model_zoo.get_model("lenet")
net.initialize()
net(mx.nd.zeros((1, 1, 28, 28)))
exporter.export(net, f"{sys.argv[1]}/lenet.bmx", (1, 1, 28, 28))
x = np.random.RandomState(0).standard_normal((4, 1, 28, 28)).astype(np.float32)
np.save(f"{sys.argv[1]}/x.npy", x)
np.save(f"{sys.argv[1]}/expected.npy", runtime.Model(f"{sys.argv[1]}/lenet.bmx")(x))
PYTHON
cd "$place"
venv/bin/bmx --version
venv/bin/bmx run lenet.bmx --input x.npy --output y.npy --top 1
venv/bin/python -m bmx.cli info lenet.bmx
"$(venv/bin/python -c 'import bmx, pathlib; print(pathlib.Path(bmx.__file__).parent / "bin/bmx-run")')" lenet.bmx --input x.npy --output z.npy
venv/bin/python -c "
import importlib.util, numpy as np
assert importlib.util.find_spec('mxnet') is None
for name in ('y.npy', 'z.npy'):
    np.testing.assert_array_equal(np.load(name), np.load('expected.npy'))
print('bmx: the wheel works without MXNet')"
