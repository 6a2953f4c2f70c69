"""How long functions are and how many parameters constructors take, in Python and in C++."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator, NamedTuple


class Function(NamedTuple):
    """A function, and the lines of its body that are not blank; docstrings do not count."""

    lines: int
    file: Path
    name: str


class Constructor(NamedTuple):
    """An `__init__`, or the fields of a record, and the bases of its class."""

    parameters: int
    name: str
    bases: tuple[str, ...]


def python_functions(path: Path) -> Iterator[Function]:
    text = path.read_text()
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            inside = lines[body[0].lineno - 1 : body[-1].end_lineno] if body else []
            yield Function(sum(bool(line.strip()) for line in inside), path, node.name)


def constructors(path: Path) -> Iterator[Constructor]:
    """Of each class: the named parameters other than self; what every block of Gluon takes does not count."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ClassDef):
            continue
        bases = tuple(ast.unparse(base) for base in node.bases)
        if "NamedTuple" in bases or any("dataclass" in ast.unparse(mark) for mark in node.decorator_list):
            fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
            yield Constructor(len(fields), node.name, ("record",))
        for item in node.body:
            if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                given = (*item.args.posonlyargs, *item.args.args, *item.args.kwonlyargs)
                own = [argument for argument in given if argument.arg not in ("self", "prefix", "params")]
                yield Constructor(len(own), node.name, bases)


_NOT_CODE = re.compile(
    r'R"\((?:.|\n)*?\)"|//[^\n]*|/\*(?:.|\n)*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\''
    r"|^[ \t]*#(?:.*\\\n)*.*$|\bBMX_TARGET_(?:BEGIN\([^)]*\)|END)",
    re.MULTILINE,
)
_SCOPE = re.compile(
    r"\s*(?:template\s*<[^{]*>\s*)?(?:inline\s+)?(?:namespace|struct|class|enum|union|extern)\b"
)


def _begins_function(before: str) -> bool:
    """Whether what stands before an opening brace, outside any function, is a function's head."""
    if _SCOPE.match(before):
        return False
    head = re.sub(r"operator\s*\W+?\(", "operator(", re.sub(r"template\s*<[^{]*?>\s", "", before))
    while re.search(r"\([^()]*\)", head):
        head = re.sub(r"\([^()]*\)", "@", head)  # so that default arguments are no assignments
    return "@" in head and "=" not in head


def cxx_functions(path: Path) -> Iterator[Function]:
    """Counts braces; good enough for clang-format's layout. A function on one line has one line."""
    code = _NOT_CODE.sub(lambda match: "\n" * match[0].count("\n"), path.read_text())
    lines = code.split("\n")
    opened: list[tuple[bool, int, str]] = []  # is it a function, its line, what stands before its brace
    before, number = "", 0
    for character in code:
        number += character == "\n"
        if character == "{":
            function = not any(inside for inside, *_ in opened) and _begins_function(before)
            opened.append((function, number, before))
        elif character == "}" and opened:
            function, first, head = opened.pop()
            if function:
                inside = sum(bool(line.strip()) for line in lines[first + 1 : number])
                yield Function(max(inside, 1), path, head.partition("(")[0].split()[-1])
        before = "" if character in "{};" else before + character
