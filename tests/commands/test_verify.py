"""`bmx verify`: a packed file answers as its net, or is said not to."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bmx.cli import cli
from tests.support.command_line import assert_fails, invoke
from tests.support.net_folder import NET_MODULE


def test_verify_compares_with_the_net(inside: Path) -> None:
    result = invoke("verify", "cli_net:build", "net.bmx", "--samples", "x.npy", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["samples"] == 3
    assert report["top1_agreement"] == 1.0


def test_verify_finds_another_net(inside: Path) -> None:
    source = NET_MODULE.replace("mx.random.seed(7)", "mx.random.seed(8)")
    (inside / "cli_other_net.py").write_text(source)
    result = invoke("verify", "cli_other_net:build", "net.bmx")
    assert_fails(result, 1, "does not answer as cli_other_net:build does", prints=True)
    (inside / "cli_other_net.py").unlink()


def test_verify_and_diff_take_the_same_options(inside: Path) -> None:
    options = {}
    for command in ("verify", "diff"):
        parameters = cli.commands[command].params
        options[command] = [
            (p.name, p.opts, p.multiple if isinstance(p, click.Option) else 0) for p in parameters
        ]
        result = invoke(
            command, "cli_net:build", "net.bmx", "--samples", "x.npy", "--tolerance", "0.5", "--json"
        )
        assert json.loads(result.stdout)["tolerance"] == 0.5
    assert options["verify"] == options["diff"]
