"""`bmx diff`: every layer, and the first one that differs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command_line import assert_fails, invoke
from tests.support.net_folder import NET_MODULE


def test_diff_shows_every_layer(inside: Path) -> None:
    result = invoke("diff", "cli_net:build", "net.bmx", "--samples", "x.npy", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["passed"], report["samples"], report["first_difference"]) == (True, 3, None)
    table = invoke("diff", "cli_net:build", "net.bmx").output
    for row in report["layers"]:
        assert row["operator"] in table


def test_diff_marks_the_first_layer_that_differs(inside: Path) -> None:
    changed = NET_MODULE.replace(
        "    return net", "    net[-1].bias.set_data(mx.nd.ones(3))\n    return net", 1
    )
    (inside / "cli_changed_net.py").write_text(changed)
    result = invoke("diff", "cli_changed_net:build", "net.bmx")
    assert_fails(
        result,
        1,
        r"first layer that differs from cli_changed_net:build is '\w*dense\d+_fwd' \(dense, max",
        prints=True,
    )
    marked = [line for line in result.stdout.splitlines() if "->" in line]
    assert len(marked) == 1
    assert "dense" in marked[0]
    (inside / "cli_changed_net.py").unlink()


def test_diff_refuses_a_file_of_other_layers(inside: Path) -> None:
    (inside / "cli_short_net.py").write_text(
        NET_MODULE.replace("nn.BatchNorm(), nn.Flatten()", "nn.Activation('relu'), nn.Flatten()")
    )
    result = invoke("diff", "cli_short_net:build", "net.bmx")
    assert_fails(result, 1, "other layers than the net compiles to")
    (inside / "cli_short_net.py").unlink()
