"""Nets of GluonCV's model zoo, one or two of every family, as they are and binarized: exported and verified.

`python benchmarks/gluoncv_zoo.py` does the same for all of them.
"""

import json
import subprocess
import sys

import pytest

from tests.support.subprocesses import ROOT

SCRIPT = ROOT / "benchmarks" / "gluoncv_zoo.py"
NETS = [
    "alexnet",
    "cifar_resnet20_v1",
    "cifar_resnet20_v2",
    "cifar_resnext29_32x4d",
    "densenet121",
    "dla34",
    "googlenet",
    "inceptionv3",
    "mobilenet0.25",
    "mobilenetv2_0.25",
    "mobilenetv3_small",
    "resnest14",
    "resnet18_v1",
    "resnet18_v2",
    "resnet50_v1d_0.11",
    "se_resnet18_v1",
    "shufflenet_v1",
    "shufflenet_v2",
    "squeezenet1.1",
    "vgg11_bn",
    "xception",
]


@pytest.fixture(scope="module")
def results():
    """What the script says about all nets; one process, because importing MXNet takes seconds."""
    output = subprocess.run(
        [sys.executable, str(SCRIPT), *NETS, "--samples", "4", "--json"],
        capture_output=True,
        text=True,
    )
    assert output.returncode == 0, output.stdout + output.stderr
    lines = [json.loads(line) for line in output.stdout.splitlines() if line.startswith("{")]
    return {(line["name"], line["kind"]): line for line in lines}


@pytest.mark.parametrize("kind", ["float", "binary"])
@pytest.mark.parametrize("name", NETS)
def test_exports_and_verifies(results, name, kind):
    line = results[name, kind]
    assert line["outcome"] == "equal", line["detail"]


def test_what_is_not_supported_is_named():
    output = subprocess.run(
        [sys.executable, str(SCRIPT), "cifar_residualattentionnet56", "--kind", "float", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    line = json.loads(output.stdout.splitlines()[-1])
    assert line["outcome"] == "not supported"
    assert "BilinearResize2D" in line["detail"]
