"""What is read from a figure: axes, curves, and the refusal when it cannot be read.

Positions on the figure are floats in pixels of a bitmap (pixel column j covers [j, j + 1), so its centre is j + 0.5), in
user units of an SVG, or in points from the upper left corner of a PDF page; y runs downward in all three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from nextarm.core.errors import NextarmError
from nextarm.core.result import Result, record
from nextarm.core.units import FloatArray, IntArray

if TYPE_CHECKING:
    import polars as pl

    from nextarm.figures.marks import Marks

Kind = Literal["png", "jpeg", "tiff", "webp", "svg", "pdf"]
NamedBy = Literal["legend", "risk-table", "direct", "marks"]
Grade = Literal["A", "B", "C", "D"]


@record
class Box:
    """A rectangle on the figure; ``top`` < ``bottom``."""

    left: float
    top: float
    right: float
    bottom: float


@record
class AxisReading:
    """One axis: value = ``intercept`` + ``slope`` * position.

    ``pixels`` and ``values`` are the labelled positions used, ``residual_px`` the largest distance of one from the line.
    Values of the y axis are proportions as printed (``percent`` says they were divided by 100); where the figure is
    upward they are still 1 - S. Values of the x axis are in the figure's own ``unit`` (None where none is printed).
    ``source`` says whether labels of the figure or marks made by hand gave the values.
    """

    label: str | None
    unit: str | None
    pixels: FloatArray
    values: FloatArray
    slope: float
    intercept: float
    residual_px: float
    percent: bool = False
    source: Literal["text", "marks"] = "text"


@record
class CurveReading:
    """One curve, as survival.

    ``time`` (figure's unit) and ``survival`` (0 to 1) are the corners of the steps: the curve is at ``survival[i]`` from
    ``time[i]`` until ``time[i + 1]``; the first is (0, 1) where the curve starts there. ``end_time`` is where the drawn line
    ends. ``ticks`` are the censoring marks; a mark stands for ``tick_low`` to ``tick_high`` censorings drawn at one place
    (1 and 1 where it is single). ``at_risk`` is NaN where the printed cell is blank or could not be read.
    ``band`` is the half-width of the uncertainty of S at each corner, ``time_band`` that of its time.
    ``named_by`` says where ``arm`` was read; None means that no name was found and ``arm`` is a number ("curve 1").
    """

    arm: str
    named_by: NamedBy | None
    colour: str
    dash: str
    time: FloatArray
    survival: FloatArray
    end_time: float
    ticks: FloatArray
    tick_low: IntArray
    tick_high: IntArray
    at_risk_times: FloatArray
    at_risk: FloatArray
    band: FloatArray
    time_band: float = 0.0
    warnings: tuple[str, ...] = ()

    def survival_at(self, time: FloatArray) -> FloatArray:
        """S at ``time`` (figure's unit), right-continuous; NaN beyond the end of the drawn line."""
        t = np.asarray(time, float)
        index = np.searchsorted(self.time, t, side="right") - 1
        value = np.where(index >= 0, self.survival[np.maximum(index, 0)], 1.0)
        return np.where(t <= self.end_time, value, np.nan)


@record
class Placed:
    """A curve as positions on the figure: corners (from ``across[i]`` on at ``down[i]``), x of the end of its line and of its marks."""

    across: FloatArray
    down: FloatArray
    end: float
    ticks: FloatArray


@record
class ListedPanel:
    """A panel of the page: its number from 1 (left to right, then down), its box and the title, if one is printed."""

    number: int
    box: Box
    title: str | None = None


@record
class FigureReading(Result):
    """A figure read: curves in the figure's own time unit, axes, and how far to trust it.

    ``upward`` says that 1 - S was drawn (``curves`` hold S). ``panels`` lists all panels of the page, ``panel`` is the number
    of the one read. ``time_unit`` is years, months, weeks or days where the axis says so. ``width`` and ``height`` are those
    of the figure in its own pixels. Grades: A: every part agrees with every other; B: small doubts, named in the
    warnings; C: a part (a name, the table, a hidden stretch) is not certain; D: do not use without looking at the overlay.
    ``axis_doubts`` are those of the warnings that are about doubtful axis points; ``undoubted`` is the grade without these,
    where such made it D.
    """

    curves: tuple[CurveReading, ...]
    x_axis: AxisReading
    y_axis: AxisReading
    upward: bool
    box: Box
    file_kind: Kind
    method: Literal["vector", "raster"]
    width: float
    height: float
    time_unit: str | None
    grade: Grade
    page: int = 1
    panel: int = 1
    panels: tuple[ListedPanel, ...] = ()
    undoubted: Grade | None = None
    axis_doubts: tuple[str, ...] = ()

    shown: ClassVar[tuple[str, ...]] = ()

    def positions(self, k: int) -> Placed:
        """Where curve ``k`` (from 0) lies on the figure."""
        curve, x, y = self.curves[k], self.x_axis, self.y_axis
        shown = 1.0 - curve.survival if self.upward else curve.survival
        return Placed(
            across=(curve.time - x.intercept) / x.slope, down=(shown - y.intercept) / y.slope,
            end=float((curve.end_time - x.intercept) / x.slope), ticks=(curve.ticks - x.intercept) / x.slope,
        )  # fmt: skip

    def table(self) -> pl.DataFrame:
        """One row a curve."""
        import polars as pl

        return pl.DataFrame(
            [
                {
                    "arm": c.arm,
                    "named_by": c.named_by,
                    "colour": c.colour,
                    "dash": c.dash,
                    "drops": int(np.count_nonzero(np.diff(c.survival) < 0)),
                    "last_survival": float(c.survival[-1]),
                    "end_time": c.end_time,
                    "ticks": int(c.tick_low.sum()),
                    "n": None if not c.at_risk.size or np.isnan(c.at_risk[0]) else int(c.at_risk[0]),
                    "error_of_survival": float(c.band.max()),
                }
                for c in self.curves
            ],
            schema_overrides={"named_by": pl.String, "n": pl.Int64},
        )


class FigureRefused(NextarmError):  # noqa: N818 (a refusal is an answer, not a failure)
    """The figure cannot be read. ``found`` says what was seen, ``marks`` is the skeleton a user can fill by hand."""

    exit_code = 8

    def __init__(
        self, what: str, *, where: str = "", rule: str = "", cure: str = "", found: tuple[str, ...] = (), marks: Marks | None = None
    ) -> None:
        super().__init__(what, where=where, rule=rule, cure=cure)
        self.found = found
        self.marks = marks
        #: A PNG of the figure under rulers, so that positions can be read off; empty where none could be drawn.
        self.image = b""
