"""`bmx list`: names from the registries."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command_line import invoke


def test_list_models_is_the_registry(inside: Path) -> None:
    from bmx.gluon import model_zoo

    assert json.loads(invoke("list", "models", "--json").stdout) == model_zoo.list_models()
    lines = invoke("list", "models").output.splitlines()
    assert [line.split()[0] for line in lines] == model_zoo.list_models()
    assert "ABC-Net" in lines[0]
