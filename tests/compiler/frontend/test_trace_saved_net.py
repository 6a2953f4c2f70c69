"""Nets from the two files that MXNet writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, nn

import bmx
from bmx import compiler
from bmx.compiler.backend import fileformat
from bmx.gluon import library
from bmx.gluon.nn import QConv2D, QDense, lowering
from bmx.verification import compare_layers

pytestmark = pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")

SHAPE = (1, 2, 8, 8)


@pytest.fixture(params=["native", "mixed", "operator"])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[HybridBlock, tuple[Path, Path]]:
    """A net with auxiliary states, and its files from either lowering."""
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3), nn.BatchNorm(), QConv2D(5, 3, padding=1), nn.BatchNorm(), QDense(6), nn.Dense(3))
    mx.random.seed(1)
    net.initialize(mx.init.Normal(0.5))
    with lowering(request.param):
        net.hybridize()
        net(mx.nd.zeros(SHAPE))
    net[1].running_mean.set_data(mx.nd.array([0.1, -0.2, 0.3, 0]))
    net.export(str(tmp_path / "net"))
    return net, (tmp_path / "net-symbol.json", tmp_path / "net-0000.params")


def test_a_saved_net_is_exported_and_verified(saved: tuple, tmp_path: Path) -> None:
    net, files = saved
    path = tmp_path / "net.bmx"
    report = bmx.export(files, path, SHAPE, sample=np.zeros((3, *SHAPE[1:]), np.float32))
    assert (report.passed, report.samples) == (True, 35)
    x = np.random.RandomState(0).standard_normal((4, *SHAPE[1:])).astype(np.float32)
    expected = net(mx.nd.array(x)).asnumpy()
    np.testing.assert_allclose(bmx.runtime.Model(path)(x), expected, rtol=1e-4, atol=1e-4)
    for source in (net, files, compiler.load_saved_net(*files)):
        assert bmx.verify(source, path).passed
        assert compare_layers(source, path).passed


def test_another_saved_nets_file_is_found_out(saved: tuple, tmp_path: Path) -> None:
    net, files = saved
    bmx.export(files, tmp_path / "net.bmx", SHAPE)
    net[-1].bias.set_data(mx.nd.ones(3))
    net.export(str(tmp_path / "other"))
    others = (tmp_path / "other-symbol.json", tmp_path / "other-0000.params")
    report = bmx.verify(others, tmp_path / "net.bmx")
    assert not report.passed
    assert f"'{net[-1].name}_fwd' (dense" in report.diverging_layer


def test_names_without_prefixes_are_known_too(saved: tuple, tmp_path: Path) -> None:
    _net, (symbol, params) = saved
    arrays = mx.nd.load(str(params))
    assert {name[:4] for name in arrays} == {"arg:", "aux:"}
    plain = tmp_path / "plain.params"
    mx.nd.save(str(plain), {**{name[4:]: array for name, array in arrays.items()}, "unused": mx.nd.ones(1)})
    same = [
        fileformat.to_bytes(compiler.compile((symbol, file), SHAPE, name="net")) for file in (params, plain)
    ]
    assert same[0] == same[1]


def test_inputs_keep_their_names(tmp_path: Path) -> None:
    left, right = mx.sym.var("left"), mx.sym.var("right")
    symbol = mx.sym.FullyConnected(left, num_hidden=3, name="a") - mx.sym.FullyConnected(
        right, num_hidden=3, name="b"
    )
    symbol.save(str(tmp_path / "s.json"))
    random = np.random.RandomState(0)
    shapes = {"a_weight": (3, 4), "a_bias": (3,), "b_weight": (3, 5), "b_bias": (3,)}
    mx.nd.save(
        str(tmp_path / "s.params"),
        {name: mx.nd.array(random.standard_normal(shape)) for name, shape in shapes.items()},
    )
    files = (tmp_path / "s.json", tmp_path / "s.params")
    path = tmp_path / "net.bmx"
    # Names decide, not the order of the dict.
    assert bmx.export(files, path, {"right": (1, 5), "left": (1, 4)}).passed
    assert [(value.name, value.shape) for value in bmx.runtime.Model(path).inputs] == [
        ("left", (4,)),
        ("right", (5,)),
    ]
    assert bmx.export(files, path, [(1, 4), (1, 5)]).passed
    for shape, message in (
        ((1, 4), "holds 1 shape, but the net has the inputs left, right"),
        ({"left": (1, 4), "rigth": (1, 5)}, "should name the inputs left, right; found left, rigth"),
        ({"left": (1, 4), "right": (1,)}, r"found \(1,\) in "),
    ):
        with pytest.raises(ValueError, match=message):
            bmx.export(files, path, shape)


def test_files_that_make_no_net(saved: tuple, tmp_path: Path) -> None:
    _net, (symbol, params) = saved
    arrays = mx.nd.load(str(params))
    name = next(iter(arrays))
    mx.nd.save(str(tmp_path / "few.params"), {key: value for key, value in arrays.items() if key != name})
    mx.nd.save(str(tmp_path / "list.params"), list(arrays.values()))
    (tmp_path / "text").write_text("no net")

    def refuse(files: Any, error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message) as caught:
            compiler.compile(files, SHAPE)
        assert "\n" not in str(caught.value)

    refuse((symbol, tmp_path / "no"), FileNotFoundError, "no: there is no such file")
    refuse((symbol, tmp_path / "few.params"), ValueError, f"lacks 1 parameters .*{name[4:]!r} the first")
    refuse((symbol, tmp_path / "list.params"), ValueError, "the arrays have no names")
    refuse((tmp_path / "text", params), ValueError, "text: MXNet reads no symbol; give the NAME-symbol.json")
    refuse((symbol, tmp_path / "text"), ValueError, "text: MXNet reads no parameters")
    refuse(
        (symbol, params, params), TypeError, "a HybridBlock of Gluon, found tuple; a saved net is given as"
    )
