"""Operators that join, cut and move values, and local response normalization, against NumPy."""

import numpy as np
import pytest

from bmx import runtime

CHANNELS = (1, 3, 33, 64, 65)


@pytest.fixture(params=runtime.isas())
def isa(request):
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(20240701)


@pytest.fixture
def run(writer, isa):
    """run(op, x, shape, attrs, **tensors): one node on x, with one thread and with three."""

    def run_node(op, x, shape, attrs=None, inputs=1, **tensors):
        builder = writer.GraphBuilder(*x.shape[1:])
        value = builder.node(op, ["data"] * inputs, "f32", shape, attrs, **tensors)
        model = runtime.Model(builder.encode(value), isa)
        (found,) = (array.copy() for array in model.session().run(x))
        np.testing.assert_array_equal(model.session(threads=3).run(x)[0], found)
        return found

    return run_node


def normal(rng, *shape):
    return rng.standard_normal(shape).astype("float32")


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("channels", [(1,), (3, 5), (64, 33, 1), (65, 65)])
@pytest.mark.parametrize("shape", [(), (4, 5), (40, 37)])
def test_concat(writer, isa, rng, batch, channels, shape):
    x = normal(rng, batch, *shape, sum(channels))
    builder = writer.GraphBuilder(*x.shape[1:])
    parts, at = [], 0
    for count in channels:
        begin, end = [0] * len(shape) + [at], [*shape, at + count]
        parts.append(builder.node("slice", "data", "f32", (*shape, count), {"begin": begin, "end": end}))
        at += count
    again = builder.node("concat", parts, "f32", x.shape[1:])
    twice = builder.node("concat", [*parts[::-1], "data"], "f32", (*shape, 2 * at))
    model = runtime.Model(builder.encode(again, twice, *parts), isa)
    for threads in (1, 3):
        found = model.session(threads=threads).run(x)
        np.testing.assert_array_equal(found[0], x)
        pieces = np.split(x, np.cumsum(channels)[:-1], axis=-1)
        np.testing.assert_array_equal(found[1], np.concatenate([*pieces[::-1], x], axis=-1))
        for piece, part in zip(pieces, found[2:]):
            np.testing.assert_array_equal(part, piece)


def test_concat_of_64_values(run, rng):
    x = normal(rng, 2, 3, 2, 5)
    np.testing.assert_array_equal(run("concat", x, (3, 2, 320), inputs=64), np.tile(x, 64))


@pytest.mark.parametrize(
    ("shape", "begin", "end"),
    [
        ((9,), [2], [5]),
        ((9,), [0], [9]),
        ((5, 4, 7), [0, 0, 2], [5, 4, 3]),
        ((5, 4, 7), [1, 0, 0], [4, 4, 7]),
        ((5, 4, 7), [0, 3, 0], [5, 4, 7]),
        ((5, 4, 7), [4, 1, 6], [5, 3, 7]),
        ((50, 40, 65), [1, 0, 0], [50, 39, 64]),
        ((2, 3, 4, 5), [1, 0, 1, 0], [2, 3, 3, 5]),
    ],
)
def test_slice(run, rng, shape, begin, end):
    x = normal(rng, 3, *shape)
    expected = x[(slice(None), *(slice(*bounds) for bounds in zip(begin, end)))]
    found = run("slice", x, expected.shape[1:], {"begin": begin, "end": end})
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 2, 3, 4), (0, 3, 0, 0), (2, 0, 0, 1)])
def test_pad2d(run, rng, channels, padding):
    x = normal(rng, 2, 15, 13, channels)
    for edge, mode in ((False, "constant"), (True, "edge")):
        expected = np.pad(x, [(0, 0), padding[:2], padding[2:], (0, 0)], mode)
        found = run("pad2d", x, expected.shape[1:], {"padding": list(padding), "edge": edge})
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("padding", [(1, 1, 1, 1), (0, 3, 2, 0)])
def test_pad2d_of_bits_repeats_the_outermost(writer, isa, rng, channels, padding):
    x = normal(rng, 2, 7, 5, channels)
    expected = np.pad(np.where(x < 0, -1.0, 1.0), [(0, 0), padding[:2], padding[2:], (0, 0)], "edge")
    builder = writer.GraphBuilder(*x.shape[1:])
    tensors = {"threshold": np.zeros(channels, "float32"), "flip": np.zeros((channels + 7) // 8, "uint8")}
    bits = builder.node("threshold", "data", "bits", x.shape[1:], **tensors)
    shape = expected.shape[1:]
    padded = builder.node("pad2d", bits, "bits", shape, {"padding": list(padding), "edge": True})
    value = builder.node("cast", padded, "f32", shape)
    model = runtime.Model(builder.encode(value), isa)
    for threads in (1, 3):
        np.testing.assert_array_equal(model.session(threads=threads).run(x)[0], expected)


def test_pad2d_of_bits_has_no_zeros(writer):
    builder = writer.GraphBuilder(2, 2, 8)
    tensors = {"threshold": np.zeros(8, "float32"), "flip": np.zeros(1, "uint8")}
    bits = builder.node("threshold", "data", "bits", (2, 2, 8), **tensors)
    value = builder.node("pad2d", bits, "bits", (2, 2, 8), {"padding": [0, 0, 0, 0], "edge": False})
    with pytest.raises(runtime.ModelError, match="bits have no 0: attribute 'edge' must be true"):
        runtime.Model(builder.encode(builder.node("cast", value, "f32", (2, 2, 8))))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("scale", [(1, 1), (2, 2), (3, 1), (1, 4)])
def test_upsample2d(run, rng, channels, scale):
    x = normal(rng, 2, 15, 13, channels)
    expected = np.empty((2, 15 * scale[0], 13 * scale[1], channels), "float32")
    for i in range(expected.shape[1]):
        for j in range(expected.shape[2]):
            expected[:, i, j] = x[:, i // scale[0], j // scale[1]]
    found = run("upsample2d", x, expected.shape[1:], {"scale": list(scale)})
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (6, 1), (6, 2), (6, 3), (6, 6), (66, 11), (240, 3)])
@pytest.mark.parametrize("shape", [(), (14, 15)])
def test_shuffle_channels(run, rng, channels, groups, shape):
    x = normal(rng, 3, *shape, channels)
    expected = np.empty_like(x)
    for group in range(groups):
        for index in range(channels // groups):
            expected[..., index * groups + group] = x[..., group * (channels // groups) + index]
    found = run("shuffle_channels", x, x.shape[1:], {"groups": groups})
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("before", "after"), [((24,), (1, 2, 3, 4)), ((2, 3, 4), (24,)), ((5, 1, 7), (7, 5)), ((6,), (6, 1, 1))]
)
def test_reshape(run, rng, before, after):
    x = normal(rng, 3, *before)
    np.testing.assert_array_equal(run("reshape", x, after, {"shape": list(after)}), x.reshape(3, *after))


def test_a_reshape_costs_nothing(writer, rng, isa):
    builder = writer.GraphBuilder(6)
    value = builder.node("relu", "data", "f32", (6,))
    value = builder.node("reshape", value, "f32", (2, 3), {"shape": [2, 3]})
    value = builder.node("reshape", value, "f32", (1, 3, 2), {"shape": [1, 3, 2]})
    model = runtime.Model(builder.encode(value), isa)
    x = normal(rng, 4, 6)
    np.testing.assert_array_equal(model(x), np.maximum(x, 0).reshape(4, 1, 3, 2))


@pytest.mark.parametrize("beta", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("size", [1, 5, 99])
@pytest.mark.parametrize("channels", CHANNELS)
def test_lrn(run, rng, beta, size, channels):
    x = 2 * normal(rng, 2, 9, 8, channels)
    tensors = {"alpha": np.float32([0.7]), "beta": np.float32([beta]), "knorm": np.float32([1.3])}
    expected = np.empty_like(x)
    for c in range(channels):
        near = x[..., max(0, c - size // 2) : c + size // 2 + 1].astype("float64")
        base = np.float32(1.3).astype("float64") + 0.7 / size * (near**2).sum(axis=-1)
        expected[..., c] = x[..., c] / base**beta
    found = run("lrn", x, x.shape[1:], {"size": size}, **tensors)
    np.testing.assert_allclose(found, expected, rtol=5e-6)


def test_lrn_has_the_same_bits_everywhere(writer, rng):
    x = normal(rng, 2, 5, 5, 33)
    builder = writer.GraphBuilder(5, 5, 33)
    tensors = {"alpha": np.float32([1e-4]), "beta": np.float32([0.75]), "knorm": np.float32([2])}
    value = builder.node("lrn", "data", "f32", (5, 5, 33), {"size": 5}, **tensors)
    # As docs/format.md says: the power is made of square roots. Each step is rounded to float32.
    squares = np.pad(x * x, [(0, 0)] * 3 + [(2, 2)])
    sums = np.zeros_like(x)
    for offset in range(5):
        sums += squares[..., offset : offset + 33]
    root = np.sqrt(np.float32(2) + np.float32(1e-4) / np.float32(5) * sums)
    for isa in runtime.isas():
        found = runtime.Model(builder.encode(value), isa)(x)
        np.testing.assert_array_equal(found, x / (root * np.sqrt(root)))


def test_branches_meet_again(writer, isa, rng):
    """Views, slices and a concat of the same value, some of it read again later: the arena must keep it."""
    x = normal(rng, 5, 6, 7, 8)
    builder = writer.GraphBuilder(6, 7, 8)
    value = builder.node("relu", "data", "f32", (6, 7, 8))
    left = builder.node("slice", value, "f32", (6, 7, 3), {"begin": [0, 0, 0], "end": [6, 7, 3]})
    right = builder.node("slice", value, "f32", (6, 7, 5), {"begin": [0, 0, 3], "end": [6, 7, 8]})
    left = builder.node("tanh", left, "f32", (6, 7, 3))
    joined = builder.node("concat", [right, left], "f32", (6, 7, 8))
    flat = builder.node("reshape", value, "f32", (336,), {"shape": [336]})
    again = builder.node("reshape", flat, "f32", (6, 7, 8), {"shape": [6, 7, 8]})
    total = builder.node("add", [joined, again], "f32", (6, 7, 8))
    positive = np.maximum(x, 0)
    expected = np.concatenate([positive[..., 3:], np.tanh(positive[..., :3])], axis=-1) + positive
    found = runtime.Model(builder.encode(total), isa)(x)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("op", "shape", "attrs", "message"),
    [
        ("slice", (4, 4, 2), {"begin": [0, 0], "end": [4, 4]}, "not ranges inside its input's"),
        ("slice", (4, 4, 2), {"begin": [0, 0, 0], "end": [4, 5, 2]}, "not ranges inside its input's"),
        ("slice", (4, 4, 2), {"begin": [0, 2, 0], "end": [4, 2, 2]}, "not ranges inside its input's"),
        ("slice", (4, 4, 2), {"begin": [0, -1, 0], "end": [4, 2, 2]}, "not ranges inside its input's"),
        ("pad2d", (4, 4, 2), {"padding": [0, 0, 0], "edge": True}, "must be .top, bottom, left, right."),
        ("pad2d", (4, 4, 2), {"padding": [0, 0, 0, -1], "edge": False}, "each at least 0"),
        ("pad2d", (4, 4, 2), {"padding": [0, 0, 0, 2**31], "edge": False}, "each at least 0"),
        ("pad2d", (4, 4, 2), {"padding": [1, 0, 0, 0], "edge": False}, r"make f32 \[5, 4, 2\]"),
        ("pad2d", (4, 4, 2), {"padding": [0, 0, 0, 0]}, "lacks the attribute 'edge'"),
        ("pad2d", (4, 4, 2), {"padding": [0, 0, 0, 0], "edge": 1}, "must be true or false"),
        ("upsample2d", (4, 4, 2), {"scale": [0, 1]}, "both at least 1"),
        ("upsample2d", (4, 4, 2), {"scale": [2**31 - 1, 1]}, r"make f32 \[8589934588, 4, 2\]"),
        ("shuffle_channels", (4, 4, 2), {"groups": 3}, "cannot split 2 channels into 3 groups"),
        ("shuffle_channels", (4, 4, 2), {"groups": 0}, "cannot split 2 channels into 0 groups"),
        ("shuffle_channels", (4, 4, 2), {"groups": -1}, "cannot split 2 channels into -1 groups"),
        ("reshape", (4, 8), {"shape": [4, 9]}, "does not hold the elements"),
        ("reshape", (4, 8), {"shape": []}, "does not hold the elements"),
        ("reshape", (4, 8), {"shape": [-4, -8]}, "does not hold the elements"),
        ("reshape", (4, 8), {"shape": [2**32, 2**32, 32]}, "does not hold the elements"),
        ("concat", (4, 4, 2), {"axis": 1}, "attribute 'axis' is not known"),
        ("lrn", (4, 4, 2), {"size": 5}, "lacks the tensor 'alpha'"),
    ],
)
def test_what_does_not_fit_is_refused(writer, op, shape, attrs, message):
    builder = writer.GraphBuilder(4, 4, 2)
    value = builder.node(op, "data", "f32", shape, attrs)
    with pytest.raises(runtime.ModelError, match=message):
        runtime.Model(builder.encode(value))


@pytest.mark.parametrize(
    ("size", "beta", "message"),
    [(4, 0.75, "size is 4, it must be odd"), (-1, 0.75, "size is -1"), (5, 0.6, "it must be 0.5, 0.75 or 1")],
)
def test_lrn_refuses_other_numbers(writer, size, beta, message):
    builder = writer.GraphBuilder(2)
    numbers = {"alpha": np.float32([1]), "beta": np.float32([beta]), "knorm": np.float32([1])}
    value = builder.node("lrn", "data", "f32", (2,), {"size": size}, **numbers)
    with pytest.raises(runtime.ModelError, match=message):
        runtime.Model(builder.encode(value))


@pytest.mark.parametrize("other", [(4, 1), (4,), (1, 4, 1), (2, 2)])
def test_concat_refuses_other_shapes(writer, other):
    builder = writer.GraphBuilder(4)
    first = builder.node("reshape", "data", "f32", (1, 4), {"shape": [1, 4]})
    second = builder.node("reshape", "data", "f32", other, {"shape": list(other)})
    value = builder.node("concat", [first, second], "f32", (1, 8))
    with pytest.raises(runtime.ModelError, match="takes shapes that are equal but for the last axis"):
        runtime.Model(builder.encode(value))
