"""The registry of quantizers, what every registered one keeps to, and the deterministic sign."""

from __future__ import annotations

import json

import mxnet as mx
import numpy as np
import pytest
from click.testing import CliRunner

from bmx.cli import cli
from bmx.gluon import nn
from bmx.gluon.nn.quantizers import arguments_of, quantizer_class, registry

TINY = float(np.nextafter(np.float32(0), np.float32(1)))
HUGE = float(np.finfo(np.float32).max)
ABOVE_ONE = float(np.nextafter(np.float32(1), np.float32(2)))
#            value, sign
EDGES = [
    (0.0, 1),
    (-0.0, 1),
    (TINY, 1),
    (-TINY, -1),
    (1.0, 1),
    (-1.0, -1),
    (ABOVE_ONE, 1),
    (-ABOVE_ONE, -1),
    (HUGE, 1),
    (-HUGE, -1),
    (np.inf, 1),
    (-np.inf, -1),
    (np.nan, 1),
    (-np.nan, 1),
]


def quantize(layer, x, lowering):
    layer.initialize()
    data = mx.nd.array(x, dtype=np.float32)
    data.attach_grad()
    with nn.lowering(lowering), mx.autograd.record():
        y = layer(data)
    y.backward(mx.nd.arange(1, x.size + 1).reshape(x.shape))
    return y.asnumpy(), data.grad.asnumpy()


@pytest.mark.parametrize("clip", [0.0, 0.5, 1.0, 2.0, None])
def test_sign_and_its_gradient_at_the_edges(clip, lowered):
    x = np.array([value for value, _ in EDGES], dtype=np.float32)
    y, gradient = quantize(nn.QActivation(clip=clip), x, lowered)
    np.testing.assert_array_equal(y, [s for _, s in EDGES])
    passes = np.abs(x) <= clip if clip is not None else np.isfinite(x)
    np.testing.assert_array_equal(gradient, np.arange(1, len(x) + 1) * passes)


def test_sign_is_exact_and_its_gradient_masked(lowered):
    x = np.random.RandomState(0).normal(size=10_000, scale=100.0).astype(np.float32)
    y, gradient = quantize(nn.QActivation(nn.DetSign(clip=50.0)), x, lowered)
    np.testing.assert_array_equal(y, np.where(x < 0, -1, 1))
    np.testing.assert_array_equal(gradient, np.arange(1, len(x) + 1) * (np.abs(x) <= 50))


def initial(quantizer, axes):
    """What a quantizer's parameters hold at first, one number each."""
    values = {learned.name: mx.nd.full((1,) * axes, learned.init) for learned in quantizer.learned}
    for value in values.values():
        value.attach_grad()
    return values


@pytest.mark.parametrize("name", nn.list_quantizers())
def test_every_registered_quantizer_gives_the_codes_that_it_says(name, lowered):
    quantizer = nn.get_quantizer(name)
    data = mx.nd.array(np.random.RandomState(1).normal(size=(4, 6, 5, 5)))
    data.attach_grad()
    learned = initial(quantizer, 4)
    with nn.lowering(lowered):
        with mx.autograd.record(train_mode=False):
            terms = quantizer.terms(mx.nd, data, **learned)
            total = quantizer(mx.nd, data, **learned)
        total.backward()
    for codes, scale in terms:
        values = codes.asnumpy()
        assert values.shape == data.shape
        if quantizer.kind == "signs":
            assert quantizer.bits == 1
            assert set(np.unique(values)) == {-1, 1}
        elif quantizer.kind == "unsigned":
            assert set(np.unique(values)) <= set(range(2**quantizer.bits))
        elif quantizer.kind == "signed":
            assert set(np.unique(values)) <= set(range(-(2**quantizer.bits), 2**quantizer.bits + 1))
            assert values.min() < 0 < values.max()
        else:
            assert (quantizer.kind, quantizer.bits) == ("real", 32)
            np.testing.assert_array_equal(values, data.asnumpy())
        assert len(np.unique(values)) > 1
        if scale is not None and not isinstance(scale, (int, float)):
            assert scale.shape in [(1, 1, 1, 1), (4, 1, 1, 1)]
    parts = [codes * (1 if scale is None else scale) for codes, scale in terms]
    np.testing.assert_allclose(total.asnumpy(), sum(part.asnumpy() for part in parts), rtol=1e-6, atol=1e-6)
    assert np.isfinite(data.grad.asnumpy()).all()
    assert data.grad.asnumpy().any()
    for item in quantizer.learned:
        assert np.isfinite(learned[item.name].grad.asnumpy()).all()


@pytest.mark.parametrize("name", nn.list_quantizers())
@pytest.mark.parametrize("train_mode", [True, False], ids=["training", "inference"])
def test_no_gradient_comes_back_where_it_is_stopped(train_mode, name):
    """The backward pass of MXNet's own where crashes in some of these graphs."""
    quantizer = nn.get_quantizer(name)
    data = mx.nd.array(np.random.RandomState(3).normal(size=(2, 3, 4, 4)))
    data.attach_grad()
    learned = initial(quantizer, 4)
    with mx.autograd.record(train_mode):
        y = 2 * data + mx.nd.BlockGrad(3 * quantizer(mx.nd, data, **learned))
    y.backward()
    np.testing.assert_array_equal(data.grad.asnumpy(), np.full(data.shape, 2))


@pytest.mark.parametrize("name", nn.list_quantizers())
def test_the_inference_lowering_is_the_forward_pass_at_inference(name, lowered):
    quantizer = nn.get_quantizer(name)
    data = mx.nd.array(np.random.RandomState(2).normal(size=(4, 6, 5, 5)))
    learned = initial(quantizer, 4)
    with nn.lowering(lowered):
        expected = quantizer(mx.nd, data, **learned).asnumpy()
    with nn.lowering("inference"):
        found = quantizer(mx.nd, data, **learned).asnumpy()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", nn.list_quantizers())
def test_the_inference_lowering_holds_nothing_of_training(name):
    quantizer = nn.get_quantizer(name)
    if quantizer.kind == "signed" or name == "abc_weight":
        pytest.skip("of weights only, which are folded to constants before the graph is read")
    learned = {item.name: mx.sym.var(item.name, shape=(1, 1, 1, 1)) for item in quantizer.learned}
    with nn.lowering("inference"):
        graph = quantizer(mx.sym, mx.sym.var("x"), **learned)
    operators = {node["op"] for node in json.loads(graph.tojson())["nodes"]}
    assert not operators & {"Dropout", "where", "_random_uniform_like", "zeros_like"}
    assert ("BlockGrad" in operators) == (name == "horq")  # around its steps; the compiler drops it
    if quantizer.kind == "unsigned":
        assert {"clip", "round"} <= operators


@pytest.mark.parametrize("name", nn.list_quantizers())
def test_every_registered_quantizer_says_its_formulas_and_its_paper(name):
    text = quantizer_class(name).__doc__
    for part in ("Forward", "Backward", "Paper:"):
        assert part in text
    if arguments_of(quantizer_class(name)):
        assert all(f"{argument}:" in text for argument in arguments_of(quantizer_class(name)))


@pytest.mark.parametrize("name", nn.list_quantizers())
@pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])
@pytest.mark.parametrize("role", ["input", "weight"])
def test_every_registered_quantizer_works_in_layers_of_unknown_input(role, name, hybridized, lowered):
    quantizer = nn.get_quantizer(name)
    if any(item.per_channel for item in quantizer.learned):
        pytest.skip(f"{name} learns a number for each channel, so it cannot wait for the input")
    if role == "weight" and (quantizer.kind == "unsigned" or name == "abc"):
        pytest.skip(f"{name} is for inputs")
    convolution = nn.QConv2D(
        3, 3, padding=1, weight_initializer=mx.init.Normal(1), **{f"{role}_quantizer": quantizer}
    )
    dense = nn.QDense(
        2, weight_initializer=mx.init.Normal(1), **{f"{role}_quantizer": nn.get_quantizer(name)}
    )
    net = mx.gluon.nn.HybridSequential()
    net.add(convolution, dense)
    net.initialize()
    if hybridized:
        net.hybridize(static_alloc=True, static_shape=True)
    data = mx.nd.random.normal(shape=(2, 4, 5, 5))
    data.attach_grad()
    for _ in range(2):
        with nn.lowering(lowered), mx.autograd.record():
            y = net(data)
        y.backward()
    assert y.shape == (2, 2)
    for gradient in (data.grad, convolution.weight.grad(), dense.weight.grad()):
        assert np.isfinite(gradient.asnumpy()).all()
    assert convolution.weight.grad().asnumpy().any()


def test_names_and_instances():
    assert isinstance(nn.get_quantizer("ste_sign"), nn.DetSign)
    quantizer = nn.DetSign(clip=0.25)
    assert nn.get_quantizer(quantizer) is quantizer
    assert repr(quantizer) == "DetSign(clip=0.25)"
    assert repr(nn.TanhSign(rescale="std")) == "TanhSign(nu=1.0, rescale='std')"
    assert nn.get_quantizer("leaky_sign", clip=0.5).clip == 0.5
    assert nn.get_quantizer("lsq", bits=3).bits == 3
    with pytest.raises(ValueError, match="did you mean 'det_sign'"):
        nn.get_quantizer("det_sing")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.DetSign(clip=-1.0), "DetSign: expected clip >= 0 or None, found -1.0"),
        (lambda: nn.DetSign(clip=float("nan")), "expected clip >= 0 or None, found nan"),
        (lambda: nn.StochasticSign(clip=-1.0), "StochasticSign: expected clip >= 0 or None"),
        (lambda: nn.SteHeaviside(clip=-0.5), "SteHeaviside: expected clip >= 0 or None, found -0.5"),
        (lambda: nn.LeakySign(clip=-1.0), "LeakySign: expected clip >= 0 or None"),
        (lambda: nn.LeakySign(slope=-0.1), "LeakySign: expected slope >= 0, found -0.1"),
        (lambda: nn.LeakyTanhSign(slope=-0.1), "LeakyTanhSign: expected slope >= 0, found -0.1"),
        (lambda: nn.SwishSign(beta=0.0), "SwishSign: expected beta > 0, found 0.0"),
        (lambda: nn.FourierSign(terms=0), "FourierSign: expected terms from 1 to 64, found 0"),
        (lambda: nn.FourierSign(omega=0), "FourierSign: expected omega > 0, found 0"),
        (lambda: nn.ProgressiveSign(temperature=0), "ProgressiveSign: expected temperature > 0, found 0"),
        (lambda: nn.ProgressiveSign(window=-1), "ProgressiveSign: expected window >= 0, found -1"),
        (lambda: nn.TanhSign(nu=0.0), "TanhSign: expected nu > 0, found 0.0"),
        (lambda: nn.TanhSign(rescale="mean"), "expected rescale None, 'max' or 'std', found 'mean'"),
        (lambda: nn.DoReFa(bits=0), "DoReFa: expected bits from 1 to 8, found 0"),
        (lambda: nn.DoReFa(bits=9), "DoReFa: expected bits from 1 to 8, found 9"),
        (lambda: nn.DoReFa(bits=True), "DoReFa: expected bits from 1 to 8, found True"),
        (lambda: nn.DoReFaWeight(bits=1), "DoReFaWeight: expected bits from 2 to 8, found 1"),
        (lambda: nn.WrpnWeight(bits=1), "WrpnWeight: expected bits from 2 to 8, found 1"),
        (lambda: nn.LSQ(bits=0), "LSQ: expected bits from 1 to 8, found 0"),
        (lambda: nn.LSQ(magnitude=0), "LSQ: expected magnitude > 0, found 0"),
        (lambda: nn.LSQWeight(bits=1), "LSQWeight: expected bits from 2 to 8, found 1"),
        (lambda: nn.ABCWeight(terms=0), "ABCWeight: expected terms from 1 to 8, found 0"),
        (lambda: nn.ABCActivation(terms=9), "ABCActivation: expected terms from 1 to 8, found 9"),
        (lambda: nn.HORQ(order=0), "HORQ: expected order from 1 to 4, found 0"),
        (lambda: nn.HORQ(order=5), "HORQ: expected order from 1 to 4, found 5"),
        (lambda: nn.HORQ(clip=-1), "HORQ: expected clip >= 0 or None, found -1"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_new_quantizer_is_one_class(monkeypatch, lowered):
    """The C++ operators do not know it, so its operator lowering quantizes in front of them."""
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))

    @nn.register("scaled_gradient_sign")
    class ScaledGradientSign(nn.SignQuantizer):
        def surrogate(self, F, x, **learned):
            return 3 * x

    layer = nn.QDense(
        4,
        use_bias=False,
        in_units=40,
        input_quantizer="scaled_gradient_sign",
        weight_quantizer="scaled_gradient_sign",
    )
    layer.initialize(mx.init.Normal(1))
    random = np.random.RandomState(2)
    x, dy = random.normal(size=(3, 40)).astype(np.float32), random.randint(-4, 5, (3, 4))
    data = mx.nd.array(x)
    data.attach_grad()
    with nn.lowering(lowered), mx.autograd.record():
        y = layer(data)
    y.backward(mx.nd.array(dy))
    x_sign, w_sign = (np.where(v < 0, -1, 1) for v in (x, layer.weight.data().asnumpy()))
    np.testing.assert_array_equal(y.asnumpy(), x_sign @ w_sign.T)
    np.testing.assert_array_equal(data.grad.asnumpy(), 3 * dy @ w_sign)
    np.testing.assert_array_equal(layer.weight.grad().asnumpy(), 3 * dy.T @ x_sign)


def test_the_command_lists_the_registry():
    result = CliRunner().invoke(cli, ["list", "quantizers", "--json"])
    assert result.exit_code == 0
    entries = json.loads(result.output)
    assert [entry["name"] for entry in entries] == nn.list_quantizers()
    progressive = next(entry for entry in entries if entry["name"] == "progressive_sign")
    assert progressive == {
        "name": "progressive_sign",
        "class": "ProgressiveSign",
        "kind": "signs",
        "bits": 1,
        "arguments": {"temperature": 1.0, "window": 1.5},
        "learned": ["temperature"],
        "summary": "Hard tanh that narrows to the sign as its temperature falls.",
    }
    text = CliRunner().invoke(cli, ["list", "quantizers"]).output
    assert all(entry["name"] in text and entry["summary"] in text for entry in entries)


def test_quantizers_with_the_former_names_of_scale_and_terms_work():
    from bmx.gluon.nn import Base

    class Halves(nn.DetSign):
        def step(self, F, x, **learned):
            return 0.5

    class Twice(nn.DetSign):
        def bases(self, F, x, **learned):
            return [Base(self.codes(F, x), 0.25), Base(self.codes(F, x))]

    x = mx.nd.array([[-2, 3]])
    assert Halves().has_scales
    np.testing.assert_array_equal(Halves()(mx.nd, x).asnumpy(), [[-0.5, 0.5]])
    np.testing.assert_array_equal(Twice()(mx.nd, x).asnumpy(), [[-1.25, 1.25]])


def test_arguments_named_like_a_method_are_shown():
    assert repr(nn.ABCWeight(2)) == "ABCWeight(terms=2, per_filter=False)"
    assert repr(nn.FourierSign()) == "FourierSign(terms=10, omega=1.0)"
