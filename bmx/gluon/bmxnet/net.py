"""Symbols of BMXNet and BMXNet-v2 as nets that run without their operators: these become bmx's own."""

from __future__ import annotations

import json
import os
from typing import Any, Sequence

import mxnet as mx
from mxnet import gluon

from bmx.gluon.bmxnet.symbol import LAYERS_V1, SymbolFile, beside, is_real, problem_of
from bmx.gluon.symbol_json import Node

_GEOMETRY = ("kernel", "stride", "dilate", "pad", "num_filter", "num_group", "num_hidden", "layout")
_V1_CLIP = "0.5"  # of QActivation's gradient


def import_bmxnet(
    path: str | os.PathLike[str],
    symbol: str | os.PathLike[str] | None = None,
    inputs: Sequence[str] = ("data",),
    ctx: mx.Context | Sequence[mx.Context] | None = None,
) -> gluon.SymbolBlock:
    """A net from a checkpoint of BMXNet or BMXNet-v2: the symbol file and the parameters.

    It computes what the symbol says, counts of equal bits included, so norms stay as they are. Version 1's
    QActivation, QConvolution and QFullyConnected and version 2's det_sign, approx_sign and gradcancel become
    bmx's operators; a softmax output becomes a softmax. `bmx.export` packs the result.

    Args:
        path: path of the parameter file.
        symbol: path of the symbol file; by default `NAME-symbol.json` beside `NAME-0000.params`.
        inputs: names of the symbol's inputs.
        ctx: device or devices of parameters; by default the CPU.

    Returns:
        The net.

    Raises:
        ValueError: a file cannot be read, or uses what cannot be loaded; the message names the node.
    """
    path = os.fspath(path)
    found = symbol or beside(path)
    if found is None:
        raise ValueError(
            f"{path}: there is no symbol file NAME-symbol.json beside it; give its path as symbol=..., or "
            "build the net and use load_bmxnet"
        )
    file = SymbolFile.read(found)
    net = gluon.SymbolBlock(_rewritten(file), [mx.sym.var(name, dtype="float32") for name in inputs])
    try:
        net.collect_params().load(path, ctx=ctx or mx.cpu(), ignore_extra=True)
    except (AssertionError, mx.MXNetError) as error:
        raise ValueError(
            f"{path}: the file does not hold what {file.path} needs ({_first_line(error)})"
        ) from None
    return net


def _rewritten(file: SymbolFile) -> Any:
    """The symbol, of operators that MXNet and bmx have."""
    rewriter = _Rewriter(file)
    nodes = [rewriter.node(node) for node in file.nodes]
    symbol = {
        "nodes": nodes,
        "arg_nodes": [index for index, node in enumerate(nodes) if node["op"] == "null"],
        "heads": file.heads,
        "attrs": {"mxnet_version": ["int", 10901]},
    }
    try:
        return mx.sym.load_json(json.dumps(symbol))
    except mx.MXNetError as error:
        raise ValueError(
            f"{file.path}: MXNet cannot load it ({_first_line(error)}); supported: MXNet's operators, and "
            "those of BMXNet that import_bmxnet's help names"
        ) from None


class _Rewriter:
    """Rewrites nodes one for one, so that their places stay."""

    def __init__(self, file: SymbolFile) -> None:
        self._file = file

    def node(self, node: Node) -> Node:
        """The node with operators that MXNet and bmx have."""
        op = node["op"]
        if op in LAYERS_V1:
            return self._layer_v1(node)
        if op == "QActivation" and "method" not in node["attrs"]:
            return self._activation_v1(node)
        if op in ("det_sign", "approx_sign"):
            return self._sign_v2(node)
        if op == "_contrib_gradcancel":
            return {**node, "op": "_copy", "attrs": {}}
        if op in ("SoftmaxOutput", "Softmax"):
            axis = "1" if node["attrs"].get("multi_output") in ("True", "1") else "-1"
            return {**node, "op": "softmax", "inputs": node["inputs"][:1], "attrs": {"axis": axis}}
        return node

    def _layer_v1(self, node: Node) -> Node:
        problem = problem_of(node)
        if problem:
            raise ValueError(f"{self._file.path}: {node['name']!r} {problem}")
        attrs = {
            key: value
            for key, value in node["attrs"].items()
            if key in _GEOMETRY and value not in ("None", "()")
        }
        attrs["no_bias"] = str(len(node["inputs"]) == 2)
        op = LAYERS_V1[node["op"]]
        if is_real(node):
            return {**node, "op": op, "attrs": attrs}
        attrs.update(
            input_quantizer="det_sign",
            weight_quantizer="det_sign",
            output_range="popcount",
        )
        if self._source(node)["op"] == "QActivation":
            attrs["input_clip"] = _V1_CLIP
        if op == "Convolution":
            attrs["pad_value"] = "1"  # the sign of the zeros that are padded with
        return {**node, "op": f"Q{op}", "attrs": attrs}

    def _activation_v1(self, node: Node) -> Node:
        """The identity where the layer that follows takes the sign itself."""
        attrs = node["attrs"]
        if attrs.get("backward_only", "False") in ("True", "1") or attrs.get("act_bit", "1") == "32":
            return {**node, "op": "_copy", "attrs": {}}
        if attrs.get("act_bit", "1") != "1":
            raise ValueError(
                f"{self._file.path}: {node['name']!r} has act_bit={attrs['act_bit']}; activations with 1 can "
                "be loaded"
            )
        return {**node, "attrs": {"method": "det_sign", "clip": _V1_CLIP}}

    def _sign_v2(self, node: Node) -> Node:
        source = self._source(node)
        attrs = {"method": "det_sign", "clip": "inf"}
        if source["op"] == "_contrib_gradcancel":
            attrs["clip"] = source["attrs"].get("threshold", "1.0")
        return {**node, "op": "QActivation", "attrs": attrs}

    def _source(self, node: Node) -> Node:
        return self._file.nodes[node["inputs"][0][0]]


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip() and "Stack trace" not in line]
    return (
        lines[-1].strip() if isinstance(error, mx.MXNetError) and lines else (lines or ["unknown"])[0].strip()
    )
