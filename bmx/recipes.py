"""The earlier name of `bmx.gluoncv_scripts`: `python -m bmx.recipes` goes on working."""

from bmx.gluoncv_scripts import *  # noqa: F403
from bmx.gluoncv_scripts import ScriptError as RecipeError  # noqa: F401
from bmx.gluoncv_scripts import command

if __name__ == "__main__":
    command(prog_name="python -m bmx.recipes")
