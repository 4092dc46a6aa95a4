"""Two arms, two causes of failure: log-rank on one cause, on its cumulative incidence, or on whichever comes first.

All five comparisons and both cumulative incidences stand in the result, so that an agent that trades relapse for toxic death is seen
whatever the primary test is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem, RefusedError
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.competing_causes import COMPARISONS, Comparison, TwoCauses, score_moments
from nextarm.designs.count_design import only_solves
from nextarm.designs.design import DesignResult, DesignTable
from nextarm.designs.log_rank_two_arm import cautions_for
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.setting import Setting, common_fields, solved
from nextarm.designs.tables import unit
from nextarm.designs.true_null import SAME, nowhere_above
from nextarm.designs.truths import truths_from_specs

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan


@record
class CauseInArm:
    """One arm: cumulative incidences at the milestone, the probability of neither, and expected events by the analysis.

    ``death_alone``: who would have died by the milestone were there no relapse (the hazard itself, whatever relapse does).
    """

    name: str
    relapse_incidence: float
    death_incidence: float
    death_alone: float
    neither: float
    relapses: float
    deaths: float


@record
class ComparisonPower:
    """One comparison: events it counts, the mean of its Z and the probability that it favours the experimental arm, or the control."""

    comparison: str
    events: float
    mean_z: float
    power: float
    opposite: float


@record
class CompetingEvents(DesignResult):
    """Characteristics of a design with competing causes; ``events`` are those of both, ``power`` is that of the primary ``test``.

    ``arms`` (control first) and ``comparisons`` show both causes whatever is tested.
    """

    test: str
    arms: tuple[CauseInArm, ...]
    comparisons: tuple[ComparisonPower, ...]

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """Both incidences of both arms, and the power of every comparison."""
        made: dict[str, float | str | bool | None] = {"test": self.test}
        for arm in self.arms:
            made |= {
                f"relapse_{arm.name}": arm.relapse_incidence,
                f"death_{arm.name}": arm.death_incidence,
                f"neither_{arm.name}": arm.neither,
            }
        return made | {f"power_{c.comparison}": c.power for c in self.comparisons}

    def comparison_table(self) -> pl.DataFrame:
        """One row a comparison."""
        import polars as pl

        names = ("comparison", "events", "mean_z", "power", "opposite")
        return pl.DataFrame([{n: getattr(c, n) for n in names} for c in self.comparisons])


class CompetingEventsTable(DesignTable):
    """``[design]`` of two arms with relapse and death as competing causes."""

    kind: Literal["competing-events"] = "competing-events"
    test: Annotated[Comparison, Field(description="What is compared; the subdistribution is the cumulative incidence")] = "relapse"
    latest: Annotated[float | None, Field(gt=0.0, description="Analysis at this time", json_schema_extra=unit("years"))] = None

    outcomes: ClassVar[tuple[str, ...]] = ("relapse", "death")

    def error_allowed(self, plan: Plan) -> float | None:
        """Where what is tested is at no time rarer than in the control."""
        causes = self.causes(plan)
        new, old = causes[plan.experimental], causes[plan.control]
        if self.test.endswith("subdistribution"):
            cause: Literal["relapse", "death"] = "relapse" if self.test.startswith("relapse") else "death"
            times = np.linspace(0.0, plan.accrual_model().study_duration, 41)[1:]
            rarer = bool((new.incidences(cause, times) < old.incidences(cause, times) - SAME).any())
            return None if rarer else self.alpha
        pair = (new, old) if self.test == "either" else (getattr(new, self.test), getattr(old, self.test))
        return self.alpha if nowhere_above(*pair) else None

    def problems(self, plan: Plan) -> list[Problem]:
        """Both causes are sound truths; a subdistribution is compared without dropout."""
        found = only_solves(plan, "power", "n")
        accrual = plan.accrual_model()
        if self.test.endswith("subdistribution") and any(accrual.dropout_hazards):
            rule = "takes all censoring to be by the analysis: with dropout the risk sets need weights that are not built"
            found.append(Problem(f"test = {self.test!r} with dropout", "", rule, "Leave out the dropout, or compare cause by cause"))
        if found:
            return found
        moments = {a.comparison: a for a in self._result(plan, self.setting(plan), "power").comparisons}[self.test]
        if moments.events < 1e-6:
            found.append(Problem(f"test = {self.test!r}", "", "no events of this kind are expected by the analysis"))
        elif plan.solve is not None and plan.solve.for_ == "n" and moments.mean_z <= 0.0:
            found.append(Problem(f"test = {self.test!r}", "", "the experimental arm must have fewer of them to solve for n"))
        return found

    def causes(self, plan: Plan) -> dict[str, TwoCauses]:
        """Both causes of each arm."""
        made = {
            cause: truths_from_specs({n: getattr(a, cause) for n, a in plan.arms.items()}, path="arms.{}." + cause)
            for cause in ("relapse", "death")
        }
        return {name: TwoCauses(made["relapse"][name], made["death"][name]) for name in plan.arms}

    def analysis_time(self, plan: Plan) -> float:
        """Years from the first patient to the analysis."""
        return self.latest or plan.accrual_model().study_duration

    def setting(self, plan: Plan) -> Setting:
        """The plan's setting; an arm's truth is the first of both causes."""
        return Setting(
            dict(self.causes(plan)), plan.shares(), plan.control, plan.experimental, plan.accrual_model(), self.analysis_time(plan),
            plan.trial.milestone,
        )  # fmt: skip

    def evaluate(self, plan: Plan) -> CompetingEvents:
        """Power of every comparison at the plan's size, or at the size that gives the primary test its power."""
        setting, solve_for = self.setting(plan), "power"
        if plan.solve is not None and plan.solve.for_ == "n":
            solve_for = "n"
            setting = solved(setting, what="n", target=plan.solve.power, power=lambda s: self._power(s, self.test).power)
        return self._result(plan, setting, solve_for)

    def _power(self, setting: Setting, comparison: Comparison) -> ComparisonPower:
        from scipy.special import ndtr

        control, experimental = (_causes_of(setting, name) for name in (setting.control, setting.experimental))
        got = score_moments(
            control,
            experimental,
            comparison,
            share=setting.shares[setting.experimental],
            accrual=setting.accrual,
            time=setting.analysis_time,
        )
        bound = z_of(self.alpha)
        return ComparisonPower(
            comparison=comparison, events=sum(got.events), mean_z=got.mean_z, power=float(ndtr(got.mean_z - bound)),
            opposite=float(ndtr(-got.mean_z - bound)),
        )  # fmt: skip

    def _result(self, plan: Plan, setting: Setting, solve_for: str) -> CompetingEvents:
        drops = any(setting.accrual.dropout_hazards)
        compared = tuple(self._power(setting, c) for c in COMPARISONS if not (drops and c.endswith("subdistribution")))
        arms = []
        for name in (setting.control, setting.experimental):
            truth = _causes_of(setting, name)
            alone = {"share": setting.shares[name], "accrual": setting.accrual, "time": setting.analysis_time}
            relapses, deaths = (sum(score_moments(truth, truth, c, **alone).events) for c in ("relapse", "death"))  # type: ignore[arg-type]
            arms.append(
                CauseInArm(
                    name=name, relapse_incidence=truth.incidence("relapse", setting.milestone),
                    death_incidence=truth.incidence("death", setting.milestone),
                    death_alone=1.0 - float(np.asarray(truth.death.survival(_array(setting.milestone)))),
                    neither=float(truth.survival(_array(setting.milestone))), relapses=relapses * setting.shares[name],
                    deaths=deaths * setting.shares[name],
                )
            )  # fmt: skip
        power = next(c.power for c in compared if c.comparison == self.test)
        return CompetingEvents(
            **common_fields(plan, setting, solved_for=solve_for, power=power),
            trail=Trail(
                method=f"log-rank of {self.test} with competing causes, means of the score by numerical integration",
                reference="10.1080/01621459.1999.10474144",
                assumptions=("the cause-specific hazards of the plan", "the score has its null variance"),
            ),
            warnings=(*_trade(arms[0], arms[1]), *cautions_for(setting)),
            test=self.test,
            arms=tuple(arms),
            comparisons=compared,
        )


def _causes_of(setting: Setting, name: str) -> TwoCauses:
    truth = setting.truths[name]
    if not isinstance(truth, TwoCauses):
        raise RefusedError(f"arm {name!r}", rule="has no two causes")
    return truth


def _trade(control: CauseInArm, experimental: CauseInArm) -> tuple[str, ...]:
    """Say where one cause gets better and the other worse."""
    less, more = control.relapse_incidence - experimental.relapse_incidence, experimental.death_incidence - control.death_incidence
    if experimental.death_alone - control.death_alone <= 1e-3 or more <= 1e-3:  # fewer relapses alone leave more to die of the rest
        return ()
    what = f"the experimental arm has {more:.1%} more deaths without relapse by the milestone"
    if less <= 1e-3:
        return (f"{what} and no fewer relapses",)
    gain = experimental.neither - control.neither
    return (f"{what} beside {less:.1%} fewer relapses: {abs(gain):.1%} {'more' if gain > 0.0 else 'fewer'} are free of both",)


def _array(value: float) -> FloatArray:
    return np.asarray(value, np.float64)
