"""Imports a normalized symbol and its parameters into the IR."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Mapping, Sequence, Union

import numpy as np

from bmx.compiler.frontend.attributes import Attributes, NotSupportedError
from bmx.compiler.frontend.converters import CONVERTERS, Converter
from bmx.compiler.ir.graph import Graph, GraphError, Input, Node, Origin, ValueType
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.verifier import infer, with_defaults

# An output of a symbol's node: the name of a value of the IR, a parameter, or None if it could not be
# compiled. A node of several outputs has a list of names.
_Value = Union[str, np.ndarray, None]
_Values = Union[_Value, List[str]]


class UnsupportedError(ValueError):
    """The net holds operators that bmx cannot compile; the message lists all of them."""


def import_symbol(
    symbol: Mapping[str, Any], parameters: Mapping[str, np.ndarray], inputs: list[Input], name: str
) -> Graph:
    """Build the IR of a net, channels first.

    Args:
        symbol: a normalized symbol, see `bmx.compiler.frontend.normalize`.
        parameters: float32 arrays by name, auxiliary states among them.
        inputs: the variables of the symbol that are not parameters.
        name: name of the net.

    Returns:
        The graph; `bmx.compiler.passes.pipeline.run_passes` takes it from here.

    Raises:
        UnsupportedError: some operators cannot be compiled.
    """
    return _Importer(parameters, inputs, name).run(symbol)


class _Importer:
    """Walks over a symbol's nodes; the `Builder` that their converters write to."""

    def __init__(self, parameters: Mapping[str, np.ndarray], inputs: list[Input], name: str) -> None:
        self._graph = Graph(name, inputs, [], [])
        self._parameters = parameters
        self._types = {value.name: value.type for value in inputs}
        self._values: list[_Values] = []
        self._problems: list[str] = []
        self._casts: dict[str, str] = {}  # of bits
        self._returned: dict[str, str] = {}  # MXNet's node by the value that the net returns

    def run(self, symbol: Mapping[str, Any]) -> Graph:
        for node in symbol["nodes"]:
            self._values.append(self._import_node(node))
            self._note_origins(node["name"], self._values[-1])
        for index, output, *_ in symbol["heads"]:
            self._add_output(symbol["nodes"][index]["name"], index, output)
        if self._problems:
            count = f"{len(self._problems)} operator{'s' if len(self._problems) > 1 else ''}"
            problems = "\n".join(f"  {problem}." for problem in self._problems)
            raise UnsupportedError(
                f"bmx cannot compile {count} of {self._graph.name!r}:\n{problems}\nSee docs/operators.md."
            )
        return self._graph

    def add(
        self,
        name: str,
        op: str,
        x: str | Sequence[str],
        attrs: dict[str, Any] | None = None,
        constants: dict[str, np.ndarray] | None = None,
    ) -> str:
        """Append a node; see `bmx.compiler.frontend.converters.base.Builder`."""
        inputs = tuple(self._readable(value, op) for value in ((x,) if isinstance(x, str) else x))
        node = with_defaults(Node(self._graph.unique_name(name), op, inputs, attrs or {}, constants or {}))
        try:
            self._types[node.name] = infer(node, self._types, self._graph.layout)
        except GraphError as error:
            raise NotSupportedError(str(error).split(": ", 1)[-1].rstrip(".")) from None
        self._graph.nodes.append(node)
        if op in ("sign", "identity", "cast") and inputs[0] in self._graph.origins:
            origin = self._graph.origins[inputs[0]]
            self._graph.set_origin(node.name, replace(origin, sign=origin.sign or op == "sign"))
        return node.name

    def _readable(self, value: str, op: str) -> str:
        """A value as an operator reads it."""
        return value if self._types[value].dtype in OPERATORS[op].reads else self._real(value)

    def _real(self, value: str) -> str:
        """A value as real numbers: bits as +-1.0."""
        if self._types[value].dtype != "bits":
            return value
        if value not in self._casts:
            self._casts[value] = self.add(f"{value}_cast", "cast", value)
        return self._casts[value]

    def type(self, value: str) -> ValueType:
        """Type of a value."""
        return self._types[value]

    def _note_origins(self, name: str, values: _Values) -> None:
        """Values of the IR stand for the outputs of MXNet's node ``name``; see `Origin`."""
        producers = self._graph.producers()
        for output, value in enumerate(values if isinstance(values, list) else [values]):
            while isinstance(value, str):
                self._graph.origins.setdefault(value, Origin(name, output))
                node = producers.get(value)
                # A cast changes no number, so the integers below it stand for the same.
                value = node.inputs[0] if node and node.op == "cast" else None

    def _import_node(self, node: Mapping[str, Any]) -> _Values:
        if node["op"] == "null":
            return self._variable(node["name"])
        attrs = Attributes(node.get("attrs", {}))
        try:
            return self._import_operator(node, attrs)
        except NotSupportedError as reason:
            self._problems.append(f"{node['name']!r} uses {node['op']}({attrs}): {reason}")
            return None

    def _variable(self, name: str) -> _Value:
        if name in self._types:
            return name
        if name not in self._parameters:
            self._problems.append(
                f"{name!r} is a variable: it is neither the input of the net nor a parameter"
            )
            return None
        return self._parameters[name]

    def _output(self, index: int, output: int) -> _Value:
        """The value of an output of a node."""
        values = self._values[index]
        if isinstance(values, list):
            return values[output]
        if values is not None and output != 0:
            raise NotSupportedError("it reads a second output of another operator")
        return values

    def _import_operator(self, node: Mapping[str, Any], attrs: Attributes) -> _Values:
        converter = CONVERTERS.get(node["op"])
        if converter is None:
            raise NotSupportedError("bmx has no such operator")
        emit = converter.read(attrs)
        attrs.expect_all_read()
        values = [self._output(index, output) for index, output, *_ in node["inputs"]]
        if any(value is None for value in values):
            return None
        _check_inputs(converter, [isinstance(value, str) for value in values])
        return emit(self, node["name"], *values)

    def _add_output(self, name: str, index: int, output: int) -> None:
        try:
            value = self._output(index, output)
        except NotSupportedError:
            value = None
            self._problems.append(
                f"a second output of {name!r} is what the net returns; supported: the first"
            )
        if isinstance(value, np.ndarray):
            self._problems.append(f"{name!r} is a parameter that the net returns; supported: computed values")
        elif isinstance(value, str):
            self._return(value, name)

    def _return(self, value: str, name: str) -> None:
        """Make a value an output, unless it is one already, itself or through a dropout."""
        producers = self._graph.producers()
        root = value
        while root in producers and producers[root].op == "identity":
            root = producers[root].inputs[0]
        if root in self._returned:
            self._problems.append(
                f"the net returns {self._returned[root]!r} and {name!r}, which are the same at inference; "
                "return one of them"
            )
        else:
            self._returned[root] = name
            self._graph.outputs.append(self._real(value))


def _check_inputs(converter: Converter, computed: list[bool]) -> None:
    """Raise unless a converter takes computed values, and parameters, in these places."""
    if not any(computed):
        raise NotSupportedError("it works on parameters; supported: operators on the net's input")
    if converter.inputs == "computed" and not all(computed):
        raise NotSupportedError("it reads a parameter; supported: computed values")
    if converter.inputs == "first" and not computed[0]:
        raise NotSupportedError("its first input is a parameter; supported: a computed value")
    if converter.inputs == "first" and any(computed[1:]):
        raise NotSupportedError("it reads two computed values; supported: one, and parameters")
