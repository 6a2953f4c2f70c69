"""Symbols written by hand: what the importer makes of attributes as MXNet's files spell them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bmx.compiler.frontend.attributes import Attributes, NotSupportedError
from bmx.compiler.frontend.importer import UnsupportedError, import_symbol
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph, Input, ValueType
from bmx.compiler.ir.text import to_text

PARAMETERS = {
    "w": np.float32([[[[0.5]], [[-0.25]]], [[[-0.0]], [[0.0]]]]),
    "b": np.float32([0.5, -2]),
    "v": np.float32([1, 4]),
    "d": np.float32([[1, -2, 3]]),
    "one": np.float32([0.3]),
}


def symbol(*nodes: tuple, heads: tuple = (-1,)) -> dict[str, Any]:
    """A symbol's JSON from (op, name, names of inputs, attributes); variables come from the inputs' names."""
    entries: list[dict] = []
    index: dict[str, int] = {}

    def add(name: str, op: str, inputs: list, attrs: dict) -> None:
        index[name] = len(entries)
        entries.append({"op": op, "name": name, "inputs": inputs, "attrs": attrs})

    for op, name, inputs, attrs in nodes:
        for value in inputs:
            if value not in index:
                add(value, "null", [], {"__dtype__": "0"})
        add(name, op, [[index[value], 0, 0] for value in inputs], attrs)
    return {"nodes": entries, "heads": [[range(len(entries))[head], 0, 0] for head in heads]}


def build(*nodes: tuple, shape: tuple = (2, 3, 3), heads: tuple = (-1,)) -> Graph:
    data = Input("data", ValueType("f32", shape))
    return import_symbol(symbol(*nodes, heads=heads), PARAMETERS, [data], "net")


def test_a_binary_convolution_becomes_its_steps() -> None:
    attrs = {"kernel": "(1, 1)", "num_filter": "2", "pad": "(1, 0)", "pad_value": "-1", "no_bias": "False"}
    attrs = {**attrs, "output_range": "popcount", "layout": "NCHW", "input_clip": "1.0"}
    graph = build(("QConvolution", "conv", ["data", "w", "b"], attrs))
    assert to_text(graph).splitlines() == [
        "graph net channels_first",
        "input data: f32[2, 3, 3]",
        "conv_sign: bits[2, 3, 3] = sign(data)",
        'conv: i32[2, 5, 3] = binary_conv2d(conv_sign) {"pad_value": -1, "padding": [1, 0]} '
        "weight=bits[2, 2, 1, 1](1, -1, 1, 1)",
        "conv_cast: f32[2, 5, 3] = cast(conv)",
        "conv_popcount: f32[2, 5, 3] = affine(conv_cast) scale=f32[2](0.5, 0.5) shift=f32[2](1.0, 1.0)",
        "conv_bias: f32[2, 5, 3] = affine(conv_popcount) scale=f32[2](1.0, 1.0) shift=f32[2](0.5, -2.0)",
        "output conv_bias",
    ]


def test_the_bits_of_a_sign_are_not_signed_again() -> None:
    graph = build(
        ("QActivation", "s", ["data"], {"method": "det_sign", "clip": "inf"}),
        ("Pooling", "p", ["s"], {"kernel": "(2, 2)", "pool_type": "max"}),
        (
            "QConvolution",
            "conv",
            ["p", "w"],
            {"kernel": "(1, 1)", "num_filter": "2", "input_quantizer": "none"},
        ),
        ("QActivation", "t", ["conv"], {}),
        ("QActivation", "u", ["t"], {}),
        ("QConvolution", "last", ["u", "w"], {"kernel": "(1, 1)"}),
    )
    assert [node.op for node in graph.nodes] == [
        *("sign", "max_pool2d", "binary_conv2d", "cast", "sign", "binary_conv2d", "cast"),
    ]


@pytest.mark.parametrize(
    ("op", "scalar", "expected"),
    [
        ("_plus_scalar", "3", lambda x: x + np.float32(3)),
        ("_minus_scalar", "3.5", lambda x: x - np.float32(3.5)),
        ("_rminus_scalar", "1", lambda x: np.float32(1) - x),
        ("_mul_scalar", "0.1", lambda x: x * np.float32(0.1)),
        ("_div_scalar", "4", lambda x: x / np.float32(4)),
        ("_div_scalar", "-0.3", lambda x: x / np.float32(-0.3)),
        ("_maximum_scalar", "0", lambda x: np.maximum(x, np.float32(0))),
        ("_maximum_scalar", "-0.5", lambda x: np.maximum(x, np.float32(-0.5))),
        ("_minimum_scalar", "0.3", lambda x: np.minimum(x, np.float32(0.3))),
        ("_power_scalar", "2.0", lambda x: x * x),
    ],
)
def test_scalar_operators(op: str, scalar: str, expected: Any) -> None:
    x = np.random.RandomState(0).standard_normal((4, 2, 3, 3)).astype(np.float32)
    graph = build((op, "y", ["data"], {"scalar": scalar, "is_int": "True"}))
    np.testing.assert_array_equal(evaluate(graph, {"data": x})[0], expected(x))


@pytest.mark.parametrize(
    ("op", "attrs", "parameters", "expected"),
    [
        ("negative", {}, [], lambda x: -x),
        ("abs", {}, [], np.abs),
        ("square", {}, [], lambda x: x * x),
        ("round", {}, [], lambda x: np.sign(x) * np.floor(np.abs(x) + np.float32(0.5))),
        ("clip", {"a_min": "-0.5", "a_max": "inf"}, [], lambda x: np.maximum(x, np.float32(-0.5))),
        ("LeakyReLU", {}, [], lambda x: np.where(x > 0, x, x * np.float32(0.25))),
        (
            "LeakyReLU",
            {"act_type": "prelu"},
            ["b"],
            lambda x: np.where(x > 0, x, x * PARAMETERS["b"][:, None]),
        ),
        ("LeakyReLU", {"act_type": "prelu"}, ["one"], lambda x: np.where(x > 0, x, x * np.float32(0.3))),
        (
            "hard_sigmoid",
            {"alpha": "0.3", "beta": "0.4"},
            [],
            lambda x: np.clip(x * np.float32(0.3) + np.float32(0.4), 0, 1),
        ),
    ],
)
def test_activations(op: str, attrs: dict, parameters: list, expected: Any) -> None:
    x = np.random.RandomState(0).standard_normal((4, 2, 9)).astype(np.float32)
    graph = build((op, "y", ["data", *parameters], attrs), shape=(2, 9))
    np.testing.assert_array_equal(evaluate(graph, {"data": x})[0], expected(x))


@pytest.mark.parametrize("fix_gamma", ["True", "False", None])
def test_gamma_is_1_where_it_is_fixed_which_is_the_default(fix_gamma: str | None) -> None:
    attrs = {"fix_gamma": fix_gamma} if fix_gamma else {}
    graph = build(("BatchNorm", "n", ["data", "b", "b", "b", "v"], attrs))
    node = graph.producers()["n"]
    expected = PARAMETERS["b"] if fix_gamma == "False" else [1, 1]
    np.testing.assert_array_equal(node.constants["gamma"], expected)
    assert node.attrs == {"epsilon": 1e-3}


def test_global_pooling_and_names_that_repeat() -> None:
    graph = build(
        ("Pooling", "p", ["data"], {"global_pool": "True", "pool_type": "avg", "kernel": "(1, 1)"}),
        ("relu", "q_sign", ["p"], {}),
        ("QConvolution", "q", ["q_sign", "w"], {"kernel": "(1, 1)", "num_filter": "2"}),
    )
    assert graph.nodes[0].attrs["kernel"] == [3, 3]
    assert [node.name for node in graph.nodes] == ["p", "q_sign", "q_sign_1", "q", "q_cast"]


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (
            ("Convolution", "y", ["data", "w"], {"kernel": "(1,)"}),
            r"kernel is \(1,\); supported: two",
        ),
        (("Convolution", "y", ["data", "w"], {"layout": "NHWC"}), "layout is 'NHWC'; supported: NCHW"),
        (
            ("Convolution", "y", ["data", "w"], {"num_group": "many"}),
            "num_group is 'many', which cannot be",
        ),
        (
            ("Convolution", "y", ["data", "w"], {"scaling": "2"}),
            "attribute 'scaling' is not known",
        ),
        (("Convolution", "y", ["data", "d"], {}), r"weight should have shape \[any, 2, any, any\]"),
        (("Convolution", "y", ["data", "other"], {}), "'other' is a variable"),
        (("Pooling", "y", ["data"], {"pool_type": "sum"}), "pool_type is 'sum'; supported: max, avg"),
        (("Pooling", "y", ["data"], {"pooling_convention": "same"}), "supported: valid, full"),
        (("Dropout", "y", ["data"], {"mode": "always"}), "mode is 'always'; supported: training"),
        (
            ("QConvolution", "y", ["data", "w"], {"weight_quantizer": "none"}),
            r"weight_quantizer is 'none' and its weight holds 0\.5; supported: -1 and \+1",
        ),
        (
            ("QConvolution", "y", ["data", "w"], {"input_quantizer": "none", "pad_value": "1"}),
            r"its input real \(f32\[2, 3, 3\]\); supported: pad_value 0, or a QActivation before it",
        ),
        (("QActivation", "y", ["data"], {"method": "approx_sign"}), "supported: det_sign"),
        (("Activation", "y", ["data"], {"act_type": "softrelu"}), "supported: relu, tanh, sigmoid"),
        (("LeakyReLU", "y", ["data"], {"act_type": "gelu"}), "supported: leaky, prelu, elu, selu"),
        (("LeakyReLU", "y", ["data", "d"], {"act_type": "prelu"}), r"has shape \[1, 3\].*; supported: one n"),
        (("clip", "y", ["data"], {"a_min": "1", "a_max": "0"}), "low should not be above high, found 1.0"),
        (("clip", "y", ["data"], {"a_min": "nan", "a_max": "0"}), "a_min is 'nan', which cannot be read"),
        (
            ("_div_scalar", "y", ["data"], {"scalar": "0"}),
            "it divides by 0; supported: magnitudes from 1e-37",
        ),
        (("_power_scalar", "y", ["data"], {"scalar": "3"}), "scalar is 3; supported: 2, -1"),
        (("relu", "y", ["w"], {}), "it works on parameters"),
        (("FullyConnected", "y", ["data", "data"], {}), "it reads two computed values"),
        (("_identity", "y", ["w"], {}), "bmx has no such operator"),
        (("identity", "y", ["w"], {}), "it works on parameters"),
        (("FullyConnected", "y", ["w", "data"], {}), "its first input is a parameter"),
        (("concat", "y", ["data", "w"], {}), "it reads a parameter; supported: computed values"),
    ],
)
def test_what_is_not_supported(node: tuple, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        build(node)


def test_a_second_output_is_not_supported() -> None:
    net = symbol(("relu", "x", ["data"], {}), ("relu", "y", ["x"], {}))
    net["nodes"][2]["inputs"][0][1] = 1
    with pytest.raises(UnsupportedError, match=r"'y' uses relu.*it reads a second output"):
        import_symbol(net, {}, [Input("data", ValueType("f32", (2,)))], "net")


def test_operators_after_a_problem_are_checked_too() -> None:
    with pytest.raises(UnsupportedError) as error:
        build(
            ("UpSampling", "a", ["data"], {"scale": "2", "sample_type": "bilinear"}),
            ("relu", "fine", ["a"], {}),
            ("Convolution", "b", ["fine", "w"], {"layout": "NHWC"}),
            ("L2Normalization", "c", ["data"], {"mode": "channel"}),
        )
    assert str(error.value).splitlines() == [
        "bmx cannot compile 3 operators of 'net':",
        "  'a' uses UpSampling(sample_type=bilinear, scale=2): "
        "sample_type is 'bilinear'; supported: nearest.",
        "  'b' uses Convolution(layout=NHWC): layout is 'NHWC'; supported: NCHW, None.",
        "  'c' uses L2Normalization(mode=channel): bmx has no such operator.",
        "See docs/operators.md.",
    ]


def test_attributes_as_mxnet_spells_them() -> None:
    attrs = Attributes({"a": "True", "b": "0", "c": "(3, 4)", "d": "()", "e": "1e-05", "__shape__": "(1,)"})
    assert (attrs.boolean("a", False), attrs.boolean("b", True), attrs.boolean("none", True)) == (
        True,
        False,
        True,
    )
    assert (attrs.pair("c", (1, 1)), attrs.pair("d", (1, 1)), attrs.pair("none", (2, 2))) == (
        [3, 4],
        [1, 1],
        [2, 2],
    )
    with pytest.raises(NotSupportedError, match="attribute 'e' is not known"):
        attrs.expect_all_read()
    assert attrs.number("e", 1.0) == 1e-5
    attrs.expect_all_read()
    for read in (attrs.boolean, attrs.integer):
        with pytest.raises(NotSupportedError, match="e is"):
            read("e", 0)


def test_a_second_output_cannot_be_returned() -> None:
    net = symbol(("relu", "x", ["data"], {}))
    net["heads"][0][1] = 1
    with pytest.raises(UnsupportedError, match="a second output of 'x' is what the net returns"):
        import_symbol(net, {}, [Input("data", ValueType("f32", (2,)))], "net")


def test_outputs_of_a_split_are_read_by_their_numbers() -> None:
    net = symbol(("SliceChannel", "s", ["data"], {"num_outputs": "3"}), ("relu", "y", ["s"], {}))
    net["nodes"][2]["inputs"][0][1] = 2
    net["heads"] = [[2, 0, 0], [1, 1, 0]]
    graph = import_symbol(net, {}, [Input("data", ValueType("f32", (6,)))], "net")
    x = np.float32([[-1, 2, -3, 4, -5, 6]])
    last, middle = evaluate(graph, {"data": x})
    np.testing.assert_array_equal(last, [[0, 6]])
    np.testing.assert_array_equal(middle, [[-3, 4]])
    assert graph.outputs == ["y", "s_1"]


def test_a_problem_of_a_split_is_told_once() -> None:
    net = symbol(("SliceChannel", "s", ["data"], {"num_outputs": "4"}), ("relu", "y", ["s"], {}))
    net["nodes"][2]["inputs"][0][1] = 3
    with pytest.raises(UnsupportedError, match=r"1 operator of 'net'.*\n.*it splits 6 elements into 4 parts"):
        import_symbol(net, {}, [Input("data", ValueType("f32", (6,)))], "net")
