"""Every operator of docs/format.md against NumPy, on every instruction set of this machine."""

import itertools

import numpy as np
import pytest

from bmx import runtime

CHANNELS = (1, 3, 33, 64, 65, 160)


def windows(x, kernel, strides, padding=(0, 0), dilation=(1, 1), fill=0.0):
    """[N, H, W, C] -> [N, H', W', KH, KW, C], out-of-image positions are `fill`."""
    x = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2, (0, 0)), constant_values=fill)
    out = [(x.shape[i + 1] - dilation[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i in (0, 1)]
    rows = np.arange(out[0])[:, None] * strides[0] + np.arange(kernel[0]) * dilation[0]
    columns = np.arange(out[1])[:, None] * strides[1] + np.arange(kernel[1]) * dilation[1]
    return x[:, rows[:, None, :, None], columns[None, :, None, :]]


def convolve(x, weight, strides, padding, dilation, groups, fill=0.0):
    """[N, H, W, I] * [O, KH, KW, I / groups] -> [N, H', W', O], in float64."""
    patches = windows(x.astype("float64"), weight.shape[1:3], strides, padding, dilation, fill)
    outputs = [
        np.einsum("nhwijc,oijc->nhwo", part, kernel)
        for part, kernel in zip(
            np.split(patches, groups, axis=-1), np.split(weight.astype("float64"), groups)
        )
    ]
    return np.concatenate(outputs, axis=-1)


def signs(rng, *shape):
    return np.where(rng.standard_normal(shape) < 0, -1.0, 1.0).astype("float32")


def normal(rng, *shape):
    return rng.standard_normal(shape).astype("float32")


@pytest.fixture(params=runtime.isas())
def isa(request):
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(20240607)


@pytest.fixture
def run_op(writer, isa):
    """Runs one node on the float input, or on its signs as bits."""

    def run(op, x, dtype, shape, attrs=None, as_bits=False, **tensors):
        builder = writer.GraphBuilder(*x.shape[1:])
        value = "data"
        if as_bits:
            channels = x.shape[-1]
            zeros = np.zeros(channels, "float32")
            value = builder.node(
                "threshold",
                value,
                "bits",
                x.shape[1:],
                threshold=zeros,
                flip=writer.pack_bits(-np.ones(channels)),
            )
        value = builder.node(op, value, dtype, shape, attrs, **tensors)
        return runtime.Model(builder.encode(value), isa)(x)

    return run


def conv_attrs(strides=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    return {"strides": list(strides), "padding": list(padding), "dilation": list(dilation), "groups": groups}


CONVOLUTIONS = [
    # kernel, strides, padding, dilation
    ((3, 3), (1, 1), (0, 0), (1, 1)),
    ((3, 3), (2, 1), (1, 2), (1, 1)),
    ((1, 1), (1, 1), (0, 0), (1, 1)),
    ((5, 2), (1, 2), (2, 1), (1, 1)),
    ((3, 3), (1, 1), (2, 2), (2, 2)),
]


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize(("kernel", "strides", "padding", "dilation"), CONVOLUTIONS)
@pytest.mark.parametrize("pad_value", [0, 1, -1])
def test_binary_conv2d(run_op, writer, rng, channels, kernel, strides, padding, dilation, pad_value):
    outputs = 7
    x, weight = signs(rng, 2, 9, 7, channels), signs(rng, outputs, *kernel, channels)
    expected = convolve(x, weight, strides, padding, dilation, 1, pad_value)
    attrs = {**conv_attrs(strides, padding, dilation), "pad_value": pad_value}
    packed = writer.pack_bits(weight)
    found = run_op("binary_conv2d", x, "i32", expected.shape[1:], attrs, as_bits=True, weight=packed)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("channels", "groups"), [(4, 2), (66, 2), (130, 2), (33, 33), (64, 64), (128, 2)])
def test_groups(run_op, writer, rng, channels, groups):
    outputs = 2 * groups
    x, weight = signs(rng, 2, 6, 5, channels), signs(rng, outputs, 3, 3, channels // groups)
    expected = convolve(x, weight, (1, 1), (1, 1), (1, 1), groups)
    attrs = conv_attrs(padding=(1, 1), groups=groups)
    shape = expected.shape[1:]
    packed = writer.pack_bits(weight)
    bits = run_op("binary_conv2d", x, "i32", shape, {**attrs, "pad_value": 0}, as_bits=True, weight=packed)
    np.testing.assert_array_equal(bits, expected)
    np.testing.assert_array_equal(run_op("conv2d", x, "f32", shape, attrs, weight=weight), expected)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize(("kernel", "strides", "padding", "dilation"), CONVOLUTIONS)
@pytest.mark.parametrize("with_bias", [False, True])
def test_conv2d(run_op, rng, channels, kernel, strides, padding, dilation, with_bias):
    x, weight = normal(rng, 2, 9, 7, channels), normal(rng, 5, *kernel, channels)
    tensors = {"bias": normal(rng, 5)} if with_bias else {}
    expected = convolve(x, weight, strides, padding, dilation, 1) + tensors.get("bias", 0)
    found = run_op(
        "conv2d",
        x,
        "f32",
        expected.shape[1:],
        conv_attrs(strides, padding, dilation),
        weight=weight,
        **tensors,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("inputs", CHANNELS)
@pytest.mark.parametrize("batch", [1, 3])
def test_dense(run_op, rng, inputs, batch):
    x, weight, bias = normal(rng, batch, inputs), normal(rng, 37, inputs), normal(rng, 37)
    found = run_op("dense", x, "f32", (37,), weight=weight, bias=bias)
    np.testing.assert_allclose(found, x.astype("float64") @ weight.T + bias, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("inputs", CHANNELS)
@pytest.mark.parametrize("batch", [1, 3])
def test_binary_dense(run_op, writer, rng, inputs, batch):
    x, weight = signs(rng, batch, inputs), signs(rng, 37, inputs)
    found = run_op("binary_dense", x, "i32", (37,), as_bits=True, weight=writer.pack_bits(weight))
    np.testing.assert_array_equal(found, x @ weight.T)


def expected_bits(x, threshold, flip):
    return np.where(np.where(flip > 0, ~(x > threshold), ~(x < threshold)), 1.0, -1.0)


@pytest.mark.parametrize("channels", CHANNELS)
def test_threshold_on_floats(run_op, writer, rng, channels):
    x, threshold, flip = normal(rng, 3, 5, channels), normal(rng, channels), signs(rng, channels)
    x[0, 0] = threshold  # equality is not below and not above
    x[1, 1] = np.nan
    threshold[-1], x[0, 1, -1] = 0.0, -0.0
    found = run_op("threshold", x, "bits", x.shape[1:], threshold=threshold, flip=writer.pack_bits(flip))
    np.testing.assert_array_equal(found, expected_bits(x, threshold, flip))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("fused", [True, False])
def test_integer_chain(writer, isa, rng, channels, fused):
    """Dots before a threshold, an affine, a cast, a maximum: fused where they can be, and equal."""
    x, weight = signs(rng, 3, 4, 4, 33), signs(rng, channels, 3, 3, 33)
    dots = convolve(x, weight, (1, 1), (0, 0), (1, 1), 1)
    shape = dots.shape[1:]
    threshold, flip = rng.integers(-9, 9, channels).astype("int32"), signs(rng, channels)
    scale, shift = normal(rng, channels), normal(rng, channels)
    builder = writer.GraphBuilder(*x.shape[1:])
    zeros = np.zeros(33, "float32")
    bits = builder.node(
        "threshold", "data", "bits", (4, 4, 33), threshold=zeros, flip=writer.pack_bits(-np.ones(33))
    )

    def dots_node():
        attrs = {**conv_attrs(), "pad_value": 0}
        return builder.node("binary_conv2d", bits, "i32", shape, attrs, weight=writer.pack_bits(weight))

    shared = [] if fused else [dots_node()]
    source = dots_node if fused else lambda: shared[0]
    pool = {"kernel": [2, 2], "strides": [1, 1], "padding": [0, 0], "ceil_mode": False}
    outputs = [
        builder.node("threshold", source(), "bits", shape, threshold=threshold, flip=writer.pack_bits(flip)),
        builder.node("affine", source(), "f32", shape, scale=scale, shift=shift),
        builder.node("cast", source(), "f32", shape),
        builder.node("max_pool2d", source(), "i32", (1, 1, channels), pool),
    ]
    model = runtime.Model(builder.encode(*outputs), isa)
    computed_by = {node["name"]: node["computed_by"] for node in model.info()["nodes"]}
    # Bits leave a step beside the numbers that they come from.
    assert [computed_by[name] != name for name in outputs] == [True, fused, fused, False]
    found = model.session().run(x)
    np.testing.assert_array_equal(found[0], expected_bits(dots, threshold, flip))
    exact = dots * scale.astype("float64") + shift  # exact in float64 up to one rounding far below float32's
    np.testing.assert_array_equal(found[1], exact.astype("float32"))
    np.testing.assert_array_equal(found[2], dots)
    assert found[3].dtype == np.int32
    np.testing.assert_array_equal(found[3], dots.max(axis=(1, 2), keepdims=True))


@pytest.mark.parametrize("channels", CHANNELS)
def test_affine_on_floats(run_op, rng, channels):
    x, scale, shift = normal(rng, 2, 3, channels), normal(rng, channels), normal(rng, channels)
    found = run_op("affine", x, "f32", x.shape[1:], scale=scale, shift=shift)
    np.testing.assert_array_equal(found, (x.astype("float64") * scale + shift).astype("float32"))


@pytest.mark.parametrize("channels", CHANNELS)
def test_relu_and_tanh(run_op, rng, channels):
    x = 3 * normal(rng, 2, 3, channels)
    np.testing.assert_array_equal(run_op("relu", x, "f32", x.shape[1:]), np.maximum(x, 0))
    expected = np.tanh(x.astype("float64"))
    np.testing.assert_allclose(run_op("tanh", x, "f32", x.shape[1:]), expected, rtol=5e-7)


def activation_tensors(rng, op, channels):
    """The tensors of an activation; slopes of both signs and 0."""
    if op == "clip":
        return {"low": np.float32([-0.5]), "high": np.float32([1.25])}
    if op in ("prelu", "elu"):
        slope = normal(rng, channels)
        slope[0] = 0
        return {"slope": slope}
    return {}


def activate(op, x, low=None, high=None, slope=None):
    """Float32, exact for all but elu, sigmoid and tanh, which are rounded once."""
    wide = x.astype("float64")
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            "relu": lambda: np.maximum(x, 0),
            "clip": lambda: np.clip(x, low, high),
            "prelu": lambda: np.where(x <= 0, x * slope, x),
            "elu": lambda: np.where(x <= 0, np.expm1(wide) * slope, x),
            "sigmoid": lambda: 1 / (1 + np.exp(-wide)),
            "tanh": lambda: np.tanh(wide),
        }[op]().astype("float32")


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("op", ["clip", "prelu", "elu", "sigmoid"])
@pytest.mark.parametrize("batch", [1, 3])
def test_activations(run_op, rng, channels, op, batch):
    x = 3 * normal(rng, batch, 3, channels)
    x[0, :, 0] = [np.nan, 0.0, 90.0]
    tensors = activation_tensors(rng, op, channels)
    found = run_op(op, x, "f32", x.shape[1:], **tensors)
    rtol = 5e-7 if op in ("elu", "sigmoid") else 0
    np.testing.assert_allclose(found, activate(op, x, **tensors), rtol=rtol)


@pytest.mark.parametrize("infinite", ["low", "high"])
def test_clip_with_one_limit(run_op, rng, infinite):
    x = normal(rng, 3, 65)
    limits = {"low": np.float32([-0.25]), "high": np.float32([0.5])}
    limits[infinite] = np.float32([-np.inf if infinite == "low" else np.inf])
    found = run_op("clip", x, "f32", (65,), **limits)
    np.testing.assert_array_equal(found, np.clip(x, limits["low"], limits["high"]))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("op", ["relu", "clip", "prelu", "elu", "sigmoid", "tanh"])
@pytest.mark.parametrize("affine_first", [True, False])
def test_activation_in_an_epilogue(writer, isa, rng, channels, binary, op, affine_first):
    """Layer, activation, scale, residual and signs in one step have the bits that each step has alone."""
    x, weight = signs(rng, 3, 5, 4, channels), signs(rng, channels, 3, 3, channels)
    scale, shift, threshold = (normal(rng, channels) for _ in range(3))
    scale /= 3 * np.sqrt(channels)
    shape, attrs = (5, 4, channels), conv_attrs(padding=[1, 1])
    no_flip = writer.pack_bits(-np.ones(channels))
    tensors = activation_tensors(rng, op, channels)

    def model(keep_all):
        builder = writer.GraphBuilder(*shape)
        if binary:
            zeros = np.zeros(channels, "float32")
            bits = builder.node("threshold", "data", "bits", shape, threshold=zeros, flip=no_flip)
            with_pad, packed = {**attrs, "pad_value": 0}, writer.pack_bits(weight)
            dots = builder.node("binary_conv2d", bits, "i32", shape, with_pad, weight=packed)
            values = [builder.node("cast", dots, "f32", shape)]
        else:
            values = [builder.node("conv2d", "data", "f32", shape, attrs, weight=weight)]
        for name in ("affine", op) if affine_first else (op, "affine"):
            roles = {"scale": scale, "shift": shift} if name == "affine" else tensors
            values.append(builder.node(name, values[-1], "f32", shape, **roles))
        values.append(builder.node("add", [values[-1], "data"], "f32", shape))
        bits = builder.node("threshold", values[-1], "bits", shape, threshold=threshold, flip=no_flip)
        # An output in between has a second reader, so that nothing after it is fused.
        return runtime.Model(builder.encode(bits, *(values if keep_all else values[-1:])), isa)

    steps = [{node["computed_by"] for node in m.info()["nodes"]} for m in (model(False), model(True))]
    assert [len(names) - binary for names in steps] == [1, 5]
    fused, alone = model(False).session().run(x), model(True).session().run(x)
    np.testing.assert_array_equal(fused[0], alone[0])
    np.testing.assert_array_equal(fused[1], alone[-1])
    base, first, second = alone[1:4]
    activated, source = (second, first) if affine_first else (first, base)
    rtol = 5e-7 if op in ("elu", "sigmoid", "tanh") else 0
    # e^89 is infinite in float32.
    np.testing.assert_allclose(activated, activate(op, source, **tensors), rtol=rtol, atol=1e-37)
    np.testing.assert_array_equal(fused[1], second + x)


@pytest.mark.parametrize("channels", CHANNELS)
def test_softmax(run_op, rng, channels):
    x = 20 * normal(rng, 2, 3, channels)
    exponentials = np.exp(x.astype("float64") - x.max(axis=-1, keepdims=True))
    expected = exponentials / exponentials.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(run_op("softmax", x, "f32", x.shape[1:]), expected, rtol=1e-5, atol=1e-30)


def pool_out(size, kernel, stride, padding, ceil_mode):
    reach = size + 2 * padding - kernel
    return (reach + (stride - 1 if ceil_mode else 0)) // stride + 1


def pool_windows(x, kernel, strides, padding, ceil_mode):
    """Yields (i, j, values inside the image, number of positions inside image and padding)."""
    height, width = x.shape[1:3]
    out = [pool_out(x.shape[i + 1], kernel[i], strides[i], padding[i], ceil_mode) for i in (0, 1)]
    for i, j in itertools.product(range(out[0]), range(out[1])):
        top, left = i * strides[0] - padding[0], j * strides[1] - padding[1]
        inside = x[:, max(top, 0) : max(top + kernel[0], 0), max(left, 0) : max(left + kernel[1], 0)]
        padded = min(top + kernel[0], height + padding[0]) - top
        yield i, j, inside, padded * (min(left + kernel[1], width + padding[1]) - left)


POOLS = [
    ((2, 2), (2, 2), (0, 0), False),
    ((2, 2), (2, 2), (0, 0), True),
    ((3, 3), (2, 2), (1, 1), False),
    ((3, 2), (2, 1), (1, 0), True),
    ((7, 9), (1, 1), (0, 0), False),
]


def pool_attrs(kernel, strides, padding, ceil_mode):
    return {
        "kernel": list(kernel),
        "strides": list(strides),
        "padding": list(padding),
        "ceil_mode": ceil_mode,
    }


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize(("kernel", "strides", "padding", "ceil_mode"), POOLS)
@pytest.mark.parametrize("as_bits", [False, True])
def test_max_pool2d(run_op, rng, channels, kernel, strides, padding, ceil_mode, as_bits):
    x = signs(rng, 2, 7, 9, channels) if as_bits else -np.abs(normal(rng, 2, 7, 9, channels))
    windows_of = list(pool_windows(x, kernel, strides, padding, ceil_mode))
    expected = np.empty((2, windows_of[-1][0] + 1, windows_of[-1][1] + 1, channels), "float32")
    for i, j, inside, _ in windows_of:
        expected[:, i, j] = inside.max(axis=(1, 2))
    attrs = pool_attrs(kernel, strides, padding, ceil_mode)
    found = run_op("max_pool2d", x, "bits" if as_bits else "f32", expected.shape[1:], attrs, as_bits=as_bits)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("channels", [1, 33, 64])
@pytest.mark.parametrize(("kernel", "strides", "padding", "ceil_mode"), POOLS)
@pytest.mark.parametrize("count_include_pad", [False, True])
def test_avg_pool2d(run_op, rng, channels, kernel, strides, padding, ceil_mode, count_include_pad):
    x = normal(rng, 2, 7, 9, channels)
    windows_of = list(pool_windows(x, kernel, strides, padding, ceil_mode))
    expected = np.empty((2, windows_of[-1][0] + 1, windows_of[-1][1] + 1, channels))
    for i, j, inside, padded in windows_of:
        divisor = padded if count_include_pad else inside.shape[1] * inside.shape[2]
        expected[:, i, j] = inside.astype("float64").sum(axis=(1, 2)) / divisor
    attrs = {**pool_attrs(kernel, strides, padding, ceil_mode), "count_include_pad": count_include_pad}
    found = run_op("avg_pool2d", x, "f32", expected.shape[1:], attrs)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("as_bits", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (1, 1)])
def test_flatten(run_op, rng, channels, as_bits, shape):
    x = signs(rng, 3, *shape, channels) if as_bits else normal(rng, 3, *shape, channels)
    dtype = "bits" if as_bits else "f32"
    found = run_op("flatten", x, dtype, (x[0].size,), as_bits=as_bits)
    np.testing.assert_array_equal(found, x.reshape(3, -1))


@pytest.mark.parametrize("channels", CHANNELS)
def test_flattened_bits_feed_a_dense_layer(writer, isa, rng, channels):
    """A flatten that is a view and one that repacks must leave the tail of the last word empty."""
    x, weight = signs(rng, 2, 3, 3, channels), signs(rng, 5, 9 * channels)
    builder = writer.GraphBuilder(3, 3, channels)
    zeros, no_flip = np.zeros(channels, "float32"), writer.pack_bits(-np.ones(channels))
    value = builder.node("threshold", "data", "bits", (3, 3, channels), threshold=zeros, flip=no_flip)
    value = builder.node("flatten", value, "bits", (9 * channels,))
    value = builder.node("binary_dense", value, "i32", (5,), weight=writer.pack_bits(weight))
    np.testing.assert_array_equal(runtime.Model(builder.encode(value), isa)(x), x.reshape(2, -1) @ weight.T)


@pytest.mark.parametrize("shape", [(3, 5, 7), (1, 5, 7), (4, 1, 1), (2, 3, 1), (6,), (2, 3, 4, 5)])
def test_transpose(run_op, rng, shape):
    x = normal(rng, 3, *shape)
    for perm in itertools.permutations(range(len(shape))):
        expected = x.transpose(0, *(axis + 1 for axis in perm))
        found = run_op("transpose", x, "f32", expected.shape[1:], {"perm": list(perm)})
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("op", ["add", "sub", "mul", "div"])
@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 4, 5), (3, 4, 5)),
        ((3, 4, 5), (1, 1, 5)),
        ((1, 1, 5), (3, 4, 5)),
        ((3, 1, 5), (1, 4, 1)),
        ((7,), (1,)),
    ],
    ids=str,
)
def test_arithmetic(writer, isa, rng, op, shapes):
    a, b = (normal(rng, 2, *shape) for shape in shapes)
    builder = writer.GraphBuilder(*shapes[0])
    builder.graph["inputs"].append({"name": "other", "dtype": "f32", "shape": list(shapes[1])})
    out = np.broadcast_shapes(*shapes)
    value = builder.node(op, ["data", "other"], "f32", out)
    model = runtime.Model(builder.encode(value), isa)
    function = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}[op]
    np.testing.assert_array_equal(model.session().run([a, b])[0], function(a, b))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("order", ["affine relu", "relu affine", "cast"])
def test_residual_block(writer, isa, rng, channels, binary, order):
    """Layer, scale, activation, residual, last relu, and the signs of the sum: one step, two values."""
    x, weight = signs(rng, 2, 5, 5, channels), signs(rng, channels, 3, 3, channels)
    scale, shift, threshold = (normal(rng, channels) for _ in range(3))
    builder = writer.GraphBuilder(*x.shape[1:])
    shape, attrs = (5, 5, channels), {**conv_attrs(padding=[1, 1])}
    if binary:
        bits = builder.node(
            "threshold",
            "data",
            "bits",
            shape,
            threshold=np.zeros(channels, "float32"),
            flip=writer.pack_bits(-np.ones(channels)),
        )
        dots = builder.node(
            "binary_conv2d", bits, "i32", shape, {**attrs, "pad_value": 0}, weight=writer.pack_bits(weight)
        )
        value = builder.node("cast", dots, "f32", shape)
    else:
        value = builder.node("conv2d", "data", "f32", shape, attrs, weight=weight)
    expected = convolve(x, weight, (1, 1), (1, 1), (1, 1), 1).astype("float32")
    for op in order.split():
        if op == "affine":
            value = builder.node("affine", value, "f32", shape, scale=scale, shift=shift)
            expected = (expected * scale.astype("float64") + shift).astype("float32")
        elif op == "relu":
            value = builder.node("relu", value, "f32", shape)
            expected = np.maximum(expected, 0)
    total = builder.node("add", ["data", value], "f32", shape)
    last = builder.node("relu", total, "f32", shape)
    sign = builder.node(
        "threshold", last, "bits", shape, threshold=threshold, flip=writer.pack_bits(-np.ones(channels))
    )
    expected = np.maximum(expected + x, 0)
    model = runtime.Model(builder.encode(last, sign), isa)
    steps = {node["computed_by"] for node in model.info()["nodes"]}
    assert len(steps) == (2 if binary else 1)
    found = model.session().run(x)
    # Sums of signs are exact, and each step after them is rounded once, here and there.
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], np.where(found[0] < threshold, -1, 1))
