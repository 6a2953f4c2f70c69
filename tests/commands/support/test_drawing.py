"""Drawings escape what they write."""

from __future__ import annotations

from xml.etree import ElementTree

from bmx import runtime
from bmx.commands.support import drawing
from tests.support import bmx_files

SVG = "{http://www.w3.org/2000/svg}"


def test_svg_escapes_names():
    builder, output = bmx_files.residual_net(1)
    builder.graph["name"] = "<script>&"
    builder.graph["inputs"][0]["name"] = builder.graph["nodes"][0]["inputs"][0] = "<data> & more"
    builder.graph["nodes"][3]["inputs"][0] = "<data> & more"
    svg = ElementTree.fromstring(drawing.to_svg(runtime.Model(builder.encode(output)).info()))
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert "<data> & more" in texts
    assert texts[0].startswith("<script>&: ")
