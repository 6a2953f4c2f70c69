"""The commands of `bmx`, one file each. Modules import only click at their top: `bmx --help` is quick."""

from bmx.commands.bench import bench
from bmx.commands.data import data
from bmx.commands.demo import demo
from bmx.commands.diff import diff
from bmx.commands.export import export
from bmx.commands.info import info
from bmx.commands.launch import launch
from bmx.commands.models import list_group
from bmx.commands.run import run
from bmx.commands.summary import summary
from bmx.commands.train import train
from bmx.commands.verify import verify
from bmx.commands.widths import widths

COMMANDS = (bench, data, demo, diff, export, info, launch, list_group, run, summary, train, verify, widths)

__all__ = ["COMMANDS"]
