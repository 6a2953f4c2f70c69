"""An architecture is one file: found by enumeration, held to its counts, listed, exported.

The page docs/adding.md shows such a file; it is the one that is added here.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

import pytest

from bmx.discovery import import_modules
from bmx.gluon import model_zoo
from bmx.gluon.model_zoo import registry
from tests.support.command_line import invoke
from tests.support.zoo_counts import differences, registered_cases, uncounted_models

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding.md"
MODULE, USE = re.search(
    r"^## An architecture$.*?```python\n(.*?)```.*?```python\n(.*?)```",
    PAGE.read_text(),
    re.DOTALL | re.MULTILINE,
).groups()
NAMES = ["mynet16", "mynet8"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that counts as a part of bmx/gluon/model_zoo; what is registered from it is taken back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_zoo, "__path__", [*model_zoo.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "_models", dict(registry._models))
    yield tmp_path
    sys.modules.pop("bmx.gluon.model_zoo.mynet", None)
    vars(model_zoo).pop("mynet", None)


def add(folder: Path, source: str) -> None:
    (folder / "mynet.py").write_text(source)
    import_modules(model_zoo)


def mynet_differences() -> list[str]:
    return [
        sentence for named in registered_cases() if named.name in NAMES for sentence in differences(*named)
    ]


def test_it_is_found_counted_and_listed(folder: Path) -> None:
    add(folder, MODULE)
    assert set(NAMES) < set(model_zoo.list_models())
    assert uncounted_models() == []
    assert {named.name for named in registered_cases()} >= set(NAMES)
    assert mynet_differences() == []
    listed = invoke("list", "models").stdout
    assert re.search(r"^mynet8 +MyNet +91.2 % +\(paper\)$", listed, re.MULTILINE), listed


def test_it_is_exported_with_equal_results(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(folder, MODULE)
    exec(compile(USE, str(PAGE), "exec"), {})
    assert "top-1 agreement 1.0000" in capsys.readouterr().out
    # 64 and 128 channels at 1 bit a weight; the stem, the shortcut and the norms are float.
    binary = 3 * 64 * 64 * 9 + 64 * 128 * 9 + 3 * 128 * 128 * 9
    assert binary / 8 < (folder / "mynet8.bmx").stat().st_size < binary / 8 + 100_000


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        (
            "binary_params=626_688",
            "binary_params=626_689",
            "binary_params: expected 626,689 within 0, found 626,688",
        ),
        ("ops=7.7e6", "ops=7.9e6", "ops: expected 7,900,000.0 within 100,000.0, found 7,700,480.0"),
    ],
)
def test_a_wrong_count_fails(folder: Path, right: str, wrong: str, sentence: str) -> None:
    assert MODULE.count(right) == 1
    add(folder, MODULE.replace(right, wrong))
    (found,) = mynet_differences()
    assert sentence in found


def test_a_net_without_counts_fails(folder: Path) -> None:
    add(folder, re.sub(r"Counts\(.*?\)", "Counts()", MODULE))
    assert uncounted_models() == NAMES


def test_figures_of_a_name_that_is_not_registered_are_refused(folder: Path) -> None:
    with pytest.raises(
        ValueError, match="published has 'mynet9', expected one of mynet8, mynet16; rename it"
    ):
        add(folder, MODULE.replace('"mynet8": Published', '"mynet9": Published'))
