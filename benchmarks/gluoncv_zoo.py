"""Exports and verifies the classification nets of GluonCV, as they are and after `bmx.gluon.binarize`.

    python benchmarks/gluoncv_zoo.py [NAME ...] [--samples 32] [--json]

Without names: every classification net of `gluoncv.model_zoo` that it builds without a download. Weights
are random, batch norms have random statistics; the input is 64 x 64 where the net can take it (32 for
CIFAR). A net passes if all outputs agree within 1e-3 of the largest one and every top-1 is equal; what cannot
be exported is listed with the reason. Exit status 1 if a net differs.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import bmx
import bmx.gluon  # first: it prepares NumPy for MXNet

# isort: split
import mxnet as mx
import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from gluoncv import model_zoo

FAMILIES = re.compile(
    r"(cifar_)?(wide)?(alexnet|vgg|resnet|resnext|se_res|senet|densenet|squeezenet|inception|mobilenet|xception|"
    r"darknet|googlenet|shufflenet|dla|hrnet|resnest|residualattention)"
)
OTHER_TASKS = re.compile(
    r"ssd|faster|mask|yolo|center|fcn|psp|deeplab|icnet|danet|pose|i3d|c3d|r2plus|slow|siam|ucf|hmdb|kinetics|"
    r"sthsth|monodepth|nasnet|voc|coco|citys|ade|_seg|int8|custom|_s$"
)
TOLERANCE = 1e-3


class Result(NamedTuple):
    """The result of one net: `outcome` is "equal", "differs", "not supported" or "not built"."""

    name: str
    kind: str
    outcome: str
    detail: str
    seconds: float


def names() -> list[str]:
    """Classification nets of GluonCV."""
    every = sorted(model_zoo.model_zoo._models)
    return [name for name in every if FAMILIES.match(name) and not OTHER_TASKS.search(name)]


def input_size(name: str) -> int:
    """Height and width to run a net at."""
    if name.startswith("cifar"):
        return 32
    if "inception" in name:
        return 299
    return (
        224 if re.match(r"alexnet|vgg|squeezenet|densenet|resnest|googlenet|xception|residual", name) else 64
    )


def build(name: str, size: int) -> Any:
    """The net with random weights and statistics."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            net = model_zoo.get_model(name, pretrained=False, pretrained_base=False)
        except Exception:  # not every constructor takes pretrained_base, and they refuse it in different ways
            net = model_zoo.get_model(name, pretrained=False)
    mx.random.seed(0)
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 3, size, size)))
    random = np.random.RandomState(0)
    for key, parameter in net.collect_params().items():
        if key.endswith(("running_var", "gamma")) and parameter.shape:
            parameter.set_data(mx.nd.array(random.uniform(0.7, 1.3, parameter.shape)))
        elif key.endswith(("running_mean", "beta")) and parameter.shape:
            parameter.set_data(mx.nd.array(random.uniform(-0.2, 0.2, parameter.shape)))
    return net


def check(name: str, binary: bool, samples: int) -> Result:
    """Build, binarize, export and verify one net."""
    start = time.perf_counter()
    kind, size = "binary" if binary else "float", input_size(name)

    def result(outcome: str, detail: object) -> Result:
        lines = str(detail).strip().splitlines() or [""]
        text = lines[1].strip() if outcome == "not supported" and len(lines) > 1 else lines[0]
        return Result(name, kind, outcome, text, time.perf_counter() - start)

    try:
        net = build(name, size)
    except Exception as error:  # GluonCV and MXNet raise what they like
        return result("not built", error)
    if binary:
        bmx.gluon.binarize(net, verbose=False)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "net.bmx")
        try:
            bmx.export(net, path, (1, 3, size, size), verify=False)
        except bmx.compiler.UnsupportedError as error:
            return result("not supported", error)
        x = np.random.RandomState(1).standard_normal((samples, 3, size, size)).astype(np.float32)
        report = bmx.verify(net, path, x, tolerance=TOLERANCE, batch_size=8)
    return result("equal" if report.passed else "differs", report)


def main() -> None:
    """Check and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="nets to check instead of all")
    parser.add_argument("--samples", type=int, default=32, help="random inputs for each net")
    parser.add_argument("--kind", choices=["float", "binary"], help="one of the two only")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    options = parser.parse_args()
    kinds = [options.kind == "binary"] if options.kind else [False, True]
    differs = False
    for name in options.names or names():
        for binary in kinds:
            outcome = check(name, binary, options.samples)
            differs |= outcome.outcome == "differs"
            if options.json:
                print(json.dumps(outcome._asdict()), flush=True)
            else:
                words = f"{name:28} {outcome.kind:7} {outcome.outcome:14} {outcome.seconds:6.1f} s"
                print(f"{words}  {outcome.detail}", flush=True)
    sys.exit(1 if differs else 0)


if __name__ == "__main__":
    main()
