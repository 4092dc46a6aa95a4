"""Bootstrap of a weighted comparison: patients drawn again within each group, weights estimated again each time.

The robust variance takes the weights as known; drawing again carries their estimation too. Replicate b uses its own random
stream (:func:`nextarm.core.random.block_stream`), so a replicate is the same whatever else is drawn; with several versions of rebuilt
patients it draws from version b modulo their number, so the reconstruction is carried. Percentile limits (Efron & Tibshirani 1993).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nextarm.borrowing.adjustment import Adjustment, weighted
from nextarm.borrowing.group_effects import joined, one_arm
from nextarm.core.errors import CallError, NextarmError, RefusedError
from nextarm.core.random import block_stream
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival import Patients, cox
from nextarm.survival.kaplan_meier import product_limit
from nextarm.survival.risk_table import risk_table
from nextarm.survival.table import replaced

#: The stream that these draws use.
PURPOSE = 61
#: Share of replicates without an estimate above which there is no interval.
MOST_FAILED = 0.1


@record
class ResampledEffect:
    """One effect: mean and sd of the replicates on the scale ``scale`` and percentile limits on the natural scale."""

    measure: str
    time: float | None
    scale: str
    median: float
    standard_error: float
    ci: Interval
    failed: int


@record
class Resampled(Result):
    """Bootstrap limits of every effect; ``smallest_size`` is the least effective sample size met on the way."""

    replicates: int
    effects: tuple[ResampledEffect, ...]
    smallest_size: float | None

    def effect(self, measure: str) -> ResampledEffect:
        """The effect named ``measure``, such as ``hazard ratio`` or ``S(4) difference``."""
        for e in self.effects:
            if e.measure == measure:
                return e
        raise CallError(f"measure = {measure!r}", rule=f"must be one of {', '.join(e.measure for e in self.effects)}")


def resample_comparison(
    treated: Patients,
    control: Patients,
    *,
    adjust: Adjustment | None = None,
    milestones: Sequence[float] = (),
    replicates: int = 1000,
    seed: int = 1,
    level: float = 0.95,
) -> Resampled:
    """Bootstrap the hazard ratio and the differences at ``milestones`` (years).

    A replicate in which the weights or the effect do not exist counts as failed; :class:`RefusedError` where more than 10 %
    fail, because the rest would be a selection.
    """
    if replicates < 100:
        raise CallError(f"replicates = {replicates}", rule="must be at least 100", cure="1000 is usual")
    pools = [_versions(g) for g in (treated, control)]
    names = ["hazard ratio", *(f"S({t:g}) difference" for t in milestones)]
    draws = np.full((replicates, len(names)), np.nan)
    least = math.inf
    for b in range(replicates):
        rng = block_stream(seed, b, PURPOSE)
        rows = [pool[b % len(pool)] for pool in pools]
        rows = [r[rng.integers(0, r.size, r.size)] for r in rows]
        groups = [
            one_arm(replaced(g.where(r), version=None), n) for g, r, n in zip((treated, control), rows, ("treated", "control"), strict=True)
        ]
        try:
            if adjust is not None:
                made = adjust.weigh(*rows, least_size=1.0)
                least = min(least, *(s for s in (made.treated_size, made.control_size) if s is not None))
                groups = [weighted(g, w) for g, w in zip(groups, (made.treated, made.control), strict=True)]
            draws[b, 0] = _log_ratio(groups[0], groups[1])
            for j, t in enumerate(milestones, start=1):
                draws[b, j] = _survival_at(groups[0], t) - _survival_at(groups[1], t)
        except NextarmError:
            continue
    effects = []
    for j, name in enumerate(names):
        values = draws[np.isfinite(draws[:, j]), j]
        failed = replicates - values.size
        if failed > MOST_FAILED * replicates:
            if j == 0 and len(names) > 1:
                continue
            raise RefusedError(
                f"{name}: {failed} of {replicates} replicates have no estimate",
                rule="the bootstrap does not answer: too few events, or weights that often do not exist",
                cure="Match fewer covariates, or report the robust interval",
            )
        tail = (1.0 - level) / 2.0
        low, middle, high = (float(q) for q in np.quantile(values, [tail, 0.5, 1.0 - tail]))
        back = math.exp if j == 0 else float
        effects.append(
            ResampledEffect(
                measure=name,
                time=None if j == 0 else float(milestones[j - 1]),
                scale="log" if j == 0 else "natural",
                median=back(middle),
                standard_error=float(values.std(ddof=1)),
                ci=Interval(low=back(low), high=back(high), level=level, kind="bootstrap percentile"),
                failed=failed,
            )
        )
    if not effects:
        raise RefusedError("no effect can be resampled", rule="nearly all replicates lack events in a group")
    missing = () if effects[0].measure == names[0] else ("the hazard ratio does not exist in many replicates: no interval for it",)
    return Resampled(
        trail=Trail(
            method=f"bootstrap within groups, {replicates} replicates, weights estimated again in each" if adjust else
            f"bootstrap within groups, {replicates} replicates",
            seed=seed,
        ),
        warnings=missing,
        replicates=replicates,
        effects=tuple(effects),
        smallest_size=least if math.isfinite(least) else None,
    )  # fmt: skip


def _versions(group: Patients) -> list[IntArray]:
    if group.version is None:
        return [np.arange(group.n)]
    return [np.flatnonzero(group.version == v) for v in group.versions]


def _log_ratio(treated: Patients, control: Patients) -> float:
    if not (treated.event.any() and control.event.any()):
        return math.nan
    fit = cox(joined(treated, control), robust=False)
    return math.nan if fit.monotone else float(fit.coefficient[0])


def _survival_at(group: Patients, t: float) -> float:
    """S(t), held at its last value where the draw's follow-up ends before."""
    table = risk_table(group.time, group.event, weight=group.weight, entry=group.entry)
    S: FloatArray = product_limit(table)
    row = int(np.searchsorted(table.time, t, side="right")) - 1
    return 1.0 if row < 0 else float(S[row])
