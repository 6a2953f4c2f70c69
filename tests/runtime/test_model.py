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


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_of_a_session_change_nothing(lenet, threads):
    model = runtime.Model(lenet)
    images = np.random.default_rng(6).standard_normal((33, 1, 28, 28)).astype("float32")
    one, several = model.session(), model.session(threads=threads)
    assert (one.threads, several.threads) == (1, threads)
    for batch in (1, 2, 7, 33, 3):
        np.testing.assert_array_equal(several.run(images[:batch])[0], one.run(images[:batch])[0])


@pytest.mark.parametrize("threads", [0, -1, 257, 2**40])
def test_wrong_numbers_of_threads(lenet, threads):
    with pytest.raises(runtime.ModelError, match=f"threads must be from 1 to 256, found {threads}"):
        runtime.Model(lenet).session(threads=threads)


def test_outputs_by_name(writer):
    builder = writer.GraphBuilder(2)
    outputs = [builder.node("relu", "data", "f32", (2,)), builder.node("tanh", "data", "f32", (2,))]
    model = runtime.Model(builder.encode(*outputs))
    x = np.array([[1.0, -2.0]], "float32")
    for found in (model.run_dict(x), model.session().run_dict({"data": x})):
        assert list(found) == outputs
        np.testing.assert_array_equal(found["relu0"], [[1, 0]])
        np.testing.assert_allclose(found["tanh1"], np.tanh(x), rtol=1e-6)
    with pytest.raises(runtime.ModelError, match="2 outputs; run_dict"):
        model(x)
    with pytest.raises(runtime.ModelError, match="arrays were given for"):
        model.run_dict({"image": x})


def test_profile_covers_every_node_that_works(lenet, images):
    model = runtime.Model(lenet)
    profile = model.profile(images, runs=5, threads=2)
    assert (profile.isa, profile.threads, profile.batch, profile.runs) == (model.isa, 2, 5, 5)
    nodes = {node["name"]: node for node in model.info()["nodes"]}
    for step in profile.steps:
        assert step.node == step.nodes[0]
        assert step.op == nodes[step.node]["op"]
        assert all(nodes[name]["computed_by"] == step.node for name in step.nodes)
        assert step.ms > 0
        assert step.gmacs_per_s == pytest.approx(1e-6 * step.macs * 5 / step.ms)
    assert sum(step.share for step in profile.steps) == pytest.approx(1)
    listed = [name for step in profile.steps for name in step.nodes]
    assert set(nodes) - set(listed) == {"transpose0"}  # of one channel: a view
    assert len(listed) == len(set(listed))
    assert model.profile(runs=2).batch == 1


def test_times_of_whole_runs(lenet, images):
    times = runtime.Model(lenet).session().time(images, runs=7)
    assert times.shape == (7,)
    assert (times > 0).all()
    with pytest.raises(runtime.ModelError, match="runs must be from 1 to 1000000, found 0"):
        runtime.Model(lenet).session().time(images, runs=0)
    with pytest.raises(runtime.ModelError, match="found 1000001"):
        runtime.Model(lenet).profile(runs=1_000_001)
    with pytest.raises(runtime.ModelError, match="expected shape"):
        runtime.Model(lenet).profile(images[:, :, 1:])


def test_memory_of_a_session(writer):
    builder = writer.GraphBuilder(1000)
    value = "data"
    for _ in range(5):
        value = builder.node("relu", value, "f32", (1000,))
    model = runtime.Model(builder.encode(value, "relu1"))
    memory = model.memory()
    # relu1 lives until the end, beside the two values of each later step; 4000 bytes are 63 times 64.
    assert (memory.arena_bytes, memory.live_bytes) == (3 * 4032, 3 * 4000)
    assert (memory.output_bytes, memory.packed_bytes, memory.workspace_bytes) == (8000, 0, 0)
    large = model.memory(batch=10_000, threads=2)
    assert large.slice_samples == (8 << 20) // (3 * 4032) < large.batch
    assert large.live_bytes == large.slice_samples * 3 * 4000 <= large.arena_bytes <= 8 << 20
    for batch, threads, pattern in ((0, 1, "batch must be at least 1"), (1, 0, "threads must be")):
        with pytest.raises(runtime.ModelError, match=pattern):
            model.memory(batch, threads)
    with pytest.raises(MemoryError):
        model.memory(2**62)


def test_arenas_stay_close_to_what_is_alive(writer):
    """Residuals and several branches: the arena is at most 1.15 times the largest sum of live values."""
    rng = np.random.default_rng(4)
    for _ in range(20):
        builder = writer.GraphBuilder(64)
        values, open_branches = ["data"], []
        for _ in range(40):
            source = values[-1] if rng.random() < 0.7 else values[rng.integers(len(values))]
            if open_branches and rng.random() < 0.4:
                source = [source, open_branches.pop(rng.integers(len(open_branches)))]
            values.append(builder.node("mul" if isinstance(source, list) else "tanh", source, "f32", (64,)))
            if rng.random() < 0.4:
                open_branches.append(values[-1])
        memory = runtime.Model(builder.encode(values[-1])).memory()
        assert memory.live_bytes <= memory.arena_bytes <= 1.15 * memory.live_bytes


def test_dropping_the_pages_of_the_file_changes_nothing(lenet, images, tmp_path):
    (tmp_path / "lenet.bmx").write_bytes(lenet)
    model = runtime.Model(tmp_path / "lenet.bmx")
    (tmp_path / "lenet.bmx").unlink()
    np.testing.assert_array_equal(model(images), runtime.Model(lenet)(images))


def test_runtime_needs_no_mxnet():
    code = "import sys, bmx.runtime; sys.exit('mxnet' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
