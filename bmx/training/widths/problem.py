"""A net with free widths, its data, and the training and measurement of a genome."""

from __future__ import annotations

import hashlib
from typing import Any, Callable, NamedTuple, Sequence

import mxnet as mx
import numpy as np
from mxnet import gluon

from bmx.gluon.data import Batches
from bmx.training.evaluation import accuracy
from bmx.training.loop import fit
from bmx.training.nonfinite import NonFiniteLossError
from bmx.training.seeds import seed_everything
from bmx.training.widths.cost import Cost, count_cost
from bmx.training.widths.genome import Genome, seed_of
from bmx.training.widths.journal import Result

Build = Callable[[Sequence[float]], gluon.HybridBlock]

_EVALUATION_BATCH = 250


class Data(NamedTuple):
    """Images float32 (count, channels, height, width) and labels, integers (count,), of both splits."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


class Training(NamedTuple):
    """The training of a candidate.

    Attributes:
        epochs: passes over its images.
        images: number of images of the training split; None for all that are not held out.
        validation: number of images of the training split that are held out to choose by.
        batch_size: images per step.
        learning_rate: learning rate at the first step; it falls to 0.
        optimizer: name of an MXNet optimizer.
    """

    epochs: int = 3
    images: int | None = 2000
    validation: int = 1000
    batch_size: int = 64
    learning_rate: float = 3e-3
    optimizer: str = "adam"


class Final(NamedTuple):
    """The best net after longer training.

    Attributes:
        net: trained net.
        validation_accuracy: accuracy on validation data, 0 to 1.
        test_accuracy: accuracy on the test split, by which nothing was chosen.
    """

    net: gluon.HybridBlock
    validation_accuracy: float
    test_accuracy: float


class Problem:
    """The problem of a search: its `evaluate` and `cost` are functions of the genome alone.

    Args:
        build: function from a ratio for each layer whose width is free to a net, not initialized.
        layers: number of layers whose width is free.
        data: images and labels.
        training: training of candidates.
        seed: seed of the split into training and validation data and, with the genome, of each training.
        log: called with a line for a training that failed, and for each epoch of the longer one.

    Attributes:
        reference: cost of the net whose ratios are all 1.

    Raises:
        ValueError: there are too few images, or the cost of the net cannot be counted.
    """

    def __init__(
        self,
        build: Build,
        layers: int,
        data: Data,
        training: Training | None = None,
        seed: int = 0,
        log: Callable[[str], None] = print,
    ) -> None:
        self._build = build
        self._data = data
        self._training = training or Training()
        self._seed = seed
        self._log = log
        self._costs: dict[Genome, Cost] = {}
        self._validation, self._rest = self._split()
        self.reference = self.count((1.0,) * layers)
        if not self.reference.total:
            raise ValueError("search of widths: expected a net with convolutions or dense layers, found none")

    def count(self, genome: Genome) -> Cost:
        """MACs of a genome's net, for one image."""
        if genome not in self._costs:
            self._costs[genome] = count_cost(self._initialized(genome), self._data.train_images.shape[1:])
        return self._costs[genome]

    def cost(self, genome: Genome) -> float:
        """Cost relative to the net whose ratios are all 1."""
        return self.count(genome).total / self.reference.total

    def evaluate(self, genome: Genome) -> Result:
        """Trains a genome's net for a few epochs; accuracy 0 if its loss did not stay finite."""
        images = self._rest[: self._training.images]
        try:
            _, validation_accuracy = self._train(genome, images, self._training.epochs, lambda _: None)
        except NonFiniteLossError as error:
            self._log(f"ratios {genome} count as accuracy 0: {error}")
            return Result(0.0, self.cost(genome))
        return Result(validation_accuracy, self.cost(genome))

    def finish(self, genome: Genome, epochs: int) -> Final:
        """Trains a genome's net on all training images that are not held out, then measures the test split.

        Raises:
            NonFiniteLossError: the loss did not stay finite.
        """
        net, validation_accuracy = self._train(genome, self._rest, epochs, self._log)
        test = Batches(self._data.test_images, self._data.test_labels, _EVALUATION_BATCH)
        return Final(net, validation_accuracy, accuracy(net, test))

    def describe(self) -> dict[str, Any]:
        """Everything that the results depend on, as JSON values."""
        return {
            **{f"training_{name}": value for name, value in self._training._asdict().items()},
            "data": _digest(self._data),
            "reference_binary_macs": self.reference.binary_macs,
            "reference_float_macs": self.reference.float_macs,
        }

    def _split(self) -> tuple[Batches, np.ndarray]:
        """Validation data, and the places of the other images of the training split."""
        images, labels, *_ = self._data
        count = self._training.validation
        if not 0 < count < len(images):
            raise ValueError(
                f"search of widths: {count} of {len(images)} training images are to be held out; "
                "expected at least 1, and 1 left to learn from; give more images or hold out another number"
            )
        order = np.random.RandomState(self._seed).permutation(len(images))
        held_out = order[:count]
        return Batches(images[held_out], labels[held_out], _EVALUATION_BATCH), order[count:]

    def _initialized(self, genome: Genome) -> gluon.HybridBlock:
        seed_everything(seed_of(self._seed, genome))
        net = self._build(genome)
        net.initialize(mx.init.Xavier(), force_reinit=True)
        return net

    def _train(
        self, genome: Genome, chosen: np.ndarray, epochs: int, log: Callable[[str], None]
    ) -> tuple[gluon.HybridBlock, float]:
        """The net and its accuracy on validation data."""
        net = self._initialized(genome)
        net.hybridize(static_alloc=True)
        images, labels, *_ = self._data
        batches = Batches(
            images[chosen],
            labels[chosen],
            self._training.batch_size,
            shuffle=True,
            seed=seed_of(self._seed, genome),
        )
        name = "ratios " + " ".join(f"{ratio:g}" for ratio in genome)
        results = fit(
            net,
            batches,
            self._validation,
            epochs,
            optimizer=self._training.optimizer,
            learning_rate=self._training.learning_rate,
            name=name,
            log=log,
        )
        return net, results[-1].accuracy


def _digest(data: Data) -> str:
    """A digest that tells one data set from another."""
    digest = hashlib.sha256()
    for array in data:
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
