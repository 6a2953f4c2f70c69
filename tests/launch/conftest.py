"""Jobs started as users start them, and proof that none of their processes stays."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests.support.subprocesses import ROOT

LIMIT = 180  # seconds; far above what anything here takes


def _hear_interrupts() -> None:
    """A shell that starts the tests in the background lets them, and what they start, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Jobs:
    """Starts `bmx launch`; all that comes of it carries a mark in its environment."""

    def __init__(self) -> None:
        self._mark = f"BMX_TEST_MARK={uuid.uuid4()}".encode()
        self.launchers: list[subprocess.Popen] = []

    def start(self, *arguments: Any, stderr: int = subprocess.PIPE, **variables: str) -> subprocess.Popen:
        name, _, value = self._mark.decode().partition("=")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables, name: value}
        command = [sys.executable, "-m", "bmx.cli", "launch", *map(str, arguments)]
        launcher = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            preexec_fn=_hear_interrupts,
        )
        self.launchers.append(launcher)
        return launcher

    def end(self, launcher: subprocess.Popen) -> tuple[int, str, str]:
        """Waits for it; returns its exit code, output and errors."""
        output, errors = launcher.communicate(timeout=LIMIT)
        return launcher.returncode, output, errors

    def alive(self) -> dict[int, str]:
        """Process ids and commands of all that is left."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self._mark in (process / "environ").read_bytes().split(b"\0"):
                    found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        return found

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """Polls until the condition is true and returns it; a launcher that ends before is a failure."""
        limit = time.monotonic() + LIMIT
        while time.monotonic() < limit:
            if result := condition():
                return result
            for launcher in self.launchers:
                assert launcher.poll() is None, launcher.communicate()
            time.sleep(0.05)
        pytest.fail(f"waited in vain; alive: {self.alive()}")

    def clean(self) -> None:
        for launcher in self.launchers:
            launcher.kill()
            launcher.communicate()
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.clean()
