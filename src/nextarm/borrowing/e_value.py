"""E-values: how strongly an unmeasured confounder must act on both treatment and outcome to explain a ratio away.

For a risk ratio above 1, ``E = RR + sqrt(RR (RR - 1))``; below 1 its inverse is used (VanderWeele & Ding 2017, doi
10.7326/M16-2607). The E-value of an interval is that of its limit nearer to 1, and 1 where the interval holds 1. A hazard
ratio stands for a risk ratio where the event is rare (below 15 % at the end of follow-up); where it is common,
``RR = (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1/HR))`` (VanderWeele 2020, doi 10.1111/biom.13197).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

from nextarm.borrowing.landmark import LandmarkComparison
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import require_positive

_REFERENCE = "10.7326/M16-2607"
#: A share of events above which an outcome counts as common.
RARE = 0.15


@record
class EValue(Result):
    """E-values of an estimate and of its interval, with the risk ratios they were computed from."""

    ratio: float
    form: str
    risk_ratio: float
    e_value: float
    risk_ratio_limit: float | None
    e_value_limit: float | None

    shown: ClassVar[tuple[str, ...]] = ("ratio", "form", "risk_ratio", "e_value", "risk_ratio_limit", "e_value_limit")


def e_value_of(risk_ratio: float) -> float:
    """The E-value of a risk ratio.

    >>> round(e_value_of(3.9), 2), round(e_value_of(0.8), 2)
    (7.26, 1.81)
    """
    require_positive(risk_ratio, "risk_ratio")
    above = max(risk_ratio, 1.0 / risk_ratio)
    return above + math.sqrt(above * (above - 1.0))


def risk_ratio_of(hazard_ratio: float, *, rare: bool) -> float:
    """The risk ratio that a hazard ratio stands for: itself for a rare event, VanderWeele's form for a common one.

    >>> round(risk_ratio_of(0.56, rare=False), 4)
    0.6701
    """
    root = math.sqrt(require_positive(hazard_ratio, "hazard_ratio"))
    return hazard_ratio if rare else math.expm1(-root * math.log(2.0)) / math.expm1(-math.log(2.0) / root)


def e_value(
    comparison: LandmarkComparison | None = None,
    *,
    ratio: float | None = None,
    ci: tuple[float, float] | None = None,
    measure: str = "hazard-ratio",
    rare: bool | None = None,
) -> EValue:
    """E-value of a hazard or risk ratio and of its interval.

    Give a comparison (then ``rare`` follows from the arms' share of events unless said), or ``ratio`` with its
    ``ci``; ``measure`` is ``hazard-ratio`` or ``risk-ratio``; for a plain hazard ratio ``rare`` must be said.

    Raises :class:`RefusedError` where the comparison has no ratio, :class:`CallError` for a ratio outside its interval.

    >>> e_value(ratio=10.73, ci=(8.02, 14.36), measure="risk-ratio").e_value_limit  # doctest: +ELLIPSIS
    15.523...
    """
    before = comparison.trail if comparison is not None else Trail(method="")
    if comparison is not None:
        if comparison.cumulative_hazard_ratio is None or comparison.ratio_ci is None:
            raise RefusedError("the comparison has no ratio of cumulative hazards", rule="an arm's survival is 0 or 1")
        ratio, ci = comparison.cumulative_hazard_ratio, (comparison.ratio_ci.low, comparison.ratio_ci.high)
        measure = "hazard-ratio"
        if rare is None:
            rare = min(comparison.control.survival, comparison.treated.survival) >= 1.0 - RARE
    if ratio is None:
        raise CallError("no ratio", rule="give a comparison or a ratio")
    if measure not in ("hazard-ratio", "risk-ratio"):
        raise CallError(f"measure = {measure!r}", rule="must be hazard-ratio or risk-ratio")
    if measure == "hazard-ratio" and rare is None:
        raise CallError("rare is not said", rule="whether the event is rare (below 15 %) decides the form", cure="Give rare=True or False")
    form = "risk ratio" if measure == "risk-ratio" else "hazard ratio, rare event" if rare else "hazard ratio, common event"

    def converted(x: float) -> float:
        return require_positive(x, "ratio") if measure == "risk-ratio" else risk_ratio_of(x, rare=bool(rare))

    risk_ratio = converted(ratio)
    limit: float | None = None
    if ci is not None:
        low, high = ci
        if not 0.0 < low <= ratio <= high:
            raise CallError(f"interval {low:g} to {high:g}", rule=f"must be above 0 and hold the ratio {ratio:g}")
        limit = 1.0 if low <= 1.0 <= high else converted(low if low > 1.0 else high)
    return EValue(
        trail=replace(before, method=f"E-value for unmeasured confounding, {form}", reference=_REFERENCE),
        warnings=comparison.warnings if comparison is not None else (),
        ratio=ratio,
        form=form,
        risk_ratio=risk_ratio,
        e_value=e_value_of(risk_ratio),
        risk_ratio_limit=limit,
        e_value_limit=e_value_of(limit) if limit is not None else None,
    )
