"""Charts from plain rows: each builder draws a wide and a narrow specification, says in words what is shown, and keeps the data.

``forest``, ``bubble_trend``, ``survival_curves``, ``landmark_dumbbell``, ``matrix``, ``bars``, ``heatmap``, ``lines``:
each returns a :class:`~nextarm.report.document.Chart`. :func:`chart` draws a result by its kind.
"""

from nextarm.report.charts.bars import Bar, bars
from nextarm.report.charts.dumbbell import DumbbellRow, landmark_dumbbell
from nextarm.report.charts.forest import ForestRow, forest
from nextarm.report.charts.heatmap import heatmap
from nextarm.report.charts.lines import LineSeries, lines
from nextarm.report.charts.matrix import MatrixRow, matrix
from nextarm.report.charts.results import chart, curve_of, pooled_rows, row_trail
from nextarm.report.charts.survival import Curve, Landmark, survival_curves
from nextarm.report.charts.trend import Bubble, bubble_trend

__all__ = [
    "Bar",
    "Bubble",
    "Curve",
    "DumbbellRow",
    "ForestRow",
    "Landmark",
    "LineSeries",
    "MatrixRow",
    "bars",
    "bubble_trend",
    "chart",
    "curve_of",
    "forest",
    "heatmap",
    "landmark_dumbbell",
    "lines",
    "matrix",
    "pooled_rows",
    "row_trail",
    "survival_curves",
]
