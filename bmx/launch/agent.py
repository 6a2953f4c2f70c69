"""The agent: starts one process of a job on its host, passes on its output, and ends it with the launcher.

The launcher sends this file as text to a Python on the host (`bootstrap`), so the host needs no bmx for it
and no part of the environment appears in a command line, where every user of the host could read it.

On its standard input the agent gets a line of JSON with the text and a request (`serve`), later one with an
order (`_run`), and nothing more: the end of the input means that the launcher is gone, for whatever reason.
To its standard output it writes `MAGIC`, which separates what follows from greetings of a login shell, and
then frames: a kind, a length and that many bytes.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from typing import Any, BinaryIO, Callable, Iterator

MAGIC = b"\x00bmx agent 1\n"
HEADER = struct.Struct(">cI")
# Kinds of frames. Contents are JSON, except those of output.
HELLO, FAILURE, PID, OUTPUT, ERROR_OUTPUT, EXIT = b"H", b"F", b"P", b"O", b"E", b"X"

GRACE = 5.0  # seconds between SIGTERM and SIGKILL
_PR_SET_PDEATHSIG = 1

_BOOTSTRAP = (
    "import json,sys;r=json.loads(sys.stdin.buffer.readline());n={'__name__':'agent'};"
    "exec(r.pop('program'),n);n['serve'](r)"
)


def bootstrap(python: str) -> list[str]:
    """The command that waits for the text of this file on its standard input."""
    return [python, "-I", "-S", "-c", _BOOTSTRAP]


def read_frames(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yields kind and content of each complete frame."""
    while len(header := stream.read(HEADER.size)) == HEADER.size:
        kind, size = HEADER.unpack(header)
        content = stream.read(size)
        if len(content) == size:
            yield kind, content


class _Frames:
    """Writes frames from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.write(MAGIC)

    def write(self, data: bytes) -> None:
        with self._lock, contextlib.suppress(OSError):  # the launcher is gone, as standard input will tell
            while data:
                data = data[os.write(1, data) :]

    def send(self, kind: bytes, content: Any) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.write(HEADER.pack(kind, len(data)) + data)


def serve(request: dict[str, Any]) -> None:
    """Does the work of the agent, and ends its process.

    Args:
        request: `toward`, a numeric address: the process will listen at this host's address on the way there;
            `port`, the port where it will listen, 0 for a free one.
    """
    frames = _Frames()
    try:
        _serve(request, frames)
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        frames.send(FAILURE, f"{what}{error.strerror}")
    os._exit(0)  # does not wait for threads that read


def _serve(request: dict[str, Any], frames: _Frames) -> None:
    reserved = _reserve(_own_address(request["toward"]), request["port"])
    address, port = reserved.getsockname()
    frames.send(HELLO, {"address": address, "port": port, "cores": _cores()})
    line = sys.stdin.buffer.readline()
    reserved.close()
    if line:
        frames.send(EXIT, _run(json.loads(line), frames))


def _run(order: dict[str, Any], frames: _Frames) -> int:
    """Runs the ordered command to its end.

    Args:
        order: `command`; `environment`, which is added to the host's; `directory`; `terminal`, rows and
            columns of a terminal for the standard error, or None.
        frames: destination of its output.

    Returns:
        Exit code of the command, or minus the signal that killed it.
    """
    child, errors = _start(order)
    frames.send(PID, child.pid)
    ended = threading.Event()
    _start_thread(_end_with_launcher, child.pid, ended)
    assert child.stdout is not None
    pumps = [
        _start_thread(_pump, handle, kind, frames)
        for handle, kind in ((child.stdout.fileno(), OUTPUT), (errors, ERROR_OUTPUT))
    ]
    code = child.wait()
    ended.set()
    _signal_group(child.pid, signal.SIGKILL)  # what it left behind, such as workers of a data loader
    for pump in pumps:
        pump.join(timeout=GRACE)
    return code


def _start(order: dict[str, Any]) -> tuple[subprocess.Popen, int]:
    """Starts the ordered command; returns it, and the handle that reads its standard error."""
    os.chdir(order["directory"])
    read, write = _terminal(*order["terminal"]) if order["terminal"] else os.pipe()
    child = subprocess.Popen(
        order["command"],
        env={**os.environ, **order["environment"]},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=write,
        start_new_session=True,  # and so in a process group of its own
        preexec_fn=_die_with_parent,
    )
    os.close(write)
    return child, read


def _start_thread(target: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


def _own_address(toward: str) -> str:
    """Numeric address of this host on the way to another one. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((toward, 9))
        return probe.getsockname()[0]


def _reserve(address: str, port: int) -> socket.socket:
    """Binds a port, so that it stays free until the socket is closed."""
    holder = socket.socket()
    try:
        holder.bind((address, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OSError(error.errno, f"port {port} of {address} is in use; give another --port") from None
        raise OSError(error.errno, f"{address}, port {port}: {error.strerror}") from None
    return holder


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _terminal(rows: int, columns: int) -> tuple[int, int]:
    """Opens a terminal that passes output on unchanged; returns the handles that read and write."""
    import fcntl
    import pty
    import termios

    read, write = pty.openpty()
    attributes = termios.tcgetattr(write)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(write, termios.TCSANOW, attributes)
    fcntl.ioctl(write, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return read, write


def _die_with_parent() -> None:
    """Lets the kernel kill this process if the agent is killed."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _pump(handle: int, kind: bytes, frames: _Frames) -> None:
    with contextlib.suppress(OSError):  # this is how a terminal ends
        while data := os.read(handle, 65536):
            frames.send(kind, data)


def _end_with_launcher(group: int, ended: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    _signal_group(group, signal.SIGTERM)
    if not ended.wait(GRACE):
        _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
