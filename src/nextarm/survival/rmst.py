"""Restricted mean survival time: the area under the survival curve up to tau, and the difference of two arms.

Variance sum of A_j^2 d_j / (n_j (n_j - d_j)) with A_j the area from t_j to tau (Greenwood's form, as R survival), or the
infinitesimal jackknife where patients carry weights. Royston and Parmar 2013, doi 10.1186/1471-2288-13-152.
"""

from __future__ import annotations

import numpy as np

from nextarm.core.errors import RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, require_positive
from nextarm.survival.influence import at_entry, hazard_parts, passage
from nextarm.survival.kaplan_meier import product_limit
from nextarm.survival.limits import normal_quantile
from nextarm.survival.rank_scores import normal_below
from nextarm.survival.risk_table import RiskTable, risk_table
from nextarm.survival.selection import chosen, require_level, truncation_warnings, two_arms
from nextarm.survival.table import Patients

_REFERENCE = "10.1186/1471-2288-13-152"


@record
class Rmst(Result):
    """The mean time spent event-free up to ``tau`` years."""

    arm: str
    tau: float
    rmst: float
    standard_error: float
    ci: Interval
    variance: str


@record
class RmstDifference(Result):
    """RMST of the second arm minus the first; ``p_one_sided`` is the p value for "the second arm lives longer"."""

    arms: tuple[str, str]
    tau: float
    rmst: tuple[float, float]
    difference: float
    standard_error: float
    ci: Interval
    z: float | None
    p_value: float
    p_one_sided: float


def rmst(patients: Patients, *, tau: float | None = None, arm: str | None = None, level: float = 0.95) -> Rmst:
    """RMST of one arm (or of all patients when ``arm`` is None) up to ``tau`` years.

    ``tau`` None takes the last follow-up. Beyond the last follow-up RMST is refused unless S has reached 0. Limits are
    normal, cut to [0, tau]. Where S is 1 up to tau the variance is nil; a warning says so.

    >>> from nextarm.survival import make_patients
    >>> rmst(make_patients([1, 2, 3, 4], [1, 0, 1, 0]), tau=3.5).rmst
    2.6875
    """
    require_level(level)
    group, name, notes = chosen(patients, arm)
    table = _table(group)
    until = float(table.time[-1]) if tau is None else require_positive(tau, "tau", "years")
    value, se = _area(group, table, until, name)
    notes += truncation_warnings(table, group)
    if se == 0.0:
        notes = (*notes, f"no variation in {name!r} up to {until:g} years: the standard error is 0 and the interval says too little")
    reach = normal_quantile(0.5 + level / 2.0) * se
    return Rmst(
        trail=Trail(f"restricted mean survival time to {until:g} years", _REFERENCE),
        warnings=notes,
        arm=name,
        tau=until,
        rmst=value,
        standard_error=se,
        ci=Interval(low=max(value - reach, 0.0), high=min(value + reach, until), level=level),
        variance="greenwood" if group.weight is None else "robust",
    )


def rmst_difference(
    patients: Patients, *, tau: float | None = None, arms: tuple[str, str] | None = None, level: float = 0.95
) -> RmstDifference:
    """RMST difference, second arm minus first, with a normal interval and p.

    ``tau`` None takes the shorter of the two last follow-ups. Raises as :func:`rmst`.
    """
    require_level(level)
    first, second = two_arms(patients, arms)
    groups = [chosen(patients, a)[0] for a in (first, second)]
    tables = [_table(g) for g in groups]
    until = min(float(t.time[-1]) for t in tables) if tau is None else require_positive(tau, "tau", "years")
    (one, se_one), (two, se_two) = (_area(g, t, until, a) for g, t, a in zip(groups, tables, (first, second), strict=True))
    notes = tuple(w for g, t in zip(groups, tables, strict=True) for w in truncation_warnings(t, g))
    gap, se = two - one, float(np.hypot(se_one, se_two))
    z = gap / se if se > 0.0 else None
    if se_one == 0.0 or se_two == 0.0:
        notes = (*notes, f"an arm has no variation up to {until:g} years: its standard error is 0 and the interval is too narrow")
    reach = normal_quantile(0.5 + level / 2.0) * se
    return RmstDifference(
        trail=Trail(f"difference in restricted mean survival time to {until:g} years", _REFERENCE),
        warnings=notes,
        arms=(first, second),
        tau=until,
        rmst=(one, two),
        difference=gap,
        standard_error=se,
        ci=Interval(low=gap - reach, high=gap + reach, level=level),
        z=z,
        p_value=2.0 * normal_below(-abs(z)) if z is not None else 1.0,
        p_one_sided=normal_below(-z) if z is not None else 0.5,
    )


def _table(group: Patients) -> RiskTable:
    return risk_table(group.time, (group.event > 0).astype(np.int64), weight=group.weight, entry=group.entry)


def _area(group: Patients, table: RiskTable, tau: float, name: str) -> tuple[float, float]:
    """Area under the curve up to tau and its standard error."""
    S = product_limit(table)
    if tau > table.time[-1] and S[-1] > 0.0:
        raise RefusedError(
            f"tau = {tau:g} years for arm {name!r}",
            rule=f"must be within its follow-up of {table.time[-1]:.6g} years",
            cure="Give a shorter tau",
        )
    t = np.minimum(table.time, tau)
    pieces = S * np.diff(np.concatenate([t, [tau]]))
    beyond: FloatArray = np.cumsum(pieces[::-1])[::-1]
    area = float(t[0] + beyond[0])
    use = np.where(table.time <= tau, beyond, 0.0)
    inverse, step = hazard_parts(table)
    if group.weight is None:
        return area, float(np.sqrt(np.sum(use**2 * step)))
    p = passage(table, group)
    Q = np.cumsum(use * step)
    influence = Q[p.leave] - at_entry(Q, p.enter) - (group.event > 0) * (use * inverse)[p.leave]
    return area, float(np.sqrt(np.sum(p.w2 * influence**2)))
