"""Moments of the one-sample log-rank statistic under any truth: mean, variance, skewness, and the link of two looks.

A patient seen for X years with event indicator d adds H(X) to the expected events E and d to the observed O, H being the
cumulative hazard of the reference. With the expected events known only to a relative error tau (a reference that was
itself estimated), the test is

    Z = (a E - O) / sqrt(a E + (a E tau)^2),

a = 1 for the reference as it should be, 1 + tau x for the one that was found. Z is a smooth function of two means, so its
law is known to second order from the moments of (H(X), d): an Edgeworth expansion (Hall 1992, doi
10.1007/978-1-4612-4384-7, chapter 2), which matters here because O of few events is skew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.expected_events import integration_breaks
from nextarm.designs.quadrature import follow_up_nodes, gauss_legendre
from nextarm.designs.truths import Distribution, break_points


@dataclass(frozen=True)
class PatientMoments:
    """Of one patient entered by the analysis: means of H(X) and d, then central moments (h for H(X), d for the event).

    ``n`` patients are expected to have entered; ``reference_variance`` is the relative variance of the expected events
    if the reference were one patient followed to the end (divide by its number of patients).
    """

    n: float
    h: float
    d: float
    hh: float
    hd: float
    dd: float
    hhh: float
    hhd: float
    hdd: float
    ddd: float
    reference_variance: float

    @property
    def expected(self) -> float:
        """Expected events under the reference, E."""
        return self.n * self.h

    @property
    def observed(self) -> float:
        """Events that will be seen."""
        return self.n * self.d


def patient_moments(truth: Distribution, reference: Distribution, *, accrual: Accrual, time: float) -> PatientMoments:
    """Moments at ``time`` years when patients follow ``truth`` and are compared with ``reference``.

    The relative variance that a Nelson-Aalen reference of n patients with complete follow-up gives E is
    int Y(s)^2 dH(s) / (n S_ref(s)) / E^2 (Danzer and others 2022, doi 10.1371/journal.pone.0271094).
    """
    n = float(accrual.entered(time))
    if n <= 0.0:
        return PatientMoments(*([0.0] * 11))
    s, w = follow_up_nodes(time, integration_breaks((truth, reference), accrual, time))
    inside = np.asarray(accrual.entered(time - s)) / n
    stays = accrual.still_in(s)
    alive = np.asarray(truth.survival(s), np.float64)
    h = np.asarray(reference.cumulative_hazard(s), np.float64)
    event = w * np.asarray(truth.density(s)) * stays * inside
    gone = w * alive * stays * (np.asarray(accrual.rate(time - s)) / n + accrual.dropout_rate(s) * inside)
    total = float(event.sum() + gone.sum())
    event, gone = event / total, gone / total  # 1 but for rounding
    mean_h, mean_d = float(h @ (event + gone)), float(event.sum())
    dh, d1, d0 = h - mean_h, 1.0 - mean_d, -mean_d

    def moment(i: int, j: int) -> float:
        return float(np.sum(dh**i * (event * d1**j + gone * d0**j)))

    at_risk = alive * stays * inside
    hazard = np.asarray(reference.hazard(s), np.float64)
    known = np.asarray(reference.survival(s), np.float64)
    spread = np.divide(w * at_risk**2 * hazard, known, out=np.zeros_like(w), where=known > 0.0)
    return PatientMoments(
        n=n,
        h=mean_h,
        d=mean_d,
        hh=moment(2, 0),
        hd=moment(1, 1),
        dd=moment(0, 2),
        hhh=moment(3, 0),
        hhd=moment(2, 1),
        hdd=moment(1, 2),
        ddd=moment(0, 3),
        reference_variance=float(spread.sum()) / mean_h**2 if mean_h > 0.0 else 0.0,
    )


@dataclass(frozen=True)
class Law:
    """The law of Z to second order: mean, standard deviation, and the bias and skewness of (Z - mean) / sd.

    Arrays of one shape, one entry for each value the reference's estimate may have taken.
    """

    mean: FloatArray
    sd: FloatArray
    bias: FloatArray
    skewness: FloatArray

    def reaches(self, critical: float) -> FloatArray:
        """P(Z >= ``critical``)."""
        from scipy.special import ndtr

        x = (critical - self.mean) / self.sd
        correction = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi) * (self.bias + self.skewness * (x * x - 1.0) / 6.0)
        return np.asarray(np.clip(ndtr(-x) + correction, 0.0, 1.0), np.float64)

    def plain(self) -> Law:
        """The same law with normal tails."""
        none = np.zeros_like(self.mean)
        return Law(self.mean, self.sd, none, none)


def law_of_z(m: PatientMoments, *, tau: float = 0.0, factor: FloatArray | float = 1.0) -> Law:
    """The law of Z when the reference was found ``factor`` times as high as it is and the test allows for ``tau``."""
    a, n = np.atleast_1d(np.asarray(factor, np.float64)), m.n
    variance = a * m.h + n * (a * m.h * tau) ** 2
    s = np.sqrt(variance)
    s1 = (a + 2.0 * n * a * a * tau * tau * m.h) / (2.0 * s)
    s2 = (2.0 * n * a * a * tau * tau - 2.0 * s1 * s1) / (2.0 * s)
    gap = a * m.h - m.d
    ge, gd = a / s - gap * s1 / variance, -1.0 / s
    gee = -2.0 * a * s1 / variance - gap * (s2 / variance - 2.0 * s1 * s1 / (variance * s))
    ged = s1 / variance
    sd = np.sqrt(np.maximum(ge * ge * m.hh + 2.0 * ge * gd * m.hd + gd * gd * m.dd, 1e-24))
    bias = 0.5 * (gee * m.hh + 2.0 * ged * m.hd) / (sd * math.sqrt(n))
    third = ge**3 * m.hhh + 3.0 * ge * ge * gd * m.hhd + 3.0 * ge * gd * gd * m.hdd + gd**3 * m.ddd
    le, ld = ge * m.hh + gd * m.hd, ge * m.hd + gd * m.dd
    bent = le * le * gee + 2.0 * le * ld * ged
    return Law(math.sqrt(n) * gap / s, sd, bias, (third + 3.0 * bent) / (sd**3 * math.sqrt(n)))


def correlation_of_looks(
    truth: Distribution, reference: Distribution, *, accrual: Accrual, times: tuple[float, float], slopes: tuple[float, float]
) -> float:
    """Correlation of Z at two looks: of the sums of ``slope`` H(X) - d over the patients of each.

    Under the reference with slopes of 1 the increments are independent and it is sqrt(E1 / E2).
    """
    first, last = times
    entry_edges = np.unique([0.0, *(float(k) for k in accrual.knots), first, last])
    u, wu = gauss_legendre(entry_edges[entry_edges <= min(last, accrual.duration) + 1e-12])
    share = wu * np.asarray(accrual.rate(u))
    cuts = break_points(truth) + break_points(reference) + accrual.dropout_cuts
    total = np.zeros(5)  # sums of x1, x2, x1 x1, x1 x2, x2 x2
    for start, weight in zip(u, share, strict=True):
        s, w = follow_up_nodes(last - start, (*cuts, first - start))
        seen = max(first - start, 0.0)
        ends = np.append(s, last - start)  # the last place: still there at the last look
        stays = accrual.still_in(ends)
        died = np.append(w * np.asarray(truth.density(s)), 0.0) * stays
        lost = np.append(w * accrual.dropout_rate(s), 1.0) * np.asarray(truth.survival(ends)) * stays
        h1, h2 = np.asarray(reference.cumulative_hazard(np.minimum(ends, seen))), np.asarray(reference.cumulative_hazard(ends))
        x1_died, x1_lost = slopes[0] * h1 - (ends <= seen), slopes[0] * h1
        x2_died, x2_lost = slopes[1] * h2 - 1.0, slopes[1] * h2
        total += weight * np.array(
            [
                died @ x1_died + lost @ x1_lost,
                died @ x2_died + lost @ x2_lost,
                died @ x1_died**2 + lost @ x1_lost**2,
                died @ (x1_died * x2_died) + lost @ (x1_lost * x2_lost),
                died @ x2_died**2 + lost @ x2_lost**2,
            ]
        )
    n1, n2 = float(accrual.entered(first)), float(accrual.entered(last))
    # patients of the first look are the first of the second: their sums are centred within each
    covariance = total[3] - total[0] * total[1] / n2
    variances = (total[2] - total[0] ** 2 / n1) * (total[4] - total[1] ** 2 / n2)
    return float(np.clip(covariance / math.sqrt(variances), 0.0, 1.0)) if variances > 0.0 else 0.0


def slope_of(m: PatientMoments) -> float:
    """The weight of H(X) against the event in the linear part of Z: 1 under the reference, less where events are fewer."""
    return 1.0 - (m.h - m.d) / (2.0 * m.h) if m.h > 0.0 else 1.0
