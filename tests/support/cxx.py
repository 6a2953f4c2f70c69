"""Programs from a few recompiled C++ files and the rest of libbmx as it is already built."""

from __future__ import annotations

import fcntl
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
    found = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if found is None:
        pytest.skip("needs a C++17 compiler: c++, g++ or clang++")
    return found


def built_library() -> Path:
    """libbmx.a of the current sources for this machine, from an earlier build if there is one."""
    package = f"package-{sys.implementation.cache_tag}-{platform.machine()}"
    build = ROOT / "build"
    folders = [build / name for name in ("native", package, "dev") if (build / name / "build.ninja").exists()]
    build.mkdir(exist_ok=True)
    with (build / "tests.lock").open("w") as lock:  # one build at a time, whatever process it comes from
        fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in folders:
            if (
                subprocess.run(["cmake", "--build", str(folder), "--target", "bmx"], check=False).returncode
                == 0
            ):
                return folder / "libbmx.a"
        folder = build / "adding"
        options = ["-GNinja", "-DBMX_BUILD_TOOLS=OFF", f"-DBMX_JSON_INCLUDE={JSON_INCLUDE}"]
        subprocess.run(["cmake", "-S", str(ROOT), "-B", str(folder), *options], check=True)
        subprocess.run(["cmake", "--build", str(folder), "--target", "bmx"], check=True)
        return folder / "libbmx.a"


def build_bmx_run(folder: Path, changed: Mapping[str, str], sources: Sequence[str]) -> Path:
    """bmx-run from changed sources.

    Args:
        folder: an empty folder for files, objects and program.
        changed: texts of new or changed files by their path below src/; included instead of those of src/.
        sources: files to compile besides bmx-run's own, by their path below src/: the new ones, and all that
            include a changed one and have to notice.

    Returns:
        The program. What was not compiled again comes from libbmx.a.
    """
    compile_command = [compiler(), "-std=c++17", "-O0", "-ffp-contract=off"]
    library = built_library()
    for path, text in changed.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    includes = [f"-I{path}" for path in (folder, ROOT / "src", ROOT / "include", JSON_INCLUDE)]
    files = [
        folder / path if path in changed else ROOT / "src" / path for path in [*sources, "tools/bmx_run.cc"]
    ]
    jobs = [
        subprocess.Popen([*compile_command, *includes, "-c", str(file), "-o", str(folder / f"{file.stem}.o")])
        for file in files
    ]
    assert [job.wait() for job in jobs] == [0] * len(jobs)
    program = folder / "bmx-run"
    objects = [str(folder / f"{file.stem}.o") for file in files]
    subprocess.run([compile_command[0], *objects, str(library), "-pthread", "-o", str(program)], check=True)
    return program


def source(path: str) -> str:
    """Text of a file below src/."""
    return (ROOT / "src" / path).read_text()
