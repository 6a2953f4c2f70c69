"""`bmx launch`: one training on several workers."""

from __future__ import annotations

import ipaddress

import click

from bmx.commands.support.options import example


@click.command(
    context_settings={"allow_interspersed_args": False},
    epilog=example(
        "bmx launch -n 2 -- python train.py --kvstore dist_sync",
        "bmx launch -n 8 -s 4 -H hosts.txt -- python train.py --kvstore dist_sync",
    ),
)
@click.option("-n", "--workers", type=click.IntRange(1, 4096), required=True, help="Number of workers.")
@click.option(
    "-s", "--servers", type=click.IntRange(1, 4096), default=1, show_default=True, help="Number of servers."
)
@click.option(
    "-H",
    "--hostfile",
    metavar="FILE",
    help="One host per line, [user@]host[:port] [slots=N]; slots are workers, 1 by default. Without "
    "FILE, this machine alone, on loopback.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of the scheduler; a free one by default."
)
@click.option(
    "--address",
    metavar="IP",
    help="Address by which the hosts reach this machine; by default that of its route to them.",
)
@click.option(
    "--timeout",
    type=click.IntRange(min=0),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="Time until all have connected; 0 for no limit.",
)
@click.option(
    "--ssh",
    default="ssh",
    show_default=True,
    metavar="COMMAND",
    envvar="BMX_SSH",
    show_envvar=True,
    help="The ssh program, with arguments as in a shell.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def launch(
    workers: int,
    servers: int,
    hostfile: str | None,
    port: int,
    address: str | None,
    timeout: int,
    ssh: str,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND as several workers of one training, with MXNet's parameter servers.

    All that COMMAND has to do is create a kvstore of type dist_sync or dist_async. Hosts are reached by ssh
    without a password, and have Python, bmx and the working directory at the same paths. The rank of a worker
    stands in front of its lines. When a process fails, all are stopped.
    """
    if address is not None:
        ipaddress.IPv4Address(address)
    from bmx.launch import Job, read_hostfile, run
    from bmx.launch.hosts import LOCALHOST

    hosts = tuple(read_hostfile(hostfile)) if hostfile is not None else (LOCALHOST,)
    run(Job(list(command), workers, servers, hosts, port, address, timeout, ssh))
