"""Several times together: multivariate random effects on log(-log S) with the Kaplan-Meier covariance within studies.

``y_ij = b_j + u_ij + e_ij`` for study i at time t_j. Within a study ``cov(log S(s), log S(t)) = var(log S(min(s, t)))``
(Arends 2008, doi 10.1002/sim.3311), carried to the complementary log-log scale by the delta method. Between studies
``cov(u_ij, u_im) = tau2 r_jm`` with ``r = rho`` (structure ``cs``) or ``rho^|t_j - t_m|`` (``car``, t in years). tau2
and rho by restricted or full likelihood, the means by generalised least squares. Without constraint these means need
not fall with time, above all where studies miss times; then ``rises`` is true, and the curve to report is
:func:`~nextarm.synthesis.curve.pooled_curve`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from nextarm.core.errors import DataError, Problem, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import LeftOut, RowRef, Trail
from nextarm.core.units import FloatArray
from nextarm.synthesis.estimates import BINOMIAL, StudyEstimate, row_of, two_sided_z
from nextarm.synthesis.pool import check_choice, t_quantile
from nextarm.synthesis.scales import scale

if TYPE_CHECKING:
    import polars as pl

Structure = Literal["cs", "car"]
STRUCTURES: tuple[str, ...] = get_args(Structure)
#: Below this many studies Wald limits are said to be too narrow.
FEW = 10
LIMITS: tuple[str, ...] = ("wald", "t")
LIMIT_WORDS: dict[str, str] = {"wald": "Wald limits", "t": "limits on t(k-1) with the ad hoc factor (few studies)"}


@record
class SeveralTimes(Result):
    """Pooled survival at several times with pointwise Wald limits, on the natural scale and on cloglog (``means``).

    ``rises`` says that the estimates are not a survival curve (some later one is higher). ``rho`` is the between-study
    correlation: of any two times (cs), or of times a year apart (car).
    """

    structure: str
    method: str
    level: float
    k: int
    observations: int
    times: FloatArray
    survival: FloatArray
    low: FloatArray
    high: FloatArray
    means: FloatArray
    covariance: FloatArray
    tau2: float
    rho: float
    log_likelihood: float
    aic: float
    rises: bool
    studies_at: tuple[int, ...]

    def table(self) -> pl.DataFrame:
        """One row a time."""
        import polars as pl

        columns = {"time": self.times, "survival": self.survival, "low": self.low, "high": self.high}
        return pl.DataFrame(columns | {"studies": np.array(self.studies_at)})


def cloglog_covariance(survival: FloatArray, se: FloatArray) -> FloatArray:
    """Within-study covariance of log(-log S) at rising times from S and its standard errors.

    ``cov(g_j, g_m) = var(log S_min) / (log S_j log S_m)``. Variances of log S that fall with time (rounding) are
    raised to the one before, as a Kaplan-Meier's must not fall.
    """
    log = np.log(survival)
    u = np.maximum.accumulate((se / survival) ** 2)
    first = np.minimum.outer(np.arange(survival.size), np.arange(survival.size))
    covariance: FloatArray = u[first] / np.outer(log, log)
    return covariance


@dataclass(frozen=True)
class _Stacked:
    """All studies padded to the same times: missing ones have y = 0, unit within variance and an empty design row."""

    y: FloatArray
    V: FloatArray
    known: FloatArray
    times: FloatArray
    lag: FloatArray

    def correlation(self, rho: float, structure: str) -> FloatArray:
        if structure == "car":
            return np.where(self.lag == 0.0, 1.0, rho**self.lag) if rho > 0.0 else np.eye(self.times.size)
        return np.where(self.lag == 0.0, 1.0, rho)

    def fit(self, tau2: float, rho: float, structure: str, *, restricted: bool) -> tuple[float, FloatArray, FloatArray]:
        """Log-likelihood, means and their covariance at (tau2, rho)."""
        pairs = self.known[:, :, None] * self.known[:, None, :]
        M = self.V + tau2 * self.correlation(rho, structure) * pairs
        inverse = np.linalg.inv(M) * pairs
        precision = inverse.sum(axis=0)
        covariance = np.asarray(np.linalg.inv(precision), np.float64)
        means = covariance @ np.einsum("ijm,im->j", inverse, self.y)
        r = (self.y - means) * self.known
        n, p = float(self.known.sum()), self.times.size
        value = -0.5 * (float(np.linalg.slogdet(M)[1].sum()) + float(np.einsum("ij,ijm,im->", r, inverse, r)))
        if restricted:
            # Up to metafor's constant: + log det(X'X) / 2 makes the value free of the units of X.
            value += 0.5 * (float(np.log(self.known.sum(axis=0)).sum()) - float(np.linalg.slogdet(precision)[1]))
            n -= p
        return value - 0.5 * n * math.log(2.0 * math.pi), means, covariance

    def residual_square(self, tau2: float, rho: float, structure: str, means: FloatArray) -> float:
        """``sum r' M^-1 r`` over studies: the generalised residual sum of squares."""
        pairs = self.known[:, :, None] * self.known[:, None, :]
        inverse = np.linalg.inv(self.V + tau2 * self.correlation(rho, structure) * pairs) * pairs
        r = (self.y - means) * self.known
        return float(np.einsum("ij,ijm,im->", r, inverse, r))

    def value_and_slope(self, tau2: float, rho: float, structure: str, *, restricted: bool) -> tuple[float, FloatArray]:
        """The log-likelihood (up to its constant) and its derivatives in tau2 and rho.

        ``d = (r'W D W r - tr W D) / 2`` for a change D of every study's covariance, plus half the trace of
        ``cov (sum W D W)`` under restriction.
        """
        pairs = self.known[:, :, None] * self.known[:, None, :]
        R = self.correlation(rho, structure)
        if structure == "car":
            powers = np.where(self.lag == 0.0, 0.0, self.lag * rho ** (self.lag - 1.0))
        else:
            powers = np.where(self.lag == 0.0, 0.0, 1.0)
        M = self.V + tau2 * R * pairs
        inverse = np.linalg.inv(M) * pairs
        precision = inverse.sum(axis=0)
        covariance = np.linalg.inv(precision)
        means = covariance @ np.einsum("ijm,im->j", inverse, self.y)
        r = (self.y - means) * self.known
        weighted = np.einsum("ijm,im->ij", inverse, r)
        value = -0.5 * (float(np.linalg.slogdet(M)[1].sum()) + float((r * weighted).sum()))
        if restricted:
            value -= 0.5 * float(np.linalg.slogdet(precision)[1])
        slopes = []
        for D in (R, tau2 * powers):
            slope = float(((weighted @ D) * weighted).sum()) - float((precision * D).sum())
            if restricted:
                slope += float((covariance * np.einsum("ijm,mp,ipq->jq", inverse, D, inverse, optimize=True)).sum())
            slopes.append(0.5 * slope)
        return value, np.array(slopes)


def _stack(studies: tuple[StudyEstimate, ...], binomial: bool) -> tuple[_Stacked, list[str], list[LeftOut], list[RowRef]]:
    out: list[LeftOut] = []
    by_label: dict[str, list[tuple[float, float, float, RowRef]]] = {}
    for s in studies:
        reason = _unfit(s, binomial)
        if reason:
            out.append(LeftOut(row_of(s), reason))
            continue
        se = s.se if s.se is not None else math.sqrt(s.estimate * (1.0 - s.estimate) / (s.n or 1))
        rows = by_label.setdefault(s.label, [])
        rows.append((s.time or 0.0, s.estimate, se, row_of(s) if s.se is not None else _marked(row_of(s))))
    kept: dict[str, list[tuple[float, float, float, RowRef]]] = {}
    for label, rows in by_label.items():
        rows.sort(key=lambda r: r[0])
        kept[label] = []
        for row in rows:
            if kept[label] and row[1] == kept[label][-1][1]:
                out.append(LeftOut(row[3], "a flat tail: the same estimate as at the time before, which adds nothing"))
            elif kept[label] and row[1] > kept[label][-1][1]:
                out.append(LeftOut(row[3], "is higher than at the time before: not one survival curve"))
            else:
                kept[label].append(row)
    times = np.unique([row[0] for rows in kept.values() for row in rows])
    k, J = len(kept), times.size
    y, known = np.zeros((k, J)), np.zeros((k, J))
    V = np.tile(np.eye(J), (k, 1, 1))
    for i, rows in enumerate(kept.values()):
        at = np.searchsorted(times, [r[0] for r in rows])
        S = np.array([r[1] for r in rows])
        errors = np.array([r[2] for r in rows])
        y[i, at], known[i, at] = np.log(-np.log(S)), 1.0
        V[i][np.ix_(at, at)] = cloglog_covariance(S, errors)
    lag = np.abs(times[:, None] - times[None, :])
    return _Stacked(y, V, known, times, lag), list(kept), out, [row[3] for rows in kept.values() for row in rows]


def _marked(row: RowRef) -> RowRef:
    """The row with the mark that its standard error is binomial."""
    return row if BINOMIAL in row.marks else replace(row, marks=(*row.marks, BINOMIAL))


def _unfit(s: StudyEstimate, binomial: bool) -> str:
    if s.time is None:
        return "the time of the estimate is not stated"
    if not 0.0 < s.estimate < 1.0:
        return f"estimate = {s.estimate:g} cannot be put on the cloglog scale"
    if s.se is None and not (binomial and s.n):
        return "neither a standard error nor n is reported (limits are not inverted here)"
    return "" if s.se is None or s.se > 0.0 else f"se = {s.se}: must be above 0"


def pool_several_times(
    studies: Iterable[StudyEstimate],
    *,
    structure: str | None = None,
    method: str = "reml",
    level: float = 0.95,
    binomial: bool = True,
    limits: str = "wald",
    base: Trail | None = None,
) -> SeveralTimes:
    """Pool estimates of several times; rows of one study carry the same ``label``.

    ``limits``: ``wald`` (normal), or ``t`` for few studies: standard errors times ``sqrt(max(1, q))``, with ``q`` the
    generalised residual sum of squares over (estimates - times), and t on (studies - 1), the ad hoc Hartung-Knapp form
    carried to several times. It is a choice of this package, wider than Wald by construction, and is labelled so.

    ``structure`` cs, car, or None for the one of higher likelihood; ``method`` reml or ml. Two estimates of a study at
    one time are a :class:`DataError`; fewer than two studies or fewer observations than parameters
    :class:`RefusedError`.
    """
    check_choice(method, "method", ("reml", "ml"))
    check_choice(limits, "limits", LIMITS)
    if structure is not None:
        check_choice(structure, "structure", STRUCTURES)
    z = two_sided_z(level)
    given = tuple(studies)
    counted = Counter((s.label, s.time) for s in given)
    twice = [s for s in given if s.time is not None and counted[s.label, s.time] > 1]
    if twice:
        raise DataError(problems=[Problem(f"time = {s.time}", s.label, "must stand once in a study") for s in twice])
    stack, labels, out, rows = _stack(given, binomial)
    n, J = int(stack.known.sum()), stack.times.size
    if len(labels) < 2 or n < J + 2:
        reasons = "; ".join(f"{o.row.key}: {o.reason}" for o in out[:5])
        raise RefusedError(f"{len(labels)} studies with {n} estimates at {J} times", rule="are too few for this model", cure=reasons)
    restricted = method == "reml"
    fits = [(*_maximise(stack, s, restricted=restricted), s) for s in ((structure,) if structure else STRUCTURES)]
    tau2, rho, best = max(fits, key=lambda f: stack.fit(f[0], f[1], f[2], restricted=restricted)[0])
    value, means, covariance = stack.fit(tau2, rho, best, restricted=restricted)
    if limits == "t":
        q = stack.residual_square(tau2, rho, best, means) / (n - J)
        covariance = covariance * max(1.0, q)
        z = t_quantile(len(labels) - 1.0, level)
    half = z * np.sqrt(np.diag(covariance))
    back = np.vectorize(scale("cloglog").back, otypes=[float])
    survival = back(means)
    rises = bool((np.diff(survival) > 0.0).any())
    warnings = [f"{o.row.key} is not used: {o.reason}" for o in out]
    if len(labels) < FEW and limits == "wald":
        warnings.append(f"{len(labels)} studies: Wald limits are too narrow; limits='t' widens them")
    if rho > 1.0 - 1e-6:
        warnings.append("the between-study correlation is at its bound of 1: studies differ by one shift at all times")
    if tau2 > 0.0 and rho == 0.0:
        warnings.append("these studies do not tell the between-study correlation of the times: it is taken as 0")
    if rises:
        warnings.append("the pooled estimates rise with time, so they are no survival curve: report pooled_curve or pool_increments")
    if (stack.known.sum(axis=0) < 2).any():
        warnings.append("some times are reported by a single study")
    return SeveralTimes(
        trail=Trail(
            method=f"multivariate random effects over {J} times on the cloglog scale, structure {best}, {method}, {LIMIT_WORDS[limits]}",
            reference="10.1002/sim.3311",
            rows=tuple(rows),
            left_out=(*(base.left_out if base else ()), *out),
            sources=base.sources if base else (),
            assumptions=base.assumptions if base else (),
            inputs=base.inputs if base else (),
        ),
        warnings=tuple(warnings),
        structure=best,
        method=method,
        level=level,
        k=len(labels),
        observations=n,
        times=stack.times,
        survival=survival,
        low=back(means + half),
        high=back(means - half),
        means=means,
        covariance=covariance,
        tau2=tau2,
        rho=rho,
        log_likelihood=value,
        aic=2.0 * (J + 2) - 2.0 * value,
        rises=rises,
        studies_at=tuple(int(c) for c in stack.known.sum(axis=0)),
    )


def _maximise(stack: _Stacked, structure: str, *, restricted: bool) -> tuple[float, float]:
    """The (tau2, rho) of highest likelihood: BFGS with exact derivatives on log tau2 and a logit of rho.

    It starts from the best point of a grid and from the best one with another tau2, because a likelihood of few studies may
    have two maxima. Where no rho is likelier than another (no pair of times in studies enough) it is 0: nothing is borrowed between times.
    """
    from scipy.optimize import minimize

    floor = -1.0 / (stack.times.size - 1) if structure == "cs" and stack.times.size > 1 else 0.0
    low, high = floor + 1e-9, 1.0 - 1e-9

    def at(x: FloatArray) -> tuple[float, float]:
        share = 1.0 / (1.0 + math.exp(-min(max(float(x[1]), -40.0), 40.0)))
        return math.exp(min(max(float(x[0]), -40.0), 20.0)), low + (high - low) * share

    def loss(x: FloatArray) -> tuple[float, FloatArray]:
        tau2, rho = at(x)
        value, slope = stack.value_and_slope(tau2, rho, structure, restricted=restricted)
        chain = np.array([tau2, (rho - low) * (high - rho) / (high - low)])
        return -value, -slope * chain

    grid = [np.array([math.log(t), r]) for t in (0.002, 0.02, 0.1, 0.5) for r in (-2.0, 0.0, 2.0, 4.0)]
    grid.sort(key=lambda x: loss(x)[0])
    starts = [grid[0], next(x for x in grid if x[0] != grid[0][0])]
    best = min((minimize(loss, s, jac=True, method="BFGS", options={"gtol": 1e-7}) for s in starts), key=lambda f: float(f.fun))
    tau2, rho = at(best.x)
    at_zero = stack.fit(0.0, rho, structure, restricted=restricted)[0]
    if at_zero >= -float(best.fun):
        return 0.0, rho
    values = [stack.fit(tau2, r, structure, restricted=restricted)[0] for r in (0.0, 0.5, 0.9)]
    return tau2, 0.0 if max(values) - min(values) < 1e-9 * max(1.0, abs(values[0])) else rho


def interval_at(result: SeveralTimes, time: float) -> tuple[float, Interval]:
    """The pooled survival and its interval at one of the result's times; :class:`DataError` if it is not one."""
    found = np.flatnonzero(np.isclose(result.times, time))
    if not found.size:
        raise DataError(f"time = {time:g}", rule=f"must be one of {', '.join(f'{t:g}' for t in result.times)} years")
    j = int(found[0])
    return float(result.survival[j]), Interval(low=float(result.low[j]), high=float(result.high[j]), level=result.level)
