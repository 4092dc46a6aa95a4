"""Indirect comparison through a common comparator: A against C from patients, B against C as published, A against B by difference.

``log HR_AB = log HR_AC - log HR_BC`` with the variances added (Bucher et al. 1997, J Clin Epidemiol 50). Population adjustment brings
A against C to B's trial: by weighting its patients to the published baseline table (MAIC) or by a Cox model with the covariates
centred there and their interactions with treatment (simulated treatment comparison). Only effect modifiers need to match.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from nextarm.borrowing.covariates import Baseline, Covariates, check_baseline
from nextarm.borrowing.weighting import LEAST_SIZE, Weighting, match_to_baseline
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.random import block_stream
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.survival import Patients, cox
from nextarm.survival.table import one_version, replaced
from nextarm.synthesis.estimates import two_sided_z

METHODS: tuple[str, ...] = ("maic", "stc", "unadjusted")
PURPOSE = 62


@record
class AnchoredComparison(Result):
    """Hazard ratios A:C as observed and adjusted, B:C as published, and A:B; ``ci_*`` are their intervals.

    ``standard_error`` is that of log A:B (robust with weights); ``bootstrap_error`` that of the adjusted log A:C from drawing patients
    again within arms with weights estimated each time, and ``bootstrap_ci`` the interval of A:B with it; None without replicates.
    """

    method: str
    treated: str
    common: str
    n: int
    events: int
    ac_unadjusted: float
    ci_ac_unadjusted: Interval
    ac: float
    ci_ac: Interval
    bc: float
    ci_bc: Interval
    ab: float
    ci_ab: Interval
    p_two_sided: float
    standard_error: float
    bootstrap_error: float | None
    bootstrap_ci: Interval | None
    weighting: Weighting | None

    shown: ClassVar[tuple[str, ...]] = (
        "method", "treated", "common", "n", "events", "ac_unadjusted", "ac", "ci_ac_low", "ci_ac_high", "bc", "ci_bc_low", "ci_bc_high",
        "ab", "ci_ab_low", "ci_ab_high", "p_two_sided", "bootstrap_error",
    )  # fmt: skip


def published_log_ratio(ratio: float, low: float, high: float, *, level: float = 0.95) -> tuple[float, float]:
    """log ratio and its standard error from a printed ratio with limits.

    >>> log_ratio, se = published_log_ratio(0.5, 0.25, 1.0)
    >>> round(log_ratio, 4), round(se, 4)
    (-0.6931, 0.3537)
    """
    if not (0.0 < low < ratio < high and math.isfinite(high)):
        raise CallError(f"published ratio {ratio:g} ({low:g} to {high:g})", rule="must be above 0 and inside its limits")
    return math.log(ratio), (math.log(high) - math.log(low)) / (2.0 * two_sided_z(level))


def anchored_comparison(
    patients: Patients,
    covariates: Covariates,
    baseline: Iterable[Baseline],
    *,
    published: tuple[float, float, float],
    common: str,
    method: str = "maic",
    standard_deviations: bool = False,
    least_size: float = LEAST_SIZE,
    replicates: int = 0,
    seed: int = 1,
    level: float = 0.95,
) -> AnchoredComparison:
    """Compare A (the other arm of ``patients``) with B through their ``common`` arm C.

    ``published`` is the hazard ratio of B to C with its limits at ``level``; ``baseline`` the table of B's trial. Raises
    :class:`CallError` for arms that are not two, :class:`RefusedError` without events or where no weights exist.
    """
    if method not in METHODS:
        raise CallError(f"method = {method!r}", rule=f"must be one of {', '.join(METHODS)}")
    one_version(patients)
    present = [patients.arms[a] for a in np.unique(patients.arm)]
    if common not in patients.arms:
        raise CallError(f"common = {common!r}", rule=f"must be one of {', '.join(map(repr, present))}")
    if len(present) != 2:
        raise CallError(f"{len(present)} arms", rule="an anchored comparison takes patients of two arms: the treated and the common one")
    if covariates.n != patients.n:
        raise CallError(f"covariates have {covariates.n} rows", rule=f"must have one for each of {patients.n} patients")
    treated = next(a for a in present if a != common)
    rows = tuple(baseline)
    arms = np.where(patients.arm == patients.arm_index(common), 0, 1).astype(np.int64)
    table = replaced(patients, arm=arms, arms=(common, treated), event=(patients.event > 0).astype(np.int64), causes=("event",))
    if any(not table.event[arms == a].any() for a in (0, 1)):
        raise RefusedError("an arm has no events", rule="a hazard ratio needs events in both arms")
    z = two_sided_z(level)
    b_bc, se_bc = published_log_ratio(*published, level=level)
    plain = cox(table, robust=False)
    weighting = None
    if method == "maic":
        weighting = match_to_baseline(covariates, rows, standard_deviations=standard_deviations, least_size=least_size)
    b, se = _log_ratio(table, covariates, rows, method, None if weighting is None else weighting.treated)
    spread = None
    if replicates:
        draws = []
        for k in range(replicates):
            rng = block_stream(seed, k, PURPOSE)
            index = np.concatenate([(own := np.flatnonzero(arms == a))[rng.integers(0, own.size, own.size)] for a in (0, 1)])
            try:
                part = covariates.where(index)
                w = (
                    match_to_baseline(part, rows, standard_deviations=standard_deviations, least_size=1.0).treated
                    if method == "maic"
                    else None
                )
                value = _log_ratio(table.where(index), part, rows, method, w)[0]
            except (RefusedError, CallError):
                continue
            if math.isfinite(value):
                draws.append(value)
        if len(draws) < 0.9 * replicates or len(draws) < 2:
            raise RefusedError(
                f"{replicates - len(draws)} of {replicates} replicates have no estimate", rule="the bootstrap does not answer"
            )
        spread = float(np.std(draws, ddof=1))
    b_ab, se_ab = b - b_bc, math.hypot(se, se_bc)
    words = {
        "maic": "patients weighted to the published baseline table (MAIC), robust variance",
        "stc": "Cox model with covariates centred at the published baseline table and their interactions with treatment",
        "unadjusted": "no population adjustment",
    }[method]
    said = [*(weighting.warnings if weighting else ()), *plain.warnings]
    if method == "stc":
        said.append("the regression's ratio is conditional on the covariates, the published one marginal: hazard ratios do not collapse")

    def interval(mid: float, error: float, kind: str = "confidence") -> Interval:
        return Interval(low=math.exp(mid - z * error), high=math.exp(mid + z * error), level=level, kind=kind)

    before, error = float(plain.coefficient[0]), float(plain.standard_error[0])
    return AnchoredComparison(
        trail=Trail(
            method=f"anchored indirect comparison; {words}",
            reference="10.1093/pan/mpr025" if method == "maic" else "",
            assumptions=(
                f"{common} is the same treatment in both trials",
                "no effect modifier differs between the trials" if method == "unadjusted" else
                f"every effect modifier that differs between the trials is among {', '.join(r.covariate for r in rows)}",
            ),
            inputs=(f"published hazard ratio {published[0]:g} ({published[1]:g} to {published[2]:g})",),
            seed=seed if replicates else None,
        ),
        warnings=tuple(dict.fromkeys(said)),
        method=method,
        treated=treated,
        common=common,
        n=table.n,
        events=table.events,
        ac_unadjusted=math.exp(before),
        ci_ac_unadjusted=interval(before, error),
        ac=math.exp(b),
        ci_ac=interval(b, se),
        bc=published[0],
        ci_bc=Interval(low=published[1], high=published[2], level=level),
        ab=math.exp(b_ab),
        ci_ab=interval(b_ab, se_ab),
        p_two_sided=math.erfc(abs(b_ab / se_ab) / math.sqrt(2.0)),
        standard_error=se_ab,
        bootstrap_error=spread,
        bootstrap_ci=None if spread is None else interval(b_ab, math.hypot(spread, se_bc), "bootstrap, normal"),
        weighting=weighting,
    )  # fmt: skip


def _log_ratio(table: Patients, covariates: Covariates, rows: tuple[Baseline, ...], method: str, weights: object) -> tuple[float, float]:
    """log HR of the second arm to the first in the target population, with its standard error."""
    if method == "stc":
        check_baseline(rows, covariates)
        arm = table.arm.astype(float)
        columns = {"arm": arm}
        for r in rows:
            centred = covariates.column(r.covariate) - r.mean
            columns |= {r.covariate: centred, f"arm x {r.covariate}": arm * centred}
        fit = cox(table, covariates=columns, arm=False)
    else:
        fit = cox(table if weights is None else replaced(table, weight=weights))
    if fit.monotone or not np.isfinite(fit.standard_error[0]):
        raise RefusedError(
            "the hazard ratio has no estimate", rule="the likelihood is monotone", cure="Fewer covariates, or another method"
        )
    return float(fit.coefficient[0]), float(fit.standard_error[0])
