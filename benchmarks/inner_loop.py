"""The instructions of the longest counting loop of the 4 x 4 tile, from a disassembly on standard input."""

from __future__ import annotations

import re
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <.*neon.*binary_tile<\(bmx::BitProduct\)0, 4, 4>")
INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\s+(.*)$")
BRANCH_BACK = re.compile(r"^(b\.\w+)\s+([0-9a-f]+)")


def function_body(lines: list[str]) -> list[tuple[int, str]]:
    """Addresses and texts of the instructions of the tile."""
    start = next((i for i, line in enumerate(lines) if FUNCTION.match(line)), None)
    if start is None:
        sys.exit("inner_loop.py: expected a function binary_tile<..., 4, 4> of the neon unit, found none")
    body = []
    for line in lines[start + 1 :]:
        match = INSTRUCTION.match(line)
        if not match:
            break
        body.append((int(match.group(1), 16), match.group(2).strip()))
    return body


def longest_loop(body: list[tuple[int, str]]) -> list[str]:
    """Straight code between a label and the branch back to it, with the most counting instructions."""
    best: list[str] = []
    for i, (address, text) in enumerate(body):
        branch = BRANCH_BACK.match(text)
        if not branch or int(branch.group(2), 16) >= address:
            continue
        loop = [t for a, t in body[:i] if a >= int(branch.group(2), 16)]
        straight = not any(re.match(r"(b|cb|tb)[.nz]?\w*\s", t) and not t.startswith("bi") for t in loop)
        if straight and sum(t.startswith("cnt") for t in loop) > sum(t.startswith("cnt") for t in best):
            best = [*loop, f"{branch.group(1)} .L"]
    return best


def main() -> None:
    """Print the loop as llvm-mca reads it."""
    loop = longest_loop(function_body(sys.stdin.read().splitlines()))
    print("\n".join([".L:", *(re.sub(r"\s+", " ", text) for text in loop)]))


if __name__ == "__main__":
    main()
