"""The Nelson-Aalen estimate of the cumulative hazard.

H(t) = sum of d_j / n_j, variance sum of d_j / n_j^2 (Poisson form, as R survival), or the infinitesimal jackknife when
patients carry weights. Aalen 1978, doi 10.1214/aos/1176344247.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival.influence import cumulative_hazard_variance
from nextarm.survival.limits import normal_quantile
from nextarm.survival.risk_table import last_row_at, risk_table
from nextarm.survival.selection import chosen, require_level, require_times, truncation_warnings
from nextarm.survival.table import Patients

if TYPE_CHECKING:
    import polars as pl


@record
class NelsonAalen(Result):
    """The cumulative hazard at all distinct times, with standard error and limits on the log or plain scale."""

    arm: str
    origin: str
    n: int
    n_events: int
    level: float
    interval: str
    variance: str
    time: FloatArray
    cumulative_hazard: FloatArray
    standard_error: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    at_risk: FloatArray
    events: FloatArray

    def cumulative_hazard_at(self, times: FloatArray | float) -> FloatArray:
        """H at ``times`` (years); NaN beyond the last follow-up."""
        t = require_times(times)
        values = np.concatenate([[0.0], self.cumulative_hazard])[last_row_at(self.time, t) + 1]
        return np.where(t > self.time[-1], np.nan, values)

    def table(self) -> pl.DataFrame:
        """One row a distinct time."""
        import polars as pl

        names = ("time", "at_risk", "events", "cumulative_hazard", "standard_error", "ci_low", "ci_high")
        return pl.DataFrame({k: getattr(self, k) for k in names})


def nelson_aalen(
    patients: Patients,
    *,
    arm: str | None = None,
    level: float = 0.95,
    interval: Literal["log", "plain"] = "log",
    variance: Literal["auto", "poisson", "robust"] = "auto",
) -> NelsonAalen:
    """Estimate the cumulative hazard of one arm (or of all patients when ``arm`` is None).

    Before the first event H is 0 with limits from 0 to -log of the exact lower limit of S: with n at risk after t and no
    event, (2 / (1 - level)) logged over n.

    >>> from nextarm.survival import make_patients
    >>> nelson_aalen(make_patients([1, 2, 4], [1, 0, 1])).cumulative_hazard.round(6).tolist()
    [0.333333, 0.333333, 1.333333]
    """
    require_level(level)
    if interval not in ("log", "plain") or variance not in ("auto", "poisson", "robust"):
        raise CallError(f"interval = {interval!r}, variance = {variance!r}", rule="see the documentation for the names")
    group, name, notes = chosen(patients, arm)
    table = risk_table(group.time, (group.event > 0).astype(np.int64), weight=group.weight, entry=group.entry)
    n, d, c = table.at_risk[:, 0], table.falls[:, 0], table.censored[:, 0]
    H = np.cumsum(np.divide(d, n, out=np.zeros_like(n), where=n > 0.0))
    used = ("robust" if group.weight is not None else "poisson") if variance == "auto" else variance
    square = np.cumsum(np.divide(d, n**2, out=np.zeros_like(n), where=n > 0.0))
    se = np.sqrt(square if used == "poisson" else cumulative_hazard_variance(table, group))
    z = normal_quantile(0.5 + level / 2.0)
    some = H > 0.0
    shift = np.exp(z * np.divide(se, H, out=np.zeros_like(H), where=some))
    low, high = (H / shift, H * shift) if interval == "log" else (np.maximum(H - z * se, 0.0), H + z * se)
    scale = 1.0 if group.weight is None else float(group.weight.sum() / (group.weight**2).sum())
    after = np.maximum(n - d - c, 0.0) * scale
    exact = np.divide(-np.log((1.0 - level) / 2.0), after, out=np.full_like(n, np.nan), where=after > 0.0)
    return NelsonAalen(
        trail=Trail(f"Nelson-Aalen, {interval} limits", "10.1214/aos/1176344247"),
        warnings=notes + truncation_warnings(table, group),
        arm=name,
        origin=group.origin,
        n=group.n,
        n_events=group.events,
        level=level,
        interval=interval,
        variance=used,
        time=table.time,
        cumulative_hazard=H,
        standard_error=se,
        ci_low=np.where(some, low, 0.0),
        ci_high=np.where(some, high, exact),
        at_risk=n,
        events=d,
    )
