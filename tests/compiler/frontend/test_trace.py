"""Real nets of Gluon and bmx layers: what the compiler makes of them against what MXNet computes."""

from __future__ import annotations

import warnings
from typing import Any, Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, SymbolBlock, nn

from bmx import compiler, runtime
from bmx.compiler.backend import fileformat
from bmx.compiler.frontend.importer import UnsupportedError
from bmx.compiler.frontend.trace import trace_net
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph
from bmx.compiler.ir.text import to_text
from bmx.gluon import library
from bmx.gluon.nn import QActivation, QConv2D, QDense

pytestmark = pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")

CHANNELS = [1, 3, 31, 33, 64, 65, 160]


def sequential(*layers: HybridBlock) -> nn.HybridSequential:
    net = nn.HybridSequential()
    net.add(*layers)
    return net


def initialize(net: HybridBlock, shape: tuple, seed: int = 0) -> HybridBlock:
    """Random weights, and batch norms of both directions, some constant, some tied at integers."""
    mx.random.seed(seed)
    random = np.random.RandomState(seed)
    net.initialize(mx.init.Normal(0.5))
    net(mx.nd.zeros(shape))
    for name, parameter in net.collect_params().items():
        size = parameter.shape
        if name.endswith("gamma"):
            parameter.set_data(mx.nd.array(random.choice([1, 0.3, -1.7, 0], size, p=[0.4, 0.3, 0.2, 0.1])))
        elif name.endswith(("running_mean", "beta")):
            parameter.set_data(mx.nd.array(random.choice([0, 1, -2, 0.37, -0.21], size)))
        elif name.endswith("running_var"):
            parameter.set_data(mx.nd.array(random.uniform(0.5, 2, size)))
        elif name.endswith("bias"):
            parameter.set_data(mx.nd.array(random.standard_normal(size)))
    return net


def check(net: HybridBlock, shape: tuple, exact: bool = False, seed: int = 0) -> Graph:
    """Traced, compiled and read back from its file, a net answers as in MXNet."""
    initialize(net, shape, seed)
    x = np.random.RandomState(seed + 1).standard_normal(shape).astype(np.float32)
    expected = net(mx.nd.array(x)).asnumpy()
    traced, compiled = trace_net(net, shape), compiler.compile(net, shape)
    read = fileformat.read(fileformat.to_bytes(compiled))
    assert to_text(read, None) == to_text(compiled, None)
    for graph in (traced, compiled, read):
        actual = evaluate(graph, {"data": x})[0]
        if exact:
            np.testing.assert_array_equal(actual, expected)
        else:
            # Sums of a few hundred products and folded batch norms, rounded elsewhere than in MXNet.
            scale = max(1.0, float(np.abs(expected).max()))
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5 * scale)
    return compiled


def check_runtime(net: HybridBlock, graph: Graph, shape: tuple, exact: bool = False) -> None:
    """The packed file answers as MXNet, on every instruction set with the same bits."""
    x = np.random.RandomState(2).standard_normal(shape).astype(np.float32)
    expected, content = net(mx.nd.array(x)).asnumpy(), fileformat.to_bytes(graph)
    answers = [runtime.Model(content, isa)(x) for isa in runtime.isas()]
    if exact:
        np.testing.assert_array_equal(answers[0], expected)
    np.testing.assert_allclose(answers[0], expected, rtol=1e-5, atol=1e-5 * float(np.abs(expected).max()))
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer, answers[0])


def operators(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def test_float_lenet() -> None:
    net = sequential(
        nn.Conv2D(6, 5, activation="tanh"),
        nn.MaxPool2D(2, 2),
        nn.BatchNorm(),
        nn.Conv2D(7, 3, strides=2, padding=1, use_bias=False),
        nn.BatchNorm(scale=False),
        nn.Activation("relu"),
        nn.AvgPool2D(3, 2, 1, ceil_mode=True, count_include_pad=False),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Dense(11, activation="relu"),
        nn.BatchNorm(center=False),
        nn.Dense(10),
    )
    graph = check(net, (3, 1, 28, 27))
    # Batch norms beside a convolution or a dense layer disappear in its weights, if padding allows it.
    assert operators(graph) == [
        *("transpose", "conv2d", "max_pool2d", "tanh", "affine", "conv2d", "relu", "avg_pool2d", "flatten"),
        *("dense", "relu", "dense"),
    ]


def gluoncv_block(name: str) -> HybridBlock:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gluoncv.nn import block
    return getattr(block, name)()


ACTIVATIONS: dict[str, tuple[Callable[[], HybridBlock], list[str]]] = {
    "sigmoid": (lambda: nn.Activation("sigmoid"), ["sigmoid"]),
    "leaky": (lambda: nn.LeakyReLU(0.1), ["prelu"]),
    "prelu": (lambda: nn.PReLU(), ["prelu"]),
    "prelu of channels": (lambda: nn.PReLU(mx.init.Uniform(0.5), in_channels=5), ["prelu"]),
    "elu": (lambda: nn.ELU(0.7), ["elu"]),
    "selu": (lambda: nn.SELU(), ["elu", "affine"]),
    "swish": (lambda: nn.Swish(1.5), ["affine", "sigmoid", "mul"]),
    "relu6": (lambda: gluoncv_block("ReLU6"), ["clip"]),
    "hard sigmoid": (lambda: gluoncv_block("HardSigmoid"), ["affine", "clip", "affine"]),
    "hard swish": (lambda: gluoncv_block("HardSwish"), ["affine", "clip", "affine", "mul"]),
    "operator hard_sigmoid": (
        lambda: nn.HybridLambda(lambda nd, x: nd.hard_sigmoid(x, alpha=0.3, beta=0.4)),
        ["affine", "clip"],
    ),
    "maximum": (lambda: nn.HybridLambda(lambda nd, x: nd.maximum(x, 0) - nd.minimum(x, -0.5)), []),
    "square and abs": (lambda: nn.HybridLambda(lambda nd, x: nd.square(x) + nd.abs(x) / 3 - x**2), []),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    """Between layers, after a batch norm that cannot move into the weights, and after a dense layer."""
    make, expected = ACTIVATIONS[name]
    net = sequential(
        nn.Conv2D(5, 3, use_bias=False),
        make(),
        nn.BatchNorm(),
        make(),
        nn.MaxPool2D(2, 2),
        nn.Dense(5),
        make(),
    )
    graph = check(net, (3, 2, 8, 9))
    check_runtime(net, graph, (3, 2, 8, 9))
    if expected:
        after = operators(graph)[operators(graph).index("dense") + 1 :]
        # The affines of hard sigmoids and swishes move into the dense layer, if it has no other reader.
        moved = expected[0] == "affine" and "mul" not in expected
        assert after == (expected[1:] if moved else expected)


@pytest.mark.parametrize("name", ["leaky", "prelu", "elu", "sigmoid", "relu6", "hard sigmoid"])
def test_a_sign_takes_in_a_monotone_activation(name: str) -> None:
    make, _ = ACTIVATIONS[name]
    net = sequential(
        QConv2D(5, 3, use_bias=False),
        nn.BatchNorm(),
        make(),
        nn.BatchNorm(),
        QConv2D(4, 3, use_bias=False),
        nn.BatchNorm(),
        make(),
        nn.MaxPool2D(2, 1),
        QDense(3, use_bias=False),
    )
    graph = check(net, (3, 3, 9, 8), exact=True)
    check_runtime(net, graph, (3, 3, 9, 8), exact=True)
    assert operators(graph)[-3:] == ["flatten", "binary_dense", "cast"]
    assert {"affine", "prelu", "elu", "sigmoid", "clip"}.isdisjoint(operators(graph))


def test_binary_lenet() -> None:
    net = sequential(
        nn.Conv2D(64, 5, activation="tanh"),
        nn.MaxPool2D(2, 2),
        nn.BatchNorm(),
        QConv2D(65, 5, use_bias=False),
        nn.BatchNorm(),
        nn.MaxPool2D(2, 2),
        nn.Flatten(),
        QDense(100, use_bias=False),
        nn.BatchNorm(),
        nn.Activation("tanh"),
        nn.Dense(10),
    )
    graph = check(net, (3, 1, 28, 28))
    assert operators(graph) == [
        *(
            "transpose",
            "conv2d",
            "max_pool2d",
            "threshold",
            "binary_conv2d",
            "threshold",
            "max_pool2d",
            "flatten",
        ),
        *("binary_dense", "affine", "tanh", "dense"),
    ]
    dtypes = [node.constants["threshold"].dtype for node in graph.nodes if node.op == "threshold"]
    assert dtypes == [np.float32, np.int32]


@pytest.mark.parametrize("channels", CHANNELS)
def test_integers_are_equal_through_batch_norms_and_signs(channels: int) -> None:
    """The net's output is a dot product, so every bit on the way must be right."""
    net = sequential(
        QConv2D(channels, 3, padding=1),
        nn.BatchNorm(),
        QConv2D(channels, (3, 2), strides=(2, 1), padding=1, pad_value=1, groups=channels, use_bias=False),
        nn.BatchNorm(),
        nn.MaxPool2D(3, 2, 1, ceil_mode=True),
        nn.Activation("relu"),
        QConv2D(5, 3, padding=2, dilation=2, pad_value=-1, use_bias=False),
        nn.BatchNorm(epsilon=1e-3),
        nn.Flatten(),
        nn.BatchNorm(),
        nn.Activation("tanh"),
        QDense(17, use_bias=False),
        nn.BatchNorm(),
        QDense(9, use_bias=False),
    )
    check(net, (3, channels, 9, 7), exact=True, seed=channels)


@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_popcount_range_bias_and_explicit_activation(use_bias: bool, activation: str | None) -> None:
    options = {"input_quantizer": None, "output_range": "popcount", "use_bias": use_bias}
    net = sequential(
        QActivation(),
        QConv2D(33, 3, padding=1, activation=activation, **options),
        nn.BatchNorm(),
        QActivation(),
        nn.MaxPool2D(2, 2),
        nn.Flatten(),
        nn.Dropout(0.3),
        QDense(8, activation=activation, **options),
    )
    graph = check(net, (3, 3, 8, 8))
    assert operators(graph)[-2:] == (["affine", "relu"] if activation else ["binary_dense", "affine"])


@pytest.mark.parametrize("hybridize", [False, True])
def test_a_hybridized_net_compiles_to_the_same_file(hybridize: bool) -> None:
    net = initialize(sequential(QConv2D(4, 3), nn.BatchNorm(), QDense(3)), (1, 2, 6, 6))
    before = fileformat.to_bytes(compiler.compile(net, (1, 2, 6, 6), name="net"))
    if hybridize:
        net.hybridize(static_alloc=True, static_shape=True)
        net(mx.nd.zeros((1, 2, 6, 6)))
    assert fileformat.to_bytes(compiler.compile(net, (5, 2, 6, 6), name="net")) == before


@pytest.mark.filterwarnings("ignore:Cannot decide type:UserWarning")  # MXNet's own, about its input
def test_an_imported_symbol_block_compiles(tmp_path: Any) -> None:
    net = sequential(nn.Conv2D(4, 3), nn.BatchNorm(), nn.Flatten(), nn.Dense(3))
    initialize(net, (1, 2, 6, 6))
    net.hybridize()
    x = mx.nd.random.normal(shape=(2, 2, 6, 6))
    expected = net(x).asnumpy()
    net.export(str(tmp_path / "net"))
    block = SymbolBlock.imports(str(tmp_path / "net-symbol.json"), "data", str(tmp_path / "net-0000.params"))
    graph = compiler.compile(block, (1, 2, 6, 6), name="net")
    np.testing.assert_allclose(evaluate(graph, {"data": x.asnumpy()})[0], expected, rtol=1e-4, atol=1e-5)


class _TwoHeads(HybridBlock):
    """Shared trunk: a value with two readers, and two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = sequential(QConv2D(8, 3, use_bias=False), nn.BatchNorm())
        self.left, self.right = QDense(4, use_bias=False), nn.Dense(3)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        y = self.trunk(x)
        return self.left(y), F.softmax(self.right(F.relu(y))), y


def test_values_with_several_readers_and_outputs() -> None:
    shape = (3, 2, 6, 5)
    net = initialize(_TwoHeads(), shape)
    x = np.random.RandomState(1).standard_normal(shape).astype(np.float32)
    expected = [value.asnumpy() for value in net(mx.nd.array(x))]
    actual = evaluate(compiler.compile(net, shape), {"data": x})
    np.testing.assert_array_equal(actual[0], expected[0])
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(actual[2], expected[2], rtol=1e-4, atol=1e-5)


def _random_net(random: np.random.RandomState) -> nn.HybridSequential:
    """A few random image layers, a flatten and a few random dense layers; its output is a dot product."""

    def number(*choices: Any) -> Any:
        return choices[random.randint(len(choices))]

    image: list[Callable] = [
        lambda: QConv2D(number(3, 8, 33), number(1, 3), padding=number(0, 1), use_bias=number(False, True)),
        lambda: QConv2D(6, 3, padding=1, pad_value=number(1, -1), output_range=number("dot", "popcount")),
        lambda: nn.BatchNorm(scale=number(False, True)),
        lambda: nn.Activation(number("relu", "tanh")),
        lambda: nn.MaxPool2D(2, number(1, 2), number(0, 1)),
        lambda: nn.Dropout(0.5),
    ]
    dense: list[Callable] = [
        lambda: QDense(number(5, 40), use_bias=number(False, True)),
        lambda: nn.BatchNorm(),
        lambda: nn.Activation(number("relu", "tanh")),
    ]
    layers = [QConv2D(8, 3, padding=1)] + [number(*image)() for _ in range(random.randint(3, 8))]
    layers += [nn.Flatten()] + [number(*dense)() for _ in range(random.randint(0, 5))]
    return sequential(*layers, QDense(7, use_bias=False))


@pytest.mark.parametrize("seed", range(40))
def test_random_binary_nets_are_equal(seed: int) -> None:
    random = np.random.RandomState(seed)
    check(_random_net(random), (2, 3, random.randint(8, 13), random.randint(8, 13)), exact=True, seed=seed)


def test_all_unsupported_operators_are_listed_at_once() -> None:
    net = sequential(
        nn.Conv2D(4, 3, prefix="first_"),
        nn.GELU(prefix="gelu_"),
        nn.GlobalAvgPool2D(),
        QActivation(prefix="sign_"),
        nn.Dense(4, prefix="real_"),
        nn.Dense(3, activation="softrelu", prefix="last_"),
        QActivation(prefix="bits_"),
    )
    initialize(net, (1, 2, 8, 8))
    with pytest.raises(UnsupportedError) as error:
        compiler.compile(net, (1, 2, 8, 8), name="net")
    lines = str(error.value).splitlines()
    assert lines[0] == "bmx cannot compile 2 operators of 'net':"
    assert "'gelu_fwd' uses LeakyReLU(act_type=gelu): act_type is 'gelu'; supported: leaky, prelu" in lines[1]
    assert "Activation(act_type=softrelu): act_type is 'softrelu'; supported: relu, tanh, sigmoid" in lines[2]
    assert lines[-1] == "See docs/operators.md."


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            lambda: [QConv2D(4, 3, input_quantizer=None, pad_value=1)],
            "supported: pad_value 0, or a QActivation before it",
        ),
        (lambda: [nn.AvgPool2D(1, 4, 0, ceil_mode=True)], "last window lies outside the image"),
        (lambda: [nn.BatchNorm(axis=2)], "axis is '2'; supported: 1"),
        (lambda: [nn.Dense(3, flatten=False)], "supported: flatten=True"),
        (lambda: [nn.Conv2DTranspose(3, 2)], "Deconvolution.*bmx has no such operator"),
        (
            lambda: [nn.HybridLambda("softmax")],
            "axis is -1 .* supported: the axis of channels",
        ),
        (lambda: [nn.HybridLambda(lambda _, x: x > 0)], "_greater_scalar.*bmx has no such operator"),
        (
            lambda: [nn.HybridLambda(lambda _, x: x.reshape((8, -1)))],
            "supported: the batch axis stays in front",
        ),
        (lambda: [nn.HybridLambda(lambda _, x: x * x.shape[1])], "cannot be recorded as a graph"),
    ],
)
def test_what_is_not_supported_is_said_in_one_sentence(layers: Callable, message: str) -> None:
    net = initialize(sequential(*layers()), (1, 2, 8, 8))
    with pytest.raises(UnsupportedError, match=message):
        compiler.compile(net, (1, 2, 8, 8))


def test_parameters_must_be_there_and_finite() -> None:
    net = sequential(nn.Dense(3))
    with pytest.raises(ValueError, match=r"has no value; call net\.initialize"):
        compiler.compile(net, (1, 4))
    net.initialize()
    with pytest.raises(ValueError, match="call net\\(x\\) once, or give in_units"):
        compiler.compile(net, (1, 4))
    net(mx.nd.zeros((1, 4)))
    compiler.compile(net, (1, 4))
    net[0].bias.set_data(mx.nd.array([0, np.nan, 0]))
    with pytest.raises(ValueError, match="holds NaN or infinity"):
        compiler.compile(net, (1, 4))
    net[0].bias.set_data(mx.nd.zeros(3))
    net.cast("float64")
    with pytest.raises(ValueError, match="should be float32, found float64"):
        compiler.compile(net, (1, 4))


@pytest.mark.parametrize("shape", [(1,), (1, 2, 3), (1, 2, 0, 3), (1, 2, 3, 4, 5)])
def test_wrong_input_shapes(shape: tuple) -> None:
    with pytest.raises(ValueError, match="input_shape should be"):
        compiler.compile(sequential(nn.Dense(3, in_units=2)), shape)


def test_only_hybrid_blocks_compile() -> None:
    with pytest.raises(TypeError, match="bmx compiles a HybridBlock of Gluon, found Sequential"):
        compiler.compile(nn.Sequential(), (1, 4))


def test_classes_and_preprocessing_reach_the_file() -> None:
    net = initialize(sequential(nn.Dense(2)), (1, 3, 4, 4))
    preprocessing = {"scale": 1 / 255, "mean": [0.1, 0.2, 0.3], "std": [1.0, 2.0, 3.0]}
    graph = compiler.compile(net, (1, 3, 4, 4), preprocessing, ("cat", "dog"), name="pets")
    read = fileformat.read(fileformat.to_bytes(graph))
    assert (read.name, read.classes, read.inputs[0].preprocessing) == ("pets", ["cat", "dog"], preprocessing)
    with pytest.raises(compiler.GraphError, match="3 class labels were given"):
        compiler.compile(net, (1, 3, 4, 4), classes=("cat", "dog", "cow"))
    with pytest.raises(compiler.GraphError, match="preprocessing of 'data'"):
        compiler.compile(net, (1, 3, 4, 4), preprocessing={"scale": 1.0, "mean": [0.0], "std": [1.0]})


@pytest.mark.parametrize("divisor", [4.0, 41.0, -7.0])
def test_division_before_a_sign_is_exact(divisor: float) -> None:
    """n / 41 - k / 41 is 0 or not as the quotients are rounded; a product with 1 / 41 would differ."""
    # The dot products of 64 signs are even, and a few of them are in every batch.
    dots, reciprocal = np.arange(-10, 12, 2, dtype=np.float32), np.float32(1) / np.float32(divisor)
    quotients = dots / np.float32(divisor)
    assert divisor == 4 or np.any(dots * reciprocal < quotients)
    net = sequential(QDense(64, use_bias=False))
    for quotient in quotients.tolist():
        net.add(nn.HybridLambda(lambda _, x, q=quotient: x / divisor - q), QDense(64, use_bias=False))
    graph = check(net, (64, 64), exact=True)
    assert set(operators(graph)) == {"threshold", "binary_dense", "cast"}


def test_a_net_that_divides_by_0_is_refused() -> None:
    net = initialize(sequential(nn.Dense(3), nn.HybridLambda(lambda _, x: x / 0.0)), (1, 4))
    with pytest.raises(UnsupportedError, match="it divides by 0; supported: magnitudes from"):
        compiler.compile(net, (1, 4))
