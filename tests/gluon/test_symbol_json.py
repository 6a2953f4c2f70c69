"""MXNet's symbol JSON: every spelling of attributes is read alike, and what is no symbol is refused."""

from __future__ import annotations

import json
from pathlib import Path

import mxnet as mx
import pytest

from bmx.gluon import symbol_json

F = mx.sym


def test_a_symbol_its_text_and_its_file_are_read_alike(tmp_path: Path) -> None:
    symbol = F.Activation(F.var("x"), act_type="relu", name="relu")
    symbol.save(str(tmp_path / "net-symbol.json"))
    read = symbol_json.from_symbol(symbol)
    assert [(node["op"], node["attrs"]) for node in read["nodes"]] == [
        ("null", {}),
        ("Activation", {"act_type": "relu"}),
    ]
    assert read["heads"] == [[1, 0, 0]]
    assert symbol_json.from_text(symbol.tojson()) == read
    assert symbol_json.from_file(tmp_path / "net-symbol.json") == read


@pytest.mark.parametrize("key", ["attr", "param", "attrs"])
def test_older_spellings_of_attributes(key: str) -> None:
    node = {"op": "Activation", "name": "relu", "inputs": [[0, 0]], key: {"act_type": "relu"}}
    text = json.dumps({"nodes": [{"op": "null", "name": "x", "inputs": []}, node], "heads": [[1, 0]]})
    assert [each["attrs"] for each in symbol_json.from_text(text)["nodes"]] == [{}, {"act_type": "relu"}]


def test_the_newest_spelling_wins_and_other_keys_stay() -> None:
    node = {"op": "null", "name": "x", "inputs": [], "backward_source_id": -1}
    node.update(attr={"a": "old", "b": "old"}, param={}, attrs={"a": "new"})
    (read,) = symbol_json.from_text(json.dumps({"nodes": [node], "heads": [[0, 0]]}))["nodes"]
    assert read == {
        "op": "null",
        "name": "x",
        "inputs": [],
        "backward_source_id": -1,
        "attrs": {"a": "new", "b": "old"},
    }


def test_a_part_of_a_symbol_still_loads() -> None:
    x = F.var("x")
    symbol = symbol_json.from_symbol(F.Group([F.relu(F.sqrt(x)), F.exp(F.var("y"))]))
    part = symbol_json.with_heads(symbol, symbol["heads"][:1])
    assert [node["op"] for node in part["nodes"]] == ["null", "sqrt", "relu"]
    assert symbol_json.needed(symbol["nodes"], symbol["heads"][1:]) == {3, 4}
    assert F.load_json(json.dumps(part)).list_inputs() == ["x"]


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{}", '{"nodes": 3, "heads": []}', '{"nodes": [{}], "heads": []}']
)
def test_what_is_no_symbol_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="expected the JSON of a symbol"):
        symbol_json.from_text(text)
    (tmp_path / "file").write_text(text)
    with pytest.raises(ValueError, match="file: this is not a symbol file of MXNet"):
        symbol_json.from_file(tmp_path / "file")


def test_a_missing_file() -> None:
    with pytest.raises(ValueError, match="nowhere: the symbol file cannot be read"):
        symbol_json.from_file("nowhere")
