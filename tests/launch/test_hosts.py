"""The hostfile, and which process runs where."""

from __future__ import annotations

import pytest

from bmx.launch.cluster import Arrivals, Endpoint, environment, in_order_of_ranks
from bmx.launch.hosts import LOCALHOST, Host, place_servers, place_workers, read_hostfile


def test_hostfile(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("# two kinds\nlocalhost slots=2\n\nada@node-1.example:2222   slots=4 # fast\nnode2\n")
    hosts = read_hostfile(str(path))
    assert hosts == [
        Host("localhost", slots=2),
        Host("node-1.example", "ada", 2222, 4),
        Host("node2", slots=1),
    ]
    assert [host.is_local for host in hosts] == [True, False, False]


@pytest.mark.parametrize(
    "line", ["-oProxyCommand=x", "a b", "host slots=0", "host:99999", "host:0", "@host", "a;b", "host slot=2"]
)
def test_a_wrong_line_is_named(tmp_path, line):
    path = tmp_path / "hosts"
    path.write_text(f"node1\n{line}\n")
    with pytest.raises(
        ValueError, match=r"hosts, line 2: expected \[user@\]host\[:port\] \[slots=N\], found"
    ):
        read_hostfile(str(path))


def test_an_empty_hostfile_is_an_error(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("# nobody\n")
    with pytest.raises(ValueError, match="expected one host per line, found none"):
        read_hostfile(str(path))


def test_localhost_by_ssh_is_another_host():
    assert not Host("localhost", port=2222).is_local
    assert not Host("localhost", user="ada").is_local


def test_placement():
    a, b = Host("a", slots=2), Host("b", slots=1)
    assert place_workers([a, b], 3) == [a, a, b]
    assert place_servers([a, b], 3) == [a, b, a]
    assert place_workers([LOCALHOST], 5) == [LOCALHOST] * 5
    with pytest.raises(ValueError, match="expected at least 4 slots for 4 workers, found 3 in the hostfile"):
        place_workers([a, b], 4)


def test_order_of_ranks_is_that_of_ps_lite():
    """Its sort, `compare(a, b) | (a.port < b.port)) > 0`, as C++ computes it."""
    endpoints = [Endpoint(f"10.0.0.{host}", port) for host in (9, 10, 2) for port in (70, 8000, 900)]
    ordered = in_order_of_ranks(endpoints)
    assert [e.address for e in ordered[::3]] == ["10.0.0.9", "10.0.0.2", "10.0.0.10"]
    assert [e.port for e in ordered[:3]] == [70, 900, 8000]


def test_processes_listen_at_their_own_address():
    own, scheduler = Endpoint("10.0.0.2", 5), Endpoint("10.0.0.1", 4)
    variables = environment("worker", own, scheduler, 2, 1, loopback=False)
    assert variables["DMLC_NODE_HOST"] == "10.0.0.2"
    assert variables["DMLC_PS_ROOT_URI"] == "10.0.0.1"
    assert "DMLC_INTERFACE" not in variables
    assert environment("server", own, scheduler, 2, 1, loopback=True)["DMLC_INTERFACE"] == "lo"


def test_the_scheduler_tells_who_came():
    """Messages as MXNet 1.9.1 prints them."""
    arrivals = Arrivals()
    where = "[15:50:22] ../3rdparty/ps-lite/src/van.cc"
    node = "role=worker, ip=127.0.0.1, port=39375, is_recovery=0"
    meta = "Meta: request=0, timestamp=0, control={ cmd=ADD_NODE, node={"
    assert arrivals.read(f"{where}:394: ? => 9. {meta} role=server, id=8, ip=1.2.3.4, port=1 }} }}")
    assert arrivals.seen == set()
    assert arrivals.read(f"{where}:419: ? => 1. {meta} {node} }} }}")
    assert arrivals.seen == {Endpoint("127.0.0.1", 39375)}
    for line in ("Traceback (most recent call last):", f"{where}:1: Check failed: bind"):
        assert not arrivals.read(line)
    assert arrivals.read(
        f"[1[] 1{where}] :{where}394:: 419? => 1. {meta} role=server, ip=1.2.3.4, port=7 }} }}: "
    )
    assert arrivals.read("1 => 1. Meta: request=1, timestamp=3, control={ cmd=BARRIER, barrier_group=7 }")
    assert arrivals.seen == {Endpoint("127.0.0.1", 39375), Endpoint("1.2.3.4", 7)}
    assert not arrivals.complete
    assert arrivals.read(f"{where}:97: the scheduler is connected to 2 workers and 1 servers")
    assert arrivals.complete
