"""`bmx launch`, with MXNet in its processes: it trains as one worker does, and ends whole."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support import launch_worker

WORKER = launch_worker.__file__
PYTHON = (sys.executable, "-W", "ignore")
ENDLESS = 10**7  # steps

# Does as ssh and a host's sshd: a shell with an environment of its own, elsewhere. Notes its arguments.
SSH = """#!/bin/sh
printf '%s\\n' "$@" >> "{notes}"
echo 'Welcome to this host'
for text; do :; done
cd /
exec env -i HOME=/ PATH=/usr/bin:/bin BMX_TEST_MARK="$BMX_TEST_MARK" HOST_OWN=1 sh -c "$text"
"""


def train_here(steps: int) -> np.ndarray:
    """What one worker learns from the whole batches."""
    training = launch_worker.Training("device", 0, 1)
    for _ in range(steps):
        training.step()
    return training.parameters()


def environment_of(folder: Path, rank: int) -> dict:
    return json.loads((folder / f"{rank}.environ").read_text())


def test_two_workers_train_as_one_and_listen_on_loopback_only(jobs, tmp_path):
    launcher = jobs.start("-n", 2, "-s", 1, "--", *PYTHON, WORKER, "dist_sync", tmp_path, 5)
    code, output, errors = jobs.end(launcher)
    assert code == 0, errors
    assert sorted(output.splitlines()) == ["[0] rank 0 has trained", "[1] rank 1 has trained"]
    assert re.search(r"2 workers and 1 server connected to the scheduler at 127\.0\.0\.1:\d+", errors)
    first, second = (np.load(tmp_path / f"{rank}.npy") for rank in (0, 1))
    np.testing.assert_array_equal(first, second)
    # Sums of 12 float32 gradients in another order, and 5 steps of Adam, which divides by their size.
    np.testing.assert_allclose(first, train_here(5), rtol=1e-4, atol=1e-5)
    assert json.loads((tmp_path / "listeners").read_text()) == ["0100007F"] * 4
    assert jobs.alive() == {}


def test_other_hosts_by_ssh_and_dist_async(jobs, tmp_path):
    ssh, hosts, folder = tmp_path / "my ssh", tmp_path / "hosts", tmp_path / "it's a folder"
    folder.mkdir()
    ssh.write_text(SSH.format(notes=tmp_path / "notes"))
    ssh.chmod(0o755)
    hosts.write_text("localhost slots=1\nada@node:2222 slots=1\n")
    options = ("-n", 2, "-s", 1, "-H", hosts, "--address", "127.0.0.1", "--ssh", shlex.quote(str(ssh)))
    odd = """it's "odd" $HOME"""
    command = (*PYTHON, WORKER, "dist_async", folder, 3)
    code, output, errors = jobs.end(jobs.start(*options, "--", *command, ODD=odd, SSH_AUTH_SOCK="here"))
    assert code == 0, errors
    assert sorted(output.splitlines()) == ["[0] rank 0 has trained", "[1] rank 1 has trained"]
    placed = re.findall(r"worker \d runs on (\w+) \(127\.0\.0\.1:\d+\)", errors)
    assert sorted(placed) == ["localhost", "node"]
    there = environment_of(folder, placed.index("node"))
    here = environment_of(folder, placed.index("localhost"))
    assert (there["HOST_OWN"], there["ODD"], there["cwd"]) == ("1", odd, os.getcwd())
    assert (here["SSH_AUTH_SOCK"], there.get("SSH_AUTH_SOCK")) == ("here", None)
    assert there["PATH"] == here["PATH"]
    assert "ada@node" in (tmp_path / "notes").read_text().splitlines()
    assert np.isfinite(np.load(folder / "0.npy")).all()
    assert jobs.alive() == {}


@pytest.mark.parametrize("victim", ["server", "launcher"])
def test_a_kill_ends_the_whole_job(jobs, tmp_path, victim):
    """That of a worker is in test_job_training.py."""
    launcher = jobs.start("-n", 2, "-s", 1, "--", *PYTHON, WORKER, "dist_sync", tmp_path, ENDLESS)
    jobs.wait_for(lambda: all((tmp_path / f"{rank}.started").exists() for rank in (0, 1)))
    assert len(jobs.alive()) == 9  # the launcher, 4 agents and what they run
    if victim == "launcher":
        launcher.kill()
        launcher.wait()
        jobs.launchers.clear()
        jobs.wait_for(lambda: not jobs.alive())
        launcher.communicate()
        return
    pid = server_of(jobs.alive())
    os.kill(pid, signal.SIGKILL)
    code, _, errors = jobs.end(launcher)
    assert code == 1
    assert f"bmx: server 0 (pid {pid} on localhost) was killed by SIGKILL" in errors.splitlines()[-1]
    assert jobs.alive() == {}


def server_of(alive: dict[int, str]) -> int:
    return next(pid for pid in alive if b"DMLC_ROLE=server" in Path(f"/proc/{pid}/environ").read_bytes())


def test_a_worker_that_fails_ends_the_job_although_the_others_wait_for_it(jobs, tmp_path):
    launcher = jobs.start("-n", 2, "--", *PYTHON, WORKER, "dist_sync", tmp_path, ENDLESS, "fail")
    code, _, errors = jobs.end(launcher)
    assert code == 1
    assert re.search(r"bmx: worker 1 \(pid \d+ on localhost\) ended with exit code 3; all other", errors)
    assert jobs.alive() == {}


def test_last_lines_stand_in_the_report(jobs):
    code, output, errors = jobs.end(
        jobs.start("-n", 1, "--", "sh", "-c", "echo a; echo b >&2; printf c; exit ${1:-4}", "sh", "")
    )
    assert code == 1
    assert output.splitlines() == ["[0] a", "[0] c"]
    *_, report = re.split(r"bmx launch: the last lines of worker 0 \(pid \d+ on localhost\):\n", errors)
    assert sorted(report.splitlines()[:-1]) == ["[0] a", "[0] b", "[0] c"]
    assert re.fullmatch(
        r"bmx: worker 0 \(pid \d+ on localhost\) ended with exit code 4; .*", report.splitlines()[-1]
    )


def test_a_worker_that_never_connects_is_named(jobs):
    code, _, errors = jobs.end(jobs.start("-n", 2, "--timeout", 2, "--", "sleep", 1000))
    assert code == 1
    assert "after 2 s these have not connected to the scheduler at 127.0.0.1:" in errors
    assert "worker 0 (pid" in errors
    assert "worker 1 (pid" in errors
    assert "mxnet.kv.create('dist_sync')" in errors
    assert jobs.alive() == {}


def test_a_worker_that_trains_alone_is_an_error(jobs):
    code, _, errors = jobs.end(jobs.start("-n", 2, "--", "true"))
    assert code == 1
    assert re.search(r"worker \d \(pid \d+ on localhost\) ended before it had connected", errors)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all(jobs, number):
    launcher = jobs.start("-n", 2, "--", "sleep", 1000)
    jobs.wait_for(lambda: len(sleeping(jobs.alive())) == 2)
    launcher.send_signal(number)
    code, _, errors = jobs.end(launcher)
    assert (code, errors.splitlines()[-1]) == (1, "bmx: interrupted")
    assert jobs.alive() == {}


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("-n", 1, "-H", "/no/hosts", "--", "true"), 1, "/no/hosts: No such file"),
        (
            ("-n", 1, "--", "no-such-program"),
            1,
            "worker 0 (localhost) cannot be started: no-such-program: No such",
        ),
        (("-n", 1, "--address", "node1", "--", "true"), 1, "'node1'"),
        (
            ("-n", 1, "--address", "192.0.2.77", "--", "true"),
            1,
            "this machine has no address 192.0.2.77, but",
        ),
        (("-n", 0, "--", "true"), 2, "0 is not in the range"),
        (("-n", 1), 2, "Missing argument 'COMMAND...'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_calls(jobs, options, code, message):
    found, _, errors = jobs.end(jobs.start(*options))
    assert found == code
    assert message in errors.splitlines()[-1]


def test_a_host_that_cannot_be_reached_is_named(jobs, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("node1 slots=1\n")
    ssh = "sh -c 'echo node1: Permission denied >&2; exit 255' --"
    launcher = jobs.start("-n", 1, "-H", hosts, "--address", "127.0.0.1", "--", "true", BMX_SSH=ssh)
    code, _, errors = jobs.end(launcher)
    assert code == 1
    assert "] node1: Permission denied" in errors
    last = errors.splitlines()[-1]
    assert re.match(
        r"bmx: \w+ 0 \(node1\) cannot be started: 'ssh node1' has to work without a password", last
    )


def test_rank_0_has_a_progress_bar_if_the_launcher_has_a_terminal(jobs):
    """A terminal of ours around the launcher; the bar is a line that is written over."""
    import pty

    leader, follower = pty.openpty()
    script = "test -t 2 && printf '\\r1 of 2' >&2; sleep 1; printf '\\r2 of 2\\n' >&2; exit 5"
    launcher = jobs.start("-n", 2, "--", "sh", "-c", script, stderr=follower)
    os.close(follower)
    shown = b""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            shown += os.read(leader, 4096)
        except OSError:
            break
    os.close(leader)
    jobs.end(launcher)
    assert b"\r\x1b[K[0] 1 of 2" in shown
    assert b"[1] 1 of 2" not in shown


def test_a_killed_agent_leaves_nothing(jobs):
    launcher = jobs.start("-n", 1, "--", "sh", "-c", "sleep 1000 & sleep 1000; true")
    alive = jobs.wait_for(lambda: len(sleeping(jobs.alive())) == 2 and jobs.alive())
    shell = next(pid for pid, command in alive.items() if command.startswith("sh -c"))
    os.kill(int(Path(f"/proc/{shell}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)
    code, _, errors = jobs.end(launcher)
    assert code == 1
    assert f"bmx: worker 0 (pid {shell} on localhost) is lost, its agent or its connection ended" in errors
    assert jobs.alive() == {}


def sleeping(alive: dict[int, str]) -> list[int]:
    return [pid for pid, command in alive.items() if command.startswith("sleep")]
