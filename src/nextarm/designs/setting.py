"""The setting of a design: truths, shares, accrual and the time of the last analysis - what ``[solve]`` moves.

``solved`` moves one of them until a power is reached and returns the setting it ends in:

- ``n``: all accrual rates are multiplied by one factor, the accrual duration stays;
- ``duration``: accrual goes on at the plan's rate for longer or shorter, the follow-up after the last patient stays;
- ``events``: accrual stays, the last analysis waits until enough events have come;
- ``effect``: the experimental arm's cure fraction (where both arms have one) or else its hazard ratio moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nextarm.core.errors import RefusedError
from nextarm.designs.accrual import Accrual
from nextarm.designs.design import estimand_text
from nextarm.designs.expected_events import expected_events_by_arm, find_root, maximum_events, probability_of_event_ever, time_of_events
from nextarm.designs.truths import Distribution, ProportionalHazards

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Patients and years beyond which a solution is not looked for.
MOST_PATIENTS = 1e6
LONGEST = 200.0


@dataclass(frozen=True)
class Setting:
    """One choice of all that a design's power depends on besides its own fields."""

    truths: dict[str, Distribution]
    shares: dict[str, float]
    control: str
    experimental: str
    accrual: Accrual
    analysis_time: float
    milestone: float

    def events_by_arm(self) -> dict[str, float]:
        """Expected events of each arm at the last analysis."""
        return dict(self._events)

    def maximum_events(self) -> float:
        """Expected events if everybody were followed for ever."""
        return self._most_events

    @cached_property
    def _events(self) -> dict[str, float]:
        return expected_events_by_arm(self.truths, shares=self.shares, accrual=self.accrual, time=self.analysis_time)

    @cached_property
    def _most_events(self) -> float:
        return maximum_events(self.truths, shares=self.shares, accrual=self.accrual)

    def survival_at_milestone(self) -> dict[str, float]:
        """S(milestone) of each arm."""
        at = np.asarray(self.milestone)
        return {name: float(truth.survival(at)) for name, truth in self.truths.items()}


def setting_of(plan: Plan, *, events: float | None = None, latest: float | None = None) -> Setting:
    """The plan's own setting; the last analysis at ``events`` expected events or ``latest`` years, whichever is first.

    Kept with the plan: its checks and its evaluation integrate the same events.
    """
    if (events, latest) not in plan.kept_settings:
        plan.kept_settings[events, latest] = _made(plan, events=events, latest=latest)
    return plan.kept_settings[events, latest]


def _made(plan: Plan, *, events: float | None, latest: float | None) -> Setting:
    accrual = plan.accrual_model()
    own = Setting(plan.truths(), plan.shares(), plan.control, plan.experimental, accrual, accrual.study_duration, plan.trial.milestone)
    return timed(own, events=events, latest=latest)


def timed(setting: Setting, *, events: float | None, latest: float | None) -> Setting:
    """The setting with its last analysis at ``events`` expected events or at ``latest`` (default: the end of follow-up)."""
    time = setting.accrual.study_duration if latest is None else latest
    if events is not None:
        reached = time_of_events(setting.truths, shares=setting.shares, accrual=setting.accrual, events=events)
        time = min(time, reached) if reached is not None else time
    return replace(setting, analysis_time=time)


def solved(setting: Setting, *, what: str, target: float, power: Callable[[Setting], float]) -> Setting:
    """Move ``what`` (n, duration, events, effect) until ``power(setting)`` is ``target``.

    Raises :class:`RefusedError` where no value reaches it, saying the most that can be had.
    """
    make, low, high, words = _search(setting, what)

    def gap(x: float) -> float:
        return power(make(x)) - target

    at_high = gap(high)
    if at_high < 0.0:
        raise RefusedError(
            f"power {target:g} cannot be reached by {words}",
            rule=f"the most is {at_high + target:.3f}",
            cure="Change the effect, alpha or what is solved for",
        )
    if gap(low) > 0.0:
        return make(low)
    return make(find_root(gap, low, high))


def _search(setting: Setting, what: str) -> tuple[Callable[[float], Setting], float, float, str]:
    accrual = setting.accrual
    if what == "n":
        return (
            lambda x: replace(setting, accrual=accrual.times(math.exp(x))),
            math.log(2.0 / accrual.total),
            math.log(MOST_PATIENTS / accrual.total),
            f"up to {MOST_PATIENTS:,.0f} patients",
        )
    if what == "duration":

        def last(x: float) -> Setting:
            longer = accrual.lasting(math.exp(x))
            return replace(setting, accrual=longer, analysis_time=longer.duration + (setting.analysis_time - accrual.duration))

        low = math.log(max(0.01, 1.01 * accrual.duration - setting.analysis_time + 0.01))
        return last, low, math.log(LONGEST), f"accrual of up to {LONGEST:g} years"
    if what == "events":
        most = f"waiting up to {LONGEST:g} years (at most {setting.maximum_events():.1f} events are ever expected)"
        low = 1e-3 if setting.milestone >= setting.analysis_time else min(setting.milestone, 0.5 * setting.analysis_time) * 1e-2
        return lambda x: replace(setting, analysis_time=math.exp(x)), math.log(low), math.log(LONGEST), most
    return _effect(setting)


def _effect(setting: Setting) -> tuple[Callable[[float], Setting], float, float, str]:
    base, arm = setting.truths[setting.control], setting.truths[setting.experimental]
    cure = getattr(arm, "cure_fraction", None)
    if cure is not None and hasattr(arm, "latency"):
        low, high = 1e-9, 1.0 - 1e-9

        def with_cure(x: float) -> Setting:
            model: Any = type(arm)(**{**_fields(arm), "cure_fraction": x})
            return replace(setting, truths=setting.truths | {setting.experimental: model})

        return with_cure, low, high, "any cure fraction"

    def with_ratio(x: float) -> Setting:
        model = ProportionalHazards(base=base, hazard_ratio=math.exp(-x))
        return replace(setting, truths=setting.truths | {setting.experimental: model})

    return with_ratio, -4.0, 8.0, "any hazard ratio"


def _fields(model: Any) -> dict[str, Any]:
    from dataclasses import fields

    return {f.name: getattr(model, f.name) for f in fields(model) if f.init}


def nothing_to_compare(kind: str) -> RefusedError:
    """The error where a truth leaves a statistic without a variance."""
    return RefusedError(
        f"the power of {kind}", rule="has no value: under these truths all events come at once, or none at all",
        cure="Check the units of the truths: time is in years",
    )  # fmt: skip


def common_fields(plan: Plan, setting: Setting, *, solved_for: str, power: float) -> dict[str, Any]:
    """The fields every :class:`~nextarm.designs.design.DesignResult` has, from a setting; a power that is no number is refused."""
    if math.isnan(power):
        raise nothing_to_compare(plan.design.kind)
    n = setting.accrual.total
    own = plan.accrual_model()
    events = setting.events_by_arm()
    at = setting.survival_at_milestone()
    ratio = None
    if setting.control != setting.experimental:
        ratio = hazard_ratio_with_same_survival(at[setting.control], at[setting.experimental])
    return {
        "kind_of_design": plan.design.kind,
        "solved_for": solved_for,
        "power": min(max(power, 0.0), 1.0),
        "alpha": plan.design.alpha,
        "n": n,
        "n_by_arm": {name: n * share for name, share in setting.shares.items()},
        "events": sum(events.values()),
        "events_by_arm": events,
        "max_events": setting.maximum_events(),
        "analysis_time": setting.analysis_time,
        "accrual_duration": setting.accrual.duration,
        "years_to_accrue": own.years_for(n),
        "rate_needed": n / own.duration,
        "milestone": setting.milestone,
        "survival_at_milestone": at,
        "cure_fraction": {name: 1.0 - probability_of_event_ever(truth) for name, truth in setting.truths.items()},
        "hazard_ratio_at_milestone": ratio,
        "estimand": estimand_text(plan),
    }


def hazard_ratio_with_same_survival(control: float, experimental: float) -> float | None:
    """log S_1 / log S_0: the constant hazard ratio that gives the same survival at a time; None at S of 0 or 1.

    >>> round(hazard_ratio_with_same_survival(0.41, 0.57), 5)
    0.63046
    """
    if not (0.0 < control < 1.0 and 0.0 < experimental < 1.0):
        return None
    return math.log(experimental) / math.log(control)
