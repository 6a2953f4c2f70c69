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
ARCHITECTURE = ROOT / "tests" / "test_architecture.py"
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
    "src": "src/",
    "support": "what tests share",
}
# Files of fewer than 40 lines in the folders of operators.
SMALL_OPERATOR_FILES = {
    "__init__.py": "finds the families",
    "conv.cc": "a whole family, whose layers are those of layer.cc",
    "dense.cc": "a whole family, whose layers are those of layer.cc",
    "op_list.inc": "the list of all operators",
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


def test_files_of_operators_are_families():
    files = [path for folder in ("bmx/compiler/ir/ops", "src/ops") for path in (ROOT / folder).iterdir()]
    small = {path.name for path in files if path.is_file() and len(path.read_text().splitlines()) < 40}
    assert small == set(SMALL_OPERATOR_FILES)


def mirrored(folder):
    """The folder, or the module, that a folder of tests is about."""
    if folder.parts[:1] in {("src",), ("scripts",), ("benchmarks",)}:
        return ROOT / folder
    module = (ROOT / "bmx" / folder).with_suffix(".py")
    return module if module.is_file() else ROOT / "bmx" / folder


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_python_tests_lie_beside_what_they_test(path):
    """A test is named after a module there, or after the folder; a module's tests may be a folder, too."""
    folder = path.parent.relative_to(ROOT / "tests")
    if folder.parts[:1] in {("adding",), ("journeys",)} or path in {Path(__file__), ARCHITECTURE}:
        return
    tested = mirrored(folder)
    assert tested.exists(), f"bmx/ has no {folder}"
    if tested.is_dir():
        known = {*(entry.stem for entry in tested.iterdir()), *folder.parts[-1:]}
        name = path.stem[len("test_") :]
        assert any(f"{name}_".startswith(f"{other}_") for other in known), f"it tests none of {sorted(known)}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests" / "src").rglob("*_test.c*")), ids=lambda path: path.name
)
def test_cxx_tests_lie_beside_what_they_test(path):
    folder = path.parent.relative_to(ROOT / "tests")
    assert (ROOT / folder).is_dir(), f"there is no folder {folder}"


def test_folders_of_tests_are_known():
    files = [path for path in (ROOT / "tests").glob("*/**/*") if path.is_file() and path.suffix != ".pyc"]
    folders = {path.relative_to(ROOT / "tests").parts[0] for path in files}
    unknown = {folder for folder in folders if not mirrored(Path(folder)).exists()}
    assert unknown == set(OTHER_TESTS) - {"src", "scripts", "benchmarks"}


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


@pytest.mark.parametrize(
    "page", ["README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/adding.md", "docs/architecture.md"]
)
def test_pages_name_places_that_exist(page):
    text = (ROOT / page).read_text()
    top = "|".join(sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0].isalpha()))
    named = {ROOT / name for name in re.findall(rf"`((?:{top})/[\w./]+?)`", text)}
    linked = {(ROOT / page).parent / name for name in re.findall(r"\]\((?!http)([\w./]+)\)", text)}
    built = {path for path in named if path.relative_to(ROOT).parts[0] in ("build", "demo")}
    invented = {ROOT / "bmx/gluon/model_zoo/mynet.py", ROOT / "bmx/gluon/nn/blocks/rezero.py"}
    missing = (named | linked) - built - invented
    assert sorted(str(path) for path in missing if not path.exists()) == []
