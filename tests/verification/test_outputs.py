"""What verification calls a tie, and what it does not forgive."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn

import bmx
from bmx.gluon.model_zoo import get_model
from bmx.gluon.nn import QActivation, QDense
from bmx.verification import VerificationError
from bmx.verification.outputs import compare_outputs
from bmx.verification.ties import find_ties


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
    np.testing.assert_array_equal(find_ties(two_signs(), [samples]), [True, False, False])


def test_a_net_without_signs_has_no_ties() -> None:
    net = nn.Dense(2)
    net.initialize()
    net(mx.nd.zeros((1, 3)))
    assert not find_ties(net, [np.zeros((2, 3), dtype=np.float32)]).any()


def test_differences_count_unless_they_are_ties() -> None:
    net = two_signs()
    samples = np.array([[1, -1e-7, -1], [1, 2, -1]], dtype=np.float32)
    expected = np.array([[1, 2], [1, 2]], dtype=np.float32)
    only_the_tie = expected + np.array([[3, 0], [0, 1e-6]], dtype=np.float32)
    report = compare_outputs(net, [samples], [expected], [only_the_tie], 1e-4, "scalar")
    assert report.passed
    assert (report.ties, report.top1_agreement) == (1, 0.5)
    assert report.max_abs_difference == pytest.approx(1e-6, rel=0.1)

    both = expected + np.array([[3, 0], [0, 1e-2]], dtype=np.float32)
    report = compare_outputs(net, [samples], [expected], [both], 1e-4, "scalar")
    assert not report.passed
    assert report.max_abs_difference == pytest.approx(1e-2, rel=0.1)


def test_nan_is_a_difference() -> None:
    net = two_signs()
    samples = np.array([[1, 2, -1]], dtype=np.float32)
    expected = np.array([[1, 2]], dtype=np.float32)
    actual = np.array([[1, np.nan]], dtype=np.float32)
    assert not compare_outputs(net, [samples], [expected], [actual], 1e-4, "scalar").passed


def test_another_output_shape_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "net.bmx"
    net = two_signs()
    bmx.export(net, path, (1, 3))
    net.add(nn.Dense(5))
    net[-1].initialize()
    with pytest.raises(VerificationError, match="exported from another net"):
        bmx.verify(net, path)


def relu_net() -> nn.HybridSequential:
    """Half of the inputs of its sign are exactly 0."""
    net = nn.HybridSequential()
    net.add(nn.Dense(64, activation="relu"), QDense(32), nn.BatchNorm(), nn.Dense(10))
    return net


@pytest.mark.parametrize(
    ("build", "shape"), [(lambda: get_model("lenet"), (1, 1, 28, 28)), (relu_net, (1, 20))]
)
def test_a_file_of_other_weights_is_found_out(build: Callable, shape: tuple, tmp_path: Path) -> None:
    nets = [build(), build()]
    for seed, net in enumerate(nets):
        mx.random.seed(seed)
        net.initialize(mx.init.Xavier())
        net(mx.nd.zeros(shape))
    report = bmx.export(nets[0], tmp_path / "net.bmx", shape)
    assert report is not None
    assert report.ties <= 1
    other = bmx.verify(nets[1], tmp_path / "net.bmx")
    assert not other.passed
    assert other.max_abs_difference > 0.01


def test_every_output_is_compared(tmp_path: Path) -> None:
    class TwoHeads(nn.HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Dense(5)
            self.heads = [nn.Dense(3), nn.Dense(4)]
            for head in self.heads:
                self.register_child(head)

        def hybrid_forward(self, F: object, x: object) -> list:
            return [head(self.body(x)) for head in self.heads]

    net = TwoHeads()
    net.initialize()
    net(mx.nd.zeros((1, 6)))
    assert bmx.export(net, tmp_path / "net.bmx", (1, 6)).passed
    net.heads[1].bias.set_data(mx.nd.ones(4))
    assert not bmx.verify(net, tmp_path / "net.bmx").passed


def test_images_of_an_mlp_are_preprocessed(tmp_path: Path) -> None:
    net = nn.Dense(3)
    net.initialize(mx.init.Normal(1))
    net(mx.nd.zeros((1, 8)))
    preprocessing = {"scale": 1 / 255, "mean": [0.5], "std": [0.25]}
    bmx.export(net, tmp_path / "net.bmx", (1, 8), preprocessing)
    image = np.random.RandomState(0).randint(0, 256, (2, 8)).astype(np.uint8)
    expected = net(mx.nd.array((image / 255 - 0.5) / 0.25)).asnumpy()
    np.testing.assert_allclose(bmx.runtime.Model(tmp_path / "net.bmx")(image), expected, rtol=1e-5, atol=1e-5)


def test_flattening_twice_changes_nothing(tmp_path: Path) -> None:
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3), nn.Flatten(), nn.Flatten(), QDense(5))
    net.initialize(mx.init.Normal(1))
    net(mx.nd.zeros((1, 2, 6, 6)))
    assert bmx.export(net, tmp_path / "net.bmx", (1, 2, 6, 6)).passed


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_makes_no_sense_is_refused(tolerance: float, tmp_path: Path) -> None:
    net = two_signs()
    bmx.export(net, tmp_path / "net.bmx", (1, 3))
    with pytest.raises(ValueError, match="tolerance should be a number of at least 0"):
        bmx.verify(net, tmp_path / "net.bmx", tolerance=tolerance)


@pytest.mark.parametrize(
    "samples",
    [np.zeros((0, 3), np.float32), np.zeros((1, 3)), np.full((1, 3), np.nan, np.float32)],
    ids=["none", "float64", "NaN"],
)
def test_samples_that_make_no_sense_are_refused(samples: np.ndarray, tmp_path: Path) -> None:
    net = two_signs()
    bmx.export(net, tmp_path / "net.bmx", (1, 3))
    with pytest.raises(ValueError, match="samples should be finite float32 values"):
        bmx.verify(net, tmp_path / "net.bmx", samples)


def test_two_outputs_that_are_equal_to_rounding_may_change_places(tmp_path: Path) -> None:
    """A saturated sigmoid: hundreds of values near 1, the largest of which is a matter of rounding."""
    mx.random.seed(0)
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, in_channels=3), nn.BatchNorm(in_channels=4), nn.Activation("sigmoid"))
    net.initialize(mx.init.Uniform(1))
    net[1].gamma.initialize(mx.init.Constant(6), force_reinit=True)
    report = bmx.export(net, str(tmp_path / "net.bmx"), (1, 3, 12, 12))
    assert report is not None
    assert report.passed
    assert report.ties == 0

    expected = np.array([[1, 0.5], [1, 0.999]], dtype=np.float32)
    swapped = np.array([[1, 0.5], [1, 1.0004]], dtype=np.float32)
    report = compare_outputs(
        net, [np.zeros((2, 3, 12, 12), np.float32)], [expected], [swapped], 1e-2, "scalar"
    )
    assert not report.passed
