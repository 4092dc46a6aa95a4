"""Mean and variance of the log-rank statistic under any pair of survival truths.

At analysis time T let Y_j(s) be the expected number at risk s years after entry in arm j (0 control, 1 experimental)
and dN_j(s) the expected events there. Testing a hazard ratio theta0 (1, or a non-inferiority margin), with
p(s) = theta0 Y_1 / (Y_0 + theta0 Y_1):

    E[U] = int (1 - p) dN_1 - p dN_0,    V = int p (1 - p) (dN_0 + dN_1),

and Z = -U / sqrt(V_hat) has mean -E[U] / sqrt(V). Its variance is not 1 away from the null: both U and the estimated V
vary with the patients at risk. It comes from each patient's influence on U / sqrt(V_hat) (as in Lin and Wei 1989,
doi 10.1080/01621459.1989.10478874, with that of the estimated variance), the numbers in the arms being fixed.
References: Schoenfeld 1981 (doi 10.1093/biomet/68.1.316); Yung and Liu 2020 (doi 10.1111/biom.13196).
"""

from __future__ import annotations

import numpy as np

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.expected_events import integration_breaks
from nextarm.designs.quadrature import follow_up_nodes
from nextarm.designs.truths import Distribution, ProportionalHazards
from nextarm.survival.models.distribution import Distribution as SurvivalModel


@record
class LogRankMoments:
    """Moments of the log-rank statistic at one analysis.

    ``mean_z`` and ``sd_z`` of Z (positive: the experimental arm does better than the null); ``information`` V;
    ``drift`` -E[U]; ``events_control`` and ``events_experimental``; ``average_hazard_ratio`` the geometric mean of
    hazard(t) ratios weighted by the events; ``proportional`` whether the hazard ratio is constant.
    """

    mean_z: float
    sd_z: float
    information: float
    drift: float
    events_control: float
    events_experimental: float
    average_hazard_ratio: float
    proportional: bool

    @property
    def events(self) -> float:
        """Expected events of both arms."""
        return self.events_control + self.events_experimental


def log_rank_moments(
    control: Distribution, experimental: Distribution, *, share: float, accrual: Accrual, time: float, null: float = 1.0
) -> LogRankMoments:
    """Moments of the log-rank statistic at ``time``; ``share`` of the patients are in the experimental arm.

    ``null`` is the hazard ratio under the null hypothesis.
    """
    s, w = follow_up_nodes(time, integration_breaks((control, experimental), accrual, time))
    so_many, still = accrual.entered(time - s), accrual.still_in(s)
    present = so_many * still
    n0, n1 = (1.0 - share) * present, share * present
    (s0, h0, f0), (s1, h1, f1) = _of(control, s), _of(experimental, s)
    y0, y1 = n0 * s0, n1 * s1
    d0, d1 = w * n0 * f0, w * n1 * f1
    total = y0 + null * y1
    p = np.divide(null * y1, total, out=np.full_like(total, share), where=total > 0.0)
    drift = float(np.sum(p * d0) - np.sum((1.0 - p) * d1))
    v = float(np.sum(p * (1.0 - p) * (d0 + d1)))
    ratio = np.divide(h1, h0, out=np.ones_like(h1), where=(h0 > 0.0) & (h1 > 0.0))
    deaths = d0 + d1
    events = float(np.sum(deaths))
    log_ratio = float(np.sum(deaths * np.log(ratio)) / events) if events > 0.0 else 0.0
    counted = deaths > 1e-9 * events
    spread = float(np.ptp(np.log(ratio[counted]))) if counted.any() else 0.0
    root = np.sqrt(v) if v > 0.0 else 1.0
    entered = float(accrual.entered(time))
    leaving = w * still * (accrual.rate(time - s) + accrual.dropout_rate(s) * so_many)
    variance = 0.0
    if v > 0.0 and entered > 0.0:
        hazard = np.divide(d0 + d1, total, out=np.zeros_like(total), where=total > 0.0)
        k = -drift / (2.0 * v)
        for z, part, risk, died, alive in ((0.0, 1.0 - share, 1.0, d0, s0), (1.0, share, null, d1, s1)):
            event = (z - p) - k * p * (1.0 - p)
            step = (z - p) * risk * hazard * (1.0 + k * (1.0 - 2.0 * p))
            so_far = np.cumsum(step) - 0.5 * step
            gone = part * leaving * alive
            mean = float(np.sum(died * (event - so_far)) - np.sum(gone * so_far))
            square = float(np.sum(died * (event - so_far) ** 2) + np.sum(gone * so_far**2))
            variance += square - mean * mean / (part * entered)
    return LogRankMoments(
        mean_z=drift / root,
        sd_z=float(np.sqrt(variance / v)) if variance > 0.0 else 1.0,
        information=v,
        drift=drift,
        events_control=float(np.sum(d0)),
        events_experimental=float(np.sum(d1)),
        average_hazard_ratio=float(np.exp(log_ratio)),
        proportional=spread < 1e-6,
    )


def _of(model: Distribution, s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Survival, hazard and density at ``s``, each worked out once."""
    alive, hazard = np.asarray(model.survival(s), np.float64), np.asarray(model.hazard(s), np.float64)
    if isinstance(model, SurvivalModel | ProportionalHazards):
        return alive, hazard, np.where(alive > 0.0, hazard * alive, 0.0)
    return alive, hazard, np.asarray(model.density(s), np.float64)
