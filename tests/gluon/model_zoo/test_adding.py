"""docs/adding.md: its example is a model of the zoo as soon as it is imported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bmx.gluon.model_zoo import list_models, registry

PAGE = Path(__file__).resolve().parents[3] / "docs" / "adding.md"


def test_the_example_registers_runs_and_exports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_models", dict(registry._models))
    model, use = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(model, str(PAGE), "exec"), {"__name__": "mynet"})
    assert {"mynet8", "mynet16"} < set(list_models())
    exec(compile(use, str(PAGE), "exec"), {})
    assert "top-1 agreement 1.0000" in capsys.readouterr().out
    # 64 and 128 channels at 1 bit a weight; the stem, the shortcut and the norms are float.
    binary = 3 * 64 * 64 * 9 + 64 * 128 * 9 + 3 * 128 * 128 * 9
    assert binary / 8 < (tmp_path / "mynet8.bmx").stat().st_size < binary / 8 + 100_000
