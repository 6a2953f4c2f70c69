"""What verification calls a tie, and what it does not forgive."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn

import bmx
from bmx import verification
from bmx.gluon.nn import QActivation, QDense
from bmx.verification import VerificationError


def two_signs() -> nn.HybridSequential:
    """A net whose second sign has a real input: the first sample's distance from 0 is the test's choice."""
    net = nn.HybridSequential()
    net.add(nn.Dense(3), QActivation(), QDense(4, input_quantizer=None), nn.BatchNorm(), QDense(2))
    net.initialize(mx.init.Normal(1))
    net(mx.nd.zeros((1, 3)))
    net[0].weight.set_data(mx.nd.array(np.eye(3)))
    return net


def test_a_sign_within_rounding_of_zero_is_a_tie() -> None:
    samples = np.array([[1, 1e-7, -1], [1, 1e-3, -1], [0, 2, 3]], dtype=np.float32)
    np.testing.assert_array_equal(verification._ties(two_signs(), samples), [True, False, True])


def test_a_net_without_signs_has_no_ties() -> None:
    net = nn.Dense(2)
    net.initialize()
    net(mx.nd.zeros((1, 3)))
    assert not verification._ties(net, np.zeros((2, 3), dtype=np.float32)).any()


def test_differences_count_unless_they_are_ties() -> None:
    net = two_signs()
    samples = np.array([[1, 0, -1], [1, 2, -1]], dtype=np.float32)
    expected = np.array([[1, 2], [1, 2]], dtype=np.float32)
    only_the_tie = expected + np.array([[3, 0], [0, 1e-6]], dtype=np.float32)
    report = verification._compare(net, samples, expected, only_the_tie, 1e-4, "scalar")
    assert report.passed
    assert (report.ties, report.top1_agreement) == (1, 0.5)
    assert report.max_abs_difference == pytest.approx(1e-6, rel=0.1)

    both = expected + np.array([[3, 0], [0, 1e-2]], dtype=np.float32)
    report = verification._compare(net, samples, expected, both, 1e-4, "scalar")
    assert not report.passed
    assert report.max_abs_difference == pytest.approx(1e-2, rel=0.1)


def test_nan_is_a_difference() -> None:
    net = two_signs()
    samples = np.array([[1, 2, -1]], dtype=np.float32)
    expected = np.array([[1, 2]], dtype=np.float32)
    actual = np.array([[1, np.nan]], dtype=np.float32)
    assert not verification._compare(net, samples, expected, actual, 1e-4, "scalar").passed


def test_another_output_shape_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "net.bmx"
    net = two_signs()
    bmx.export(net, path, (1, 3))
    net.add(nn.Dense(5))
    net[-1].initialize()
    with pytest.raises(VerificationError, match="exported from another net"):
        bmx.verify(net, path)
