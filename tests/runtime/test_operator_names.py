"""The compiler's registry and the runtime's list (src/ops/op_list.inc) name the same operators."""

from __future__ import annotations

from bmx import _core
from bmx.compiler.ir.ops import OPERATORS


def test_files_use_the_operators_that_the_runtime_has() -> None:
    in_file = {name for name, operator in OPERATORS.items() if operator.in_file}
    assert in_file == set(_core.operator_names())


def test_the_list_is_in_alphabetical_order_and_names_each_operator_once() -> None:
    names = _core.operator_names()
    assert names == sorted(set(names))
