"""Each rule of scripts/prose.py finds what it names, and nothing in wording that is right."""

from pathlib import Path

import pytest

from scripts import prose


def found(name, text):
    return [what for _, what, _ in prose.findings(Path(name), text)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "# The layer behind this one.\n"),
        ("a.py", 'raise ValueError("the argument behind it")\n'),
        ("a.py", 'def f():\n    """Norm.\n\n    A sign behind it.\n    """\n'),
        ("a.h", "int x;  // the layer behind\n"),
        ("a.md", "The layer behind this one.\n"),
        ("a.sh", "run  # what comes behind\n"),
    ],
)
def test_behind_is_found_in_prose(name, text):
    assert found(name, text) == [prose.RULES[r"\bbehind\b"]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "behind = 3\n"),
        ("a.h", "int behind;\n"),
        ("a.py", "# Nothing is left behind.\n"),
        ("a.md", "It is not changed behind your back.\n"),
    ],
)
def test_code_and_idioms_pass(name, text):
    assert found(name, text) == []


def test_arguments_are_noun_phrases():
    documentation = "Slide.\n\n    Args:\n        stride: of the convolution.\n        pad: zeros.\n    "
    text = f'def f(stride, pad):\n    """{documentation}"""\n'
    assert found("a.py", text) == ["arguments are noun phrases, such as 'stride of the convolution'"]


def test_docstrings_of_one_word_and_capitalised_parameters():
    assert found("a.py", 'def f():\n    """Logs."""\n') == [
        "one word says nothing: leave it out or say what for"
    ]
    assert found("a.py", "def f(X, F): ...\n") == ["parameter names are lower case"]


def test_lines_are_those_of_the_file():
    text = '"""Module.\n\nA sign behind it.\n"""\n'
    assert [line for line, _, _ in prose.findings(Path("a.py"), text)] == [3]
