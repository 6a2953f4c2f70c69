"""The hosts of a job: the hostfile, and which process runs where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_LINE = re.compile(
    r"(?:(?P<user>\w[\w.-]*)@)?(?P<name>\w[\w.-]*)(?::(?P<port>[1-9]\d{0,4}))?(?:\s+slots=(?P<slots>[1-9]\d*))?"
)


class Host(NamedTuple):
    """A machine, and how to reach it.

    Attributes:
        name: name for ssh; 'localhost' without user and port is this machine.
        user: user to log in as; None for ssh's default.
        port: port of the ssh server; None for ssh's default.
        slots: number of workers that it takes; None for any number.
    """

    name: str
    user: str | None = None
    port: int | None = None
    slots: int | None = None

    @property
    def is_local(self) -> bool:
        """Whether its processes start without ssh."""
        return self.name in ("localhost", "127.0.0.1") and self.user is None and self.port is None


LOCALHOST = Host("localhost")


def read_hostfile(path: str) -> list[Host]:
    """Reads lines `[user@]host[:port] [slots=N]`; slots are 1 by default; `#` begins a comment.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line is not of this form, or there is none; the message names the line.
    """
    hosts = []
    for number, line in enumerate(Path(path).read_text().splitlines(), start=1):
        text = line.partition("#")[0].strip()
        if text:
            hosts.append(_parse(text, f"{path}, line {number}"))
    if not hosts:
        raise ValueError(f"{path}: expected one host per line, found none; write for example 'node1 slots=2'")
    return hosts


def _parse(text: str, where: str) -> Host:
    match = _LINE.fullmatch(text)
    if match is None or int(match["port"] or 1) > 65535:
        raise ValueError(f"{where}: expected [user@]host[:port] [slots=N], found {text!r}")
    port = int(match["port"]) if match["port"] else None
    return Host(match["name"], match["user"], port, int(match["slots"] or 1))


def place_workers(hosts: list[Host], count: int) -> list[Host]:
    """The host of each worker: each host in turn takes as many as it has slots.

    Raises:
        ValueError: there are more workers than slots.
    """
    places = [host for host in hosts for _ in range(count if host.slots is None else host.slots)]
    if len(places) < count:
        raise ValueError(
            f"expected at least {count} slots for {count} workers, found {len(places)} in the hostfile; add "
            "hosts or slots=N after a host (1 by default), or start fewer workers"
        )
    return places[:count]


def place_servers(hosts: list[Host], count: int) -> list[Host]:
    """The host of each server: hosts take turns, so that their networks share the load."""
    return [hosts[index % len(hosts)] for index in range(count)]
