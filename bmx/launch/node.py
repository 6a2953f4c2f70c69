"""One process of a job, as the launcher sees it: an agent, here or on another host, runs it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from bmx.launch import agent
from bmx.launch.cluster import Endpoint
from bmx.launch.hosts import Host
from bmx.launch.screen import Lines
from bmx.launch.ssh import remote_command

_TAIL = 15  # lines
NOISE, CLOSED = b"N", b"C"  # besides the frames of the agent: what ssh says, and the end of the agent


class Event(NamedTuple):
    """What a node did: a kind of frame of `agent`, NOISE or CLOSED, and the content."""

    node: Node
    kind: bytes
    content: bytes


class Node:
    """A process with a role, on a host.

    Attributes:
        role: scheduler, server or worker.
        index: number among those of its role.
        host: machine that it runs on.
        endpoint: where it will listen; None until its agent has reported.
        cores: number of cores that it may use; 0 until its agent has reported.
        pid: process id on its host; None until it runs.
        code: exit code, or minus the signal that killed it; None until it has ended.
        closed: whether nothing more will be heard of it.
        tail: last lines of its output and of ssh.
    """

    def __init__(self, role: str, index: int, host: Host, toward: str, port: int, ssh: str):
        self.role = role
        self.index = index
        self.host = host
        self.endpoint: Endpoint | None = None
        self.cores = 0
        self.pid: int | None = None
        self.code: int | None = None
        self.closed = False
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self._lines = {kind: Lines() for kind in (agent.OUTPUT, agent.ERROR_OUTPUT, NOISE)}
        self._ssh = ssh
        self._request = {"toward": toward, "port": port}

    @property
    def name(self) -> str:
        """The name in front of its lines: workers are known by their rank alone."""
        if self.role == "scheduler":
            return self.role
        return str(self.index) if self.role == "worker" else f"{self.role} {self.index}"

    def __str__(self) -> str:
        """Its name in messages: role, number, process id and host."""
        number = "" if self.role == "scheduler" else f" {self.index}"
        pid = "" if self.pid is None else f"pid {self.pid} on "
        return f"{self.role}{number} ({pid}{self.host.name})"

    def start(self, events: queue.Queue[Event]) -> None:
        """Starts the agent; its events go to `events`.

        Raises:
            OSError: there is no such ssh program.
        """
        command = agent.bootstrap(sys.executable)
        if not self.host.is_local:
            command = remote_command(self._ssh, self.host, command)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches the launcher only, which ends all in order
        )
        self._send({"program": Path(agent.__file__).read_text(), **self._request})
        threading.Thread(target=self._listen, args=(events,), daemon=True).start()

    def order(self, command: list[str], environment: dict[str, str], directory: str, terminal: Any) -> None:
        """Orders the agent to start the process; see `agent._run`."""
        self._send(
            {"command": command, "environment": environment, "directory": directory, "terminal": terminal}
        )

    def take(self, event: Event) -> list[str]:
        """Learns from an event; returns the lines of output that it completes."""
        if event.kind in self._lines:
            return self._read(event.kind, event.content)
        if event.kind == agent.HELLO:
            hello = json.loads(event.content)
            self.endpoint, self.cores = Endpoint(hello["address"], hello["port"]), hello["cores"]
        elif event.kind == agent.PID:
            self.pid = json.loads(event.content)
        elif event.kind == agent.EXIT:
            self.code = json.loads(event.content)
        elif event.kind == CLOSED:
            self.closed = True
            return self.rest(NOISE)
        return []

    def rest(self, kind: bytes) -> list[str]:
        """The last line of a stream, if it has no line break."""
        return self._read(kind, b"", final=True)

    def unfinished(self) -> str:
        """What it has written to its error output since the last line break."""
        return self._lines[agent.ERROR_OUTPUT].unfinished

    def stop(self) -> None:
        """Makes the agent end the process: SIGTERM, then SIGKILL."""
        with contextlib.suppress(OSError):
            self._stdin.close()

    def kill(self) -> None:
        """Kills the agent, and the process with it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    @property
    def _stdin(self) -> BinaryIO:
        assert self._process.stdin is not None
        return self._process.stdin  # type: ignore[return-value]

    def _send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # if the agent is gone, its events say so
            self._stdin.write(json.dumps(message).encode() + b"\n")
            self._stdin.flush()

    def _read(self, kind: bytes, data: bytes, final: bool = False) -> list[str]:
        lines = self._lines[kind].feed(data, final)
        self.tail.extend(line for line in lines if line.strip())
        return lines

    def _listen(self, events: queue.Queue[Event]) -> None:
        """Queues everything that the agent sends, and CLOSED at its end."""
        output, errors = self._process.stdout, self._process.stderr
        assert output is not None
        assert errors is not None
        noise = threading.Thread(target=self._listen_to_noise, args=(errors, events), daemon=True)
        noise.start()
        while (line := output.readline()) and not line.endswith(agent.MAGIC):
            events.put(Event(self, NOISE, line))
        for kind, content in agent.read_frames(output):  # type: ignore[arg-type]
            events.put(Event(self, kind, content))
        self._process.wait()
        self._kill_orphans()
        noise.join(timeout=1)
        events.put(Event(self, CLOSED, b""))

    def _kill_orphans(self) -> None:
        """Kills what a killed agent has left here: the kernel kills the process, but not its children."""
        if self._process.returncode < 0 and self.host.is_local and self.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _listen_to_noise(self, errors: Any, events: queue.Queue[Event]) -> None:
        for line in errors:
            events.put(Event(self, NOISE, line))
