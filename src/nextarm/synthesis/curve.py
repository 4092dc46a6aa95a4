"""A pooled survival curve from survival at several times, without a distribution (Combescure 2014, doi 10.1002/sim.6111).

Each study's conditional survival over an interval, ``c = S(t_j) / S(t_j-1)`` with n at risk, goes to the arcsine scale,
``y = asin sqrt((n c + 1/4) / (n + 1/2))`` with variance ``1 / (4 n + 2)``; intervals of a study are independent within
it. The between-study covariance of all intervals is a moment estimate (multivariate DerSimonian-Laird, Jackson 2010, doi
10.1002/sim.3602), cut to be positive semi-definite. The pooled curve is the product of ``sin^2`` of the generalised
least squares means, so it never rises. Limits are normal on log S.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from nextarm.core.errors import DataError, Problem, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import LeftOut, RowRef, Trail
from nextarm.core.units import FloatArray
from nextarm.synthesis.estimates import FEW_CURVES, two_sided_z

if TYPE_CHECKING:
    import polars as pl


@record
class StudyCurve:
    """Survival of one study at several times (years): ``at_risk`` counts the patients each interval's estimate rests on."""

    label: str
    times: FloatArray
    survival: FloatArray
    at_risk: FloatArray
    group: str = ""
    row: RowRef | None = None


@record
class PooledCurve(Result):
    """A pooled survival curve with pointwise limits, random effects and, beside it, fixed.

    ``studies_at`` counts the studies that reach each time; ``q`` is the heterogeneity over all intervals on ``df``
    (observations less times), ``h2 = q / df``, ``i2`` its share above 1; ``between`` the covariance between studies of
    the arcsine conditional survivals.
    """

    level: float
    k: int
    times: FloatArray
    survival: FloatArray
    low: FloatArray
    high: FloatArray
    fixed_survival: FloatArray
    fixed_low: FloatArray
    fixed_high: FloatArray
    studies_at: tuple[int, ...]
    median: float | None
    between: FloatArray
    q: float
    df: int
    h2: float | None
    i2: float | None

    def table(self) -> pl.DataFrame:
        """One row a time."""
        import polars as pl

        columns = {"time": self.times, "survival": self.survival, "low": self.low, "high": self.high}
        return pl.DataFrame(columns | {"fixed": self.fixed_survival, "studies": np.array(self.studies_at)})


def _checked(curves: tuple[StudyCurve, ...]) -> None:
    problems = []
    for c in curves:
        if not (c.times.ndim == 1 and c.times.shape == c.survival.shape == c.at_risk.shape and c.times.size):
            problems.append(Problem("times, survival and at_risk", c.label, "must be equally long and not empty"))
        elif not (np.isfinite(c.times).all() and (c.times > 0.0).all() and (np.diff(c.times) > 0.0).all()):
            problems.append(Problem("times", c.label, "must rise and be above 0 years"))
        elif not (np.isfinite(c.survival).all() and (c.survival >= 0.0).all() and (c.survival <= 1.0).all()):
            problems.append(Problem("survival", c.label, "must lie between 0 and 1"))
        elif (np.diff(c.survival) > 1e-12).any():
            problems.append(Problem("survival", c.label, "must not rise"))
        elif not (np.isfinite(c.at_risk).all() and (c.at_risk > 0.0).all()):
            problems.append(Problem("at_risk", c.label, "must be above 0"))
    if problems:
        raise DataError(problems=problems)


def _grids(curves: tuple[StudyCurve, ...], grid: FloatArray) -> tuple[FloatArray, FloatArray, list[LeftOut]]:
    """Arcsine conditional survival and its variance, (study, time), NaN where not known; a study counts up to its gap."""
    y, v = (np.full((len(curves), grid.size), np.nan) for _ in range(2))
    out: list[LeftOut] = []
    for i, c in enumerate(curves):
        before = 1.0
        row = c.row or RowRef("curves", 0, c.label)
        for j, t in enumerate(grid):
            found = np.flatnonzero(np.isclose(c.times, t))
            if not found.size:
                if c.times[-1] > t:
                    out.append(LeftOut(row, f"no estimate at {t:g} years: its later times are not used"))
                break
            s, n = float(c.survival[found[0]]), float(c.at_risk[found[0]])
            if before <= 0.0:
                break
            y[i, j], v[i, j] = np.arcsin(np.sqrt((n * s / before + 0.25) / (n + 0.5))), 0.25 / (n + 0.5)
            before = s
    return y, v, out


def between_covariance(y: FloatArray, v: FloatArray) -> FloatArray:
    """Moment estimate of the between-study covariance (times, times) from ``y``, ``v`` with NaN where missing."""
    known = np.isfinite(y)
    size = y.shape[1]
    D = np.zeros((size, size))
    for j in range(size):
        for m in range(j, size):
            both = known[:, j] & known[:, m]
            if both.sum() < 2:
                continue
            w = 1.0 / np.sqrt(v[both, j] * v[both, m])
            a, b = y[both, j], y[both, m]
            q = w @ ((a - w @ a / w.sum()) * (b - w @ b / w.sum()))
            # Intervals of one study are independent, so chance alone adds to the diagonal only.
            chance = both.sum() - 1.0 if j == m else 0.0
            D[j, m] = D[m, j] = (q - chance) / (w.sum() - (w**2).sum() / w.sum())
    values, vectors = np.linalg.eigh(D)
    cut: FloatArray = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return cut


def _gls(y: FloatArray, v: FloatArray, D: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Generalised least squares means (times) and their covariance."""
    size = y.shape[1]
    precision, right = np.zeros((size, size)), np.zeros(size)
    for i in range(y.shape[0]):
        at = np.flatnonzero(np.isfinite(y[i]))
        inverse = np.linalg.inv(D[np.ix_(at, at)] + np.diag(v[i, at]))
        precision[np.ix_(at, at)] += inverse
        right[at] += inverse @ y[i, at]
    covariance = np.asarray(np.linalg.inv(precision), np.float64)
    return covariance @ right, covariance


def _curve(means: FloatArray, covariance: FloatArray, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Survival and its limits: ``var log S(t) = 4 sum cot_i cot_j cov_ij`` over intervals up to t."""
    survival = np.cumprod(np.sin(means) ** 2)
    slope = 2.0 / np.tan(means)
    summed = np.cumsum(np.cumsum(covariance * np.outer(slope, slope), axis=0), axis=1)
    half = two_sided_z(level) * np.sqrt(np.maximum(np.diag(summed), 0.0))
    return survival, survival * np.exp(-half), np.minimum(1.0, survival * np.exp(half))


def pooled_curve(
    curves: Iterable[StudyCurve], *, times: Iterable[float] | None = None, level: float = 0.95, base: Trail | None = None
) -> PooledCurve:
    """Pool survival curves at ``times`` (years; default every time any study reports).

    A study may end early; one that skips a time is used up to the gap and said so. Raises :class:`RefusedError` with
    fewer than two studies and :class:`DataError` for curves that rise or leave [0, 1].

    >>> a = StudyCurve(label="a", times=np.array([1.0, 2.0]), survival=np.array([0.8, 0.6]), at_risk=np.array([50.0, 40.0]))
    >>> b = StudyCurve(label="b", times=np.array([1.0, 2.0]), survival=np.array([0.7, 0.6]), at_risk=np.array([60.0, 40.0]))
    >>> pooled_curve([a, b]).survival.round(3).tolist()
    [0.748, 0.6]
    """
    given = tuple(curves)
    two_sided_z(level)
    _checked(given)
    if len(given) < 2:
        raise RefusedError(f"{len(given)} curves", rule="a pooled curve needs at least two")
    grid = np.unique(np.concatenate([c.times for c in given]) if times is None else np.array(list(times), float))
    y, v, out = _grids(given, grid)
    used = np.asarray(np.isfinite(y).any(axis=1))
    reached = np.asarray(np.isfinite(y).any(axis=0))
    grid, y, v = grid[reached], y[np.ix_(used, reached)], v[np.ix_(used, reached)]
    if y.shape[0] < 2:
        raise RefusedError(f"{y.shape[0]} curves report at {grid[:1].tolist()} years", rule="a pooled curve needs at least two")
    known = np.isfinite(y)
    D = between_covariance(y, v)
    survival, low, high = _curve(*_gls(y, v, D), level)
    fixed_means, fixed_covariance = _gls(y, v, np.zeros_like(D))
    fixed = _curve(fixed_means, fixed_covariance, level)
    q = float(np.nansum((y - fixed_means) ** 2 / v))
    df = int(known.sum()) - grid.size
    h2 = q / df if df > 0 else None
    warnings = [f"{o.row.key}: {o.reason}" for o in out]
    if y.shape[0] < FEW_CURVES:
        warnings.append(f"{y.shape[0]} studies: the spread between them is hardly known and the limits are too narrow")
    if (known.sum(axis=0) < 2).any():
        warnings.append(f"beyond {grid[known.sum(axis=0) >= 2][-1]:g} years the curve rests on a single study")
    return PooledCurve(
        trail=Trail(
            method="distribution-free pooled survival curve, multivariate DerSimonian-Laird on arcsine conditional survival",
            reference="10.1002/sim.6111",
            rows=tuple(c.row or RowRef("curves", 0, c.label) for c, ok in zip(given, used.tolist(), strict=True) if ok),
            left_out=(*(base.left_out if base else ()), *out),
            sources=base.sources if base else (),
            assumptions=base.assumptions if base else (),
            inputs=base.inputs if base else (),
        ),
        warnings=tuple(warnings),
        level=level,
        k=int(used.sum()),
        times=grid,
        survival=survival,
        low=low,
        high=high,
        fixed_survival=fixed[0],
        fixed_low=fixed[1],
        fixed_high=fixed[2],
        studies_at=tuple(int(n) for n in known.sum(axis=0)),
        median=_median(grid, survival),
        between=D,
        q=q,
        df=df,
        h2=h2,
        i2=max(0.0, (h2 - 1.0) / h2) if h2 else None,
    )


def _median(times: FloatArray, survival: FloatArray) -> float | None:
    """Where the curve, joined by straight lines, crosses 1/2; None if it does not."""
    below = np.flatnonzero(survival <= 0.5)
    if not below.size:
        return None
    j = int(below[0])
    t0, s0 = (float(times[j - 1]), float(survival[j - 1])) if j else (0.0, 1.0)
    return t0 + (float(times[j]) - t0) * (s0 - 0.5) / (s0 - float(survival[j]))
