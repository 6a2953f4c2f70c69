#!/usr/bin/env python
"""Finds wording that this project avoids, in docstrings, comments, messages and pages.

    scripts/prose.py [--strict] [PATH ...]    all tracked files by default; --strict fails on a finding

Where an expression that a rule finds is right after all, it belongs to ALLOWED, with the reason.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import Iterable, Iterator, Tuple

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = re.compile(
    r"tests/fuzz/corpus/|docs/results/|scripts/prose\.py|tests/scripts/test_prose\.py|LICENSE"
)

RULES = {
    r"\bbehind\b": "'behind' is for what is spatially behind: write 'after' or 'below'",
    r"\b(?:go|goes|going|gone|went) on with\b": "write 'resume' or 'continue'",
}
ALLOWED = (
    r"\b(?:leaves?|leaving|left|stays?)\b[^.;]{0,50}\bbehind\b",  # idiom: what remains when somebody has gone
    r"\bbehind [\w']+ back\b",  # idiom: without somebody's knowledge
    r"\b(?:hides?|hidden) behind\b",  # idiom: obscured by
)
ONE_WORD = re.compile(r"\s*\w+\.?\s*")
GENITIVE = re.compile(r"\s+\*{0,2}\w+: of (?:the|an?|each|every|its|this|all|one|what|that|which)\b")
# The parts of a line that people read: comments and strings of several words; in pages everything.
PARTS = {
    **dict.fromkeys((".h", ".hpp", ".cc", ".c", ".inc"), r'//.*|^\s*/?\*.*|"[^"]* [^"]*"'),
    **dict.fromkeys((".sh", ".toml", ".cmake", ".yml", ".txt", ""), r'(?:^|\s)#.*|"[^"]* [^"]*"'),
    ".md": ".+",
}

Line = Tuple[int, str]
Finding = Tuple[int, str, str]  # line, what to do, text


def _python_prose(source: str) -> Iterator[Line]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield from enumerate(node.value.split("\n"), node.lineno)


def _prose(path: Path, source: str) -> Iterable[Line]:
    if path.suffix == ".py":
        return _python_prose(source)
    part = PARTS.get(path.suffix, "$^")
    lines = enumerate(source.split("\n"), 1)
    return ((number, match[0]) for number, line in lines for match in re.finditer(part, line))


def _docstring_findings(first: int, documentation: str) -> Iterator[Finding]:
    if ONE_WORD.fullmatch(documentation):
        yield first, "one word says nothing: leave it out or say what for", documentation
    for number, line in enumerate(documentation.split("\n"), first):
        if GENITIVE.match(line):
            yield number, "arguments are noun phrases, such as 'stride of the convolution'", line


def _python_findings(source: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and ast.get_docstring(
            node
        ):
            yield from _docstring_findings(node.body[0].lineno, ast.get_docstring(node, clean=False) or "")
        # Gluon hands hybrid_forward its operators as F.
        if isinstance(node, ast.arg) and node.arg[0].isupper() and node.arg != "F":
            yield node.lineno, "parameter names are lower case", node.arg


def findings(path: Path, source: str) -> list[Finding]:
    """What a file should say otherwise, by line."""
    found = list(_python_findings(source)) if path.suffix == ".py" else []
    for number, text in _prose(path, source):
        judged = re.sub("|".join(ALLOWED), "", text, flags=re.IGNORECASE)
        found += [
            (number, what, text) for rule, what in RULES.items() if re.search(rule, judged, re.IGNORECASE)
        ]
    return sorted(found)


def tracked_files() -> Iterator[Path]:
    """The project's files in which prose can stand."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if not SKIPPED.match(name) and (ROOT / name).is_file():
            yield ROOT / name


def main() -> int:
    """Print the findings of the files that the command line names."""
    parser = argparse.ArgumentParser(description="Finds wording that this project avoids.")
    parser.add_argument("paths", nargs="*", type=Path, help="files or folders; all tracked files by default")
    parser.add_argument("--strict", action="store_true", help="fail when something is found")
    options = parser.parse_args()
    places = [path.resolve() for path in options.paths] or [ROOT]
    count = 0
    for path in tracked_files():
        if not any(place == path or place in path.parents for place in places):
            continue
        for line, what, text in findings(path, path.read_text(encoding="utf-8", errors="replace")):
            print(f"{path.relative_to(ROOT)}:{line}: {what}\n    {text.strip()[:150]}")
            count += 1
    print(f"bmx: {count or 'no'} findings in prose")
    return int(options.strict and count > 0)


if __name__ == "__main__":
    sys.exit(main())
