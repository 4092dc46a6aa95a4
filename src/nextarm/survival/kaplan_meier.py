"""The Kaplan-Meier estimate of one arm, with limits, quantiles and numbers at risk.

S(t) = prod over event times t_j <= t of (1 - d_j / n_j); variance by Greenwood's formula, or by the infinitesimal
jackknife when patients carry weights (the default then, since weights are rarely counts). Kaplan and Meier 1958, doi
10.1080/01621459.1958.10501452.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.influence import log_survival_variance
from nextarm.survival.limits import IntervalKind, pointwise_limits
from nextarm.survival.quantiles import SurvivalQuantile, curve_quantile
from nextarm.survival.risk_table import RiskTable, last_row_at, risk_table
from nextarm.survival.selection import chosen, require_level, require_times, truncation_warnings
from nextarm.survival.table import Patients

if TYPE_CHECKING:
    import polars as pl

Variance = Literal["auto", "greenwood", "robust"]
Convention = Literal["before", "after"]


@record
class SurvivalAt(Result):
    """S at one time with its limits. ``survival`` is None beyond the last follow-up (unless S has reached 0)."""

    time: float
    survival: float | None
    standard_error: float | None
    ci: Interval | None
    at_risk: float


@record
class KaplanMeier(Result):
    """A survival curve at all distinct times (events and censorings), right-continuous.

    ``standard_error`` is that of S; ``ci_low``, ``ci_high`` are pointwise; ``exact`` marks rows whose limits come from
    the beta product because S is 0 or 1 there. ``at_risk`` counts just before the time, in weight.
    """

    arm: str
    origin: str
    n: int
    n_events: int
    level: float
    interval: str
    variance: str
    time: FloatArray
    survival: FloatArray
    standard_error: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    late_entry: FloatArray
    late_weight: FloatArray
    start_at_risk: float
    effective_scale: float = 1.0

    @property
    def exact(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Rows whose limits come from the beta product."""
        edge: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (self.survival == 0.0) | (self.survival == 1.0)
        return edge | (self.interval == "beta-product")

    @property
    def after(self) -> FloatArray:
        """At risk just after each time (delayed entries at that very time not yet counted)."""
        return np.maximum(self.at_risk - self.events - self.censored, 0.0)

    def survival_at(self, times: FloatArray | float) -> FloatArray:
        """S at ``times`` (years); NaN beyond the last follow-up unless S has reached 0.

        >>> from nextarm.survival import kaplan_meier, make_patients
        >>> kaplan_meier(make_patients([1, 2, 3, 4], [1, 0, 1, 0])).survival_at([0.5, 1, 3.5, 9]).tolist()
        [1.0, 0.75, 0.375, nan]
        """
        t = require_times(times)
        values = np.concatenate([[1.0], self.survival])[last_row_at(self.time, t) + 1]
        return np.where((t > self.time[-1]) & (self.survival[-1] > 0.0), np.nan, values)

    def at(self, time: float) -> SurvivalAt:
        """S at one time with standard error, limits and the number at risk just before it."""
        t = float(require_times(time, "time")[0])
        row = int(last_row_at(self.time, np.array([t]))[0])
        trail = Trail(f"{self.trail.method}, read at {t:g} years", self.trail.reference)
        risk = float(self.at_risk_at(t)[0])
        s = float(self.survival_at(t)[0])
        if s != s:
            note = f"the last patient was seen at {self.time[-1]:.6g} years; S({t:g}) cannot be estimated"
            return SurvivalAt(trail=trail, warnings=(note,), time=t, survival=None, standard_error=None, ci=None, at_risk=risk)
        if row < 0:
            low = ((1.0 - self.level) / 2.0) ** (1.0 / (self.start_at_risk * self.effective_scale))
            ci, se = Interval(low=low, high=1.0, level=self.level), 0.0
        else:
            ci = Interval(low=float(self.ci_low[row]), high=float(self.ci_high[row]), level=self.level)
            se = float(self.standard_error[row])
        return SurvivalAt(trail=trail, time=t, survival=s, standard_error=se, ci=ci, at_risk=risk)

    def at_risk_at(self, times: FloatArray | float, convention: Convention = "before") -> FloatArray:
        """Number (weight) at risk: ``before`` counts those whose time is at or after t, ``after`` those beyond t."""
        t = require_times(times)
        if convention not in ("before", "after"):
            raise CallError(f"convention = {convention!r}", rule="must be 'before' or 'after'")
        side: Literal["left", "right"] = "left" if convention == "before" else "right"
        gone = _sum_from(self.time, self.events + self.censored, t, side)
        return np.maximum(gone - _sum_from(self.late_entry, self.late_weight, t, side), 0.0)

    def quantile(self, p: float) -> SurvivalQuantile:
        """The time by which a share ``p`` has had the event, with limits by inversion (Brookmeyer and Crowley 1982)."""
        return curve_quantile(self.time, self.survival, self.ci_low, self.ci_high, p=p, level=self.level, what=self.trail.method)

    @property
    def median(self) -> SurvivalQuantile:
        """The median survival time with its limits."""
        return self.quantile(0.5)

    def table(self) -> pl.DataFrame:
        """One row a distinct time."""
        import polars as pl

        names = ("time", "at_risk", "events", "censored", "survival", "standard_error", "ci_low", "ci_high")
        return pl.DataFrame({k: getattr(self, k) for k in names})


def _sum_from(grid: FloatArray, values: FloatArray, t: FloatArray, side: Literal["left", "right"]) -> FloatArray:
    """Sum of ``values`` at grid times at or beyond (left) or beyond (right) each ``t``."""
    total: FloatArray = np.concatenate([np.cumsum(values[::-1])[::-1], [0.0]])[np.searchsorted(grid, t, side=side)]
    return total


def kaplan_meier(
    patients: Patients,
    *,
    arm: str | None = None,
    level: float = 0.95,
    interval: IntervalKind = "log-log",
    variance: Variance = "auto",
) -> KaplanMeier:
    """Estimate the survival curve of one arm (or of all patients together when ``arm`` is None).

    ``interval`` is the scale of the pointwise limits (``log-log``, ``log``, ``plain``) or ``beta-product``; where S is 0
    or 1 the beta product is always used. ``variance``: ``greenwood``, ``robust`` (infinitesimal jackknife), or ``auto``:
    robust when there are weights. Delayed entry and weights are taken from the table. Warns where a risk set empties
    under delayed entry; raises :class:`CallError` for an unknown arm or level.

    >>> from nextarm.survival import make_patients
    >>> km = kaplan_meier(make_patients([1, 2, 3, 4], [1, 0, 1, 0]))
    >>> km.survival.tolist(), km.median.time
    ([0.75, 0.75, 0.375, 0.375], 3.0)
    """
    require_level(level)
    group, name, notes = chosen(patients, arm)
    table = risk_table(group.time, (group.event > 0).astype(np.int64), weight=group.weight, entry=group.entry)
    if variance not in ("auto", "greenwood", "robust"):
        raise CallError(f"variance = {variance!r}", rule="must be 'auto', 'greenwood' or 'robust'")
    used = ("robust" if group.weight is not None else "greenwood") if variance == "auto" else variance
    return _curve(group, name, table, level=level, interval=interval, variance=used, notes=notes + truncation_warnings(table, group))


def kaplan_meier_arrays(time: FloatArray, event: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct times, S and its Greenwood standard error straight from arrays: no record, no weights, no delayed entry.

    For loops over many data sets and for millions of patients (linear in memory); :func:`kaplan_meier` says the same with
    limits and a trail. The standard error is NaN where everyone left falls.

    >>> times, S, se = kaplan_meier_arrays(np.array([1.0, 2, 3, 4]), np.array([1, 0, 1, 0]))
    >>> S.tolist()
    [0.75, 0.75, 0.375, 0.375]
    """
    from nextarm.survival.kernels import km_curve

    if not len(time) == len(event) > 0:
        raise CallError("time and event differ in length or are empty", rule="must have one value a patient")
    times, _, _, S, variance = km_curve(time.argsort(), time, event)
    if times[-1] != times[-1]:
        raise CallError("time holds NaN", rule="must be numbers")
    return times, S, S * np.sqrt(variance)


def product_limit(table: RiskTable) -> FloatArray:
    """S at the rows of a one-group table."""
    n, d = table.at_risk[:, 0], table.falls[:, 0]
    factor: FloatArray = np.divide(n - d, n, out=np.ones_like(n), where=n > 0.0)
    return np.asarray(np.cumprod(factor), np.float64)


def greenwood_sum(table: RiskTable) -> FloatArray:
    """Running sum of d / (n (n - d)); infinite terms (all at risk fall) are left out, S being 0 there."""
    n, d = table.at_risk[:, 0], table.falls[:, 0]
    return np.cumsum(np.divide(d, n * (n - d), out=np.zeros_like(n), where=n > d))


def _curve(
    group: Patients, name: str, table: RiskTable, *, level: float, interval: str, variance: str, notes: tuple[str, ...]
) -> KaplanMeier:
    S = product_limit(table)
    n, d, c = table.at_risk[:, 0], table.falls[:, 0], table.censored[:, 0]
    relative = np.sqrt(greenwood_sum(table) if variance == "greenwood" else log_survival_variance(table, group))
    scale = 1.0 if group.weight is None else float(group.weight.sum() / (group.weight**2).sum())
    after = np.maximum(n - d - c, 0.0)
    low, high = pointwise_limits(S, relative, n * scale, d * scale, after * scale, kind=interval, level=level)
    if not d.any():
        notes = (*notes, "no events: S is 1 throughout and Greenwood has no variance; limits are exact (beta product)")
    late = np.flatnonzero(group.entry > 0.0) if group.entry is not None else np.zeros(0, np.int64)
    entries = np.zeros(0) if group.entry is None else group.entry[late]
    entry_weights = np.ones(late.size) if group.weight is None else group.weight[late]
    order = np.argsort(entries, kind="stable")
    how = f"Kaplan-Meier, {interval} limits" + (", robust variance" if variance == "robust" else "")
    return KaplanMeier(
        trail=Trail(how, "10.1080/01621459.1958.10501452"),
        warnings=notes,
        arm=name,
        origin=group.origin,
        n=group.n,
        n_events=group.events,
        level=level,
        interval=interval,
        variance=variance,
        time=table.time,
        survival=S,
        standard_error=S * relative,
        ci_low=low,
        ci_high=high,
        at_risk=n,
        events=d,
        censored=c,
        late_entry=entries[order],
        late_weight=entry_weights[order],
        start_at_risk=max(float(n[0]), 1.0),
        effective_scale=scale,
    )
