"""Random graphs, run as they are and with every value an output, which forbids fusing and sharing memory."""

import numpy as np
import pytest

from bmx import runtime

GRAPHS = 150


class RandomGraph:
    """A few images of one size, and operators between them, drawn with a seed."""

    def __init__(self, writer, seed):
        self.rng = np.random.default_rng(seed)
        self.writer = writer
        self.size = int(self.rng.integers(1, 5))
        self.builder = writer.GraphBuilder(self.size, self.size, self.draw_channels())
        self.floats = {"data": self.builder.graph["inputs"][0]["shape"][-1]}  # channels by value
        for _ in range(int(self.rng.integers(3, 14))):
            self.append()
        names = [node["name"] for node in self.builder.graph["nodes"]]
        used = {value for node in self.builder.graph["nodes"] for value in node["inputs"]}
        self.outputs = [name for name in names if name not in used] or names[-1:]
        others = [name for name in names if name not in self.outputs]
        self.outputs += [name for name in others if self.rng.random() < 0.1]

    def draw_channels(self):
        return int(self.rng.choice([1, 3, 16, 33, 64, 70]))

    def normal(self, *shape):
        return self.rng.standard_normal(shape).astype("float32")

    def shape(self, channels):
        return [self.size, self.size, channels]

    def pick(self, channels=None):
        """A float value, the last ones more often."""
        names = [name for name, count in self.floats.items() if channels in (None, count)]
        return names[max(int(self.rng.integers(len(names))), int(self.rng.integers(len(names))))]

    def node(self, op, source, channels, attrs=None, dtype="f32", **tensors):
        name = self.builder.node(op, source, dtype, self.shape(channels), attrs, **tensors)
        if dtype == "f32":
            self.floats[name] = channels
        return name

    def append(self):
        kinds = ["conv", "binary", "binary", "concat", "concat", "add", "unary", "affine", "pool"]
        getattr(self, self.rng.choice(kinds))()

    def conv_attrs(self):
        return {"strides": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1}

    def conv(self):
        x, out = self.pick(), self.draw_channels()
        weight = self.normal(out, 3, 3, self.floats[x])
        self.node("conv2d", x, out, self.conv_attrs(), weight=weight)

    def binary(self):
        x, out = self.pick(), self.draw_channels()
        channels = self.floats[x]
        flip = self.writer.pack_bits(self.rng.choice([-1, 1], channels))
        bits = self.node("threshold", x, channels, dtype="bits", threshold=self.normal(channels), flip=flip)
        weight = self.writer.pack_bits(self.rng.choice([-1, 1], (out, 3, 3, channels)))
        attrs = {**self.conv_attrs(), "pad_value": 0}
        dots = self.node("binary_conv2d", bits, out, attrs, dtype="i32", weight=weight)
        if self.rng.random() < 0.5:
            self.node("cast", dots, out)
        else:
            self.node("affine", dots, out, scale=self.normal(out), shift=self.normal(out))

    def concat(self):
        values = [self.pick() for _ in range(int(self.rng.integers(1, 4)))]
        if sum(self.floats[value] for value in values) < 500:
            self.node("concat", values, sum(self.floats[value] for value in values))

    def add(self):
        x = self.pick()
        self.node("add", [x, self.pick(self.floats[x])], self.floats[x])

    def unary(self):
        x = self.pick()
        self.node(self.rng.choice(["relu", "tanh", "sigmoid"]), x, self.floats[x])

    def affine(self):
        x = self.pick()
        count = self.floats[x]
        self.node("affine", x, count, scale=self.normal(count), shift=self.normal(count))

    def pool(self):
        x = self.pick()
        pool = {"kernel": [3, 3], "strides": [1, 1], "padding": [1, 1], "ceil_mode": False}
        self.node("max_pool2d", x, self.floats[x], pool)


@pytest.mark.parametrize("isa", runtime.isas())
def test_fusing_and_sharing_change_nothing(writer, isa):
    fused, concats = 0, 0
    for seed in range(GRAPHS):
        graph = RandomGraph(writer, seed)
        content = graph.builder.encode(*graph.outputs)
        names = [node["name"] for node in graph.builder.graph["nodes"]]
        model = runtime.Model(content, isa)
        alone = runtime.Model(graph.builder.encode(*names), "scalar")
        x = graph.normal(3, *graph.builder.graph["inputs"][0]["shape"])
        expected = dict(zip(names, alone.session().run(x)))
        for threads, batch in ((1, 3), (1, 1), (2, 3)):
            found = model.session(threads=threads).run(x[:batch])
            for name, value in zip(graph.outputs, found):
                np.testing.assert_array_equal(value, expected[name][:batch], err_msg=f"seed {seed}, {name}")
        nodes = model.info()["nodes"]
        fused += sum(node["computed_by"] != node["name"] for node in nodes)
        concats += sum(node["op"] == "concat" for node in nodes)
    assert fused > GRAPHS
    assert concats > GRAPHS / 2


def test_parts_of_a_concatenation_take_no_memory_of_their_own(writer):
    """Two layers, and a third that reads the concatenation of both: 64 channels each, 4 bytes a value."""
    rng = np.random.default_rng(1)
    attrs = {"strides": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1}

    def build(copied):
        builder = writer.GraphBuilder(4, 4, 16)
        weight = rng.standard_normal((64, 3, 3, 16)).astype("float32")
        parts = [builder.node("conv2d", "data", "f32", (4, 4, 64), attrs, weight=weight) for _ in range(2)]
        inner = builder.node("concat", parts, "f32", (4, 4, 128))
        third = builder.node("conv2d", "data", "f32", (4, 4, 64), attrs, weight=weight)
        outer = builder.node("concat", [inner, third], "f32", (4, 4, 192))
        # What the net returns has to lie without gaps.
        return runtime.Model(builder.encode(outer, *([inner] if copied else [])))

    channel = 4 * 4 * 4
    assert build(copied=False).memory().live_bytes == 192 * channel
    assert build(copied=True).memory().live_bytes == (192 + 128) * channel
