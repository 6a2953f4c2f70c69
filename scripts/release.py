#!/usr/bin/env python
"""Checks that a release can be published: nothing is pushed, uploaded or tagged.

    scripts/release.py [--without-models] [--without-build]

Version, changelog, tag, clean tree and trained models are looked at first; then the source distribution is
built, and the wheel from it, into build/release, and their contents are checked. Each failure says what was
expected, what was found and what to do. CONTRIBUTING.md tells the whole procedure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Callable, Iterable

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path("build/models")
OUTPUT = Path("build/release")
# Each of these stands in the source distribution and is enough to say that its folder does.
IN_SOURCES = (
    *("CMakeLists.txt", "Makefile", "CHANGELOG.md", "LICENSE", "pyproject.toml", "setup.py"),
    *(
        "bmx/__init__.py",
        "include/bmx/bmx.h",
        "src/capi/capi.cc",
        "tests/conftest.py",
        "typings/mxnet/__init__.pyi",
        "docs/format.md",
    ),
)
IN_WHEEL = ("bmx/__init__.py", "bmx/py.typed", "bmx/bin/bmx-run", "bmx/training/recipes/mnist_quick.toml")


class ReleaseError(Exception):
    """A reason not to publish."""


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


def version(root: Path) -> str:
    """The version that bmx/_version.py names."""
    found = re.search(r'__version__ = "([^"]+)"', (root / "bmx" / "_version.py").read_text())
    if not found:
        raise ReleaseError('bmx/_version.py: expected __version__ = "X.Y.Z", found none; write it.')
    return found[1]


def check_changelog(root: Path) -> None:
    """The newest version of CHANGELOG.md is this one, dated, and nothing is left under "Unreleased"."""
    text, expected = (root / "CHANGELOG.md").read_text(), version(root)
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    unreleased = [section for section in sections if section.startswith("Unreleased")]
    released = [section.splitlines()[0] for section in sections if not section.startswith("Unreleased")]
    if any(line.startswith("- ") for section in unreleased for line in section.splitlines()):
        raise ReleaseError(
            f"CHANGELOG.md: expected nothing under '## Unreleased', found changes; "
            f"rename the heading to '## {expected} - YYYY-MM-DD'."
        )
    newest = released[0] if released else "none"
    if not re.fullmatch(re.escape(expected) + r" - \d{4}-\d\d-\d\d", newest):
        raise ReleaseError(
            f"CHANGELOG.md: expected the newest heading '## {expected} - YYYY-MM-DD', the version of "
            f"bmx/_version.py, found '{newest}'; correct the one that is wrong."
        )


def check_clean(root: Path) -> None:
    """Everything is committed."""
    changed = _git(root, "status", "--porcelain").splitlines()
    if changed:
        raise ReleaseError(
            f"git: expected a clean tree, found {len(changed)} changed or untracked files "
            f"({changed[0][3:]}{', ...' if len(changed) > 1 else ''}); commit or remove them."
        )


def check_tag(root: Path) -> None:
    """The tag of the version is on this commit."""
    expected = f"v{version(root)}"
    found = _git(root, "tag", "--points-at", "HEAD").split()
    if expected not in found:
        raise ReleaseError(
            f"git: expected the tag {expected} on this commit, found {', '.join(found) or 'none'}; "
            f"run 'git tag -a {expected}' when everything else is ready."
        )


def check_models(root: Path) -> None:
    """The trained nets are there, and are those that their index names."""
    index = root / MODELS / "models.json"
    if not index.is_file():
        raise ReleaseError(
            f"{MODELS}: expected models.json, found none; run 'make models' (about two hours)."
        )
    models = json.loads(index.read_text())["models"]
    if not models:
        raise ReleaseError(f"{MODELS}/models.json: expected trained nets, found none; run 'make models'.")
    for model in models:
        file = index.parent / model["file"]
        digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "no file"
        if digest != model["sha256"]:
            raise ReleaseError(
                f"{MODELS}/{model['file']}: expected SHA-256 {model['sha256']}, found {digest}; "
                "run 'make models'."
            )


def check_contents(archive: str, names: Iterable[str], expected: Iterable[str]) -> None:
    """An archive holds what it must, and no compiled file that no build of its own made."""
    there = set(names)
    missing = sorted(set(expected) - there)
    if missing:
        raise ReleaseError(
            f"{archive}: expected {', '.join(missing)} in it, found {len(there)} files without; "
            "see MANIFEST.in."
        )


def build(root: Path) -> None:
    """Build the source distribution and, from it, the wheel; both hold what they must."""
    shutil.rmtree(root / OUTPUT, ignore_errors=True)
    built = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(root / OUTPUT), str(root)], check=False
    )
    if built.returncode != 0:
        raise ReleaseError(
            "build: expected a source distribution and a wheel, found an error above; correct it."
        )
    (sources,) = (root / OUTPUT).glob("*.tar.gz")
    (wheel,) = (root / OUTPUT).glob("*.whl")
    with tarfile.open(sources) as archive:
        inside = [name.partition("/")[2] for name in archive.getnames()]
    check_contents(sources.name, inside, IN_SOURCES)
    if any(name.endswith(".so") for name in inside):
        raise ReleaseError(f"{sources.name}: expected sources only, found compiled files; see MANIFEST.in.")
    with zipfile.ZipFile(wheel) as archive:
        check_contents(wheel.name, archive.namelist(), IN_WHEEL)


Check = Callable[[Path], None]
CHECKS: tuple[Check, ...] = (check_changelog, check_clean, check_tag)


def failures(root: Path, checks: Iterable[Check]) -> list[str]:
    """What each failing check says."""
    said = []
    for check in checks:
        try:
            check(root)
        except ReleaseError as reason:
            said.append(str(reason))
    return said


def main() -> int:
    """Check, build, and say whether this commit can be published."""
    parser = argparse.ArgumentParser(description="Checks that a release can be published; publishes nothing.")
    parser.add_argument("--without-models", action="store_true", help="the trained nets lie elsewhere")
    parser.add_argument("--without-build", action="store_true", help="only the checks that take no time")
    options = parser.parse_args()
    said = failures(ROOT, CHECKS if options.without_models else (*CHECKS, check_models))
    if not said and not options.without_build:
        said = failures(ROOT, [build])
    for reason in said:
        print(f"bmx: not ready: {reason}", file=sys.stderr)
    if not said:
        print(f"bmx: {version(ROOT)} can be published: {OUTPUT} and {MODELS}")
    return int(bool(said))


if __name__ == "__main__":
    sys.exit(main())
