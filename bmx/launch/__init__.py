"""Starts the processes of a training on several machines and ends them together.

It stands outside `bmx.training`, which imports MXNet: the launcher needs no MXNet, so it starts at once.
"""

from bmx.launch.hosts import Host, read_hostfile
from bmx.launch.job import Job, LaunchError, run

__all__ = ["Host", "Job", "LaunchError", "read_hostfile", "run"]
