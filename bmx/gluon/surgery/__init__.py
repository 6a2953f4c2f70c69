"""Existing nets made binary in place, and back: `binarize` and `export_float`."""

from bmx.gluon.surgery.layers import SignAboveZero
from bmx.gluon.surgery.places import RemovedActivation
from bmx.gluon.surgery.report import Entry, Report
from bmx.gluon.surgery.shortcuts import ShortcutPerConv
from bmx.gluon.surgery.to_binary import binarize
from bmx.gluon.surgery.to_float import export_float

__all__ = [
    "Entry",
    "RemovedActivation",
    "Report",
    "ShortcutPerConv",
    "SignAboveZero",
    "binarize",
    "export_float",
]
