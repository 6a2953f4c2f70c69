"""One number for all channels: written where channels are equal, read by both readers, within a limit."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.numpy

from bmx import runtime
from bmx.compiler.backend import fileformat
from bmx.compiler.backend.container import FormatError
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph
from bmx.compiler.ir.text import parse


def example(channels: int = 70) -> Graph:
    """Every operator with numbers for each channel; those of p, t, i and q are equal in all of them."""
    same, other = ", ".join(["0.3"] * channels), ", ".join(["0.5"] * (channels - 1) + ["0.25"])
    levels = ", ".join(["-0.5"] * channels + ["0.25"] * channels + ["1.5"] * channels)
    graph = parse(
        f"""
        graph g channels_last
        input x: f32[2, 3, {channels}]
        a = affine(x) scale=f32[{channels}]({same}) shift=f32[{channels}]({other})
        p = prelu(a) slope=f32[{channels}]({same})
        e = prelu(p) slope=f32[{channels}]({other})
        t = threshold(e) threshold=f32[{channels}]({same}) flip=mask[{channels}](signs 1)
        c = binary_conv2d(t) weight=bits[{channels}, 1, 1, {channels}](signs 2)
        i = threshold(c) threshold=i32[{channels}](integers 3) flip=mask[{channels}](signs 4)
        d = cast(i)
        q = quantize(e) {{"bits": 2}} threshold=f32[3, {channels}]({levels}) flip=mask[{channels}](signs 6)
        r = cast(q)
        output e
        output d
        output r
        """
    )
    graph.producers()["i"].constants["threshold"] = np.full(channels, 300, np.int32)
    return graph


def test_equal_channels_are_one_number() -> None:
    shapes = {n: a.shape for n, a in safetensors.numpy.load(fileformat.to_bytes(example())).items()}
    numbers = {name: shape for name, shape in shapes.items() if not name.endswith((".weight", ".flip"))}
    # Others are equal to these.
    assert numbers == {
        "a.scale": (1,),
        "a.shift": (70,),
        "i.threshold": (1,),
        "q.threshold": (3, 1),
    }


def test_numbers_of_other_bits_are_not_equal() -> None:
    graph = example(2)
    graph.producers()["a"].constants["shift"] = np.array([0.0, -0.0], np.float32)
    assert safetensors.numpy.load(fileformat.to_bytes(graph))["a.shift"].shape == (2,)


@pytest.mark.parametrize("isa", runtime.isas())
@pytest.mark.parametrize("channels", [1, 3, 64, 70])
def test_both_readers_repeat_it(channels: int, isa: str) -> None:
    graph = example(channels)
    content = fileformat.to_bytes(graph)
    again = fileformat.read(content)
    for node, found in zip(graph.nodes, again.nodes):
        assert node.constants.keys() == found.constants.keys()
        for role, array in node.constants.items():
            assert array.dtype == found.constants[role].dtype
            np.testing.assert_array_equal(array, found.constants[role])
    x = np.random.RandomState(channels).standard_normal((5, 2, 3, channels)).astype(np.float32)
    for found, expected in zip(runtime.Model(content, isa).session().run(x), evaluate(graph, {"x": x})):
        np.testing.assert_array_equal(found, expected)


def test_a_small_file_cannot_ask_for_a_lot_of_memory() -> None:
    """Every node repeats for 2^20 channels; the 17th is one too many for both readers."""
    lines = [f"a{i} = affine(a{i - 1}) scale=f32[1]({i}) shift=f32[1]({i})" for i in range(1, 10)]
    graph = parse("\n".join(["graph g channels_last", "input a0: f32[1]", *lines, "output a9"]))
    content = fileformat.to_bytes(graph)
    large = reshaped(content, 1 << 20)
    message = (
        "node 'a9'.*scale.* stands for 1048576 numbers; tensors of one number for all channels may stand"
    )
    with pytest.raises(FormatError, match=message):
        fileformat.read(large)
    with pytest.raises(runtime.ModelError, match=message):
        runtime.Model(large)
    fileformat.read(reshaped(content, 1 << 19))
    runtime.Model(reshaped(content, 1 << 19))


def reshaped(content: bytes, channels: int) -> bytes:
    """The file with values of more channels, and the same tensors."""
    from bmx.compiler.backend import container

    metadata, tensors = container.read(content)
    graph = metadata["bmx.graph"].replace('"shape":[1]', f'"shape":[{channels}]')
    return container.to_bytes({"bmx.producer": "test", "bmx.graph": graph}, dict(tensors))
