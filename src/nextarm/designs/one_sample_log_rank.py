"""One arm against a reference curve by the one-sample log-rank test, at the end of follow-up.

Z = (E - O) / sqrt(E), with the sampling variance of E in the denominator unless the reference is declared fixed: the test
of :mod:`nextarm.survival.one_sample`. O events are seen, E are expected had the patients the reference's hazard for as
long as they were followed. Rejection probabilities are corrected for the skewness of O - E (``approximation``): with 60
patients the classical test at .05 rejects a true null in .042 of trials. Reference: Wu 2015, doi 10.1002/pst.1654.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Measures, Schedule, decide_once
from nextarm.designs.milestone_one_arm import Drift, drift_columns, z_of
from nextarm.designs.one_sample_test import OneSampleTest, ReferenceCurve, curve_of, reference_problems
from nextarm.designs.setting import Setting, common_fields, setting_of, solved

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan

Approximation = Literal["second-order", "normal"]


@record
class OneSampleDesign(DesignResult):
    """Characteristics of a one-sample log-rank design.

    ``expected_events`` under the reference's hazard, given how long the arm is followed under its own truth;
    ``reference_error`` the relative standard error of that number (0 if fixed); ``mean_z`` and ``sd_z`` under the plan's
    truth. ``power`` averages over the reference's error, ``power_given_reference`` takes its estimate as it is.
    ``type1_if_taken_as_known``: what a test does that ignores the reference's error. ``drift``: rejection when today's
    control is better than the reference by that much in S at the milestone, hazards proportional.
    """

    approximation: str
    reference_survival: float
    reference_fixed: bool
    reference_error: float
    expected_events: float
    mean_z: float
    sd_z: float
    power_given_reference: float
    type1_error: float
    type1_if_taken_as_known: float
    drift: tuple[Drift, ...]

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """Type I error, and rejection when the control has drifted."""
        names = ("expected_events", "reference_error", "type1_error", "power_given_reference")
        return {name: getattr(self, name) for name in names} | drift_columns(self.drift)

    def drift_table(self) -> pl.DataFrame:
        """One row for each change of the control: rejection with the reference's error in the test and without."""
        import polars as pl

        names = ("change", "survival", "rejection", "rejection_if_known")
        return pl.DataFrame([{n: getattr(row, n) for n in names} for row in self.drift])


class OneSampleLogRankTable(DesignTable):
    """``[design]`` of a one-arm trial with a one-sample log-rank test."""

    kind: Literal["one-sample-log-rank"] = "one-sample-log-rank"
    approximation: Annotated[Approximation, Field(description="With or without the correction for skewness")] = "second-order"

    arms_needed: ClassVar[int] = 1
    needs_reference: ClassVar[bool] = True

    def problems(self, plan: Plan) -> list[Problem]:
        """The reference is a curve; to solve for a size the arm must do better than it."""
        found = reference_problems(plan)
        if not found and plan.solve is not None and plan.solve.for_ in ("n", "duration", "events"):
            found += worse_than_reference(plan)
        return found

    def schedule(self, plan: Plan) -> Schedule:
        """One look, at the end of follow-up."""
        return one_sample_schedule(plan, (plan.accrual_model().study_duration,))

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Reject where z reaches the normal quantile."""
        return decide_once(data, z_of(self.alpha))

    def evaluate(self, plan: Plan) -> OneSampleDesign:
        """Power, type I error, drift; or what ``[solve]`` asks for."""
        reference, setting = curve_of(plan), setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=lambda s: self._power(s, reference))
        test, critical = self._test(setting, reference), z_of(self.alpha)
        truth = setting.truths[setting.experimental]
        m = test.moments(truth)
        law, _ = test.law(m, given=True)
        type1 = test.rejects(reference.curve, critical)
        naive = test.rejects(reference.curve, critical, as_known=True)
        rows = drift_rows(test, reference, plan, critical)
        return OneSampleDesign(
            **common_fields(plan, setting, solved_for=solve_for, power=self._power(setting, reference)),
            trail=Trail(
                method=f"one-sample log-rank test, moments under the plan's truth, {self.approximation} tails",
                reference="10.1002/pst.1654",
                assumptions=(
                    "the survival truth, accrual and dropout of the plan",
                    precision_words(reference),
                    "drift of the control multiplies the reference's hazard at all times",
                ),
            ),
            warnings=warnings_of(reference, naive, self.alpha, m.expected),
            approximation=self.approximation,
            reference_survival=reference.survival,
            reference_fixed=reference.fixed,
            reference_error=reference.tau(m),
            expected_events=m.expected,
            mean_z=float(law.mean[0]),
            sd_z=float(law.sd[0]),
            power_given_reference=test.rejects(truth, critical, given=True),
            type1_error=type1,
            type1_if_taken_as_known=naive,
            drift=rows,
        )

    def _test(self, setting: Setting, reference: ReferenceCurve) -> OneSampleTest:
        return OneSampleTest(setting, reference, normal=self.approximation == "normal")

    def _power(self, setting: Setting, reference: ReferenceCurve) -> float:
        return self._test(setting, reference).rejects(setting.truths[setting.experimental], z_of(self.alpha))


def one_sample_schedule(plan: Plan, times: tuple[float, ...]) -> Schedule:
    """Looks at ``times``, the reference's error there as the plan's own truth makes it."""
    reference, setting = curve_of(plan), setting_of(plan)
    test = OneSampleTest(setting, reference)
    errors = tuple(reference.tau(test.moments(setting.truths[setting.experimental], time)) for time in times)
    return Schedule(
        looks=tuple(Look(events=None, latest=time) for time in times),
        statistic="one-sample-log-rank",
        null=1.0,
        milestone=plan.trial.milestone,
        reference_errors=errors,
        measures=Measures(reference=reference.curve),
    )


def drift_rows(test: OneSampleTest, reference: ReferenceCurve, plan: Plan, critical: float) -> tuple[Drift, ...]:
    """Rejection when the arm is today's control, better than the reference by each of the plan's changes."""
    assert plan.reference is not None
    return tuple(
        Drift(
            change=d,
            survival=reference.survival + d,
            rejection=test.rejects(reference.better_by(d), critical),
            rejection_if_known=test.rejects(reference.better_by(d), critical, as_known=True),
        )
        for d in plan.reference.drift
        if 0.0 < reference.survival + d < 1.0
    )


def worse_than_reference(plan: Plan) -> list[Problem]:
    """A problem if fewer or as many events are expected under the reference as under the arm's truth."""
    setting, reference = setting_of(plan), curve_of(plan)
    m = OneSampleTest(setting, reference).moments(setting.truths[setting.experimental])
    if m.h > m.d:
        return []
    rule = f"the arm must have fewer events than the reference predicts ({m.observed:.1f} v {m.expected:.1f})"
    return [Problem(f"kind = {plan.design.kind!r}", "", rule)]


def precision_words(reference: ReferenceCurve) -> str:
    """How well the reference is known, as an assumption."""
    if reference.fixed:
        return "the reference curve is taken as known without error"
    if reference.n is not None:
        return f"the reference is as precise as {reference.n:g} patients with complete follow-up make it"
    return f"the reference's S at the milestone has the standard error {reference.se:g}; its hazards err by one common factor"


def warnings_of(reference: ReferenceCurve, naive: float, alpha: float, expected: float) -> tuple[str, ...]:
    """What a reader of a one-sample log-rank design must know."""
    found = []
    if reference.fixed:
        found.append(precision_words(reference) + ", as the plan declares")
    elif naive > 1.1 * alpha:
        found.append(
            f"taking the reference as known would make the type I error {naive:.3f} instead of {alpha:g}; its error is part of this test"
        )
    if expected < 8.0:
        found.append(f"only {expected:.2g} events are expected under the reference: whole numbers, so power may be off by .1: simulate it")
    return tuple(found)
