"""What an update of a binary net costs, compared with the float net of the same shape.

    python benchmarks/update_cost.py [NAME ...] [--batch 128] [--turns 5] [--lowering native]

Both learn the same images with Adam, hybridized, in turns; a turn is several updates, and its time is that of
the fastest. Prints the medians over the turns and their ratio. The float net is `bmx.gluon.export_float`
of the same model. Set OMP_NUM_THREADS to the cores to be used.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import time

import bmx.gluon  # noqa: F401  first: it prepares NumPy for MXNet

# isort: split
import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from bmx.gluon import export_float, model_zoo
from bmx.gluon.nn.lowerings import LOWERINGS, fastest_lowering, lowering

NAMES = ("resnete_small", "lenet", "resnete18-thumbnail", "binarydensenet28-thumbnail")
UPDATES = 4


class Training:
    """A net with its optimizer and one batch."""

    def __init__(self, name: str, is_float: bool, batch: int) -> None:
        mx.random.seed(0)
        model, _, thumbnail = name.partition("-")
        arguments = {"classes": 10, **({"thumbnail": True} if thumbnail else {})}
        net = model_zoo.get_model(model, **arguments)
        if is_float:
            with contextlib.redirect_stdout(io.StringIO()):
                export_float(net)
        net.initialize(mx.init.Xavier())
        net.hybridize(static_alloc=True, static_shape=True)
        random = np.random.RandomState(0)
        shape = model_zoo.input_shape(model, bool(thumbnail))
        self.images = mx.nd.array(random.standard_normal((batch, *shape)))
        self.labels = mx.nd.array(random.randint(0, 10, batch))
        self.net, self.batch = net, batch
        self.loss = gluon.loss.SoftmaxCrossEntropyLoss()
        self.update()  # finds the shapes
        self.trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 1e-3})

    def update(self) -> None:
        """Forward, backward, optimizer."""
        with autograd.record():
            loss = self.loss(self.net(self.images), self.labels)
        loss.backward()
        if hasattr(self, "trainer"):
            self.trainer.step(self.batch)
        mx.nd.waitall()

    def turn(self) -> float:
        """Milliseconds of the fastest of several updates."""
        times = []
        for _ in range(UPDATES):
            start = time.perf_counter()
            self.update()
            times.append(time.perf_counter() - start)
        return 1000 * min(times)


def main() -> None:
    """Print a line for each net."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=NAMES, help=f"default: {' '.join(NAMES)}")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--lowering", choices=[name for name in LOWERINGS if name != "inference"])
    options = parser.parse_args()
    print(f"{'net':28} {'binary, ms':>11} {'float, ms':>11} {'ratio':>6}")
    with lowering(options.lowering or fastest_lowering()):
        for name in options.names:
            pair = [Training(name, is_float, options.batch) for is_float in (False, True)]
            for training in pair:
                training.turn()
            turns = [[training.turn() for training in pair] for _ in range(options.turns)]
            binary, real = (statistics.median(times) for times in zip(*turns))
            print(f"{name:28} {binary:11.1f} {real:11.1f} {binary / real:6.2f}", flush=True)


if __name__ == "__main__":
    main()
