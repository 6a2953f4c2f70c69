"""MXNet's cluster: its roles, the environment that gives a process its role, and the order of its ranks."""

from __future__ import annotations

import functools
import os
import re
import sys
from typing import NamedTuple

SCHEDULER, SERVER, WORKER = "scheduler", "server", "worker"

# In these roles `import mxnet` serves and does not return. bmx.gluon prepares NumPy first.
SERVING = [sys.executable, "-W", "ignore", "-c", "import bmx.gluon"]
WORKER_SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker_site")

# Its threads write at the same time, so a line may hold pieces of several messages, in any order.
_MESSAGE = re.compile(r"ps-lite/src|Meta: request=|Barrier count for|assign rank=|Bind to role=|^[\W\d]*$")
_ARRIVAL = re.compile(
    r"\? => 1\. Meta: [^{]*\{ cmd=ADD_NODE, node=\{ role=\w+, [^{}]*?ip=([^,]+), port=(\d+)"
)
_ALL = "the scheduler is connected to"
_PROBLEM = "Check failed"


class Endpoint(NamedTuple):
    """Where a process listens: a numeric address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        """The usual notation, address:port."""
        return f"{self.address}:{self.port}"


def in_order_of_ranks(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Sorts workers, or servers, as MXNet's scheduler does, which assigns ranks 0, 1, ... in this order.

    (ps-lite, van.cc: descending by address as text; on one host ascending by port.)
    """

    def compare(a: Endpoint, b: Endpoint) -> int:
        if a.address != b.address:
            return -1 if a.address > b.address else 1
        return a.port - b.port

    return sorted(endpoints, key=functools.cmp_to_key(compare))


def environment(
    role: str, own: Endpoint, scheduler: Endpoint, workers: int, servers: int, loopback: bool
) -> dict[str, str]:
    """Variables by which MXNet takes a role and listens at `own` only."""
    variables = {
        "DMLC_ROLE": role,
        "DMLC_PS_ROOT_URI": scheduler.address,
        "DMLC_PS_ROOT_PORT": str(scheduler.port),
        "DMLC_NUM_WORKER": str(workers),
        "DMLC_NUM_SERVER": str(servers),
        "DMLC_NODE_HOST": own.address,
        "PYTHONUNBUFFERED": "1",  # keeps the last lines before a crash
    }
    if loopback:
        variables["DMLC_INTERFACE"] = "lo"
    if role == SCHEDULER:
        variables["PS_VERBOSE"] = "2"  # reports who has connected; see Arrivals
    else:
        variables["PORT"] = str(own.port)  # where ps-lite listens
    return variables


class Arrivals:
    """Learns from the scheduler's messages who has connected.

    Attributes:
        seen: endpoints that have connected.
        complete: whether all have connected.
    """

    def __init__(self) -> None:
        self.seen: set[Endpoint] = set()
        self.complete = False

    def read(self, line: str) -> bool:
        """Takes a line of the scheduler; returns whether users need not see it."""
        self.seen |= {Endpoint(address, int(port)) for address, port in _ARRIVAL.findall(line)}
        self.complete = self.complete or _ALL in line
        return (_MESSAGE.search(line) is not None or _ALL in line) and _PROBLEM not in line
