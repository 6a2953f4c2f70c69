"""What layers keep to themselves is read and replaced by their public names alone."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROOM = ROOT / "bmx" / "gluon" / "nn"


def private_uses(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """The private attributes that a file uses, each with whether it is the object's own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            yield node.attr, isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("attr"):
            names = [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
            yield from ((name, False) for name in names if str(name).startswith("_"))


def defined_names(tree: ast.AST) -> set[str]:
    """Private attributes that a file's classes define."""
    names = {name for name, own in private_uses(tree) if own}
    return names | {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def of_gluon() -> set[str]:
    """Private attributes of MXNet's own blocks, which the subclasses here use as well."""
    from mxnet import gluon

    folder = Path(gluon.__file__).parent
    return set().union(*(defined_names(ast.parse(f.read_text())) for f in folder.rglob("*.py")))


def files() -> list[Path]:
    folders = ("bmx", "benchmarks", "examples", "scripts")
    found = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return [file for file in found if ROOM not in file.parents]


@pytest.fixture(scope="module")
def private() -> set[str]:
    names = set().union(*(defined_names(ast.parse(f.read_text())) for f in ROOM.rglob("*.py")))
    found = {name for name in names if name.startswith("_") and not name.startswith("__")} - of_gluon()
    assert {"_settings", "_quantizer", "_by_position"} <= found
    return found


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_nobody_else_uses_them(file: Path, private: set[str]) -> None:
    tree = ast.parse(file.read_text())
    foreign = {name for name, own in private_uses(tree) if not own} - defined_names(tree)
    assert not foreign & private
