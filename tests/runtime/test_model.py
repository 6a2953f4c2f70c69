"""Model and Session: arrays in and out, threads, what they say about themselves."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from bmx import runtime


@pytest.fixture(scope="module")
def lenet(writer):
    builder, output = writer.lenet(np.random.default_rng(3), channels=16, hidden=50)
    builder.graph["classes"] = list("0123456789")
    return builder.encode(output)


@pytest.fixture
def images():
    return np.random.default_rng(5).standard_normal((5, 1, 28, 28)).astype("float32")


def test_what_a_model_says(lenet, tmp_path):
    path = tmp_path / "lenet.bmx"
    path.write_bytes(lenet)
    model = runtime.Model(path)
    rule = runtime.Preprocessing(1 / 255, (0.13,), (0.31,))
    assert model.inputs == [runtime.ValueInfo("data", "float32", (1, 28, 28), rule)]
    assert model.outputs == [runtime.ValueInfo("dense12", "float32", (10,))]
    assert model.classes == list("0123456789")
    assert model.isa == runtime.isas()[0]
    info = model.info()
    assert info["file_bytes"] == len(lenet)
    assert info["report"] is None
    nodes = {node["name"]: node for node in info["nodes"]}
    assert nodes["conv2d1"]["macs"] == 24 * 24 * 16 * 25
    assert nodes["binary_dense9"]["macs"] == 16 * 16 * 50
    assert nodes["binary_dense9"]["weight_bytes"] == 50 * 16 * 16 // 8
    assert nodes["tanh11"]["computed_by"] == "binary_dense9"
    assert nodes["max_pool2d3"]["computed_by"] == "max_pool2d3"


def test_every_isa_gives_the_same_bits(lenet, images):
    results = [runtime.Model(lenet, isa)(images) for isa in runtime.isas()]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_fused_equals_unfused(writer, images):
    """Naming every value an output forbids fusion, but of thresholds; nothing may change."""
    builder, output = writer.lenet(np.random.default_rng(3), channels=16, hidden=50)
    fused = runtime.Model(builder.encode(output))
    unfused = runtime.Model(builder.encode(output, *[node["name"] for node in builder.graph["nodes"][:-1]]))
    assert any(node["computed_by"] != node["name"] for node in fused.info()["nodes"])
    for node in unfused.info()["nodes"]:
        assert node["op"] == "threshold" or node["computed_by"] == node["name"]
    np.testing.assert_array_equal(unfused.session().run(images)[0], fused(images))


def test_batches_of_any_size_in_any_order(lenet, images):
    model = runtime.Model(lenet)
    alone = np.concatenate([model(image[None]) for image in images])
    session = model.session()
    for batch in (3, 1, 5, 2, 4):
        np.testing.assert_array_equal(session(images[:batch]), alone[:batch])


def test_large_batches_run_in_slices(writer):
    builder = writer.GraphBuilder(1000)
    shift = np.arange(1000, dtype="float32")
    value = builder.node("affine", "data", "f32", (1000,), scale=np.full(1000, 2, "float32"), shift=shift)
    x = np.random.default_rng(1).integers(-99, 99, (9001, 1000)).astype("float32")
    np.testing.assert_array_equal(runtime.Model(builder.encode(value))(x), 2 * x + shift)


def test_uint8_images(lenet):
    model = runtime.Model(lenet)
    images = np.random.default_rng(9).integers(0, 256, (3, 1, 28, 28)).astype("uint8")
    floats = ((images / 255 - 0.13) / 0.31).astype("float32")
    np.testing.assert_allclose(model(images), model(floats), rtol=1e-4, atol=1e-4)


def test_preprocessing_uses_the_channel_of_each_plane(writer):
    rule = {"scale": 0.5, "mean": [1.0, 2.0, 3.0], "std": [1.0, 2.0, 4.0]}
    builder = writer.GraphBuilder(3, 2, 2, preprocessing=rule)
    images = np.random.default_rng(9).integers(0, 256, (2, 3, 2, 2)).astype("uint8")
    mean, std = (np.array(rule[key]).reshape(3, 1, 1) for key in ("mean", "std"))
    found = runtime.Model(builder.encode(builder.node("relu", "data", "f32", (3, 2, 2))))(images)
    np.testing.assert_array_equal(found, np.maximum((images * 0.5 - mean) / std, 0).astype("float32"))


def test_an_output_may_be_the_input(writer):
    builder = writer.GraphBuilder(2, 3)
    view = builder.node("flatten", "data", "f32", (6,))
    x = np.arange(12, dtype="float32").reshape(2, 2, 3)
    same, flat = runtime.Model(builder.encode("data", view)).session().run(x)
    np.testing.assert_array_equal(same, x)
    np.testing.assert_array_equal(flat, x.reshape(2, 6))


def test_arrays_in_any_order_of_memory(lenet, images):
    model = runtime.Model(lenet)
    np.testing.assert_array_equal(model(images[::2]), model(images[::2].copy()))
    np.testing.assert_array_equal(model(np.asfortranarray(images)), model(images))


@pytest.mark.parametrize(
    ("x", "pattern"),
    [
        (
            np.zeros((28, 28), "float32"),
            r"input 'data': expected shape \(batch, 1, 28, 28\), found \(28, 28\)",
        ),
        (np.zeros((1, 28, 28), "float32"), r"expected shape \(batch, 1, 28, 28\), found \(1, 28, 28\)"),
        (np.zeros((2, 1, 28, 27), "float32"), r"found \(2, 1, 28, 27\)"),
        (np.zeros(3, "float32"), r"found \(3,\)"),
        (np.zeros((), "float32"), r"found \(\)"),
        (np.zeros((0, 1, 28, 28), "float32"), "the batch is empty"),
        (np.zeros((1, 1, 28, 28)), r"expected float32 or uint8, found float64; use x.astype\('float32'\)"),
        (np.zeros((1, 1, 28, 28), "int8"), "found int8"),
        ("digits", "expected a NumPy array, found str"),
        ([], "the model has 1 inputs, 0 arrays were given"),
        ([np.zeros((1, 1, 28, 28), "float32")] * 2, "the model has 1 inputs, 2 arrays were given"),
        (
            {"image": np.zeros((1, 1, 28, 28), "float32")},
            r"inputs are \['data'\], arrays were given for \['image'\]",
        ),
    ],
)
def test_wrong_arrays(lenet, x, pattern):
    with pytest.raises(runtime.ModelError, match=pattern):
        runtime.Model(lenet).session().run(x)


def test_uint8_needs_preprocessing(writer):
    builder = writer.GraphBuilder(4)
    model = runtime.Model(builder.encode(builder.node("relu", "data", "f32", (4,))))
    with pytest.raises(runtime.ModelError, match="no preprocessing"):
        model(np.zeros((1, 4), "uint8"))


def test_several_inputs_by_name_and_order(writer):
    builder = writer.GraphBuilder(2)
    builder.graph["inputs"].append({"name": "other", "dtype": "f32", "shape": [3]})
    outputs = [builder.node("relu", "data", "f32", (2,)), builder.node("relu", "other", "f32", (3,))]
    model = runtime.Model(builder.encode(*outputs))
    x, y = np.array([[1.0, -2.0]], "float32"), np.array([[-1.0, 2.0, 3.0]], "float32")
    for inputs in ([x, y], {"other": y, "data": x}):
        first, second = model.session().run(inputs)
        np.testing.assert_array_equal(first, [[1, 0]])
        np.testing.assert_array_equal(second, [[0, 2, 3]])
    with pytest.raises(runtime.ModelError, match="batch of 2, input 'data' one of 1"):
        model.session().run([x, np.concatenate([y, y])])
    with pytest.raises(runtime.ModelError, match="the model has 2 outputs"):
        model([x, y])


def test_unknown_isa(lenet):
    with pytest.raises(runtime.ModelError, match="unknown ISA 'mmx'"):
        runtime.Model(lenet, "mmx")


@pytest.mark.parametrize("shared", [True, False])
def test_threads(lenet, images, shared):
    model = runtime.Model(lenet)
    expected = [model(image[None]) for image in images]
    one = model.session()
    wrong = []

    def work(offset):
        session = one if shared else model.session()
        for i in range(50):
            k = (i + offset) % len(images)
            if not np.array_equal(session(images[k][None]), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_runtime_needs_no_mxnet():
    code = "import sys, bmx.runtime; sys.exit('mxnet' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
