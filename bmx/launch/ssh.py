"""Commands that run on another host."""

from __future__ import annotations

import re
import shlex
from typing import Mapping

from bmx.launch.hosts import Host

# ssh notices within a minute that a host is gone, and never asks for a password.
_OPTIONS = (
    *("-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30"),
    *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"),
)

# Variables that describe a machine, a login or a terminal, and would be wrong on another host.
_STAYS = re.compile(
    r"_|COLORTERM|COLUMNS|DISPLAY|HOME|HOST|HOSTNAME|HOSTTYPE|INVOCATION_ID|JOURNAL_STREAM|LINES|LOGNAME|"
    r"LS_COLORS|MACHTYPE|MAIL|OLDPWD|OSTYPE|PWD|SHELL|SHLVL|STY|TEMP|TERM|TMP|TMPDIR|TMUX|TMUX_PANE|TTY|USER|USERNAME|"
    r"WAYLAND_DISPLAY|WINDOWID|XAUTHORITY|DMLC_INTERFACE|DMLC_NODE_HOST|(BASH_FUNC|DBUS|GPG|SSH|TERM|XDG)_.*"
)


def remote_command(ssh: str, host: Host, command: list[str]) -> list[str]:
    """The command that runs `command` on `host`, whose shell gets it as a single word.

    Args:
        ssh: the ssh program, with arguments as in a shell.
        host: host to run on.
        command: command to run there.
    """
    port = ("-p", str(host.port)) if host.port else ()
    target = f"{host.user}@{host.name}" if host.user else host.name
    # exec: no shell stays between ssh and the command.
    return [*shlex.split(ssh), *_OPTIONS, *port, target, "exec " + shlex.join(command)]


def carried(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that hold on another host too."""
    return {name: value for name, value in environment.items() if not _STAYS.fullmatch(name)}
