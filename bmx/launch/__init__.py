"""Starts the processes of a training on several machines and ends them together.

Stands outside `bmx.training`, which imports MXNet: the launcher only starts processes, and at once.
"""

from bmx.launch.hosts import Host, read_hostfile
from bmx.launch.job import Job, LaunchError, run

__all__ = ["Host", "Job", "LaunchError", "read_hostfile", "run"]
