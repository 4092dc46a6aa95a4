"""Published figures to curves: axes, curves, censor ticks, at-risk table.

The only room that parses strangers' images and PDFs, and it does so in a child process (``door``). ``reading`` holds the
records, ``marks`` what a user may mark by hand, ``vector/`` reads drawings, ``raster/`` reads pictures.
May import: core, evidence, survival.
"""

from nextarm.figures.door import ReadFigure, read_figure
from nextarm.figures.marks import Marks, dump_marks, load_marks
from nextarm.figures.reading import AxisReading, CurveReading, FigureReading, FigureRefused
from nextarm.figures.write import at_risk_columns, curve_columns, files_of, tick_columns

__all__ = [
    "AxisReading",
    "CurveReading",
    "FigureReading",
    "FigureRefused",
    "Marks",
    "ReadFigure",
    "at_risk_columns",
    "curve_columns",
    "dump_marks",
    "files_of",
    "load_marks",
    "read_figure",
    "tick_columns",
]
