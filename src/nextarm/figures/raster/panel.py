"""One calibrated panel of a raster figure: the records that pass between finding the axes and tracing the curves.

Pixel positions are floats; the pixel in row ``i``, column ``j`` covers ``[j, j + 1) x [i, i + 1)`` and its centre is at
``(j + 0.5, i + 0.5)``. Rows count downwards. An axis is affine in the pixel: value = intercept + slope * pixel.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record

Floats: TypeAlias = NDArray[np.float64]

RGB: TypeAlias = tuple[int, int, int]


@record
class Box:
    """A rectangle in whole pixels: columns ``left`` to ``right`` and rows ``top`` to ``bottom``, the ends excluded."""

    left: int
    top: int
    right: int
    bottom: int


@record
class PixelAxis:
    """An affine map from a pixel position to a value: ``value = intercept + slope * pixel``."""

    slope: float
    intercept: float

    def value(self, pixel: float | Floats) -> Floats:
        """Value(s) at pixel position(s)."""
        return np.asarray(self.intercept + self.slope * np.asarray(pixel, float))

    def pixel(self, value: float | Floats) -> Floats:
        """Pixel position(s) of value(s)."""
        return np.asarray((np.asarray(value, float) - self.intercept) / self.slope)


@record
class ArmHint:
    """What the text of a figure says about one arm.

    ``colour`` is the colour of its key in the legend or of its printed name where these are not the text's black;
    ``dash`` is ``'solid'``, ``'dashed'``, ``'dotted'`` or ``'dashdot'`` as its key shows; ``n`` the number printed in
    the at-risk table at time 0. ``where`` says which text named it: ``'legend'``, ``'risk-table'`` or ``'direct'``.
    ``sure`` is the mean probability of the characters of the name.
    ``spot`` is, for a name printed at its curve, the (x, y) pixel of the name's end that is nearest to the curve.
    """

    name: str
    colour: RGB | None = None
    dash: str | None = None
    n: int | None = None
    where: str = "legend"
    spot: tuple[float, float] | None = None
    sure: float = 1.0


@record
class Panel:
    """One panel with its axes.

    ``left``, ``right`` and ``top``, ``bottom`` are the pixel positions of the frame (centre of its line where one is
    drawn; the outermost grid or tick positions where none is). ``x`` gives the time in the figure's own unit, ``y``
    always survival from 0 to 1, also where per cent or 1 - S is drawn (``upward``). ``exclude`` are boxes inside the frame
    that hold text or a legend, not curves.
    ``x_gridlines`` and ``y_gridlines`` are pixel positions of grid lines seen inside the frame, ``background`` the
    colour of the empty panel. ``n_arms`` is how many arms legend or at-risk table name, None where neither was found.
    ``start`` is the pixel position of time 0.
    """

    left: float
    top: float
    right: float
    bottom: float
    x: PixelAxis
    y: PixelAxis
    x_max_visible: float
    start: float
    upward: bool = False
    exclude: tuple[Box, ...] = ()
    arm_hints: tuple[ArmHint, ...] = ()
    n_arms: int | None = None
    background: RGB = (255, 255, 255)
    x_gridlines: tuple[float, ...] = ()
    y_gridlines: tuple[float, ...] = ()


@record
class TracedCurve:
    """One curve as traced, in pixels of the image given.

    ``x`` and ``y`` are the step corners: the curve holds the height ``y[k]`` from ``x[k]`` to ``x[k + 1]`` (the last to
    ``end``), and ``x[0]`` is where it starts. ``ticks`` are censor marks, ``tick_count`` how many are seen at
    each and ``tick_extra`` how many more are to be expected there; ``blind`` are places (one a column) where no mark could be seen and
    ``missed`` how many are to be expected at each. ``uncertainty`` is the half-width of the band in
    pixels of height, one a corner.
    """

    x: Floats
    y: Floats
    end: float
    colour: RGB
    dash: str
    ticks: Floats
    tick_count: NDArray[np.int64]
    tick_extra: Floats
    blind: Floats
    missed: Floats
    uncertainty: Floats
    hint: int | None = None
    warnings: tuple[str, ...] = ()


@record
class TracedPanel:
    """All curves of one panel; ``curves[k].hint`` is the position in ``Panel.arm_hints`` of the arm it belongs to."""

    curves: tuple[TracedCurve, ...]
    line_width: float
    warnings: tuple[str, ...] = ()
