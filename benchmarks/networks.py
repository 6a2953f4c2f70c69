"""Whole networks side by side: packed by bmx, their float twins in MXNet, and LCE.

    python benchmarks/networks.py [--turns 3] [--only NAME] [--json] [--larq-python PYTHON]

ResNetE-18 and BinaryDenseNet-28 (arXiv 1906.08637) and QuickNet (larq zoo) with random weights at 224 x 224,
one image, one thread; everybody takes turns. The float twin has Conv2D where the net has QConv2D. LCE takes
part if `--larq-python` names a Python with larq and larq-compute-engine: the same nets in Keras, converted,
with the indirect kernel and XNNPACK for their float operators.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable

os.environ["OMP_NUM_THREADS"] = "1"  # before MXNet is loaded

import bmx
import bmx.gluon  # first: it prepares NumPy for MXNet

# isort: split
import mxnet as mx
import numpy as np
from mxnet.gluon import nn

from bmx import runtime
from bmx.gluon.nn import QConv2D

Conv = Callable[..., Any]  # QConv2D, or Conv2D for the float twin


class Residual(nn.HybridBlock):
    """body(x) + shortcut(x)."""

    def __init__(self, body: Any, shortcut: Any = None) -> None:
        super().__init__()
        with self.name_scope():
            self.body, self.shortcut = body, shortcut

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))


class DenseLayer(nn.HybridBlock):
    """concat(x, body(x))."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        with self.name_scope():
            self.body = body

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.concat(x, self.body(x), dim=1)


def sequence(*blocks: Any) -> Any:
    """Blocks one after the other."""
    net = nn.HybridSequential()
    net.add(*blocks)
    return net


def conv(channels: int, kernel: int, strides: int = 1, groups: int = 1) -> Any:
    """A real convolution that keeps the size, or divides it by the stride."""
    return nn.Conv2D(channels, kernel, strides, kernel // 2, groups=groups, use_bias=False)


def stem() -> list[Any]:
    """From an image to 64 x 56 x 56."""
    return [conv(64, 7, 2), nn.BatchNorm(), nn.Activation("relu"), nn.MaxPool2D(3, 2, 1)]


def head() -> list[Any]:
    """From feature maps to 1,000 classes."""
    return [nn.Activation("relu"), nn.GlobalAvgPool2D(), nn.Flatten(), nn.Dense(1000)]


def resnet_e18(binary: Conv) -> Any:
    """ResNetE-18: a shortcut around every convolution."""
    blocks = [*stem(), nn.BatchNorm()]
    for stage, channels in enumerate((64, 128, 256, 512)):
        for block in range(4):
            strides = 2 if stage > 0 and block == 0 else 1
            shortcut = None
            if strides == 2:
                shortcut = sequence(nn.AvgPool2D(2, 2), conv(channels, 1), nn.BatchNorm())
            layer = binary(channels, 3, strides, 1, use_bias=False)
            blocks.append(Residual(sequence(layer, nn.BatchNorm()), shortcut))
    return sequence(*blocks, *head())


def binary_densenet28(binary: Conv) -> Any:
    """BinaryDenseNet-28: every layer adds 64 channels."""
    blocks, stages = stem(), (6, 6, 6, 5)
    for layers, reduced in zip(stages, (160, 192, 256, None)):
        for _ in range(layers):
            layer = binary(64, 3, 1, 1, use_bias=False)
            blocks.append(DenseLayer(sequence(nn.BatchNorm(), layer)))
        blocks.append(nn.BatchNorm())
        if reduced is not None:
            blocks += [nn.MaxPool2D(2, 2), nn.Activation("relu"), conv(reduced, 1)]
    return sequence(*blocks, *head())


def quicknet(binary: Conv) -> Any:
    """QuickNet: residual layers, blurred transitions."""
    blocks = [conv(16, 3, 2), nn.BatchNorm(), nn.Activation("relu")]
    blocks += [conv(16, 3, 2, 16), nn.BatchNorm(), conv(64, 1), nn.BatchNorm()]
    before = 64
    for channels in (64, 128, 256, 512):
        if channels != before:
            blocks += [nn.Activation("relu"), nn.MaxPool2D(2, 1), conv(before, 3, 2, before)]
            blocks += [conv(channels, 1), nn.BatchNorm()]
        for _ in range(4):
            layer = binary(channels, 3, 1, 1, use_bias=False)
            blocks.append(Residual(sequence(layer, nn.Activation("relu"), nn.BatchNorm())))
        before = channels
    return sequence(*blocks, *head())


NETWORKS = {"resnet_e18": resnet_e18, "binary_densenet28": binary_densenet28, "quicknet": quicknet}
SHAPE = (1, 3, 224, 224)

LCE = """
import json, sys, time
import larq as lq, larq_compute_engine as lce, numpy as np, tensorflow as tf
from larq_compute_engine.tflite.python.interpreter import Interpreter

keras = tf.keras
L = keras.layers

def conv(x, channels, kernel, strides=1):
    return L.Conv2D(channels, kernel, strides, padding="same", use_bias=False)(x)

def binary(x, channels, strides=1):
    return lq.layers.QuantConv2D(channels, 3, strides, padding="same", pad_values=1.0, use_bias=False,
                                 input_quantizer="ste_sign", kernel_quantizer="ste_sign")(x)

def bn(x):
    return L.BatchNormalization()(x)

def stem(x):
    return L.MaxPool2D(3, 2, padding="same")(L.ReLU()(bn(conv(x, 64, 7, 2))))

def head(x):
    return L.Dense(1000)(L.GlobalAvgPool2D()(L.ReLU()(x)))

def resnet_e18(x):
    x = bn(stem(x))
    for stage, channels in enumerate((64, 128, 256, 512)):
        for block in range(4):
            strides = 2 if stage and not block else 1
            shortcut = bn(conv(L.AvgPool2D(2, 2)(x), channels, 1)) if strides == 2 else x
            x = L.Add()([bn(binary(x, channels, strides)), shortcut])
    return head(x)

def binary_densenet28(x):
    x = stem(x)
    for layers, reduced in zip((6, 6, 6, 5), (160, 192, 256, None)):
        for _ in range(layers):
            x = L.Concatenate()([x, binary(bn(x), 64)])
        x = bn(x)
        if reduced:
            x = conv(L.ReLU()(L.MaxPool2D(2, 2)(x)), reduced, 1)
    return head(x)

def quicknet(x):
    x = L.ReLU()(bn(conv(x, 16, 3, 2)))
    x = bn(L.DepthwiseConv2D(3, 2, padding="same", use_bias=False)(x))
    x = bn(conv(x, 64, 1))
    before = 64
    for channels in (64, 128, 256, 512):
        if channels != before:
            x = L.MaxPool2D(2, 1, padding="same")(L.ReLU()(x))
            x = L.DepthwiseConv2D(3, 2, padding="same", use_bias=False)(x)
            x = bn(conv(x, channels, 1))
        for _ in range(4):
            x = L.Add()([bn(L.ReLU()(binary(x, channels))), x])
        before = channels
    return head(x)

def milliseconds(name):
    x = keras.Input((224, 224, 3))
    flat = lce.convert_keras_model(keras.Model(x, globals()[name](x)))
    run = Interpreter(flat, num_threads=1, use_indirect_bgemm=True, use_xnnpack=True)
    data = np.random.uniform(-1, 1, (1, 224, 224, 3)).astype(np.float32)
    run.predict(data)
    best = 1e9
    for _ in range(30):
        start = time.perf_counter()
        run.predict(data)
        best = min(best, time.perf_counter() - start)
    return 1e3 * best

print(json.dumps({name: milliseconds(name) for name in json.loads(sys.argv[1])}))
"""


def randomize(net: Any) -> None:
    """Random weights, and batch norms that do something; one run fixes the shapes."""
    mx.random.seed(0)
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros(SHAPE))
    random = np.random.RandomState(0)
    for name, parameter in net.collect_params().items():
        if "running_var" in name or name.endswith("gamma"):
            parameter.set_data(mx.nd.array(random.uniform(0.5, 1.5, parameter.shape)))
        elif "running_mean" in name or name.endswith("beta"):
            parameter.set_data(mx.nd.array(random.uniform(-0.5, 0.5, parameter.shape)))


def best_of(run: Callable[[], Any], times: int = 20) -> float:
    """Milliseconds of the fastest of several runs."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return 1e3 * best


class Contenders:
    """One network, ready to run everywhere."""

    def __init__(self, name: str) -> None:
        net, self.twin = NETWORKS[name](QConv2D), NETWORKS[name](nn.Conv2D)
        randomize(net)
        randomize(self.twin)
        self.twin.hybridize(static_alloc=True, static_shape=True)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.bmx"
            bmx.export(net, str(path), SHAPE, verify=False)
            content = path.read_bytes()
        self.file_bytes = len(content)
        self.x = np.random.RandomState(1).standard_normal(SHAPE).astype(np.float32)
        self.sessions = {
            isa: runtime.Model(content, isa).session() for isa in runtime.isas() if isa != "scalar"
        }

    def measure(self) -> dict[str, float]:
        """Milliseconds by contender."""
        x = mx.nd.array(self.x)
        times = {isa: best_of(lambda s=session: s.run(self.x)) for isa, session in self.sessions.items()}
        times["mxnet float twin"] = best_of(lambda: self.twin(x).wait_to_read())
        return times


def run_lce(python: str, names: list[str]) -> dict[str, float]:
    """Milliseconds of the networks in LCE."""
    output = subprocess.run(
        [python, "-c", LCE, json.dumps(names)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ).stdout
    times: dict[str, float] = json.loads(output.splitlines()[-1])
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=3, help="rounds in which everybody is measured once")
    parser.add_argument("--only", choices=list(NETWORKS), help="one network")
    parser.add_argument("--larq-python", help="a Python with larq and larq-compute-engine")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    names = [options.only] if options.only else list(NETWORKS)
    contenders = {name: Contenders(name) for name in names}
    best: dict[str, dict[str, float]] = {name: {} for name in names}
    for _ in range(options.turns):
        measured = {name: contenders[name].measure() for name in names}
        if options.larq_python:
            for name, milliseconds in run_lce(options.larq_python, names).items():
                measured[name]["lce"] = milliseconds
        for name, times in measured.items():
            for who, milliseconds in times.items():
                best[name][who] = min(milliseconds, best[name].get(who, float("inf")))
    if options.json:
        json.dump(best, sys.stdout)
        return
    for name, times in best.items():
        fastest = min(times[isa] for isa in contenders[name].sessions)
        print(f"{name} ({contenders[name].file_bytes / 2**20:.2f} MiB)")
        for who, milliseconds in times.items():
            print(f"    {who:18} {milliseconds:8.3f} ms  {milliseconds / fastest:6.2f}x")


if __name__ == "__main__":
    main()
