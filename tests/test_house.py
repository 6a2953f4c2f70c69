"""The house stays as it was built: short functions, few parameters, one idea a file, tests where the code is.

What may import what is in test_architecture.py.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
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


def test_public_methods_say_what_they_do():
    """Unless they override a method, which has said it."""
    import bmx

    silent = []
    for found in pkgutil.walk_packages(bmx.__path__, "bmx."):
        if ".worker_site" in found.name:
            continue
        module = importlib.import_module(found.name)
        for owner in vars(module).values():
            if not inspect.isclass(owner) or owner.__module__ != found.name or owner.__name__.startswith("_"):
                continue
            for name, member in vars(owner).items():
                method = getattr(member, "__func__", getattr(member, "fget", member))
                overrides = any(name in vars(base) for base in owner.__mro__[1:])
                if (
                    inspect.isfunction(method)
                    and not name.startswith("_")
                    and not method.__doc__
                    and not overrides
                ):
                    silent.append(f"{found.name}.{owner.__name__}.{name}")
    assert silent == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests" / "src").rglob("*_test.c*")), ids=lambda path: path.name
)
def test_cxx_tests_lie_beside_what_they_test(path):
    folder = path.parent.relative_to(ROOT / "tests")
    assert (ROOT / folder).is_dir(), f"there is no folder {folder}"


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
