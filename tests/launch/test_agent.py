"""The agent of one process: it passes on output and the end, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from bmx.launch import agent

# The agent's text, less patient with what does not want to end.
PROGRAM = Path(agent.__file__).read_text().replace("GRACE = 5.0", "GRACE = 0.5")
HELLO = {"toward": "127.0.0.1", "port": 0}


class Agent:
    def __init__(self, request: dict[str, Any]):
        command = agent.bootstrap(sys.executable)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.send({"program": PROGRAM, **request})
        assert self.process.stdout.readline() == agent.MAGIC
        self.frames = agent.read_frames(self.process.stdout)

    def send(self, message: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def order(
        self, *command: str, environment: Any = None, directory: str = "/", terminal: Any = None
    ) -> None:
        names = {"environment": environment or {}, "directory": directory, "terminal": terminal}
        self.send({"command": command, **names})

    def next(self, kind: bytes) -> Any:
        found, content = next(self.frames)
        assert found == kind, content
        return content if kind in (agent.OUTPUT, agent.ERROR_OUTPUT) else json.loads(content)

    def rest(self) -> dict[bytes, bytes]:
        """Contents of all frames until its end, by kind."""
        found: dict[bytes, bytes] = {}
        for kind, content in self.frames:
            found[kind] = found.get(kind, b"") + content
        assert self.process.wait(timeout=60) == 0
        return found


@pytest.fixture
def start() -> Iterator[Any]:
    agents: list[Agent] = []

    def start(request: dict[str, Any] = HELLO) -> Agent:
        agents.append(Agent(request))
        return agents[-1]

    yield start
    for one in agents:
        one.process.kill()
        one.process.wait()
        one.process.stdin.close()
        one.process.stdout.close()


def wait_for_end(pid: int) -> None:
    """Waits until the process is gone, or a zombie that its new parent has not reaped."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.02)
    pytest.fail(f"process {pid} still runs")


def test_output_and_exit_code(start, tmp_path):
    one = start()
    hello = one.next(agent.HELLO)
    assert hello["address"] == "127.0.0.1"
    assert hello["cores"] >= 1
    script = "printf 'a\\r%s' \"$WORD\"; pwd; printf e >&2; exit 7"
    one.order("sh", "-c", script, environment={"WORD": "it's\n"}, directory=str(tmp_path))
    pid = one.next(agent.PID)
    found = one.rest()
    assert found[agent.OUTPUT] == f"a\rit's\n{tmp_path}\n".encode()
    assert found[agent.ERROR_OUTPUT] == b"e"
    assert json.loads(found[agent.EXIT]) == 7
    wait_for_end(pid)


def test_death_by_signal(start):
    one = start()
    one.next(agent.HELLO)
    one.order("sleep", "1000")
    os.kill(one.next(agent.PID), signal.SIGKILL)
    assert one.rest() == {agent.EXIT: b"-9"}


def test_the_error_output_may_be_a_terminal(start):
    one = start()
    one.next(agent.HELLO)
    one.order(
        "sh", "-c", "test -t 2 && ! test -t 1 && stty size <&2 && printf 'x\\ny' >&2", terminal=[30, 77]
    )
    one.next(agent.PID)
    found = one.rest()
    assert found == {agent.OUTPUT: b"30 77\n", agent.ERROR_OUTPUT: b"x\ny", agent.EXIT: b"0"}


# A shell that does not end when asked to, with a child that does not either.
STUBBORN = "trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000"


@pytest.mark.parametrize("how", ["the launcher ends", "the agent is killed", "the process ends"])
def test_nothing_stays(start, how):
    one = start()
    one.next(agent.HELLO)
    one.order(
        "sh", "-c", STUBBORN.replace("wait; sleep 1000", "exit") if how == "the process ends" else STUBBORN
    )
    parent = one.next(agent.PID)
    child = int(one.next(agent.OUTPUT))
    if how == "the launcher ends":
        one.process.stdin.close()
    elif how == "the agent is killed":
        one.process.kill()
        wait_for_end(parent)
        os.kill(child, signal.SIGKILL)  # which the kernel does not see; the launcher does it (node.py)
    one.process.wait(timeout=60)
    wait_for_end(parent)
    wait_for_end(child)


def test_without_an_order_it_ends_with_the_launcher(start):
    one = start()
    one.next(agent.HELLO)
    one.process.stdin.close()
    assert one.rest() == {}


@pytest.mark.parametrize(
    ("command", "directory", "message"),
    [
        ("no-such-program", "/", "no-such-program: No such file or directory"),
        ("true", "/no/such/folder", "/no/such/folder: No such file or directory"),
    ],
)
def test_what_cannot_start_is_named(start, command, directory, message):
    one = start()
    one.next(agent.HELLO)
    one.order(command, directory=directory)
    assert json.loads(one.rest()[agent.FAILURE]) == message


def test_a_port_in_use_is_named(start):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        one = start({"toward": "127.0.0.1", "port": other.getsockname()[1]})
        assert "is in use; give another --port" in json.loads(one.rest()[agent.FAILURE])
