"""`export_float`: the binary layers of a net made float, in place."""

from __future__ import annotations

from mxnet import gluon
from mxnet.gluon import nn

from bmx.gluon.nn.layer import make_float
from bmx.gluon.surgery.layers import BINARY, FLOAT_CLASSES
from bmx.gluon.surgery.places import RemovedActivation, clear_graphs, describe, places, restore_class
from bmx.gluon.surgery.report import Entry, Report
from bmx.gluon.surgery.shortcuts import ShortcutPerConv


def export_float(net: gluon.Block, *, verbose: bool = True) -> Report:
    """Make the QConv2D and QDense layers of a net Conv2D and Dense layers with the latent weights, in place.

    The inverse of `binarize`: activations that it took out come back, and residual blocks compute again what
    they did. Layers that were built binary become float too, without an activation in front. An explicit
    `QActivation` stays.

    Args:
        net: Block, initialized or not.
        verbose: whether to print the report.

    Returns:
        What was changed and what was left.

    Raises:
        TypeError: if ``net`` is not a Block.
        ValueError: if there is no binary layer in it.
    """
    names = places("export_float", net)
    changed, left = [], []
    for block, name in names.items():
        before = type(block).__name__
        if type(block) in FLOAT_CLASSES:
            make_float(block, FLOAT_CLASSES[type(block)])
            changed.append(Entry(name, f"{before} -> {type(block).__name__}"))
        elif type(block) in (RemovedActivation, ShortcutPerConv):
            vars(block).pop("_plan", None)
            restore_class(block)
            changed.append(Entry(name, f"{describe(block)} back in place"))
        elif isinstance(block, BINARY):
            left.append(Entry(name, f"{describe(block)}: {before} is a class of its own"))
    if not changed:
        raise ValueError(
            "bmx.gluon.export_float: expected layers to make float, found no QConv2D and no QDense in "
            f"{type(net).__name__}."
        )
    clear_graphs(names)
    layers = sum(isinstance(block, (nn.Conv2D, nn.Dense)) for block in names)
    swapped = sum(entry.text.startswith("Q") for entry in changed)
    report = Report(f"export_float: {swapped} of {layers} layers made float", tuple(changed), tuple(left))
    if verbose:
        print(report)
    return report
