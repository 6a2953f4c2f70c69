"""Every example runs as its first lines say, in a short form."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support.subprocesses import ROOT, environment


def test_lenet_mnist(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "lenet_mnist.py"), "--epochs", "1", "--limit", "800"],
        cwd=tmp_path,
        env=environment(BMX_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    accuracy = re.search(r"packed file on \w+: ([\d.]+) % of 1000 held-out digits", done.stdout)
    assert accuracy is not None, done.stdout
    assert float(accuracy[1]) > 50  # chance is 10
    assert (tmp_path / "lenet.bmx").stat().st_size < 215_000
