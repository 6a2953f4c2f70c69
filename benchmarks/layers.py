"""Single layers side by side: bmx on every instruction set, MXNet's float convolution (oneDNN), and LCE.

    python benchmarks/layers.py [--turns 3] [--json] [--bench PATH] [--larq-python PYTHON]

All use one thread and a batch of one and take turns, so that a busy machine slows all of them alike:
compare the ratios. bmx's times include scale and shift to float32. LCE takes part if `--larq-python` names a
Python that has larq and larq-compute-engine; its converted models then run with the indirect kernel, and the
time of a layer is the difference of a model with two of them (and a batch norm) and a model with one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

os.environ["OMP_NUM_THREADS"] = "1"  # before MXNet is loaded

import bmx.gluon  # first: it prepares NumPy for MXNet

# isort: split
import mxnet as mx

from bmx import _core


class Layer(NamedTuple):
    """kernel x kernel convolution of size x size x inputs to outputs channels, padding kernel // 2."""

    name: str
    kernel: int
    stride: int
    size: int
    inputs: int
    outputs: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        out = (self.size + 2 * (self.kernel // 2) - self.kernel) // self.stride + 1
        return out * out * self.outputs * self.kernel**2 * self.inputs


def binary(kernel: int, size: int, channels: int) -> Layer:
    """A binary layer with as many outputs as inputs."""
    return Layer(f"conv{kernel}x{kernel}_{size}x{size}x{channels}", kernel, 1, size, channels, channels)


BINARY = [binary(3, 56, 64), binary(3, 28, 128), binary(3, 14, 256), binary(3, 7, 512), binary(1, 14, 512)]
FLOAT = [
    Layer("f32conv7x7s2_224x224x3", 7, 2, 224, 3, 64),
    Layer("f32conv3x3s2_224x224x3", 3, 2, 224, 3, 32),
    *[layer._replace(name="f32" + layer.name) for layer in BINARY[:4]],
    Layer("f32conv1x1s2_56x56x64_to128", 1, 2, 56, 64, 128),
    Layer("f32conv1x1s2_28x28x128_to256", 1, 2, 28, 128, 256),
    Layer("f32conv1x1s2_14x14x256_to512", 1, 2, 14, 256, 512),
    Layer("f32conv1x1_14x14x256", 1, 1, 14, 256, 256),
]

LCE = """
import json, sys, time
import larq as lq, larq_compute_engine as lce, numpy as np, tensorflow as tf
from larq_compute_engine.tflite.python.interpreter import Interpreter

def milliseconds(kernel, size, channels):
    x = tf.keras.Input((size, size, channels))
    y = lq.layers.QuantConv2D(channels, kernel, padding="same", pad_values=1.0, use_bias=False,
                              input_quantizer="ste_sign", kernel_quantizer="ste_sign")(x)
    y = tf.keras.layers.BatchNormalization()(y)
    z = lq.layers.QuantConv2D(channels, kernel, padding="same", pad_values=1.0, use_bias=False,
                              input_quantizer="ste_sign", kernel_quantizer="ste_sign")(y)
    times = []
    for model in (tf.keras.Model(x, y), tf.keras.Model(x, z)):
        flat = lce.convert_keras_model(model)
        run = Interpreter(flat, num_threads=1, use_indirect_bgemm=True)
        data = np.random.uniform(-1, 1, (1, size, size, channels)).astype(np.float32)
        run.predict(data)
        best = 1e9
        for _ in range(100):
            start = time.perf_counter()
            run.predict(data)
            best = min(best, time.perf_counter() - start)
        times.append(best)
    return 1e3 * (times[1] - times[0])  # the second layer alone

print(json.dumps([milliseconds(*shape) for shape in json.loads(sys.argv[1])]))
"""


class MXNetLayer:
    """MXNet's own float convolution of a layer's shape, hybridized."""

    def __init__(self, layer: Layer) -> None:
        self.net = mx.gluon.nn.Conv2D(
            layer.outputs,
            layer.kernel,
            layer.stride,
            layer.kernel // 2,
            in_channels=layer.inputs,
            use_bias=False,
        )
        self.net.initialize()
        self.net.hybridize(static_alloc=True, static_shape=True)
        self.x = mx.nd.random.uniform(shape=(1, layer.inputs, layer.size, layer.size))
        self.seconds()

    def seconds(self, runs: int = 30) -> float:
        """The shortest of several runs."""
        best = float("inf")
        for _ in range(runs):
            start = time.perf_counter()
            self.net(self.x).wait_to_read()
            best = min(best, time.perf_counter() - start)
        return best


def run_bench(bench: str, isa: str) -> dict[str, Any]:
    """All cases of bmx-bench on one instruction set."""
    output = subprocess.run(
        [bench, "kernels", "--json", "--isa", isa], check=True, capture_output=True, text=True
    )
    return dict(json.loads(output.stdout))


def run_lce(python: str) -> list[float]:
    """Milliseconds of the binary layers in LCE."""
    shapes = json.dumps([(layer.kernel, layer.size, layer.inputs) for layer in BINARY])
    result = subprocess.run([python, "-c", LCE, shapes], capture_output=True, text=True)
    if result.returncode != 0:
        reason = result.stderr.strip().splitlines()[-1:]
        sys.exit(
            f"layers.py: {python} could not run larq-compute-engine's indirect kernel: {''.join(reason)}"
        )
    return [float(value) for value in json.loads(result.stdout.splitlines()[-1])]


def measure(bench: str, turns: int, larq_python: str | None) -> dict[str, Any]:
    """Milliseconds by layer and contender, the best of all turns; and the registers-only peaks."""
    isas = [isa for isa in _core.isas() if isa != "scalar"]
    nets = {layer.name: MXNetLayer(layer) for layer in [*BINARY, *FLOAT]}
    times: dict[str, dict[str, float]] = {name: {} for name in nets}
    peaks: dict[str, dict[str, float]] = {}

    def keep(name: str, contender: str, milliseconds: float) -> None:
        times[name][contender] = min(milliseconds, times[name].get(contender, float("inf")))

    for _ in range(turns):
        for isa in isas:
            result = run_bench(bench, isa)
            peaks.update(result["peaks"])
            for case in result["cases"]:
                if case["name"] in times:
                    keep(case["name"], isa, case["ms"])
        for name, net in nets.items():
            keep(name, "mxnet", 1e3 * net.seconds())
        if larq_python:
            for layer, milliseconds in zip(BINARY, run_lce(larq_python)):
                keep(layer.name, "lce", milliseconds)
    return {"peaks": peaks, "ms": times, "isas": isas}


def print_tables(result: dict[str, Any]) -> None:
    """Print all times and their ratios."""
    isas, peaks = result["isas"], result["peaks"]
    limit = peaks.get("avx512", {}).get("popcount", 0.0)
    print("registers-only peaks, G MAC/s:")
    for isa, peak in peaks.items():
        print(f"  {isa:9}", ", ".join(f"{kind} {value:.0f}" for kind, value in peak.items() if value))
    for title, layers, against in (("binary", BINARY, ["mxnet", "lce"]), ("float32", FLOAT, ["mxnet"])):
        print(f"\n{title} layers, ms (and how many times faster than)")
        for layer in layers:
            times = result["ms"][layer.name]
            print(
                f"{layer.name:30}",
                "  ".join(f"{name} {times[name]:.4f}" for name in [*isas, *against] if name in times),
            )
            for isa in isas:
                speed = layer.macs / times[isa] / 1e6
                ratios = [f"{times[other] / times[isa]:.2f}x {other}" for other in against if other in times]
                share = (
                    f", {100 * speed / limit:.1f} % of the AVX-512 peak"
                    if limit and title == "binary"
                    else ""
                )
                print(f"    {isa:9} {speed:7.1f} G MAC/s{share}; {', '.join(ratios)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=3, help="rounds in which everybody is measured once")
    parser.add_argument(
        "--bench", default=str(Path(bmx.__file__).parent / "bin" / "bmx-bench"), help="bmx-bench to run"
    )
    parser.add_argument("--larq-python", help="a Python with larq and larq-compute-engine")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if not Path(options.bench).exists():
        sys.exit(f"layers.py: {options.bench} was not found; install bmx or name the program with --bench")
    result = measure(options.bench, options.turns, options.larq_python)
    if options.json:
        print(json.dumps(result))
    else:
        print_tables(result)


if __name__ == "__main__":
    main()
