"""A platform: several experimental arms share one control, enter and leave on dates or one after another.

An arm recruits ``patients_per_arm`` (or until accrual ends), is looked at once on the way, and is judged ``follow_up`` years after its last
patient by the log-rank test against the controls randomised while it was open; or against all controls before its end, which gains
patients and, where patients change over time, bias: both are always simulated, so that the bias can be seen. The error is held for each
comparison (``each``) or over the family (``dunnett``, ``bonferroni``); ``bayes`` asks for a posterior probability of benefit instead.

With all arms open from the start and bounds ``triangular`` this is a multi-arm two-stage trial; with ``select = "best"`` the best
arm at the look goes on alone (pick the winner, then test). ``allocation_rule = "adaptive"`` shifts patients towards arms that do well
(Thall & Wathen 2007): at the small rates of a rare disease it costs power against the control and opens the door to drift; it
is here to be compared.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual, constant_accrual
from nextarm.designs.design import BLOCKED, DesignResult, DesignTable
from nextarm.designs.log_rank_moments import log_rank_moments
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.setting import common_fields, setting_of
from nextarm.designs.tables import unit

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan


#: The most patients of a platform: each look goes through all of them.
MOST_PATIENTS = 20_000


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

    ``bound`` on the Z scale at an arm's last analysis, ``interim_bounds`` (drop below, declare above) at its look.
    """

    adjust: str
    bound: float
    interim_bounds: tuple[float | None, float | None]
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
    interim: Annotated[float | None, Field(gt=0.0, lt=1.0, description="One look at this share of an arm's patients")] = None
    interim_lag: Annotated[float, Field(ge=0.0, description="The look comes so long after", json_schema_extra=unit("years"))] = 0.5
    drop_below: Annotated[float | None, Field(description="Z at the look below which an arm is dropped")] = 0.0
    declare_above: Annotated[float | None, Field(description="Z at the look above which an arm succeeds at once")] = None
    bounds: Annotated[Literal["given", "triangular"], Field(description="triangular: both bounds from the family-wise error")] = "given"
    select: Annotated[Literal["all", "best"], Field(description="best: only the best arm at the look goes on")] = "all"
    allocation_rule: Annotated[Literal["fixed", "adaptive"], Field(description="Blocks, or shifted towards arms that do well")] = "fixed"
    update_every: Annotated[int, Field(ge=5, description="adaptive: after so many patients", json_schema_extra=unit("patients"))] = 20

    more_arms: ClassVar[bool] = True

    def problems(self, plan: Plan) -> list[Problem]:
        """Arms open inside the accrual and one after another without a ring; looks fit their bounds."""
        found = []
        if plan.solve is not None and plan.solve.for_ != "power":
            found.append(
                Problem(
                    f"kind = 'platform' with solve.for = {plan.solve.for_!r}", "", "a platform is not solved for; change patients_per_arm"
                )
            )
        names = self.experimental(plan)
        if plan.accrual_model().total > MOST_PATIENTS:
            rule = f"has at most {MOST_PATIENTS:,} patients in all"
            found.append(Problem(f"kind = 'platform' with {plan.accrual_model().total:,.0f} patients", "", rule))
        if len(names) > 8:
            found.append(Problem(f"kind = 'platform' with {len(names)} experimental arms", "", "has at most 8"))
        for name in names:
            arm = plan.arms[name]
            if arm.opens >= plan.accrual.duration:
                rule = f"must come before accrual ends at {plan.accrual.duration:g} years"
                found.append(Problem(f"kind = 'platform': arms.{name}.opens = {arm.opens:g}", "", rule))
            seen, at = {name}, arm.opens_after
            while at is not None:
                if at not in names or at in seen:
                    rule = "must name another experimental arm, and not in a ring"
                    found.append(Problem(f"kind = 'platform': arms.{name}.opens_after = {arm.opens_after!r}", "", rule))
                    break
                seen.add(at)
                at = plan.arms[at].opens_after
        if plan.arms[plan.control].opens > 0.0 or plan.arms[plan.control].opens_after is not None:
            found.append(Problem("kind = 'platform': the control opens late", "", "must be open from the start"))
        if self.drop_below is not None and self.declare_above is not None and self.drop_below >= self.declare_above:
            found.append(Problem(f"drop_below = {self.drop_below:g}", "", f"must be below declare_above = {self.declare_above:g}"))
        if (self.select == "best" or self.bounds == "triangular") and self.interim is None:
            found.append(
                Problem("interim is missing", "", f"{'select = best' if self.select == 'best' else 'triangular bounds'} needs a look")
            )
        if (self.select == "best" or self.bounds == "triangular") and any(
            plan.arms[n].opens > 0.0 or plan.arms[n].opens_after is not None for n in names
        ):
            found.append(Problem("select = best or triangular bounds", "", "need all arms open from the start"))
        return found

    def experimental(self, plan: Plan) -> list[str]:
        """The experimental arms in the plan's order."""
        return [name for name in plan.arms if name != plan.control]

    def limits(self, plan: Plan) -> tuple[float, float | None, float | None]:
        """The last bound on the Z scale, and at the look the ones to drop below and to declare above."""
        from nextarm.designs.multi_arm_bounds import multi_arm_bounds

        names = self.experimental(plan)
        ratio = plan.arms[names[0]].allocation / plan.arms[plan.control].allocation
        if self.bounds == "triangular" and self.interim is not None:
            made = multi_arm_bounds(len(names), fractions=np.array([self.interim, 1.0]), alpha=self.alpha, ratio=ratio)
            return float(made.upper[1]), float(made.lower[0]), float(made.upper[0])
        last = {
            "each": lambda: z_of(self.alpha),
            "bonferroni": lambda: z_of(self.alpha / len(names)),
            "dunnett": lambda: float(multi_arm_bounds(len(names), fractions=np.ones(1), alpha=self.alpha, ratio=ratio).upper[0]),
            "bayes": lambda: z_of(1.0 - self.threshold),
        }[self.adjust]()
        none = self.interim is None
        return last, None if none else self.drop_below, None if none else self.declare_above

    def evaluate(self, plan: Plan) -> Platform:
        """Each arm's years, patients and power as expected, its look left out: by the flow of patients."""
        last, drop, declare = self.limits(plan)
        setting = setting_of(plan)
        arms = []
        for name, opens, closes, patients, controls in flow(plan, self):
            end = closes + self.follow_up
            years = max(closes - opens, 1e-6)
            entry: Accrual = constant_accrual(
                rate=(patients + controls) / years, duration=years, follow_up=self.follow_up, dropout_hazard=_dropout(plan)
            )
            moments = log_rank_moments(
                setting.truths[plan.control], setting.truths[name], share=patients / (patients + controls), accrual=entry,
                time=years + self.follow_up,
            )  # fmt: skip
            bound = last
            if self.adjust == "bayes":
                bound = last * math.sqrt(1.0 + 1.0 / (moments.information * self.prior_sd**2))
            from scipy.special import ndtr

            arms.append(
                PlatformArm(
                    name=name,
                    opens=opens,
                    closes=closes,
                    analysis_time=end,
                    patients=patients,
                    concurrent_controls=controls,
                    events=moments.events,
                    power=float(ndtr((moments.mean_z - bound) / moments.sd_z)),
                )
            )
        power = sum(a.power for a in arms) / len(arms)
        fields = common_fields(plan, setting, solved_for="power", power=power)
        fields |= {"analysis_time": max(a.analysis_time for a in arms)}
        warnings = ["power is without the look and with expected numbers: nextarm simulate shows the platform itself"]
        if self.control_data == "all":
            warnings.append("controls of other times are used: any change of patients or care over time is taken for an effect")
        if self.allocation_rule == "adaptive":
            warnings.append(
                "allocation that adapts lowers the number of concurrent controls' comparisons and mixes time with treatment; "
                "at rates this small a fixed allocation is the safer choice"
            )
        return Platform(
            **fields,
            trail=Trail(
                method=f"platform with a shared control, {self.adjust}, log-rank, expected flow of patients", assumptions=(BLOCKED,)
            ),
            warnings=tuple(warnings),
            adjust=self.adjust,
            bound=last,
            interim_bounds=(drop, declare),
            arms=tuple(arms),
        )


def _dropout(plan: Plan) -> float:
    hazards = plan.accrual_model().dropout_hazards
    return float(sum(hazards) / len(hazards))


def flow(plan: Plan, design: PlatformTable) -> list[tuple[str, float, float, float, float]]:
    """The expected course: name, opening, closing, patients and concurrent controls of each experimental arm.

    Patients flow into the open arms in the proportions of their allocation, in small steps of the expected accrual.
    """
    accrual, names = plan.accrual_model(), design.experimental(plan)
    steps = 2_000
    times: FloatArray = np.linspace(0.0, accrual.duration, steps + 1)
    arriving = np.diff(np.asarray(accrual.entered(times)))
    shares = {name: plan.arms[name].allocation for name in plan.arms}
    n, controls = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    opened: dict[str, float] = {}
    closed: dict[str, float] = {}
    for k in range(steps):
        now = float(times[k + 1])
        for name in names:
            arm = plan.arms[name]
            before = arm.opens_after is None or arm.opens_after in closed
            if name not in opened and times[k] >= arm.opens - 1e-12 and before:
                opened[name] = float(times[k])
        there = [name for name in names if name in opened and name not in closed]
        if not there:
            continue
        total = shares[plan.control] + sum(shares[name] for name in there)
        for name in there:
            n[name] += float(arriving[k]) * shares[name] / total
            controls[name] += float(arriving[k]) * shares[plan.control] / total
            if n[name] >= design.patients_per_arm - 1e-9:
                closed[name] = now
    end = accrual.duration
    return [(m, opened.get(m, end), closed.get(m, end), max(n[m], 1e-6), max(controls[m], 1e-6)) for m in names if m in opened]
