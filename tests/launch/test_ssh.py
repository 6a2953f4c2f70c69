"""What ssh is told, and which part of the environment is passed on."""

from __future__ import annotations

import subprocess

from bmx.launch.hosts import Host
from bmx.launch.ssh import carried, remote_command


def test_the_shell_of_the_host_gets_every_argument_as_it_is():
    odd = ["printf", "%s|", "it's", "a  b", "$HOME", 'say "x"', "", "*", "\\", "é;&"]
    *words, text = remote_command("ssh -F 'my config'", Host("node", "ada", 2222), odd)
    assert words[:3] == ["ssh", "-F", "my config"]
    assert "BatchMode=yes" in words
    assert words[-3:] == ["-p", "2222", "ada@node"]
    shown = subprocess.run(["sh", "-c", text], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert shown == "|".join(odd[2:]) + "|"


def test_no_user_and_no_port_are_left_to_ssh():
    words = remote_command("ssh", Host("node"), ["true"])
    assert words[-2:] == ["node", "exec true"]
    assert "-p" not in words


def test_what_belongs_to_this_machine_stays():
    here = ["HOME", "SSH_AUTH_SOCK", "DISPLAY", "XDG_RUNTIME_DIR", "PWD", "TMPDIR", "_", "DMLC_INTERFACE"]
    there = ["PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "MXNET_HOME", "OMP_NUM_THREADS", "HOMEBREW", "MY_HOME"]
    assert sorted(carried(dict.fromkeys(here + there, "x"))) == sorted(there)
