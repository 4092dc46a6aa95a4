"""A platform: several experimental arms share one control, enter and leave on dates, on events, or on what became of another arm.

An arm opens at ``opens`` years, once another arm (``opens_after``) has closed, was dropped, was declared better or is decided
(``opens_when``), and once so many events were seen (``opens_at_events``). It recruits ``patients_per_arm`` (or until accrual ends), is
looked at on the way (``interim``: one share or several), and is judged ``follow_up`` years after its last patient, or at ``events`` in it
and its controls if these come first, by the log-rank test against the controls randomised while it was open; or against all controls
before its end, which gains patients and, where patients change over time, bias: both are always simulated, so that the bias can be seen.
``after_success = "close"``: once an arm is declared better nobody is randomised any more. The error is held for each comparison
(``each``) or over the family (``bonferroni``; ``dunnett``, whose bound is that of independent arms where arms do not share all controls);
``bayes`` asks for a posterior probability of benefit instead.

With all arms open from the start and bounds ``triangular``, ``pocock`` or ``obrien-fleming`` this is a multi-arm multi-stage trial (Magirr,
Jaki & Whitehead 2012, doi 10.1093/biomet/ass002); with ``select = "best"`` the best arm at the first look goes on alone (pick the winner,
then test). ``allocation_rule = "adaptive"`` shifts patients towards arms that do well (Thall & Wathen 2007, doi
10.1016/j.ejca.2007.01.006; weights P(better than the control)^(n / 2N)), the control's share staying unless ``control_adapts``: at the
small rates of a rare disease little is known when most patients are allocated, and a control's share that moves opens the door to drift;
it is here to be compared.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.designs.accrual import Accrual, constant_accrual
from nextarm.designs.design import BLOCKED, DesignResult, DesignTable
from nextarm.designs.expected_events import time_of_events
from nextarm.designs.log_rank_moments import log_rank_moments
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.platform_flow import Course, expected_course
from nextarm.designs.setting import common_fields, setting_of
from nextarm.designs.tables import unit
from nextarm.designs.true_null import better_arms

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan
    from nextarm.designs.truths import Distribution


#: The most patients of a platform: each look goes through all of them.
MOST_PATIENTS = 20_000
#: A ratio to the control at which the arms' statistics are independent.
ALMOST_NONE = 1e-9
#: The most looks of an arm before its last analysis.
MOST_LOOKS = 5


def _several(value: Any) -> Any:
    """One number as a list of one."""
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, int | float) else value


Several = Annotated[tuple[float, ...], BeforeValidator(_several)]


@record
class PlatformArm:
    """One experimental arm as expected, without interim looks: when it is open, its patients, controls, events and power."""

    name: str
    opens: float
    closes: float
    analysis_time: float
    patients: float
    concurrent_controls: float
    events: float
    power: float


@record
class Platform(DesignResult):
    """A platform as expected. ``power`` is the mean over the experimental arms; ``arms`` has each.

    ``bound`` on the Z scale at an arm's last analysis; ``drop_below`` and ``declare_above`` at its looks (none: empty).
    """

    adjust: str
    bound: float
    drop_below: tuple[float, ...]
    declare_above: tuple[float, ...]
    arms: tuple[PlatformArm, ...]

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """The bound, and each arm's years and power."""
        made: dict[str, float | str | bool | None] = {"adjust": self.adjust, "bound": self.bound}
        for arm in self.arms:
            made |= {f"{arm.name}_open": f"{arm.opens:.2f} to {arm.closes:.2f}", f"{arm.name}_power": arm.power}
        return made

    def arms_table(self) -> pl.DataFrame:
        """One row an arm."""
        import polars as pl

        names = ("name", "opens", "closes", "analysis_time", "patients", "concurrent_controls", "events", "power")
        return pl.DataFrame([{n: getattr(a, n) for n in names} for a in self.arms])


class PlatformTable(DesignTable):
    """``[design]`` of a platform trial."""

    kind: Literal["platform"] = "platform"
    patients_per_arm: Annotated[int, Field(ge=2, description="An arm closes with so many", json_schema_extra=unit("patients"))]
    follow_up: Annotated[
        float, Field(ge=0.0, description="An arm is judged so long after its last patient", json_schema_extra=unit("years"))
    ]
    adjust: Annotated[Literal["each", "bonferroni", "dunnett", "bayes"], Field(description="Whose error is held at alpha")] = "each"
    threshold: Annotated[
        float, Field(gt=0.5, lt=1.0, description="bayes: success above this probability that the hazard ratio is below 1")
    ] = 0.975
    prior_sd: Annotated[float, Field(gt=0.0, description="bayes: spread of the log hazard ratio around 0 beforehand")] = 1.0
    control_data: Annotated[Literal["concurrent", "all"], Field(description="Which controls an arm is compared with")] = "concurrent"
    events: Annotated[
        int | None,
        Field(ge=2, description="An arm is judged at so many in it and its controls, if sooner", json_schema_extra=unit("events")),
    ] = None
    interim: Annotated[Several | None, Field(description="Looks at these shares of an arm's patients (of its events, if given)")] = None
    interim_lag: Annotated[float, Field(ge=0.0, description="A look comes so long after", json_schema_extra=unit("years"))] = 0.5
    drop_below: Annotated[Several | None, Field(description="Z below which an arm is dropped: one for all looks, or one a look")] = (0.0,)
    declare_above: Annotated[Several | None, Field(description="Z above which an arm succeeds at once, likewise")] = None
    bounds: Annotated[
        Literal["given", "triangular", "pocock", "obrien-fleming"],
        Field(description="Not given: the bounds of all looks from the family-wise error"),
    ] = "given"
    select: Annotated[Literal["all", "best"], Field(description="best: only the best arm at the first look goes on")] = "all"
    after_success: Annotated[Literal["go-on", "close"], Field(description="close: an arm declared better ends all recruitment")] = "go-on"
    allocation_rule: Annotated[Literal["fixed", "adaptive"], Field(description="Blocks, or shifted towards arms that do well")] = "fixed"
    update_every: Annotated[int, Field(ge=5, description="adaptive: after so many patients", json_schema_extra=unit("patients"))] = 20
    control_adapts: Annotated[bool, Field(description="adaptive: the control's share moves too")] = False

    more_arms: ClassVar[bool] = True

    @property
    def looks_at(self) -> tuple[float, ...]:
        """The shares at which an arm is looked at before its last analysis."""
        return self.interim or ()

    def error_allowed(self, plan: Plan) -> float | None:
        """Where no arm works; each arm's own is asked of :func:`~nextarm.designs.true_null.better_arms`."""
        return None if better_arms(plan) else self.alpha

    def problems(self, plan: Plan) -> list[Problem]:
        """Arms open inside the accrual and one after another without a ring; looks fit their bounds."""
        found = []
        if plan.solve is not None and plan.solve.for_ != "power":
            what = f"kind = 'platform' with solve.for = {plan.solve.for_!r}"
            found.append(Problem(what, "", "a platform is not solved for; change patients_per_arm"))
        names = self.experimental(plan)
        if plan.accrual_model().total > MOST_PATIENTS:
            rule = f"has at most {MOST_PATIENTS:,} patients in all"
            found.append(Problem(f"kind = 'platform' with {plan.accrual_model().total:,.0f} patients", "", rule))
        if len(names) > 8:
            found.append(Problem(f"kind = 'platform' with {len(names)} experimental arms", "", "has at most 8"))
        return found + self._opening_problems(plan, names) + self._look_problems(plan, names)

    def _opening_problems(self, plan: Plan, names: list[str]) -> list[Problem]:
        found = []
        for name in names:
            arm = plan.arms[name]
            if arm.opens >= plan.accrual.duration:
                rule = f"must come before accrual ends at {plan.accrual.duration:g} years"
                found.append(Problem(f"kind = 'platform': arms.{name}.opens = {arm.opens:g}", "", rule))
            if arm.opens_after is None and arm.opens_when != "closed":
                rule = "says what must become of the arm of opens_after, which is missing"
                found.append(Problem(f"kind = 'platform': arms.{name}.opens_when = {arm.opens_when!r}", "", rule))
            if arm.opens_when == "dropped" and not self.looks_at:
                rule = "never comes about: no arm is dropped without a look"
                found.append(Problem(f"kind = 'platform': arms.{name}.opens_when = 'dropped'", "", rule, "Give interim"))
            seen, at = {name}, arm.opens_after
            while at is not None:
                if at not in names or at in seen:
                    rule = "must name another experimental arm, and not in a ring"
                    found.append(Problem(f"kind = 'platform': arms.{name}.opens_after = {arm.opens_after!r}", "", rule))
                    break
                seen.add(at)
                at = plan.arms[at].opens_after
        if self._late(plan, plan.control):
            found.append(Problem("kind = 'platform': the control opens late", "", "must be open from the start"))
        if names and all(plan.arms[n].opens_after is not None or plan.arms[n].opens_at_events is not None for n in names):
            found.append(Problem("kind = 'platform': every arm waits for another or for events", "", "one must open by its date alone"))
        return found

    def _late(self, plan: Plan, name: str) -> bool:
        arm = plan.arms[name]
        return arm.opens > 0.0 or arm.opens_after is not None or arm.opens_at_events is not None

    def _look_problems(self, plan: Plan, names: list[str]) -> list[Problem]:
        found, looks = [], self.looks_at
        rising = all(a < b for a, b in itertools.pairwise(looks))
        if looks and not (rising and looks[0] > 0.0 and looks[-1] < 1.0 and len(looks) <= MOST_LOOKS):
            rule = f"must be at most {MOST_LOOKS} shares between 0 and 1, rising"
            found.append(Problem(f"interim = {list(looks)}", "", rule, "The last analysis comes by itself"))
        for key in ("drop_below", "declare_above"):
            given = getattr(self, key)
            if looks and given is not None and len(given) not in (1, len(looks)):
                found.append(Problem(f"{key} with {len(given)} values", "", f"needs one for all, or one for each of {len(looks)} looks"))
        if found:
            return found
        low, high = _each(self.drop_below, looks, -math.inf), _each(self.declare_above, looks, math.inf)
        for a, b in zip(low, high, strict=True):
            if a >= b:
                found.append(Problem(f"drop_below = {a:g}", "", f"must be below declare_above = {b:g}"))
        special = "select = best" if self.select == "best" else f"bounds = {self.bounds}" if self.bounds != "given" else ""
        if special and not looks:
            found.append(Problem("interim is missing", "", f"{special} needs a look"))
        if self.bounds != "given" and len(looks) > 3:
            found.append(Problem(f"interim with {len(looks)} looks", "", f"bounds = {self.bounds} are worked out for at most 3"))
        if special and any(self._late(plan, n) for n in names):
            found.append(Problem(special, "", "needs all arms open from the start"))
        if self.control_adapts and self.allocation_rule == "fixed":
            found.append(Problem("control_adapts = true", "", "belongs to allocation_rule = 'adaptive'"))
        return found

    def experimental(self, plan: Plan) -> list[str]:
        """The experimental arms in the plan's order."""
        return [name for name in plan.arms if name != plan.control]

    def limits(self, plan: Plan) -> tuple[float, tuple[float, ...], tuple[float, ...]]:
        """The last bound on the Z scale, and at each look the ones to drop below and to declare above (infinite: never)."""
        from nextarm.designs.multi_arm_bounds import multi_arm_bounds

        names, looks = self.experimental(plan), self.looks_at
        ratio = self._ratio(plan, names)
        if self.bounds != "given":
            futility = None if self.bounds == "triangular" or self.drop_below is None else self.drop_below[0]
            made = multi_arm_bounds(
                len(names), fractions=np.array([*looks, 1.0]), alpha=self.alpha, shape=self.bounds, futility=futility, ratio=ratio
            )
            return float(made.upper[-1]), tuple(map(float, made.lower[:-1])), tuple(map(float, made.upper[:-1]))
        last = {
            "each": lambda: z_of(self.alpha),
            "bonferroni": lambda: z_of(self.alpha / len(names)),
            "dunnett": lambda: float(multi_arm_bounds(len(names), fractions=np.ones(1), alpha=self.alpha, ratio=ratio).upper[0]),
            "bayes": lambda: z_of(1.0 - self.threshold),
        }[self.adjust]()
        return last, _each(self.drop_below, looks, -math.inf), _each(self.declare_above, looks, math.inf)

    def _ratio(self, plan: Plan, names: list[str]) -> float:
        """Patients of an arm for one of control, where all arms share all controls: open together and allocated alike.

        Otherwise they share fewer and their statistics are less alike, so :data:`ALMOST_NONE`: bounds of independent arms keep the error.
        """
        allocations = {plan.arms[n].allocation for n in names}
        if len(allocations) > 1 or any(self._late(plan, n) for n in names):
            return ALMOST_NONE
        return allocations.pop() / plan.arms[plan.control].allocation

    def evaluate(self, plan: Plan) -> Platform:
        """Each arm's years, patients and power as expected, its looks left out: by the flow of patients."""
        last, drop, declare = self.limits(plan)
        setting = setting_of(plan)
        course = expected_course(plan, self)
        arms = tuple(self._expected(plan, name, c, setting.truths, last) for name, c in course.items())
        fields = common_fields(plan, setting, solved_for="power", power=sum(a.power for a in arms) / len(arms))
        fields |= {"analysis_time": max(a.analysis_time for a in arms)}
        return Platform(
            **fields,
            trail=Trail(
                method=f"platform with a shared control, {self.adjust}, log-rank, expected flow of patients", assumptions=(BLOCKED,)
            ),
            warnings=tuple(self._warnings(plan, set(course))),
            adjust=self.adjust,
            bound=last,
            drop_below=tuple(z for z in drop if math.isfinite(z)),
            declare_above=tuple(z for z in declare if math.isfinite(z)),
            arms=arms,
        )

    def _expected(self, plan: Plan, name: str, c: Course, truths: Mapping[str, Distribution], last: float) -> PlatformArm:
        """One arm by formula: its patients and concurrent controls enter evenly while it is open."""
        from scipy.special import ndtr

        assert c.opens is not None  # courses of arms that open
        assert c.closes is not None
        years, n = max(c.closes - c.opens, 1e-6), c.patients + c.controls
        entry: Accrual = constant_accrual(rate=n / years, duration=years, follow_up=self.follow_up, dropout_hazard=_dropout(plan))
        shares = {plan.control: c.controls / n, name: c.patients / n}
        end = years + self.follow_up
        if self.events is not None:
            pair = {arm: truths[arm] for arm in shares}
            end = min(end, time_of_events(pair, shares=shares, accrual=entry, events=self.events) or end)
        moments = log_rank_moments(truths[plan.control], truths[name], share=shares[name], accrual=entry, time=end)
        bound = last
        if self.adjust == "bayes":
            bound = last * math.sqrt(1.0 + 1.0 / (moments.information * self.prior_sd**2))
        return PlatformArm(
            name=name, opens=c.opens, closes=c.closes, analysis_time=c.opens + end, patients=c.patients, concurrent_controls=c.controls,
            events=moments.events, power=float(ndtr((moments.mean_z - bound) / moments.sd_z)),
        )  # fmt: skip

    def _warnings(self, plan: Plan, there: set[str]) -> list[str]:
        warnings = ["power is without the looks and with expected numbers: nextarm simulate shows the platform itself"]
        waiting = [n for n in there if plan.arms[n].opens_when in ("dropped", "declared")]
        if waiting:
            warnings.append(f"{', '.join(sorted(waiting))}: shown as if what it waits for had come about at the look of the arm before")
        missing = [n for n in self.experimental(plan) if n not in there]
        if missing:
            warnings.append(f"{', '.join(missing)}: not expected to open before accrual ends")
        if self.control_data == "all":
            warnings.append("controls of other times are used: any change of patients or care over time is taken for an effect")
        if self.allocation_rule == "adaptive":
            warnings.append(
                "allocation that adapts mixes time with treatment: where the control's share moves, a change of care over the years is "
                "taken for an effect; at small rates little is known when most patients are allocated: compare with a fixed allocation"
            )
        return warnings


def _each(given: tuple[float, ...] | None, looks: tuple[float, ...], none: float) -> tuple[float, ...]:
    """A bound for every look: those given, or the one given for all."""
    return (none,) * len(looks) if given is None else given if len(given) == len(looks) else given * len(looks)


def _dropout(plan: Plan) -> float:
    hazards = plan.accrual_model().dropout_hazards
    return float(sum(hazards) / len(hazards))
