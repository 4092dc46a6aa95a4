"""Difference of two survival curves at one time, with an interval and p that stay honest near S = 1.

Default interval: the square-and-add method (Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I;
Zou and Donner 2008, doi 10.1002/sim.3095) on each arm's own limits, which are log-log limits inside (0, 1) and beta-product
limits at S = 0 or 1; its p is the level at which the interval meets 0. ``plain`` is the Wald interval with Greenwood's
variances. The log-log test of Klein et al. 2007 (doi 10.1002/sim.2864) is given beside where it exists.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import require_positive
from nextarm.survival.kaplan_meier import KaplanMeier, SurvivalAt, kaplan_meier
from nextarm.survival.limits import normal_quantile, pointwise_limits
from nextarm.survival.rank_scores import normal_below
from nextarm.survival.risk_table import last_row_at
from nextarm.survival.roots import brentq
from nextarm.survival.selection import require_level, two_arms
from nextarm.survival.table import Patients


@record
class MilestoneDifference(Result):
    """S of the second arm minus S of the first at ``milestone`` years.

    ``p_one_sided`` is the p value for "the second arm survives more". ``log_log_p`` is the two-sided p of the log-log
    test, None where a curve is at 0 or 1.
    """

    arms: tuple[str, str]
    milestone: float
    survival: tuple[float, float]
    standard_error: tuple[float, float]
    difference: float
    ci: Interval
    method: str
    p_value: float
    p_one_sided: float
    log_log_p: float | None


def milestone_difference(
    patients: Patients,
    *,
    milestone: float,
    arms: tuple[str, str] | None = None,
    method: Literal["square-and-add", "plain"] = "square-and-add",
    level: float = 0.95,
) -> MilestoneDifference:
    """Compare two arms at ``milestone`` years (second minus first).

    Refused where an arm's follow-up ends before the milestone with S above 0.

    >>> from nextarm.survival import make_patients
    >>> p = make_patients([1, 2, 3, 4, 1, 4, 4, 4], [1, 1, 1, 0, 1, 0, 0, 0], arm=list("aaaabbbb"))
    >>> milestone_difference(p, milestone=3.0, method="plain").difference
    0.5
    """
    require_level(level)
    require_positive(milestone, "milestone", "years")
    if method not in ("square-and-add", "plain"):
        raise CallError(f"method = {method!r}", rule="must be 'square-and-add' or 'plain'")
    names = two_arms(patients, arms)
    curves = [kaplan_meier(patients, arm=a, level=level) for a in names]
    points = [c.at(milestone) for c in curves]
    for point, name in zip(points, names, strict=True):
        if point.survival is None:
            raise RefusedError(
                f"milestone = {milestone:g} years", rule=f"the follow-up of arm {name!r} ends before", cure="Give an earlier time"
            )
    (s0, v0), (s1, v1) = (_value(point) for point in points)
    notes = tuple(w for c in curves for w in c.warnings)
    if method == "plain":
        se = math.hypot(v0, v1)
        ci = _wald(s1 - s0, se, level)
        z = (s1 - s0) / se if se > 0.0 else 0.0
        p_low = normal_below(-z)
        if v0 == 0.0 or v1 == 0.0:
            notes = (*notes, "Greenwood has no variance in an arm; prefer method='square-and-add'")
    else:
        low, high = _square_and_add(curves, milestone, level)
        ci = Interval(low=low, high=high, level=level)
        p_low = _p_by_inversion(curves, milestone)
    return MilestoneDifference(
        trail=Trail(
            f"survival difference at {milestone:g} years, {method}", "10.1002/sim.3095" if method != "plain" else "10.1002/sim.2864"
        ),
        warnings=notes,
        arms=names,
        milestone=milestone,
        survival=(s0, s1),
        standard_error=(v0, v1),
        difference=s1 - s0,
        ci=ci,
        method=method,
        p_value=min(2.0 * min(p_low, 1.0 - p_low), 1.0),
        p_one_sided=p_low,
        log_log_p=_log_log_p(s0, v0, s1, v1),
    )


def _value(point: SurvivalAt) -> tuple[float, float]:
    return (point.survival if point.survival is not None else math.nan), point.standard_error or 0.0


def _wald(gap: float, se: float, level: float) -> Interval:
    reach = normal_quantile(0.5 + level / 2.0) * se
    return Interval(low=max(gap - reach, -1.0), high=min(gap + reach, 1.0), level=level)


def _limits(curve: KaplanMeier, t: float, level: float) -> tuple[float, float, float]:
    """S and its limits at another level than the curve's own."""
    row = int(last_row_at(curve.time, np.array([t]))[0])
    if row < 0:
        return 1.0, ((1.0 - level) / 2.0) ** (1.0 / (curve.start_at_risk * curve.effective_scale)), 1.0
    S = curve.survival
    relative = np.divide(curve.standard_error, S, out=np.zeros_like(S), where=S > 0.0)
    k, upto = curve.effective_scale, slice(0, row + 1)
    counts = (a[upto] * k for a in (curve.at_risk, curve.events, curve.after))
    low, high = pointwise_limits(S[upto], relative[upto], *counts, kind="log-log", level=level)
    return float(S[row]), float(low[-1]), float(high[-1])


def _square_and_add(curves: list[KaplanMeier], t: float, level: float) -> tuple[float, float]:
    (a, a_low, a_high), (b, b_low, b_high) = (_limits(c, t, level) for c in curves)
    gap = b - a
    return max(gap - math.hypot(b - b_low, a_high - a), -1.0), min(gap + math.hypot(b_high - b, a - a_low), 1.0)


def _p_by_inversion(curves: list[KaplanMeier], t: float) -> float:
    """One-sided p of "second arm above first": half of one minus the level at which the interval just meets 0."""
    gap = _limits(curves[1], t, 0.5)[0] - _limits(curves[0], t, 0.5)[0]
    if gap == 0.0:
        return 0.5
    side = 0 if gap > 0.0 else 1

    def edge(z: float) -> float:
        return _square_and_add(curves, t, 1.0 - 2.0 * normal_below(-z))[side]

    top = 7.0
    if edge(top) * gap > 0.0:
        tail = normal_below(-top)
    else:
        tail = normal_below(-float(brentq(edge, 1e-9, top, xtol=1e-12))) if edge(1e-9) * gap > 0.0 else 0.5
    return tail if gap > 0.0 else 1.0 - tail


def _log_log_p(s0: float, v0: float, s1: float, v1: float) -> float | None:
    if not (0.0 < s0 < 1.0 and 0.0 < s1 < 1.0):
        return None
    gap = math.log(-math.log(s0)) - math.log(-math.log(s1))
    se = math.hypot(v0 / (s0 * math.log(s0)), v1 / (s1 * math.log(s1)))
    return 2.0 * normal_below(-abs(gap / se))
