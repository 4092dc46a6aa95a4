"""One-sample log-rank test against a reference curve, fixed or estimated.

O events are observed; E = sum of H_ref(T_i) are expected. Classical: Z = (O - E) / sqrt(E) (Breslow 1975; Finkelstein,
Muzikansky and Schoenfeld 2003, J Natl Cancer Inst 95:1434), which takes the reference as known. Where it was itself estimated,
O - E varies more: for a Nelson-Aalen reference from N_R patients the sampling variance of E is

    integral of Y(s)^2 dN_R(s) / Y_R(s)^2

with Y the new and Y_R the reference patients at risk, and Z = (O - E) / sqrt(E + that) (Danzer, Feld, Faldum and Schmidt,
arXiv 2109.02315; doi 10.1371/journal.pone.0271094). For a parametric reference the variance of E is taken over draws of its
parameters. The corrected test is the default whenever the reference is an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival.nelson_aalen import nelson_aalen
from nextarm.survival.rank_scores import normal_below
from nextarm.survival.selection import chosen
from nextarm.survival.table import Patients

Reference = Literal["auto", "fixed", "estimated"]


class ReferenceCurve(Protocol):
    """Anything with a cumulative hazard: the distributions of ``survival.models`` do."""

    def cumulative_hazard(self, t: Any, /) -> Any:
        """H at times in years."""


@record
class OneSampleLogRank(Result):
    """``z`` below 0: fewer events than the reference predicts; ``p_one_sided`` is the p value for that.

    ``reference_variance`` is the sampling variance of the expected number (0 for a fixed reference) and ``inflation`` the
    factor by which the classical variance falls short. ``standardised_ratio`` is O / E.
    """

    arm: str
    reference: str
    observed: float
    expected: float
    standardised_ratio: float
    reference_variance: float
    inflation: float
    z: float
    p_value: float
    p_one_sided: float


def one_sample_log_rank(
    patients: Patients,
    reference: Patients | ReferenceCurve,
    *,
    arm: str | None = None,
    reference_arm: str | None = None,
    draws: Sequence[ReferenceCurve] = (),
    sampling_error: Reference = "auto",
) -> OneSampleLogRank:
    """Compare one arm with a reference: a curve (with ``draws`` of it where it was estimated) or historical patients.

    ``sampling_error``: ``auto`` corrects where there is anything to correct with (patients, draws), ``estimated`` insists
    on it, ``fixed`` takes the reference as known (classical). Refused where new patients are followed beyond the last
    reference patient, since the reference hazard is unknown there.

    >>> from nextarm.survival import make_patients
    >>> class Rate:
    ...     def cumulative_hazard(self, t):
    ...         return 0.5 * t
    >>> r = one_sample_log_rank(make_patients([1, 2, 3], [1, 0, 0]), Rate())
    >>> r.observed, r.expected, round(r.z, 4)
    (1.0, 3.0, -1.1547)
    """
    if sampling_error not in ("auto", "fixed", "estimated"):
        raise CallError(f"sampling_error = {sampling_error!r}", rule="must be 'auto', 'fixed' or 'estimated'")
    group, name, notes = chosen(patients, arm)
    w = np.ones(group.n) if group.weight is None else group.weight
    if isinstance(reference, Patients):
        expected_of, extra, label = _from_patients(group, w, reference, reference_arm)
        estimated = True
    else:
        expected_of = _hazard_increment(reference, group)
        spread = [float(np.sum(w * _hazard_increment(d, group))) for d in draws]
        extra = float(np.var(spread, ddof=1)) if len(spread) > 1 else 0.0
        label, estimated = type(reference).__name__, len(spread) > 1
    if sampling_error == "estimated" and not estimated:
        raise CallError("sampling_error = 'estimated'", rule="needs reference patients or at least two draws of the curve")
    if sampling_error == "fixed":
        extra = 0.0
        if estimated:
            notes = (*notes, "the reference is an estimate but is taken as known: the type I error exceeds the nominal one")
    observed, expected = float(np.sum(w * (group.event > 0))), float(np.sum(w * expected_of))
    own = float(np.sum(w * w * expected_of))
    if own <= 0.0:
        raise RefusedError("no events are expected", rule="the reference hazard is 0 while the patients are followed")
    if expected < 5.0:
        notes = (*notes, f"only {expected:.2g} events are expected: the normal approximation is poor")
    z = (observed - expected) / math.sqrt(own + extra)
    corrected = estimated and sampling_error != "fixed"
    how = "one-sample log-rank test" + (", with the sampling error of the reference" if corrected else ", classical")
    return OneSampleLogRank(
        trail=Trail(how, "10.1371/journal.pone.0271094" if corrected else "J Natl Cancer Inst 2003;95:1434-9"),
        warnings=notes,
        arm=name,
        reference=label,
        observed=observed,
        expected=expected,
        standardised_ratio=observed / expected,
        reference_variance=extra,
        inflation=1.0 + extra / own,
        z=z,
        p_value=2.0 * normal_below(-abs(z)),
        p_one_sided=normal_below(z),
    )


def _hazard_increment(curve: ReferenceCurve, group: Patients) -> FloatArray:
    """Cumulative reference hazard of each patient between entry and time."""
    H = np.asarray(curve.cumulative_hazard(group.time), float)
    if group.entry is not None:
        H = H - np.where(group.entry > 0.0, np.asarray(curve.cumulative_hazard(group.entry), float), 0.0)
    if not np.all((H >= 0.0) & np.isfinite(H)):
        raise RefusedError("the reference hazard is not finite", rule="must be known up to the last follow-up")
    return H


def _from_patients(group: Patients, w: FloatArray, reference: Patients, arm: str | None) -> tuple[FloatArray, float, str]:
    """Expected events from the reference's Nelson-Aalen estimate, and the variance this estimate adds."""
    curve = nelson_aalen(reference, arm=arm)
    end = float(curve.time[-1])
    if group.time.max() > end:
        beyond = int(np.sum(group.time > end))
        raise RefusedError(
            f"{beyond} patients are followed beyond the last reference patient ({end:.6g} years)",
            rule="the reference hazard is unknown there",
            cure=f"Censor the patients at {end:.6g} years, or give a model as the reference",
        )
    expected = curve.cumulative_hazard_at(group.time)
    if group.entry is not None:
        expected = expected - np.where(group.entry > 0.0, curve.cumulative_hazard_at(group.entry), 0.0)
    at_risk = _weight_at_risk(group, w, curve.time)
    step = np.diff(np.concatenate([[0.0], curve.standard_error**2]))
    return expected, float(np.sum(at_risk**2 * step)), f"{curve.n} patients of {curve.arm!r}"


def _weight_at_risk(group: Patients, w: FloatArray, times: FloatArray) -> FloatArray:
    """Weight at risk (entry < t <= time) at each of ``times``."""

    def beyond(moments: FloatArray, weights: FloatArray) -> FloatArray:
        order = np.argsort(moments)
        total = np.concatenate([[0.0], np.cumsum(weights[order])])
        rest: FloatArray = total[-1] - total[np.searchsorted(moments[order], times, side="left")]
        return rest

    at_risk = beyond(group.time, w)
    if group.entry is not None:
        late = group.entry > 0.0
        at_risk = at_risk - beyond(group.entry[late], w[late])
    return at_risk
