"""What two groups of patients differ by, from one version of the data or from several joined by Rubin's rules.

Each effect is computed in every version and combined on the scale where it is nearest to normal: S(t) of an arm on the
complementary log-log scale, log hazard ratio, difference of RMST, cure fraction of an arm on the logit scale. Differences of two
arms then square and add the arms' own limits (MOVER, as :mod:`nextarm.borrowing.landmark`). With weights every variance is
robust (the weights taken as known); the cure model takes weights scaled to the effective sample size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nextarm.borrowing.balancing import effective_size
from nextarm.borrowing.landmark import LandmarkComparison, compare_landmarks, square_and_add
from nextarm.core.errors import NextarmError, RefusedError
from nextarm.core.result import Interval, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival import Combined, Patients, combine_versions, cox, fit_model, kaplan_meier, rmst_difference
from nextarm.survival.limits import normal_quantile
from nextarm.survival.table import replaced
from nextarm.synthesis.estimates import StudyEstimate

ARMS: tuple[str, str] = ("control", "treated")


@record
class Effect:
    """One effect of treated against control with its interval; ``p`` is two-sided.

    ``treated`` and ``control`` are the arms' own values where the effect has them. ``rebuilt_share`` is the part of the variance
    that comes from not knowing the patients exactly (between versions); None with one version.
    """

    measure: str
    time: float | None
    treated: float | None
    control: float | None
    estimate: float
    ci: Interval
    p: float
    standard_error: float | None
    rebuilt_share: float | None


Pair = tuple[Patients, Patients]


def one_arm(patients: Patients, name: str) -> Patients:
    """The patients as a single arm called ``name``, events of any cause as events."""
    return replaced(
        patients,
        arm=np.zeros(patients.n, np.int64),
        arms=(name,),
        event=(patients.event > 0).astype(np.int64),
        causes=("event",),
        stratum=None,
    )


def joined(treated: Patients, control: Patients) -> Patients:
    """Both groups in one table, arms ``control`` and ``treated``."""

    def part(a: FloatArray | None, b: FloatArray | None, missing: float) -> FloatArray | None:
        if a is None and b is None:
            return None
        parts = (np.full(control.n, missing) if a is None else a, np.full(treated.n, missing) if b is None else b)
        return np.concatenate(parts)

    return Patients(
        time=np.r_[control.time, treated.time],
        event=(np.r_[control.event, treated.event] > 0).astype(np.int64),
        arm=np.r_[np.zeros(control.n, np.int64), np.ones(treated.n, np.int64)],
        arms=ARMS,
        entry=part(control.entry, treated.entry, 0.0),
        weight=part(control.weight, treated.weight, 1.0),
        time_origin=treated.time_origin,
    )


def milestone(
    pairs: Sequence[Pair], time: float, *, endpoint: str, labels: tuple[str, str], level: float, base: Trail
) -> LandmarkComparison:
    """S(``time``) of both arms compared; :class:`RefusedError` where an arm's follow-up ends before."""
    arms = [_survival([p[i] for p in pairs], time, labels[i], level) for i in (0, 1)]
    found = compare_landmarks(arms[0][0], arms[1][0], endpoint=endpoint, level=level, base=base)
    words = f"Kaplan-Meier at {time:g} years" + (f", {len(pairs)} versions joined by Rubin's rules" if len(pairs) > 1 else "")
    said = tuple(dict.fromkeys((*found.warnings, *arms[0][1], *arms[1][1])))
    return replace(
        found,
        warnings=said,
        treated=replace(found.treated, limits_basis=words, se_basis=words),
        control=replace(found.control, limits_basis=words, se_basis=words),
        trail=replace(
            base,
            method=f"{words}; difference by squaring and adding the arms' own limits, ratio of cumulative hazards on the cloglog scale",
            reference=found.trail.reference,
            assumptions=(*base.assumptions, "the ratio of cumulative hazards is a hazard ratio only under proportional hazards"),
        ),
    )


def _survival(versions: Sequence[Patients], time: float, label: str, level: float) -> tuple[StudyEstimate, tuple[str, ...]]:
    points = []
    for patients in versions:
        curve = kaplan_meier(patients, level=level)
        point = curve.at(time)
        if point.survival is None or point.ci is None:
            raise RefusedError(
                f"{label} is followed for {float(patients.time.max()):.4g} years",
                rule=f"S({time:g}) cannot be estimated beyond the follow-up",
                cure="Choose an earlier milestone",
            )
        points.append((point.survival, point.standard_error or 0.0, point.ci))
    n = versions[0].n
    s, se, ci = points[0]
    notes: tuple[str, ...] = ()
    if len(points) > 1:
        inside = all(0.0 < p[0] < 1.0 and p[1] > 0.0 for p in points)
        if inside:
            y = [math.log(-math.log(p[0])) for p in points]
            v = [(p[1] / (p[0] * math.log(p[0]))) ** 2 for p in points]
            both = combine_versions(y, v, level=level)
            s, low, high = (math.exp(-math.exp(x)) for x in (both.estimate, both.ci.high, both.ci.low))
            se, ci = both.standard_error * abs(s * math.log(s)), Interval(low=low, high=high, level=level)
        else:
            s = float(np.mean([p[0] for p in points]))
            ci = Interval(low=min(p[2].low for p in points), high=max(p[2].high for p in points), level=level)
            se = 0.0
            notes = (f"{label}: S({time:g}) is 0 or 1 in some versions; the widest of their limits is shown",)
    made = StudyEstimate(
        label=label,
        estimate=s,
        se=se if 0.0 < s < 1.0 and se > 0.0 else None,
        ci_low=ci.low,
        ci_high=ci.high,
        ci_level=level,
        n=n,
        time=time,
    )
    return made, notes


def hazard_ratio(pairs: Sequence[Pair], *, level: float) -> tuple[Effect | None, tuple[str, ...]]:
    """Cox hazard ratio, treated to control; None with the reason where an arm has no events."""
    logs, variances = [], []
    for pair in pairs:
        table = joined(*pair)
        falls = [int((g.event > 0).sum()) for g in pair]
        if 0 in falls:
            who = "neither group has" if falls == [0, 0] else f"the {'treated' if falls[0] == 0 else 'control'} have"
            return None, (
                f"{who} no events: no hazard ratio exists" if who[0] == "t" else "no events in either group: no hazard ratio exists",
            )
        fit = cox(table)
        if fit.monotone or not np.isfinite(fit.standard_error[0]):
            return None, ("all events of one group come before those of the other are at risk: no hazard ratio exists",)
        logs.append(float(fit.coefficient[0]))
        variances.append(float(fit.standard_error[0]) ** 2)
    both = _combined(logs, variances, level)
    return (
        Effect(
            measure="hazard ratio",
            time=None,
            treated=None,
            control=None,
            estimate=math.exp(both.estimate),
            ci=Interval(low=math.exp(both.ci.low), high=math.exp(both.ci.high), level=level),
            p=_p(both),
            standard_error=both.standard_error,
            rebuilt_share=_share(both),
        ),
        (),
    )


def rmst_gap(pairs: Sequence[Pair], *, tau: float | None, level: float) -> tuple[Effect, tuple[str, ...]]:
    """Difference in restricted mean survival time, treated minus control, up to ``tau`` (None: the shortest follow-up)."""
    until = tau if tau is not None else min(float(g.time.max()) for pair in pairs for g in pair)
    found = [rmst_difference(joined(*pair), tau=until, arms=ARMS, level=level) for pair in pairs]
    both = _combined([f.difference for f in found], [f.standard_error**2 for f in found], level)
    effect = Effect(
        measure="RMST difference, years",
        time=until,
        treated=float(np.mean([f.rmst[1] for f in found])),
        control=float(np.mean([f.rmst[0] for f in found])),
        estimate=both.estimate,
        ci=both.ci,
        p=_p(both),
        standard_error=both.standard_error,
        rebuilt_share=_share(both),
    )
    return effect, tuple(dict.fromkeys(w for f in found for w in f.warnings))


def cure_gap(pairs: Sequence[Pair], *, model: str, level: float) -> tuple[Effect | None, tuple[str, ...]]:
    """Difference in cure fraction under ``model`` (a mixture-cure model); None with the reason where it is not determined."""
    arms = []
    for i, name in ((0, "treated"), (1, "control")):
        logits, variances = [], []
        for pair in pairs:
            try:
                found = fit_model(_counted(pair[i]), model=model, profile=False, level=level).parameter("cure_fraction")
            except NextarmError as error:
                if len(pairs) == 1:
                    return None, (f"no cure fraction of the {name}: {error}",)
                continue
            c, se = found.estimate, found.standard_error
            if se is None or not 1e-6 < c < 1.0 - 1e-6:
                continue
            logits.append(math.log(c / (1.0 - c)))
            variances.append((se / (c * (1.0 - c))) ** 2)
        if len(logits) < max(1, len(pairs) // 2):
            return None, (f"the data of the {name} do not determine a cure fraction under {model}",)
        arms.append(_combined(logits, variances, level))
    natural = [tuple(1.0 / (1.0 + math.exp(-x)) for x in (a.estimate, a.ci.low, a.ci.high)) for a in arms]
    (c1, l1, u1), (c0, l0, u0) = natural
    low, high = square_and_add(c1, (l1, u1), c0, (l0, u0))
    gap = c1 - c0
    half = gap - low if gap >= 0.0 else high - gap
    z = normal_quantile(0.5 + level / 2.0)
    shares = [s for s in (_share(a) for a in arms) if s is not None]
    notes = (
        (f"the cure fractions hold under {model} with enough follow-up; the interval is {high - low:.2f} wide",) if high - low > 0.5 else ()
    )
    return (
        Effect(
            measure="cure-fraction difference",
            time=None,
            treated=c1,
            control=c0,
            estimate=gap,
            ci=Interval(low=max(low, -1.0), high=min(high, 1.0), level=level),
            p=math.erfc(abs(z * gap / half) / math.sqrt(2.0)) if half > 0.0 else 1.0,
            standard_error=None,
            rebuilt_share=max(shares) if shares else None,
        ),
        notes,
    )


def _counted(patients: Patients) -> Patients:
    """Weights scaled to sum to the effective sample size: a likelihood counts weights as patients."""
    if patients.weight is None:
        return patients
    return replaced(patients, weight=patients.weight * (effective_size(patients.weight) / patients.weight.sum()))


def _combined(estimates: list[float], variances: list[float], level: float) -> Combined:
    if len(estimates) > 1:
        return combine_versions(estimates, variances, level=level)
    se = math.sqrt(variances[0])
    reach = normal_quantile(0.5 + level / 2.0) * se
    value = estimates[0]
    ci = Interval(low=value - reach, high=value + reach, level=level)
    return Combined(estimate=value, standard_error=se, ci=ci, within_se=se, between_sd=0.0, versions=1, df=None)


def _p(both: Combined) -> float:
    if both.standard_error == 0.0:
        return 1.0
    z = abs(both.estimate) / both.standard_error
    if both.df is None:
        return math.erfc(z / math.sqrt(2.0))
    from scipy.special import stdtr

    return 2.0 * float(stdtr(both.df, -z))


def _share(both: Combined) -> float | None:
    if both.versions < 2:
        return None
    total = both.standard_error**2
    return 1.0 - both.within_se**2 / total if total > 0.0 else 0.0
