"""Charts from plain rows: each builder draws a wide and a narrow specification, says in words what is shown, and keeps the data.

``forest``, ``named_forest``, ``bubble_trend``, ``baujat_plot``, ``survival_curves``, ``stacked_areas``, ``stacked_bars``,
``landmark_dumbbell``, ``matrix``, ``bars``, ``heatmap``, ``lines``, ``traffic_light``, ``prisma_chart``:
each returns a :class:`~nextarm.report.document.Chart`. :func:`chart` draws a result by its kind, :func:`chart_files` gives its files.
"""

from nextarm.report.charts.bars import Bar, bars
from nextarm.report.charts.dumbbell import DumbbellRow, landmark_dumbbell
from nextarm.report.charts.files import chart_files
from nextarm.report.charts.flow import prisma_chart
from nextarm.report.charts.forest import ForestRow, forest
from nextarm.report.charts.heatmap import heatmap
from nextarm.report.charts.lines import LineSeries, lines
from nextarm.report.charts.matrix import MatrixRow, matrix
from nextarm.report.charts.pooling import baujat_plot, named_forest, stacked_incidence
from nextarm.report.charts.results import chart, curve_of, pooled_rows, row_trail
from nextarm.report.charts.stacked import Part, stacked_areas, stacked_bars
from nextarm.report.charts.survival import Curve, Landmark, survival_curves
from nextarm.report.charts.traffic_light import traffic_light
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
    "Part",
    "bars",
    "baujat_plot",
    "bubble_trend",
    "chart",
    "chart_files",
    "curve_of",
    "forest",
    "heatmap",
    "landmark_dumbbell",
    "lines",
    "matrix",
    "named_forest",
    "pooled_rows",
    "prisma_chart",
    "row_trail",
    "stacked_areas",
    "stacked_bars",
    "stacked_incidence",
    "survival_curves",
    "traffic_light",
]
