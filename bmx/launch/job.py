"""A job from its first process to its last: all of them run, or none."""

from __future__ import annotations

import json
import os
import queue
import shlex
import signal
import socket
import sys
import time
from typing import NamedTuple

from bmx.launch import agent, cluster
from bmx.launch.cluster import SCHEDULER, SERVER, SERVING, WORKER
from bmx.launch.hosts import LOCALHOST, Host, place_servers, place_workers
from bmx.launch.node import Event, Node
from bmx.launch.screen import Screen
from bmx.launch.signals import signals_as_interrupts
from bmx.launch.ssh import carried

_LOOPBACK = "127.0.0.1"
_SECONDS_TO_STOP = agent.GRACE + 15
_SECONDS_FOR_NEWS = 3.0  # the scheduler may report that all have connected after a worker has ended
_NEEDS_STORE = "the command has to create a kvstore of several machines, as mxnet.kv.create('dist_sync') does"


class LaunchError(RuntimeError):
    """A process of the job failed, or did not connect."""


class Job(NamedTuple):
    """A job to start.

    Attributes:
        command: command that each worker runs.
        workers: number of workers.
        servers: number of servers.
        hosts: machines to run on; by default this machine alone.
        port: port of the scheduler; 0 for a free one.
        address: numeric address by which the hosts reach this machine; by default that of the route to them.
        timeout: seconds until all have connected; 0 for no limit.
        ssh: the ssh program, with arguments as in a shell.
    """

    command: list[str]
    workers: int
    servers: int = 1
    hosts: tuple[Host, ...] = (LOCALHOST,)
    port: int = 0
    address: str | None = None
    timeout: float = 300.0
    ssh: str = "ssh"


def run(job: Job, screen: Screen | None = None) -> None:
    """Runs a job to its end. However it ends, its processes end with it.

    Raises:
        LaunchError: a process failed, or did not connect in time; the message names it.
        ValueError: there are too few slots, or the address of this machine is not known.
        KeyboardInterrupt: on Ctrl-C, SIGTERM and SIGHUP.
    """
    running = _Running(job, screen or Screen(sys.stdout, sys.stderr))
    with signals_as_interrupts():
        try:
            running.start()
            running.connect()
            running.watch()
        finally:
            running.stop()


class _Running:
    """The processes of a job, and what is known of them."""

    def __init__(self, job: Job, screen: Screen):
        self._job = job
        self._screen = screen
        self._events: queue.Queue[Event] = queue.Queue()
        self._arrivals = cluster.Arrivals()
        self._deadline = time.monotonic() + job.timeout if job.timeout else float("inf")
        hosts = list(job.hosts)
        workers, servers = place_workers(hosts, job.workers), place_servers(hosts, job.servers)
        self._loopback = all(host.is_local for host in (*workers, *servers)) and job.address is None
        address = _LOOPBACK if self._loopback else job.address or _address_toward([*workers, *servers])
        places = [(SCHEDULER, LOCALHOST), *((SERVER, h) for h in servers), *((WORKER, h) for h in workers)]
        self._nodes = [
            # Numbers are those of the places until _give_ranks.
            Node(role, _number(places, at), host, address, job.port if role == SCHEDULER else 0, job.ssh)
            for at, (role, host) in enumerate(places)
        ]
        self._started: list[Node] = []

    def start(self) -> None:
        """Starts all agents, then all processes."""
        for node in self._nodes:
            node.start(self._events)
            self._started.append(node)
        while any(node.endpoint is None for node in self._nodes):
            if not self._next_event(self._deadline):
                silent = ", ".join(str(node) for node in self._nodes if node.endpoint is None)
                raise LaunchError(f"after {self._job.timeout:g} s the hosts have not answered: {silent}")
        own = self._of(SCHEDULER)[0].endpoint
        if self._job.address and own and own.address != self._job.address:
            raise ValueError(f"this machine has no address {self._job.address}, but {own.address}")
        self._give_ranks()
        for node in self._nodes:
            self._order(node)

    def connect(self) -> None:
        """Waits until the scheduler reports that all have connected."""
        while not self._arrivals.complete:
            ended = [node for node in self._of(WORKER) if node.code == 0]
            limit = time.monotonic() + _SECONDS_FOR_NEWS if ended else self._deadline
            if not self._next_event(limit) and not self._arrivals.complete:
                raise LaunchError(self._why_incomplete(ended))
        scheduler = self._of(SCHEDULER)[0]
        self._screen.say(
            f"{_count(self._job.workers, WORKER)} and {_count(self._job.servers, SERVER)} connected to the "
            f"scheduler at {scheduler.endpoint}"
        )

    def watch(self) -> None:
        """Waits until all workers have ended."""
        while any(node.code is None for node in self._of(WORKER)):
            self._next_event(float("inf"))

    def stop(self) -> None:
        """Ends what is left, and shows its last output."""
        for node in self._started:
            node.stop()
        self._drain(time.monotonic() + _SECONDS_TO_STOP)
        for node in self._started:
            if not node.closed:
                node.kill()
        self._drain(time.monotonic() + 1)
        self._screen.progress("", "")

    def _drain(self, limit: float) -> None:
        while not all(node.closed for node in self._started):
            try:
                event = self._events.get(timeout=max(limit - time.monotonic(), 0))
            except queue.Empty:
                return
            self._show(event)

    def _of(self, role: str) -> list[Node]:
        return [node for node in self._nodes if node.role == role]

    def _give_ranks(self) -> None:
        """Numbers servers and workers as the scheduler will."""
        for role in (SERVER, WORKER):
            nodes = {node.endpoint: node for node in self._of(role)}
            for index, endpoint in enumerate(cluster.in_order_of_ranks([e for e in nodes if e])):
                nodes[endpoint].index = index
        if not all(node.host.is_local for node in self._nodes):
            for node in sorted(self._of(WORKER), key=lambda node: node.index):
                self._screen.say(f"worker {node.index} runs on {node.host.name} ({node.endpoint})")

    def _order(self, node: Node) -> None:
        scheduler = self._of(SCHEDULER)[0].endpoint
        assert scheduler is not None
        assert node.endpoint is not None
        roles = cluster.environment(
            node.role, node.endpoint, scheduler, self._job.workers, self._job.servers, self._loopback
        )
        environment = {**(os.environ if node.host.is_local else carried(os.environ)), **roles}
        if node.role == WORKER:
            path = [cluster.WORKER_SITE, *filter(None, [environment.get("PYTHONPATH")])]
            environment["PYTHONPATH"] = os.pathsep.join(path)
            neighbors = sum(other.host == node.host for other in self._of(WORKER))
            environment.setdefault("OMP_NUM_THREADS", str(max(node.cores // neighbors, 1)))
        command = self._job.command if node.role == WORKER else SERVING
        is_first = node.role == WORKER and node.index == 0
        terminal = self._screen.terminal_for(node.name) if is_first else None
        node.order(command, environment, os.getcwd(), terminal)

    def _next_event(self, limit: float) -> bool:
        """Handles the next event; returns False if none comes until `limit`, a time of time.monotonic().

        Raises:
            LaunchError: the event is that a process failed.
        """
        seconds = None if limit == float("inf") else max(limit - time.monotonic(), 0)
        try:
            event = self._events.get(timeout=seconds)
        except queue.Empty:
            return False
        self._show(event)
        node = event.node
        if event.kind == agent.FAILURE:
            raise LaunchError(f"{node} cannot be started: {json.loads(event.content)}")
        if event.kind == agent.EXIT and node.code:
            raise self._failure(node, _ending(node.code))
        if node.closed and node.code is None:
            raise self._failure(node, _loss(node))
        return True

    def _show(self, event: Event) -> None:
        """Lets the node learn from the event, and prints its output."""
        node = event.node
        lines = node.take(event)
        if event.kind == agent.EXIT:
            self._print(node, node.rest(agent.OUTPUT), False)
            self._print(node, node.rest(agent.ERROR_OUTPUT), True)
        self._print(node, lines, event.kind != agent.OUTPUT)
        if event.kind == agent.ERROR_OUTPUT and node.role == WORKER and node.index == 0:
            self._screen.progress(node.name, node.unfinished())

    def _print(self, node: Node, lines: list[str], is_error: bool) -> None:
        for line in lines:
            if node.role != SCHEDULER or not self._arrivals.read(line):
                self._screen.line(node.name, line, is_error)

    def _failure(self, node: Node, what: str) -> LaunchError:
        self._screen.progress("", "")
        if node.tail:
            self._screen.say(f"the last lines of {node}:")
            for line in node.tail:
                self._screen.line(node.name, line, True)
        return LaunchError(f"{node} {what}; all other processes of the job are stopped")

    def _why_incomplete(self, ended: list[Node]) -> str:
        if ended:
            return (
                f"{ended[0]} ended before it had connected to the others, so it trained alone, if at all; "
                f"{_NEEDS_STORE} ({shlex.join(self._job.command)})"
            )
        missing = [node for node in self._nodes if node.endpoint not in self._arrivals.seen]
        names = ", ".join(str(node) for node in missing if node.role != SCHEDULER)
        where = self._of(SCHEDULER)[0].endpoint
        return (
            f"after {self._job.timeout:g} s these have not connected to the scheduler at {where}: {names}; "
            f"{_NEEDS_STORE}, and the hosts have to reach each other; --timeout gives more time"
        )


def _loss(node: Node) -> str:
    if node.pid:
        return "is lost, its agent or its connection ended"
    if node.host.is_local:
        return "cannot be started"
    return (
        f"cannot be started: 'ssh {node.host.name}' has to work without a password, and find {sys.executable}"
    )


def _number(places: list[tuple[str, Host]], at: int) -> int:
    return sum(role == places[at][0] for role, _ in places[:at])


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", as the kernel does when memory runs out" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _address_toward(hosts: list[Host]) -> str:
    """Address of this machine on the way to the first other host."""
    name = next(host.name for host in hosts if not host.is_local)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((name, 9))  # sends nothing
            return probe.getsockname()[0]
    except OSError as error:
        raise ValueError(
            f"cannot tell by which address {name} reaches this machine ({error.strerror}); give --address"
        ) from None
