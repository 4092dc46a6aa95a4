"""The chance that a one-sample log-rank test rejects at one look or passes two, the reference fixed or estimated.

The reference's estimate errs by a common factor, log-normal with the relative error tau that the expected events have;
rejection probabilities are averaged over it. Whether the test allows for tau is another matter: a test that takes an
estimated reference as known rejects a true null too often.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from nextarm.core.errors import Problem
from nextarm.core.units import FloatArray
from nextarm.designs.one_sample_moments import Law, PatientMoments, correlation_of_looks, law_of_z, patient_moments, slope_of
from nextarm.designs.quadrature import gauss_legendre
from nextarm.designs.setting import Setting
from nextarm.designs.truths import Distribution, ProportionalHazards, truths_from_specs

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Farther than any Z.
_FAR = 9.0


@dataclass(frozen=True)
class ReferenceCurve:
    """The reference as a curve, and how well it is known.

    ``se`` of S at the milestone and ``n`` patients with complete follow-up: one of them, or neither if it is fixed.
    """

    curve: Distribution
    milestone: float
    se: float | None
    n: float | None

    @property
    def fixed(self) -> bool:
        """Whether it is declared known."""
        return self.se is None and self.n is None

    @property
    def survival(self) -> float:
        """S at the milestone."""
        return float(self.curve.survival(np.asarray(self.milestone)))

    def tau(self, m: PatientMoments) -> float:
        """Relative standard error of the expected events: of H(milestone), or of a Nelson-Aalen estimate from n patients."""
        if self.n is not None:
            return math.sqrt(m.reference_variance / self.n)
        return self.se / abs(self.survival * math.log(self.survival)) if self.se is not None else 0.0

    def better_by(self, change: float) -> Distribution:
        """The curve with S(milestone) higher by ``change``, its hazards all multiplied alike."""
        if change == 0.0:
            return self.curve
        return ProportionalHazards(base=self.curve, hazard_ratio=math.log(self.survival + change) / math.log(self.survival))


def curve_of(plan: Plan) -> ReferenceCurve:
    """The plan's reference as a curve (the plan was checked)."""
    table = plan.reference
    assert table is not None
    assert table.survival is not None
    curve = truths_from_specs({"reference": table.survival})["reference"]
    return ReferenceCurve(curve, plan.trial.milestone, None if table.fixed else table.se, None if table.fixed else table.n)


def reference_problems(plan: Plan) -> list[Problem]:
    """A one-sample log-rank test compares with a whole curve, under which events are expected."""
    if plan.reference is None or plan.reference.survival is None:
        rule = "compares with a curve, not with one point of it"
        return [Problem(f"kind = {plan.design.kind!r}", "", rule, "Give reference.survival, a survival model, and se, n or fixed = true")]
    curve = curve_of(plan)
    if not 0.0 < curve.survival < 1.0:
        rule = "the reference's survival at the milestone must lie between 0 and 1"
        return [Problem(f"kind = {plan.design.kind!r} with S = {curve.survival:g}", "", rule)]
    return []


@cache
def _factors() -> tuple[FloatArray, FloatArray]:
    x, w = np.polynomial.hermite_e.hermegauss(21)
    return np.asarray(x, np.float64), np.asarray(w / w.sum(), np.float64)


class OneSampleTest:
    """Rejection probabilities of the test in one setting.

    ``normal`` leaves out the correction for skewness. ``as_known``: the test ignores that the reference was estimated;
    ``given``: the estimate is taken as it is, not averaged over its error.
    """

    def __init__(self, setting: Setting, reference: ReferenceCurve, *, normal: bool = False) -> None:
        self.setting, self.reference, self.normal = setting, reference, normal

    def moments(self, truth: Distribution, time: float | None = None) -> PatientMoments:
        """Patients' moments under ``truth`` at ``time`` (default: the last analysis)."""
        at = self.setting.analysis_time if time is None else time
        return patient_moments(truth, self.reference.curve, accrual=self.setting.accrual, time=at)

    def law(self, m: PatientMoments, *, as_known: bool = False, given: bool = False) -> tuple[Law, FloatArray]:
        """The law of Z for each value the reference's estimate may take, and the weights of these."""
        tau = self.reference.tau(m)
        x, w = (np.zeros(1), np.ones(1)) if given or tau == 0.0 else _factors()
        found = law_of_z(m, tau=0.0 if as_known else tau, factor=np.exp(tau * x))
        return (found.plain() if self.normal else found), w

    def rejects(self, truth: Distribution, critical: float, *, as_known: bool = False, given: bool = False) -> float:
        """P(Z >= ``critical``) at the last analysis."""
        m = self.moments(truth)
        if m.h <= 0.0:
            return 0.0
        law, w = self.law(m, as_known=as_known, given=given)
        return float(w @ law.reaches(critical))


class TwoLooks:
    """One truth seen at an interim look and at the end: the chance of passing the first bound and then the second."""

    def __init__(self, test: OneSampleTest, truth: Distribution, interim_time: float, *, as_known: bool = False) -> None:
        self.first, self.last = test.moments(truth, interim_time), test.moments(truth)
        self.laws = tuple(test.law(m, as_known=as_known)[0] for m in (self.first, self.last))
        self.weights = test.law(self.last)[1]
        self.rho = correlation_of_looks(
            truth,
            test.reference.curve,
            accrual=test.setting.accrual,
            times=(interim_time, test.setting.analysis_time),
            slopes=(slope_of(self.first), slope_of(self.last)),
        )

    def goes_on(self, bound: float) -> float:
        """P(Z1 >= ``bound``)."""
        return float(self.weights @ self.laws[0].reaches(bound))

    def rejects(self, bound: float, critical: float) -> float:
        """P(Z1 >= ``bound``, Z2 >= ``critical``), the two joined by their correlation on the normal scale."""
        from scipy.special import ndtri

        tiny = 1e-300
        z1, z2 = (-ndtri(np.maximum(law.reaches(c), tiny)) for law, c in zip(self.laws, (bound, critical), strict=True))
        return float(self.weights @ upper_orthant(z1, z2, self.rho))


def upper_orthant(z1: FloatArray, z2: FloatArray, rho: float) -> FloatArray:
    """P(X1 >= z1, X2 >= z2) for standard normals with correlation ``rho`` below 1, by quadrature over X1.

    >>> round(float(upper_orthant(np.zeros(1), np.zeros(1), 0.5)[0]), 9)
    0.333333333
    """
    from scipy.special import ndtr

    start = np.clip(z1, -_FAR, _FAR)[:, None]
    unit, w = gauss_legendre(np.linspace(0.0, 1.0, 9))
    x = start + (_FAR - start) * unit
    inner = ndtr((rho * x - z2[:, None]) / math.sqrt(max(1.0 - rho * rho, 1e-12)))
    return np.asarray((_FAR - start[:, 0]) * (np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi) * inner @ w), np.float64)
