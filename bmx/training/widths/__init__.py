"""A search of width ratios of a binary net, layer by layer, by evolution within a cost budget."""

from bmx.training.widths.cost import Cost, count_cost
from bmx.training.widths.genome import RATIOS, Genome, scaled
from bmx.training.widths.journal import Journal, JournalError, Result
from bmx.training.widths.plot import front_svg, require_matplotlib
from bmx.training.widths.problem import Data, Final, Problem, Training
from bmx.training.widths.report import report
from bmx.training.widths.search import Evaluation, Outcome, Settings, fitness, pareto_front, search

__all__ = [
    "RATIOS",
    "Cost",
    "Data",
    "Evaluation",
    "Final",
    "Genome",
    "Journal",
    "JournalError",
    "Outcome",
    "Problem",
    "Result",
    "Settings",
    "Training",
    "count_cost",
    "fitness",
    "front_svg",
    "pareto_front",
    "report",
    "require_matplotlib",
    "scaled",
    "search",
]
