"""Published figures to curves: axes, curves, censor ticks, at-risk table.

The only room that parses strangers' images and PDFs, and it does so in a child process (``door``). ``reading`` holds the
records, ``marks`` what a user may mark by hand before reading, ``adjust`` what is corrected afterwards; ``vector/`` reads
drawings, ``raster/`` reads pictures.
May import: core, evidence, survival.
"""

from nextarm.figures.adjust import Adjustment, adjust, draft, marks_from, read_adjustment, residuals
from nextarm.figures.door import Picture, ReadFigure, read_figure, read_picture
from nextarm.figures.marks import Marks, dump_marks, load_marks
from nextarm.figures.reading import AxisReading, CurveReading, FigureReading, FigureRefused
from nextarm.figures.told_apart import PALETTE, colours_for, name_places
from nextarm.figures.write import about_of, at_risk_columns, curve_columns, files_of, tick_columns, unquoted

__all__ = [
    "PALETTE",
    "Adjustment",
    "AxisReading",
    "CurveReading",
    "FigureReading",
    "FigureRefused",
    "Marks",
    "Picture",
    "ReadFigure",
    "about_of",
    "adjust",
    "at_risk_columns",
    "colours_for",
    "curve_columns",
    "draft",
    "dump_marks",
    "files_of",
    "load_marks",
    "marks_from",
    "name_places",
    "read_adjustment",
    "read_figure",
    "read_picture",
    "residuals",
    "tick_columns",
    "unquoted",
]
