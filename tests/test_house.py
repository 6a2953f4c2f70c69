"""The house stays as it was built: short functions, few parameters, one idea a file, tests where the code is.

What may import what is in test_architecture.py.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.support.measures import constructors, cxx_functions, python_functions

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sorted((ROOT / "bmx").rglob("*.py"))
CXX = sorted(path for folder in ("src", "include") for path in (ROOT / folder).rglob("*.[hc]*"))

# Constructors of more than 9 parameters.
MANY_PARAMETERS = {
    "QConv2D": "gluon.nn.Conv2D's, and what makes it binary by keyword",
    "QDense": "gluon.nn.Dense's, and what makes it binary by keyword",
}
# Records of more than 9 fields: they are written down whole, and read by name.
LARGE_RECORDS = {
    "Config": "the tables of a recipe's file",
    "Data": "the keys of a recipe's table",
    "Settings": "what a search of widths is asked for",
    "LayerRow": "a row of bmx diff's table",
}
# Folders of tests that mirror no folder of bmx/: what they hold.
OTHER_TESTS = {
    "adding": "adding one thing touches one place",
    "benchmarks": "benchmarks/",
    "fuzz": "the fuzzer's target and its corpus",
    "journeys": "whole journeys through all rooms",
    "scripts": "scripts/",
    "src": "src/, see below",
    "support": "what tests share",
}


@pytest.mark.parametrize("language", ["Python", "C++"])
def test_functions_are_short(language):
    files, measure = (PYTHON, python_functions) if language == "Python" else (CXX, cxx_functions)
    functions = [function for path in files for function in measure(path)]
    lines = [function.lines for function in functions]
    assert len(functions) > 500
    assert np.median(lines) <= 5
    assert np.percentile(lines, 90) <= 16, sorted(functions, reverse=True)[:20]


def test_constructors_take_few_parameters():
    found = [constructor for path in PYTHON for constructor in constructors(path)]
    many = {made.name for made in found if made.parameters > 9 and made.bases != ("record",)}
    assert many == set(MANY_PARAMETERS)
    assert {made.name for made in found if made.parameters > 9 and made.bases == ("record",)} == set(
        LARGE_RECORDS
    )


# Files of fewer than 40 lines in the folders of operators, each of which is a whole family or a list.
SMALL_OPERATOR_FILES: dict[str, str] = {}


def test_files_of_operators_are_families():
    files = [path for folder in ("bmx/compiler/ir/ops", "src/ops") for path in (ROOT / folder).iterdir()]
    small = {path.name for path in files if path.is_file() and len(path.read_text().splitlines()) < 40}
    assert small == set(SMALL_OPERATOR_FILES)


def python_tests():
    return sorted((ROOT / "tests").rglob("test_*.py"))


def mirrored(folder):
    """The folder that a folder of tests is about."""
    if folder.parts[:1] in {("src",), ("scripts",), ("benchmarks",)}:
        return ROOT / folder
    return ROOT / "bmx" / folder


@pytest.mark.parametrize("path", python_tests(), ids=lambda path: str(path.relative_to(ROOT)))
def test_python_tests_lie_beside_what_they_test(path):
    folder = path.parent.relative_to(ROOT / "tests")
    if folder.parts[:1] in {("adding",), ("journeys",)} or path.name in {
        "test_house.py",
        "test_architecture.py",
    }:
        return
    assert mirrored(folder).is_dir(), f"bmx/ has no folder {folder}"
    names = {entry.stem for entry in mirrored(folder).iterdir()} - {"__init__", "__pycache__"}
    tested = path.stem[len("test_") :]
    known = sorted({*names, *folder.parts[-1:]})
    assert any(tested == name or tested.startswith(f"{name}_") for name in known), f"it tests none of {known}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests" / "src").rglob("*_test.c*")), ids=lambda path: path.name
)
def test_cxx_tests_lie_beside_what_they_test(path):
    folder = path.parent.relative_to(ROOT / "tests")
    assert (ROOT / folder).is_dir(), f"there is no folder {folder}"


def test_folders_of_tests_are_known():
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} - {"__pycache__"}
    rooms = {path.name for path in (ROOT / "bmx").iterdir() if path.is_dir()}
    assert folders - rooms <= set(OTHER_TESTS)


def test_tests_leave_the_import_path_alone():
    search = ["git", "grep", "-l", r"sys\.path\.\(insert\|append\)", "--", "tests", ":!tests/test_house.py"]
    assert subprocess.run(search, cwd=ROOT, capture_output=True, text=True).stdout.split() == []


def test_the_layout_of_the_readme_is_that_of_the_tree():
    layout = (ROOT / "README.md").read_text().partition("## Layout")[2].partition("\n## ")[0]
    named = {
        name
        for cell in re.findall(r"^\| (.*?) \|", layout, re.MULTILINE)
        for name in re.findall("`(.*?)`", cell)
    }
    assert sorted(name for name in named if not (ROOT / name).exists()) == []
    rooms = [
        path.relative_to(ROOT).as_posix()
        for room in ("bmx", "src", "bmx/gluon", "bmx/compiler")
        for path in (ROOT / room).iterdir()
        if path.is_dir() and path.name not in {"__pycache__", "lib", "bin"}
    ]
    assert (
        sorted(room for room in rooms if room not in named and Path(room).parent.as_posix() not in named)
        == []
    )
