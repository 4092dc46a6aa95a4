"""Two causes of failure in one arm: relapse, and death without it (by the treatment, above all).

Each cause has a hazard of its own while neither has happened; the truths of an arm are the distributions that those hazards would have
alone, so that S(t) without either is their product. A cure fraction of relapse leaves its hazard to die out.
The cumulative incidence of a cause is the integral of its hazard times S; its subdistribution hazard is the incidence's density
over one minus the incidence (Fine & Gray 1999, doi 10.1080/01621459.1999.10474144).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.quadrature import follow_up_nodes, gauss_legendre
from nextarm.designs.truths import break_points

Comparison = Literal["relapse", "death", "relapse-subdistribution", "death-subdistribution", "either"]
COMPARISONS: tuple[Comparison, ...] = ("relapse", "death", "relapse-subdistribution", "death-subdistribution", "either")


@dataclass(frozen=True)
class TwoCauses:
    """The truth of one arm: ``relapse`` and ``death``, each as it would be alone; as a distribution, whichever comes first."""

    relapse: Any
    death: Any

    @property
    def cuts(self) -> tuple[float, ...]:
        """Times at which a hazard jumps."""
        return tuple(sorted({*break_points(self.relapse), *break_points(self.death)}))

    def cumulative_hazard(self, t: FloatArray, /) -> FloatArray:
        """The sum of both."""
        return np.asarray(self.relapse.cumulative_hazard(t) + self.death.cumulative_hazard(t), np.float64)

    def survival(self, t: FloatArray, /) -> FloatArray:
        """The probability of neither by t."""
        return np.asarray(np.asarray(self.relapse.survival(t)) * np.asarray(self.death.survival(t)), np.float64)

    def hazard(self, t: FloatArray, /) -> FloatArray:
        """The sum of both."""
        return np.asarray(np.asarray(self.relapse.hazard(t)) + np.asarray(self.death.hazard(t)), np.float64)

    def density(self, t: FloatArray, /) -> FloatArray:
        """Hazard times survival."""
        return np.asarray(self.hazard(t) * self.survival(t), np.float64)

    def quantile(self, p: FloatArray, /) -> FloatArray:
        """Not asked for: each cause is drawn by itself."""
        raise NotImplementedError("each cause is drawn by itself")

    def incidence(self, cause: Literal["relapse", "death"], time: float) -> float:
        """The cumulative incidence of ``cause`` by ``time``."""
        s, w = follow_up_nodes(time, self.cuts)
        return float(w @ self.sub_density(cause, s))

    def incidences(self, cause: Literal["relapse", "death"], times: FloatArray) -> FloatArray:
        """The cumulative incidence at rising ``times``, all at once."""
        edges = np.unique(np.concatenate([[0.0], times[-1] * 0.5 ** np.arange(30.0), times, [c for c in self.cuts if c < times[-1]]]))
        s, w = gauss_legendre(edges, 6)
        so_far = np.concatenate([[0.0], np.cumsum((w * self.sub_density(cause, s)).reshape(-1, 6).sum(axis=1))])
        return np.asarray(so_far[np.searchsorted(edges, times)], np.float64)

    def sub_density(self, cause: Literal["relapse", "death"], s: FloatArray) -> FloatArray:
        """The density of the cumulative incidence."""
        one, other = (self.relapse, self.death) if cause == "relapse" else (self.death, self.relapse)
        return np.asarray(np.asarray(one.density(s)) * np.asarray(other.survival(s)), np.float64)


@dataclass(frozen=True)
class ScoreMoments:
    """A log-rank comparison: the mean of Z (positive: the experimental arm has fewer), its events by arm and its information."""

    mean_z: float
    events: tuple[float, float]
    information: float


def score_moments(
    control: TwoCauses, experimental: TwoCauses, comparison: Comparison, *, share: float, accrual: Accrual, time: float
) -> ScoreMoments:
    """The mean of the log-rank Z of ``comparison`` at ``time`` years, ``share`` of the patients in the experimental arm.

    Cause by cause those who had the other cause leave the risk set; in a subdistribution they stay until the analysis would have
    censored them (all censoring being by the analysis). ``either`` is the first of both.
    """
    s, w = follow_up_nodes(time, [*(time - float(k) for k in accrual.knots), *accrual.dropout_cuts, *control.cuts, *experimental.cuts])
    present = accrual.entered(time - s) * accrual.still_in(s)
    risk, events = [], []
    for part, arm in ((1.0 - share, control), (share, experimental)):
        free = arm.survival(s)
        if comparison == "either":
            density = arm.density(s)
        else:
            cause: Literal["relapse", "death"] = "relapse" if comparison.startswith("relapse") else "death"
            density = arm.sub_density(cause, s)
            if comparison.endswith("subdistribution"):
                free = 1.0 - arm.incidences(cause, s)
        risk.append(part * present * free)
        events.append(w * part * present * density)
    total = risk[0] + risk[1]
    p = np.divide(risk[1], total, out=np.full_like(total, share), where=total > 0.0)
    drift = float(np.sum(p * events[0]) - np.sum((1.0 - p) * events[1]))
    v = float(np.sum(p * (1.0 - p) * (events[0] + events[1])))
    return ScoreMoments(drift / math.sqrt(v) if v > 0.0 else 0.0, (float(np.sum(events[0])), float(np.sum(events[1]))), v)
