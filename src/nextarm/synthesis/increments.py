"""A pooled survival curve on conditional increments: studies may report at any times, and the curve cannot rise.

Between two reported times a study's cumulative hazard grows by ``-log(S_b / S_a)``, with variance ``var log S_b - var log
S_a`` (increments of a Kaplan-Meier curve are independent). On a common grid of times

``log(-log(S_b / S_a)) = log(sum of exp(b_j) over the grid intervals between a and b) + u_i + e_i``, ``u_i ~ N(0, tau2)``,

one shift of the log hazard a study, as in a discrete proportional-hazards model with log-normal frailty. A study that skips
a time informs the sum, so nothing has to be filled in. Maximum likelihood: Gauss-Newton in b, one dimension in tau2. The curve
``exp(-cumulative sum of exp b)`` is the one of a study with u = 0. (Frailty between studies: Combescure 2014, doi
10.1002/sim.6111; increments: Arends 2008, doi 10.1002/sim.3311.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nextarm.core.errors import DataError, Problem, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import LeftOut, RowRef, Trail
from nextarm.core.units import FloatArray
from nextarm.synthesis.estimates import FEW_CURVES, ScaledEstimate, StudyEstimate, row_of, scale_all, two_sided_z

if TYPE_CHECKING:
    import polars as pl


@record
class IncrementCurve(Result):
    """A pooled curve that never rises, with pointwise limits, at ``times`` (years, time 0 left out).

    ``log_hazards`` are the b of each interval, ``covariance`` theirs; ``tau2`` the variance between studies of the log
    hazard; ``studies_at`` counts the studies that report each time; ``prediction_low``, ``prediction_high`` hold one
    further study's curve.
    """

    level: float
    k: int
    observations: int
    times: FloatArray
    survival: FloatArray
    low: FloatArray
    high: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray
    log_hazards: FloatArray
    covariance: FloatArray
    tau2: float
    log_likelihood: float
    studies_at: tuple[int, ...]

    def table(self) -> pl.DataFrame:
        """One row a time."""
        import polars as pl

        columns = {"time": self.times, "survival": self.survival, "low": self.low, "high": self.high}
        return pl.DataFrame(
            columns
            | {"prediction_low": self.prediction_low, "prediction_high": self.prediction_high}
            | {"studies": np.array(self.studies_at)}
        )


@dataclass(frozen=True, eq=False)
class Stretch:
    """The increments of one study: ``y`` log cumulative-hazard increments, ``v`` variances, ``spans`` (m, J) grid intervals in each."""

    y: FloatArray
    v: FloatArray
    spans: FloatArray


def stretches(rows: list[tuple[float, ScaledEstimate]], grid: FloatArray) -> tuple[Stretch | None, list[LeftOut], list[ScaledEstimate]]:
    """The increments of one study from its rows (time, estimate on log S), those not used, and the rows used.

    Of two times with the same survival (a flat tail) or a variance that does not grow the later one stays: it says the
    same over a longer time. A survival higher than before is no curve and is left out.
    """
    out: list[LeftOut] = []
    kept: list[tuple[float, ScaledEstimate]] = []
    for time, row in sorted(rows, key=lambda r: r[0]):
        if kept and row.y > kept[-1][1].y:
            out.append(LeftOut(row_of(row.study), "is higher than at the time before: not one survival curve"))
            continue
        if kept and (row.y == kept[-1][1].y or row.v <= kept[-1][1].v):
            out.append(
                LeftOut(row_of(kept.pop()[1].study), "the next time says the same or more: flat, or its standard error does not grow")
            )
        kept.append((time, row))
    if not kept:
        return None, out, []
    y, v, spans = [], [], []
    before, log_before, v_before = 0.0, 0.0, 0.0
    for time, row in kept:
        drop = log_before - row.y
        y.append(math.log(drop))
        v.append((row.v - v_before) / drop**2)
        spans.append(((grid > before + 1e-9) & (grid <= time + 1e-9)).astype(float))
        before, log_before, v_before = time, row.y, row.v
    return Stretch(np.array(y), np.array(v), np.array(spans)), out, [row for _, row in kept]


def _gather(studies: tuple[StudyEstimate, ...], binomial: bool) -> tuple[list[Stretch], FloatArray, list[LeftOut], list[ScaledEstimate]]:
    twice = []
    seen: set[tuple[str, float]] = set()
    for s in studies:
        if s.time is not None:
            twice += [s] if (s.label, s.time) in seen else []
            seen.add((s.label, s.time))
    if twice:
        raise DataError(problems=[Problem(f"time = {s.time}", s.label, "must stand once in a study") for s in twice])
    timed = [s for s in studies if s.time is not None and s.time > 0.0]
    out = [LeftOut(row_of(s), "the time of the estimate is not stated or not above 0") for s in studies if s not in timed]
    inside = [s for s in timed if s.estimate not in (0.0, 1.0)]
    out += [LeftOut(row_of(s), f"estimate = {s.estimate:g} has no log cumulative hazard") for s in timed if s not in inside]
    used, refused = scale_all(inside, measure="log", binomial=binomial)
    out += refused
    by_label: dict[str, list[tuple[float, ScaledEstimate]]] = {}
    for u in used:
        by_label.setdefault(u.study.label, []).append((u.study.time or 0.0, u))
    # The grid holds only times that some study still uses once flat ones are merged.
    first = [stretches(rows, np.array([1.0])) for rows in by_label.values()]
    grid = np.unique([u.study.time or 0.0 for _, _, kept in first for u in kept])
    final, rows = [], []
    for given in by_label.values():
        made, left, kept = stretches(given, grid)
        out += left
        rows += kept
        final += [made] if made is not None else []
    return final, grid, out, rows


def increments_fit(data: list[Stretch], tau2: float, start: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Best log hazards b at ``tau2``, their information and the log-likelihood; Gauss-Newton with halved steps."""

    def at(b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        hazard = np.exp(b)
        value, right, left = 0.0, np.zeros(b.size), np.zeros((b.size, b.size))
        for s in data:
            total = s.spans @ hazard
            J = s.spans * hazard / total[:, None]
            M = np.diag(s.v) + tau2
            inverse = np.linalg.inv(M)
            r = s.y - np.log(total)
            value -= 0.5 * (float(r @ inverse @ r) + float(np.linalg.slogdet(M)[1]) + r.size * math.log(2.0 * math.pi))
            right += J.T @ inverse @ r
            left += J.T @ inverse @ J
        return value, right, left

    b = start
    value, right, left = at(b)
    for _ in range(200):
        step = np.clip(np.linalg.lstsq(left, right, rcond=1e-13)[0], -2.0, 2.0)
        for _ in range(40):
            new = at(b + step)
            if new[0] >= value - 1e-13 * abs(value):
                break
            step = step / 2.0
        b, (value, right, left) = b + step, new
        if np.abs(step).max() < 1e-12:
            break
    return b, left, value


def pool_increments(
    studies: Iterable[StudyEstimate], *, level: float = 0.95, binomial: bool = True, base: Trail | None = None
) -> IncrementCurve:
    """Pool survival at several times into a curve that never rises; rows of one study carry the same ``label``.

    Every interval is identified, because each time on the grid is reported by some study from time 0 on. Raises
    :class:`DataError` where a study states a time twice and :class:`RefusedError` for fewer than two studies.

    >>> from nextarm.synthesis import StudyEstimate as E
    >>> rows = [E(label="A", estimate=s, se=0.05, time=t) for t, s in ((1, 0.7),)] + [E(label="B", estimate=0.6, se=0.05, time=1)]
    >>> round(float(pool_increments(rows).survival[0]), 3)
    0.642
    """
    z = two_sided_z(level)
    data, grid, out, rows = _gather(tuple(studies), binomial)
    k = len(data)
    if k < 2:
        reasons = "; ".join(f"{o.row.key}: {o.reason}" for o in out[:5])
        raise RefusedError(f"{k} studies", rule="at least two are needed for a pooled curve", cure=reasons)
    spans = np.concatenate([s.spans for s in data])
    widths = np.diff(grid, prepend=0.0)
    start = np.log(widths / grid[-1] * 0.8)

    def loss(tau2: float) -> float:
        return -increments_fit(data, tau2, start)[2]

    tau2 = _least(loss)
    b, information, value = increments_fit(data, tau2, start)
    covariance = np.asarray(np.linalg.inv(information), np.float64)
    hazard = np.exp(b)
    cumulative = np.cumsum(hazard)
    J = np.tril(np.ones((grid.size, grid.size))) * hazard / cumulative[:, None]
    se = np.sqrt(np.einsum("ij,jm,im->i", J, covariance, J))

    def band(reach: FloatArray) -> tuple[FloatArray, FloatArray]:
        # Pointwise limits may cross back by their width alone: they are only ever widened to fall with time.
        low, high = (np.exp(-cumulative * np.exp(sign * reach)) for sign in (1.0, -1.0))
        return np.minimum.accumulate(low), np.maximum.accumulate(high[::-1])[::-1]

    low, high = band(z * se)
    prediction_low, prediction_high = band(z * np.sqrt(se**2 + tau2))
    warnings = [f"{o.row.key} is not used: {o.reason}" for o in out]
    if k < FEW_CURVES:
        warnings.append(f"{k} studies: the spread between them is hardly known and the limits are too narrow")
    times_of = [u.study.time for u in rows]
    at = tuple(sum(t is not None and abs(t - g) < 1e-9 for t in times_of) for g in grid)
    if all(len(s.y) == 1 for s in data) and grid.size > 1:
        warnings.append("every study reports once: the shape of the curve is the difference between studies, not a course over time")
    if 1 in at:
        warnings.append("some times are reported by a single study")
    before = base or Trail(method="")
    return IncrementCurve(
        trail=replace(
            before,
            method="random-effects model of conditional increments of the log hazard, maximum likelihood",
            reference="10.1002/sim.3311",
            rows=tuple(_marked(u) for u in rows),
            left_out=(*before.left_out, *out),
        ),
        warnings=tuple(warnings),
        level=level,
        k=k,
        observations=int(spans.shape[0]),
        times=grid,
        survival=np.exp(-cumulative),
        low=low,
        high=high,
        prediction_low=prediction_low,
        prediction_high=prediction_high,
        log_hazards=b,
        covariance=covariance,
        tau2=tau2,
        log_likelihood=value,
        studies_at=at,
    )


def _marked(row: ScaledEstimate) -> RowRef:
    return replace(row_of(row.study), marks=row.marks)


def _least(at: Callable[[float], float]) -> float:
    """The tau2 >= 0 of least loss: a grid, then Brent between the neighbours of its best point."""
    from scipy.optimize import minimize_scalar

    grid = np.concatenate([[0.0], np.geomspace(1e-4, 9.0, 25)])
    values = np.array([at(float(t)) for t in grid])
    best = int(np.argmin(values))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, grid.size - 1)])
    found = minimize_scalar(
        lambda r: at(float(r) ** 2), bounds=(math.sqrt(low), math.sqrt(high)), method="bounded", options={"xatol": 1e-10}
    )
    return float(found.x) ** 2 if float(found.fun) < at(0.0) - 1e-12 else 0.0
