"""Checks that a packed file answers as the net it was exported from, and finds the layer that does not.

Integer results of the two are equal. Floats agree to rounding, with one exception that no finite precision
can avoid: where the real input of a sign lies within rounding error of zero, the two may round to different
sides, and everything computed from that bit differs. Such a sample is a *tie*. `verify` compares outputs and
lets `compare_layers` decide about ties: there each layer gets the inputs that MXNet's layer had, so that no
bit hides what comes after it. docs/verification.md explains the rules.
"""

from __future__ import annotations

from bmx.verification.layers import compare_layers
from bmx.verification.outputs import verify
from bmx.verification.report import LayerReport, LayerRow, Report, VerificationError

__all__ = ["LayerReport", "LayerRow", "Report", "VerificationError", "compare_layers", "verify"]
