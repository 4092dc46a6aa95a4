"""The steps and censoring marks of a picture that patients can have made.

A reader of pixels may spread one drop over two columns, see a level drift by a part of a pixel, put a mark on the wrong side of an
at-risk time, or take a corner for a mark. Every corner is a death and every mark a censoring to the reconstruction, so such traces
must go before it. Two facts tell them: at n at risk a drop is at least :math:`S / n`; and with :math:`X(t) = n(t) / S(t)`, which a
death leaves as it is and a censoring lowers by :math:`1 / S`, the marks between two printed numbers a and b fulfil

.. math:: \\sum_j 1 / S(c_j) \\le X_a - X_b.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.figures.reading import CurveReading

#: Share of the smallest drop that deaths can make, below which a drop is none.
LEAST_DROP = 0.5
#: Pixels of level line at most behind a drop that ends a line: half the width of a thick line.
LAST_RUN = 4.0
#: Share of the visible range of S above the bottom of a truncated axis within which a line is near its end.
NEAR_THE_END = 0.06
TRUNCATED = 0.02
_FLOOR = 1e-3


@dataclass(frozen=True)
class Visible:
    """What a panel shows: the lowest survival and the latest time."""

    lowest: float
    latest: float


def cleaned(curve: CurveReading, panel: Visible) -> tuple[CurveReading, FloatArray, int, bool]:
    """A curve with possible steps, its marks (times, one a censoring), how many marks were too many, and whether it leaves the axis."""
    whole, away = ended(curve, panel)
    stepped = possible_steps(whole)
    marks = np.sort(np.repeat(curve.ticks, np.maximum(curve.tick_low, 1)))
    kept, left_out = possible_marks(stepped, marks[marks <= stepped.end_time] if away else marks)
    return stepped, kept, left_out, away


def ended(curve: CurveReading, panel: Visible) -> tuple[CurveReading, bool]:
    """The curve with its last level as the patients made it, where the line ends in a drop; and whether it went on below the axis.

    How deep a last drop goes is not seen where it meets the axis or ends the line. Where one patient was left it died there and S is 0.
    Else a line that meets the end of a truncated axis has left it: so many died that S passed the end, and the table's later rows are
    left out, because nobody sees whether those patients died.
    """
    if len(curve.time) < 2:
        return curve, False
    pixel = 2.0 * curve.time_band
    beyond = (curve.at_risk_times > curve.end_time + 2.0 * pixel) & (np.nan_to_num(curve.at_risk) > 0)
    near = float(curve.survival[-1]) <= panel.lowest + NEAR_THE_END * (1.0 - panel.lowest) and panel.lowest > TRUNCATED
    if beyond.any() and near and curve.end_time < panel.latest - LAST_RUN * pixel:
        # Patients are followed, so their line goes on: where it cannot be seen.
        seen, _ = _last_level(curve, panel)
        return replace(seen, at_risk=np.where(beyond, np.nan, seen.at_risk)), True
    return _last_level(curve, panel)


def _last_level(curve: CurveReading, panel: Visible) -> tuple[CurveReading, bool]:
    """The level behind a drop that ends the line; see :func:`ended`."""
    pixel, at, fell = 2.0 * curve.time_band, float(curve.time[-1]), float(curve.survival[-2] - curve.survival[-1])
    if curve.end_time - at > LAST_RUN * pixel or curve.end_time >= panel.latest - LAST_RUN * pixel:
        return curve, False
    error, before = float(np.median(curve.band)), float(curve.survival[-2])
    low = float(curve.survival[-1]) <= panel.lowest + 3.0 * error
    one = float(_smallest_drops(curve, curve.time[-1:])[0])
    if one <= 0.0 or not (low or fell < 0.8 * one):
        return curve, False
    row = curve.at_risk_times[(curve.at_risk_times <= at) & np.isfinite(curve.at_risk)].max()
    marks = np.repeat(curve.ticks, np.maximum(curve.tick_low, 1))
    gone = 1.0 / np.maximum(_survival(curve, marks[(marks >= row) & (marks < at)]), _FLOOR)
    left = before * (1.0 / one - float(gone.sum()))
    later = curve.at_risk_times > at + pixel
    survival = curve.survival.copy()
    if left < 1.5 and not np.any(np.nan_to_num(curve.at_risk[later]) > 0):
        survival[-1] = 0.0
        return replace(curve, survival=survival), False
    if panel.lowest <= 3.0 * error or not low:
        return curve, False
    survival[-1] = max(0.0, before - one * np.ceil((before - panel.lowest) / one - 1e-9))
    numbers = np.where(later, np.nan, curve.at_risk)
    return replace(curve, survival=survival, at_risk=numbers, end_time=at), True


def possible_steps(curve: CurveReading) -> CurveReading:
    """The curve with corners of one pixel joined (at the middle of their fall) and drops smaller than any death makes left out."""
    pixel = 2.0 * curve.time_band
    least = LEAST_DROP * _smallest_drops(curve, curve.time)
    time, survival, band = [float(curve.time[0])], [float(curve.survival[0])], [float(curve.band[0])]
    first = -np.inf  # where the last step kept began to fall
    for k in range(1, len(curve.time)):
        t, s = float(curve.time[k]), float(curve.survival[k])
        fall = survival[-1] - s
        small = fall < least[k]
        if len(time) > 1 and (t - first <= pixel or (small and t - first <= 2.0 * pixel)):
            whole = survival[-2] - s
            if whole > 0.0:
                time[-1] += (t - time[-1]) * fall / whole
            survival[-1], band[-1] = s, float(curve.band[k])
        elif not small:
            time.append(t)
            survival.append(s)
            band.append(float(curve.band[k]))
            first = t
    return replace(curve, time=np.array(time), survival=np.array(survival), band=np.array(band))


def possible_marks(curve: CurveReading, marks: FloatArray) -> tuple[FloatArray, int]:
    """Marks on the side of each at-risk time on which the table has room for them, those beyond its room left out; and how many."""
    known = np.flatnonzero(np.isfinite(curve.at_risk))
    if not known.size or not marks.size:
        return marks, 0
    rows, numbers = curve.at_risk_times[known], curve.at_risk[known]
    pixel, error = 2.0 * curve.time_band, float(np.median(curve.band))
    before = np.maximum(_survival(curve, rows - 0.5 * pixel), _FLOOR)
    x = numbers / before
    noise = x * error / before + np.array([_falls_at(curve, t, pixel) for t in rows]) / before
    weight = 1.0 / np.maximum(_survival(curve, marks), _FLOOR)
    marks = marks.copy()
    taken = np.zeros(len(marks), bool)
    keep = np.ones(len(marks), bool)
    for j in range(len(rows)):
        last = j + 1 == len(rows)
        stop = np.inf if last else float(rows[j + 1])
        room = float(x[j] - (0.0 if last else x[j + 1]))
        slack = float(noise[j] + (0.0 if last else noise[j + 1]))
        here = ~taken & (marks < stop - pixel)
        for i in np.flatnonzero(~taken & (np.abs(marks - stop) <= pixel)):
            inside = float(weight[here].sum() + 0.5 * weight[i]) <= room
            marks[i] = stop - 1e-3 * pixel if inside else stop + 1e-3 * pixel
            here[i] = inside
        taken |= here
        over = float(weight[here].sum()) - room - slack
        while here.any() and over >= 0.5 * float(weight[here].mean()):
            worst = _least_certain(curve, marks, np.flatnonzero(here))
            over -= float(weight[worst])
            here[worst] = keep[worst] = False
    return marks[keep], int((~keep).sum())


def _least_certain(curve: CurveReading, marks: FloatArray, among: np.ndarray) -> int:
    """The mark that stands nearest to another mark or to a corner, which readers take for marks."""
    at = marks[among]
    gaps = np.diff(at, prepend=-np.inf, append=np.inf)
    near = np.minimum(gaps[:-1], gaps[1:])
    corners = curve.time[1:]
    if corners.size:
        near = np.minimum(near, np.abs(at[:, None] - corners[None, :]).min(axis=1))
    return int(among[int(np.argmin(near))])


def _survival(curve: CurveReading, times: FloatArray) -> FloatArray:
    return np.asarray(curve.survival[np.maximum(np.searchsorted(curve.time, times, side="right") - 1, 0)], float)


def _falls_at(curve: CurveReading, time: float, pixel: float) -> float:
    """1 where the curve falls within a pixel of ``time``: the table may count before or after that death."""
    return float(np.any(np.abs(curve.time[1:] - time) <= pixel)) if time > 0.0 else 0.0


def _smallest_drops(curve: CurveReading, times: FloatArray) -> FloatArray:
    """The least by which one death lowers S at each time: 1 / X of the last printed number before it; 0 without one."""
    out = np.zeros(len(times))
    for t, n in zip(curve.at_risk_times, curve.at_risk, strict=True):
        if np.isfinite(n) and n > 0:
            x = float(n) / max(float(_survival(curve, np.array([t - curve.time_band]))[0]), _FLOOR)
            out[(times > t + 2.0 * curve.time_band) | (t <= 0.0)] = 1.0 / x
    return out
