"""Programs from a few recompiled C++ files and the rest of libbmx as it is already built."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Mapping, Sequence

import nlohmann_json
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
JSON_INCLUDE = Path(nlohmann_json.__path__[0]) / "include"


def compiler() -> str:
    """The C++ compiler; skips the test where there is none."""
    for name in (os.environ.get("CXX", ""), "c++", "g++", "clang++"):
        if name and shutil.which(name):
            return name
    pytest.skip("needs a C++17 compiler: $CXX, c++, g++ or clang++")


def _is_built(folder: Path) -> bool:
    """Brings the library of a build folder up to date."""
    command = ["cmake", "--build", str(folder), "--target", "bmx"]
    return subprocess.run(command, check=False).returncode == 0


def built_library() -> Path:
    """libbmx.a of the current sources for this machine, from an earlier build if there is one."""
    names = ("native", "dev", f"package-{sys.implementation.cache_tag}-{platform.machine()}")
    found = [library for name in names for library in ROOT.glob(f"build/{name}/libbmx.a")]
    found.sort(key=lambda library: library.stat().st_mtime, reverse=True)
    own = ROOT / "build" / "adding"
    own.mkdir(parents=True, exist_ok=True)
    with (own / "lock").open("w") as lock:  # one build at a time, whatever process it comes from
        fcntl.flock(lock, fcntl.LOCK_EX)
        for library in found:
            if _is_built(library.parent):
                return library
        options = ["-GNinja", "-DBMX_BUILD_TOOLS=OFF", f"-DBMX_JSON_INCLUDE={JSON_INCLUDE}"]
        subprocess.run(["cmake", "-S", str(ROOT), "-B", str(own), *options], check=True)
        assert _is_built(own)
        return own / "libbmx.a"


def build_program(folder: Path, changed: Mapping[str, str], sources: Sequence[str]) -> Path:
    """A program of new, changed and unchanged sources.

    Args:
        folder: an empty folder for files, objects and program.
        changed: texts of new or changed files by their path below src/; included instead of those of src/.
        sources: files to compile, by their path below src/: one with `main`, the new ones, and all that
            include a changed one and have to notice.

    Returns:
        The program. What was not compiled again comes from libbmx.a.
    """
    library = built_library()
    for path, text in changed.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    files = [(folder if path in changed else ROOT / "src") / path for path in sources]
    objects = [folder / f"{file.stem}.o" for file in files]
    includes = [f"-I{path}" for path in (folder, ROOT / "src", ROOT / "include", JSON_INCLUDE)]
    command = [compiler(), "-std=c++17", "-O0", "-ffp-contract=off"]
    jobs = [
        subprocess.Popen([*command, *includes, "-c", str(file), "-o", str(made)])
        for file, made in zip(files, objects)
    ]
    assert [job.wait() for job in jobs] == [0] * len(jobs)
    program = folder / "program"
    linked = [*map(str, objects), str(library), "-pthread", "-o", str(program)]
    subprocess.run([command[0], *linked], check=True)
    return program


def source(path: str) -> str:
    """Text of a file below src/."""
    return (ROOT / "src" / path).read_text()
