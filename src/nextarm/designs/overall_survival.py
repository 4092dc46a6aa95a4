"""Overall survival that follows from EFS: a share of those with an event lives on, the others die after an exponential time.

    S_OS(t) = S(t) + salvage F(t) + (1 - salvage) C(t),   C(t) = F(t) - lambda integral_0^t F(u) exp(-lambda (t - u)) du,

F = 1 - S being EFS's distribution and lambda = log 2 / after_event. All of it is an assumption: who is saved after a relapse depends on
what was given before it, so an arm may have a salvage of its own (``arms.NAME.salvage``).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.designs.quadrature import follow_up_nodes, gauss_legendre
from nextarm.designs.setting import Setting
from nextarm.designs.truths import Distribution, break_points

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Panels of the integral, as shares of t and crowded at both ends.
_EDGES = (0.0, 1 / 64, 1 / 16, 1 / 4, 1 / 2, 3 / 4, 15 / 16, 63 / 64, 255 / 256, 1.0)


@record
class OverallSurvival:
    """The law of the time to death where ``base`` is that of EFS; ``after_event`` is the median in years of those not saved.

    >>> from nextarm.survival.models import Exponential
    >>> never_saved = OverallSurvival(base=Exponential(rate=0.5), salvage=0.0, after_event=0.1)
    >>> bool(abs(never_saved.survival(2.0) - 0.396479) < 1e-5)  # (6.931 exp(-1) - 0.5 exp(-13.863)) / 6.431
    True
    """

    base: Distribution
    salvage: float
    after_event: float

    def _parts(self, t: FloatArray | float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """S(t) of EFS, F(t), and the share C(t) that has had an event and would die of it but has not yet."""
        time = np.atleast_1d(np.asarray(t, np.float64))
        share, weight = gauss_legendre(np.array(_EDGES))
        u = time[..., None] * share
        rate = math.log(2.0) / self.after_event
        failed = 1.0 - np.asarray(self.base.survival(u), np.float64)
        dead = rate * time * np.sum(weight * failed * np.exp(-rate * (time[..., None] - u)), axis=-1)
        alive = np.asarray(self.base.survival(time), np.float64)
        return alive, 1.0 - alive, np.clip(1.0 - alive - dead, 0.0, 1.0 - alive)

    def survival(self, t: FloatArray | float) -> FloatArray:
        """S(t) of overall survival."""
        alive, failed, dying = self._parts(t)
        return np.asarray((alive + self.salvage * failed + (1.0 - self.salvage) * dying).reshape(np.shape(t)), np.float64)

    def density(self, t: FloatArray | float) -> FloatArray:
        """Deaths come at lambda from those who have had an event and are not saved."""
        rate = math.log(2.0) / self.after_event
        return np.asarray(((1.0 - self.salvage) * rate * self._parts(t)[2]).reshape(np.shape(t)), np.float64)

    def hazard(self, t: FloatArray | float) -> FloatArray:
        """Density over survival."""
        return np.asarray(self.density(t) / self.survival(t), np.float64)

    def cumulative_hazard(self, t: FloatArray | float) -> FloatArray:
        """-log S(t)."""
        return np.asarray(-np.log(self.survival(t)), np.float64)

    def quantile(self, p: FloatArray | float) -> FloatArray:
        """Time by which a share ``p`` has died, by bisection up to 1,000 years; infinity where that is never."""
        share = np.atleast_1d(np.asarray(p, np.float64))
        low, high = np.zeros(share.shape), np.full(share.shape, 1000.0)
        never = 1.0 - self.survival(high) < share
        for _ in range(60):
            middle = 0.5 * (low + high)
            before = 1.0 - self.survival(middle) < share
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        return np.asarray(np.where(never, np.inf, 0.5 * (low + high)).reshape(np.shape(p)), np.float64)


def salvage_of(plan: Plan, default: float) -> dict[str, float]:
    """Each arm's share saved after an event: its own, or the design's."""
    return {name: default if arm.salvage is None else arm.salvage for name, arm in plan.arms.items()}


def os_setting(setting: Setting, *, salvage: dict[str, float], after_event: float) -> Setting:
    """The setting with every truth that of overall survival."""
    laws: dict[str, Distribution] = {
        name: OverallSurvival(base=truth, salvage=salvage[name], after_event=after_event) for name, truth in setting.truths.items()
    }
    return replace(setting, truths=laws)


def os_at(truth: Distribution, *, salvage: float, after_event: float, time: float) -> float:
    """Overall survival at ``time``; linear in ``salvage``."""
    return float(OverallSurvival(base=truth, salvage=salvage, after_event=after_event).survival(time))


def years_of_survivors(truth: Distribution, *, salvage: float, after_event: float, tau: float, time: float) -> float:
    """E[min(T, ``tau``); alive at ``time``] with T the time to the event of EFS, whose law is ``truth``.

    Who has the event at x < ``time`` is alive then with probability salvage + (1 - salvage) exp(-lambda (time - x)).

    >>> from nextarm.survival.models import Exponential
    >>> round(years_of_survivors(Exponential(rate=0.5), salvage=1.0, after_event=0.1, tau=2.0, time=3.0), 6)  # all live: RMST(2)
    1.264241
    """
    x, w = follow_up_nodes(time, (*break_points(truth), tau))
    alive = salvage + (1.0 - salvage) * np.exp(-math.log(2.0) / after_event * (time - x))
    early = float(np.sum(w * np.minimum(x, tau) * np.asarray(truth.density(x)) * alive))
    late = min(time, tau) * float(truth.survival(np.asarray(time)))
    if tau > time:
        s, w = gauss_legendre(np.unique([time, tau, *(b for b in break_points(truth) if time < b < tau)]))
        late += float(w @ np.asarray(truth.survival(s)))
    return early + late


def salvage_for_equal_os(setting: Setting, *, salvage: dict[str, float], after_event: float) -> dict[str, float] | None:
    """The salvage under which both arms have one OS at the milestone although their EFS differs.

    The experimental arm's moves first; where even 0 or 1 there leaves it ahead or behind, the control's moves too. None where nothing
    does it. With latencies alike OS is then the same at every time: (1 - salvage)(1 - cure) agree.
    """
    ends = {}
    for name in (setting.control, setting.experimental):
        none, all_ = (os_at(setting.truths[name], salvage=s, after_event=after_event, time=setting.milestone) for s in (0.0, 1.0))
        ends[name] = (none, all_ - none)
    (base0, slope0), (base1, slope1) = ends[setting.control], ends[setting.experimental]
    if slope0 <= 0.0 or slope1 <= 0.0:
        return None
    new = (base0 + salvage[setting.control] * slope0 - base1) / slope1
    if 0.0 <= new <= 1.0:
        return salvage | {setting.experimental: new}
    edge = 0.0 if new < 0.0 else 1.0
    old = (base1 + edge * slope1 - base0) / slope0
    return salvage | {setting.experimental: edge, setting.control: old} if 0.0 <= old <= 1.0 else None
