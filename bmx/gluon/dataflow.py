"""The flow of values through a Gluon net: its graph, with the block that made each node."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterator, NamedTuple

import mxnet as mx

from bmx.gluon import symbol_json

_WEIGHTED = {
    "Convolution",
    "Deconvolution",
    "FullyConnected",
    "QConvolution",
    "QFullyConnected",
    "RNN",
    "_contrib_DeformableConvolution",
    "_contrib_ModulatedDeformableConvolution",
}
_PASSES_SIGNS = {
    "Concat",
    "Dropout",
    "Flatten",
    "Pad",
    "Pooling",
    "Reshape",
    "SliceChannel",
    "SwapAxis",
    "UpSampling",
    "_contrib_AdaptiveAvgPooling2D",
    "_contrib_BilinearResize2D",
    "_copy",
    "expand_dims",
    "max",
    "mean",
    "slice",
    "slice_axis",
    "squeeze",
    "transpose",
}
_MIXES = {"add_n", "broadcast_add", "broadcast_mul", "elemwise_add", "elemwise_mul"}
_MIXES_A_SCALAR = {"_plus_scalar", "_mul_scalar", "_div_scalar"}
_NEVER_NEGATIVE = {"abs", "exp", "hard_sigmoid", "relu", "sigmoid", "softmax", "softrelu", "square"}

_BLOCK = "__bmx_block__"


class Node(NamedTuple):
    """An operator or variable of the traced net.

    Attributes:
        block: number of the innermost block that made it, -1 for none.
        inputs: numbers of the nodes that it reads, parameters included.
        op: MXNet's name of the operator, 'null' for a variable.
        function: name of a function whose values are never negative, whatever the input; otherwise empty.
        is_relu: whether it is a ReLU, possibly with an upper bound.
        mixes: whether its values are never negative if none of the inputs is.
    """

    block: int
    inputs: list[int]
    op: str
    function: str
    is_relu: bool
    mixes: bool

    @property
    def weighted(self) -> bool:
        """Whether it multiplies its input by weights."""
        return self.op in _WEIGHTED

    @property
    def passes_signs(self) -> bool:
        """Whether it only moves or pools values: sign(f(relu(x))) is constant while sign(f(x)) is not."""
        return self.op in _PASSES_SIGNS

    @property
    def multiplies(self) -> bool:
        """Whether it is a product or quotient, which is 0 where one factor is."""
        return "mul" in self.op or "div" in self.op


class Graph:
    """The traced net: its nodes in topological order, their consumers, and the outputs."""

    def __init__(self, symbol: Any) -> None:
        content = symbol_json.from_symbol(symbol)
        self.nodes = [_node(node) for node in content["nodes"]]
        self.outputs = {head[0] for head in content["heads"]}
        self.consumers: list[list[int]] = [[] for _ in self.nodes]
        self._of_block: dict[int, list[int]] = {}
        for n, node in enumerate(self.nodes):
            for m in node.inputs:
                self.consumers[m].append(n)
            if node.op != "null":
                self._of_block.setdefault(node.block, []).append(n)

    def of_block(self, block: int) -> list[int]:
        """Numbers of the operators that a block itself made."""
        return self._of_block.get(block, [])


def _node(json_node: dict[str, Any]) -> Node:
    attributes = json_node["attrs"]
    op = json_node["op"]
    function = attributes["act_type"] if op == "Activation" else op
    lowest = float(attributes["a_min"]) if op == "clip" else None
    if op == "_contrib_BatchNormWithReLU":
        function = "relu"
    never_negative = function in _NEVER_NEGATIVE if lowest is None else lowest >= 0
    return Node(
        block=int(attributes.get(_BLOCK, -1)),
        inputs=[edge[0] for edge in json_node["inputs"]],
        op=op,
        function=function if never_negative else "",
        is_relu=function == "relu" or lowest == 0,
        mixes=op in _MIXES or (op in _MIXES_A_SCALAR and float(attributes["scalar"]) >= 0),
    )


def try_trace(net: Any, blocks: list[Any]) -> tuple[Graph | None, str]:
    """Call the net with one symbol.

    Args:
        net: Block.
        blocks: the net and all blocks in it; their numbers in this list are those in the graph.

    Returns:
        The graph, or None and why there is none.
    """
    try:
        return _trace(net, blocks), ""
    # A user's forward pass may raise anything when it is given a symbol.
    except Exception as error:
        return None, f"{type(error).__name__}: {error}".splitlines()[0]


def _trace(net: Any, blocks: list[Any]) -> Graph:
    # A parameter keeps its symbol: made here, outside all scopes, it does not get the attribute of a block.
    for parameter in net.collect_params().values():
        parameter.var()
    with _marking(blocks), mx.autograd.train_mode():
        outputs = net(mx.sym.var("data"))
    return Graph(mx.sym.Group(_flatten(outputs)))


@contextlib.contextmanager
def _marking(blocks: list[Any]) -> Iterator[None]:
    """Give each node that is made an attribute with the number of the block that makes it."""
    scopes: list[Any] = []
    handles = []

    def enter(number: int) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            scopes.append(mx.AttrScope(**{_BLOCK: str(number)}))
            scopes[-1].__enter__()

        return hook

    def leave(*_: Any) -> None:
        scopes.pop().__exit__(None, None, None)

    # The outer scope also ends those that an exception left open.
    with mx.AttrScope():
        try:
            for number, block in enumerate(blocks):
                handles.append(block.register_forward_pre_hook(enter(number)))
                handles.append(block.register_forward_hook(leave))
            yield
        finally:
            for handle in handles:
                handle.detach()


def _flatten(outputs: Any) -> list[Any]:
    if isinstance(outputs, (list, tuple)):
        return [symbol for output in outputs for symbol in _flatten(output)]
    return [outputs]
