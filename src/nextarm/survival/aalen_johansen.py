"""Cumulative incidence of competing events by Aalen and Johansen, for any number of causes.

F_k(t) = sum over t_j <= t of S(t_j-) d_kj / n_j with S the Kaplan-Meier of any event. Variance by the infinitesimal
jackknife (as R survival; default) or by Aalen's formula (as cmprsk). Aalen and Johansen 1978, SJS 5:141; Aalen 1978,
doi 10.1214/aos/1176344198.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival.influence import incidence_variance
from nextarm.survival.kaplan_meier import product_limit
from nextarm.survival.limits import normal_quantile
from nextarm.survival.risk_table import RiskTable, last_row_at, risk_table
from nextarm.survival.selection import chosen, require_level, require_times, truncation_warnings
from nextarm.survival.table import Patients

if TYPE_CHECKING:
    import polars as pl


@record
class AalenJohansen(Result):
    """Cumulative incidences at all distinct times: arrays (J, K), one column a cause.

    ``incidence.sum(axis=1) + survival`` is 1 at every time.
    """

    arm: str
    origin: str
    n: int
    causes: tuple[str, ...]
    level: float
    variance: str
    time: FloatArray
    incidence: FloatArray
    standard_error: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    survival: FloatArray
    at_risk: FloatArray
    events: FloatArray

    def cause_index(self, cause: str) -> int:
        """Column of ``cause``; :class:`CallError` lists the causes there are."""
        if cause not in self.causes:
            raise CallError(f"cause = {cause!r}", rule=f"must be one of {', '.join(map(repr, self.causes))}")
        return self.causes.index(cause)

    def incidence_at(self, times: FloatArray | float, cause: str) -> FloatArray:
        """F of ``cause`` at ``times`` (years); NaN beyond the last follow-up unless nobody is left."""
        t = require_times(times)
        F = self.incidence[:, self.cause_index(cause)]
        values = np.concatenate([[0.0], F])[last_row_at(self.time, t) + 1]
        return np.where((t > self.time[-1]) & (self.survival[-1] > 0.0), np.nan, values)

    def table(self) -> pl.DataFrame:
        """One row a cause and distinct time."""
        import polars as pl

        frames = [
            pl.DataFrame(
                {"cause": [cause] * self.time.size, "time": self.time, "at_risk": self.at_risk, "events": self.events[:, k]}
                | {c: getattr(self, c)[:, k] for c in ("incidence", "standard_error", "ci_low", "ci_high")}
            )
            for k, cause in enumerate(self.causes)
        ]
        return pl.concat(frames)


def aalen_johansen(
    patients: Patients,
    *,
    arm: str | None = None,
    level: float = 0.95,
    interval: Literal["log-log", "plain"] = "log-log",
    variance: Literal["robust", "aalen"] = "robust",
) -> AalenJohansen:
    """Estimate the cumulative incidence of every cause in one arm (or in all patients when ``arm`` is None).

    ``interval``: ``log-log`` is F^exp(-+ z se / (F log F)), ``plain`` F -+ z se, cut to [0, 1]. Before the first event of
    a cause F is 0 and its upper limit the exact one for no event among those at risk. Aalen's variance is refused for
    weighted patients.

    >>> from nextarm.survival import make_patients
    >>> made = aalen_johansen(make_patients([1, 2, 3, 4], [1, 2, 0, 1], causes=("relapse", "death")))
    >>> made.incidence.tolist()
    [[0.25, 0.0], [0.25, 0.25], [0.25, 0.25], [0.75, 0.25]]
    """
    require_level(level)
    if interval not in ("log-log", "plain") or variance not in ("robust", "aalen"):
        raise CallError(f"interval = {interval!r}, variance = {variance!r}", rule="see the documentation for the names")
    group, name, notes = chosen(patients, arm)
    if variance == "aalen" and group.weight is not None:
        raise CallError("variance = 'aalen' with weights", rule="holds for unweighted patients", cure="Use variance='robust'")
    table = risk_table(group.time, group.event, n_causes=len(group.causes), weight=group.weight, entry=group.entry)
    S = product_limit(table)
    before = np.concatenate([[1.0], S[:-1]])
    n, d = table.at_risk[:, 0], table.events[:, 0, :]
    F = np.minimum(np.cumsum(before[:, None] * d / n[:, None], axis=0), 1.0)
    var = incidence_variance(table, group, before, F) if variance == "robust" else _aalen_variance(table, before, S, F)
    se = np.sqrt(np.maximum(var, 0.0))
    scale = 1.0 if group.weight is None else float(group.weight.sum() / (group.weight**2).sum())
    after = np.maximum(n - table.falls[:, 0] - table.censored[:, 0], 0.0) * scale
    low, high = _limits(F, se, after, group.n * scale, interval, level)
    return AalenJohansen(
        trail=Trail(f"Aalen-Johansen, {variance} variance, {interval} limits", "10.1214/aos/1176344198"),
        warnings=notes + truncation_warnings(table, group),
        arm=name,
        origin=group.origin,
        n=group.n,
        causes=group.causes,
        level=level,
        variance=variance,
        time=table.time,
        incidence=F,
        standard_error=se,
        ci_low=low,
        ci_high=high,
        survival=S,
        at_risk=n,
        events=d,
    )


def _aalen_variance(table: RiskTable, before: FloatArray, S: FloatArray, F: FloatArray) -> FloatArray:
    """Aalen's variance as cmprsk has it, ties in each kind of event taken as draws without replacement.

    With D = F(t) - F_j and s(m) = S_j-^2 m (n - m) / (n^2 (n - 1)): sum s(d_k) (1 - D / S_j)^2 + sum s(d_other) (D / S_j)^2, in
    powers of F(t) so that one pass serves all times.
    """
    n, d = table.at_risk[:, 0], table.falls[:, 0]
    made = np.zeros_like(F)
    rest = np.where(n > 1.0, n - 1.0, 1.0)
    inverse = np.divide(1.0, S, out=np.zeros_like(S), where=S > 0.0)
    for k in range(F.shape[1]):
        f = F[:, k]
        own, other = (
            before**2 * m * np.where(n > 1.0, n - m, 1.0) / (n**2 * rest) for m in (table.events[:, 0, k], d - table.events[:, 0, k])
        )
        square, cross = (own + other) * inverse**2, own * inverse
        spread = f**2 * np.cumsum(square) - 2.0 * f * np.cumsum(square * f) + np.cumsum(square * f**2)
        made[:, k] = np.cumsum(own) - 2.0 * (f * np.cumsum(cross) - np.cumsum(cross * f)) + spread
    return made


def _limits(F: FloatArray, se: FloatArray, after: FloatArray, n: float, interval: str, level: float) -> tuple[FloatArray, FloatArray]:
    z = normal_quantile(0.5 + level / 2.0)
    inside = (F > 0.0) & (F < 1.0)
    f = np.where(inside, F, 0.5)
    if interval == "plain":
        low, high = np.clip(f - z * se, 0.0, 1.0), np.clip(f + z * se, 0.0, 1.0)
    else:
        shift = np.exp(z * se / (f * -np.log(f)))
        low, high = f**shift, f ** (1.0 / shift)
    everyone = ((1.0 - level) / 2.0) ** (1.0 / n)
    none = -np.expm1(np.log((1.0 - level) / 2.0) / np.where(after > 0.0, after, np.nan))
    exact = np.where(np.isnan(none), 1.0, none)[:, None]
    return np.where(inside, low, np.where(F >= 1.0, everyone, 0.0)), np.where(inside, high, np.where(F >= 1.0, 1.0, exact))
