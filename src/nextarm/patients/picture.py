"""The steps and censoring marks of a picture that patients can have made.

A reader of pixels may spread one drop over two columns, see a level drift by a part of a pixel, put a mark on the wrong side of an
at-risk time, or take a corner for a mark. Every corner is a death and every mark a censoring to the reconstruction, so such traces
must go before it. Two facts tell them: at n at risk a drop is at least :math:`S / n`; and with :math:`X(t) = n(t) / S(t)`, which a
death leaves as it is and a censoring lowers by :math:`1 / S`, the marks between two printed numbers a and b fulfil

.. math:: \\sum_j 1 / S(c_j) \\le X_a - X_b.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.figures.reading import CurveReading

#: Share of the smallest drop that deaths can make, below which a drop is none.
LEAST_DROP = 0.5
_FLOOR = 1e-3


def cleaned(curve: CurveReading) -> tuple[CurveReading, FloatArray, int]:
    """A curve with possible steps only, its marks (times, one a censoring), and how many marks were left out as too many."""
    stepped = possible_steps(curve)
    marks = np.sort(np.repeat(curve.ticks, np.maximum(curve.tick_low, 1)))
    kept, left_out = possible_marks(stepped, marks)
    return stepped, kept, left_out


def possible_steps(curve: CurveReading) -> CurveReading:
    """The curve with corners of one pixel joined (at the middle of their fall) and drops smaller than any death makes left out."""
    pixel = 2.0 * curve.time_band
    most = _most_at_risk(curve, curve.time)
    time, survival, band = [float(curve.time[0])], [float(curve.survival[0])], [float(curve.band[0])]
    first = -np.inf  # where the last step kept began to fall
    for k in range(1, len(curve.time)):
        t, s = float(curve.time[k]), float(curve.survival[k])
        fall = survival[-1] - s
        small = fall < LEAST_DROP * survival[-1] / most[k]
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


def _most_at_risk(curve: CurveReading, times: FloatArray) -> FloatArray:
    """The largest number that can be at risk at each time: that of the last printed number before it; infinite without one."""
    out = np.full(len(times), np.inf)
    for t, n in zip(curve.at_risk_times, curve.at_risk, strict=True):
        if np.isfinite(n):
            out[times > t - (2.0 * curve.time_band if t <= 0.0 else -2.0 * curve.time_band)] = max(float(n), 1.0)
    return out
