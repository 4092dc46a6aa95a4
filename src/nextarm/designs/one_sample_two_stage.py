"""One arm against a reference curve in two stages: stop for futility at an interim look, else test at the end.

Go on if Z1 >= ``interim_bound`` at ``interim_time``, reject if then Z2 >= ``final_bound`` at the end of follow-up; those
not stopped are followed without restriction. Patients keep coming while the interim is prepared, so its look is a
calendar time. With ``[solve] for = "duration"`` the interim time, its bound and the size are searched so that the power
is reached with the fewest patients expected under the null (``optimise = "optimal"``) or the fewest in all
(``"minimax"``); the other solutions keep the interim look as given. Reference: Wu, Chen, Wei, Weiss and Chauhan 2020, doi 10.1002/pst.1983.

The published designs have their final bound from the normal law of (Z1, Z2). O - E is skew, so their true type I error
is below alpha; with ``approximation = "second-order"`` (the default) the bound is the one that uses alpha up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem, RefusedError
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.designs.design import Decisions, DesignResult, DesignTable, LookData, Schedule
from nextarm.designs.expected_events import find_root
from nextarm.designs.milestone_one_arm import Drift, drift_columns
from nextarm.designs.one_sample_log_rank import Approximation, one_sample_schedule, precision_words, warnings_of, worse_than_reference
from nextarm.designs.one_sample_test import OneSampleTest, ReferenceCurve, TwoLooks, curve_of, reference_problems
from nextarm.designs.setting import LONGEST, Setting, common_fields, setting_of, solved
from nextarm.designs.tables import unit

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Interim times tried, as shares of the accrual duration.
_SHARES = np.array([0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0])

#: Events expected under the reference at an interim look, at least: with fewer no approximation says anything.
_FEWEST = 1.0
#: The same where a look is given and the size moves: with less the moments cannot be computed.
_LEAST = 0.01


@record
class OneSampleTwoStage(DesignResult):
    """Characteristics of a two-stage one-sample log-rank design.

    ``interim_n`` patients are expected to have entered at ``interim_time``; ``stop_h0`` and ``stop_h1`` the
    probabilities of stopping there under the reference and under the plan's truth; ``expected_n_h0`` and ``_h1`` the
    patients entered when the trial ends; ``correlation`` of Z1 and Z2 under the null. Type I errors and ``drift`` as in
    the design with one stage.
    """

    approximation: str
    optimised: str
    interim_time: float
    interim_n: float
    interim_bound: float
    final_bound: float
    stop_h0: float
    stop_h1: float
    expected_n_h0: float
    expected_n_h1: float
    correlation: float
    reference_survival: float
    reference_fixed: bool
    reference_error: float
    expected_events: float
    type1_error: float
    type1_if_taken_as_known: float
    drift: tuple[Drift, ...]

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """The interim look, both bounds, expected sizes, type I error, and rejection when the control has drifted."""
        names = (
            "interim_time", "interim_n", "interim_bound", "final_bound", "stop_h0", "expected_n_h0", "expected_n_h1", "type1_error",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names} | drift_columns(self.drift)


class OneSampleTwoStageTable(DesignTable):
    """``[design]`` of a one-arm trial with a one-sample log-rank test in two stages."""

    kind: Literal["one-sample-log-rank-two-stage"] = "one-sample-log-rank-two-stage"
    interim_time: Annotated[float | None, Field(gt=0.0, description="The interim look", json_schema_extra=unit("years"))] = None
    interim_bound: Annotated[float | None, Field(description="Stop where Z is below this at the interim look")] = None
    final_bound: Annotated[float | None, Field(description="Reject at the end from this Z on; default: what alpha allows")] = None
    optimise: Annotated[Literal["optimal", "minimax"], Field(description="What is smallest in a design solved for")] = "optimal"
    approximation: Annotated[Approximation, Field(description="With or without the correction for skewness")] = "second-order"

    arms_needed: ClassVar[int] = 1
    needs_reference: ClassVar[bool] = True

    def problems(self, plan: Plan) -> list[Problem]:
        """The interim look must be given, unless the duration is solved for: then it is searched."""
        found = reference_problems(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        given = [n for n in ("interim_time", "interim_bound") if getattr(self, n) is not None]
        if solve_for == "duration":
            if given or self.final_bound is not None:
                name = given[0] if given else "final_bound"
                found.append(Problem(f"{name} = {getattr(self, name):g}", "", "cannot be given when solving for the duration"))
            if not found:
                found += worse_than_reference(plan)
        elif len(given) < 2:
            rule = "interim_time and interim_bound must be given"
            found.append(Problem(f"kind = {self.kind!r}", "", rule, 'Give them, or [solve] for = "duration"'))
        elif not found and solve_for in ("n", "events"):
            found += worse_than_reference(plan)
        end = plan.accrual_model().study_duration
        if self.interim_time is not None and self.interim_time >= end:
            found.append(Problem(f"interim_time = {self.interim_time:g}", "", f"must come before the last analysis at {end:g} years"))
        return found

    def schedule(self, plan: Plan) -> Schedule:
        """The interim look and the end of follow-up; :class:`RefusedError` while the interim look is still to be solved for."""
        if self.interim_time is None:
            raise RefusedError(
                "virtual trials of a two-stage design that is still to be solved for",
                rule="its interim look and its size are what [solve] asks for",
                cure="Take interim_time, interim_bound and the accrual duration from `nextarm design` into the plan, without [solve]",
            )
        return one_sample_schedule(plan, (self.interim_time, plan.accrual_model().study_duration))

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Stop below the interim bound, reject from the final bound on."""
        return self.decider(plan)(data)

    def decider(self, plan: Plan) -> Callable[[LookData], Decisions]:
        """The final bound at the plan's own size, worked out once."""
        found = self.evaluate(plan.without("solve", "scenario", "grid", "compare"))

        def decide(data: LookData) -> Decisions:
            stops = data.z[:, 0] < found.interim_bound
            rejects = ~stops & (data.z[:, 1] >= found.final_bound)
            rejected, stopped = np.where(rejects, 1, -1).astype(np.int64), np.where(stops, 0, 1).astype(np.int64)
            return Decisions(rejected_at=rejected, stopped_at=stopped, futile=stops)

        return decide

    def evaluate(self, plan: Plan) -> OneSampleTwoStage:
        """Characteristics at the plan, or the design with the fewest patients that reaches the power."""
        reference, setting = curve_of(plan), setting_of(plan)
        if plan.solve is not None and plan.solve.for_ == "duration":
            setting, time, bound = self._search(setting, reference, plan.solve.power)
            return self._result(plan, setting, reference, time, bound, None, "duration")
        assert self.interim_time is not None
        assert self.interim_bound is not None
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=lambda s: self._power(s, reference))
        return self._result(plan, setting, reference, self.interim_time, self.interim_bound, self.final_bound, solve_for)

    def _power(self, setting: Setting, reference: ReferenceCurve) -> float:
        """Power with the interim look as given; 0 where it is not before the last analysis or sees next to nothing."""
        assert self.interim_time is not None
        assert self.interim_bound is not None
        if setting.analysis_time <= 1.001 * self.interim_time:
            return 0.0
        test = self._test(setting, reference)
        null = TwoLooks(test, reference.curve, self.interim_time)
        if null.first.expected < _LEAST:
            return 0.0
        final = self.final(null, self.interim_bound) if self.final_bound is None else self.final_bound
        return TwoLooks(test, setting.truths[setting.experimental], self.interim_time).rejects(self.interim_bound, final)

    def _test(self, setting: Setting, reference: ReferenceCurve) -> OneSampleTest:
        return OneSampleTest(setting, reference, normal=self.approximation == "normal")

    def final(self, null: TwoLooks, bound: float) -> float:
        """The final bound that makes the type I error alpha."""
        if null.goes_on(bound) <= self.alpha:
            raise RefusedError(f"interim_bound = {bound:g}", rule=f"goes on less often than alpha = {self.alpha:g} under the null")
        return find_root(lambda c: null.rejects(bound, c) - self.alpha, -6.0, 8.0)

    def _search(self, setting: Setting, reference: ReferenceCurve, power: float) -> tuple[Setting, float, float]:
        """Duration (n a whole number), interim time and bound of the best design."""
        rate = setting.accrual.total / setting.accrual.duration
        follow_up = setting.analysis_time - setting.accrual.duration
        truth = setting.truths[setting.experimental]
        found: dict[int, tuple[float, float, float] | None] = {}

        def with_n(n: int) -> Setting:
            longer = setting.accrual.lasting(setting.accrual.years_for(n))
            return replace(setting, accrual=longer, analysis_time=longer.duration + follow_up)

        def one_stage(n: int) -> float:
            test = self._test(with_n(n), reference)
            critical = find_root(lambda c: test.rejects(reference.curve, c) - self.alpha, -6.0, 8.0)
            return test.rejects(truth, critical)

        def best(n: int) -> tuple[float, float, float] | None:
            if n not in found:
                found[n] = self._interim(with_n(n), reference, power)
            return found[n]

        low, high = 2, 4
        while one_stage(high) < power:
            low, high = high, 2 * high
            if high > LONGEST * rate:
                raise RefusedError(f"power {power:g} cannot be reached by accrual of up to {LONGEST:g} years")
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if one_stage(middle) < power else (low, middle)
        n = high
        while best(n) is None:
            n += 1
        chosen, waited = n, 0
        while self.optimise == "optimal" and waited < 5:
            n += 1
            now, before = best(n), best(chosen)
            assert before is not None
            if now is not None and now[0] < before[0]:
                chosen, waited = n, 0
            else:
                waited += 1
        answer = best(chosen)
        assert answer is not None
        return with_n(chosen), answer[1], answer[2]

    def _interim(self, setting: Setting, reference: ReferenceCurve, power: float) -> tuple[float, float, float] | None:
        """Expected patients under the null, interim time and bound, the best for this size; None if no look keeps the power."""
        from scipy.optimize import minimize_scalar

        test = self._test(setting, reference)
        kept: dict[float, float] = {}

        def patients(time: float) -> float:
            null = TwoLooks(test, reference.curve, time)
            if null.first.expected < _FEWEST:
                return 2.0 * setting.accrual.total
            alternative = TwoLooks(test, setting.truths[setting.experimental], time)

            def gap(bound: float) -> float:
                return alternative.rejects(bound, self.final(null, bound)) - power

            if gap(-4.0) < 0.0:
                return 2.0 * setting.accrual.total
            top = 1.0
            bound = top if gap(top) > 0.0 else find_root(gap, -4.0, top)
            kept[time] = bound
            goes_on = null.goes_on(bound)
            return (1.0 - goes_on) * float(setting.accrual.entered(time)) + goes_on * setting.accrual.total

        duration = setting.accrual.duration
        tried = [patients(float(share) * duration) for share in _SHARES]
        at = int(np.argmin(tried))
        if tried[at] >= 1.5 * setting.accrual.total:
            return None
        ends = (float(_SHARES[max(at - 1, 0)]) * duration, float(_SHARES[min(at + 1, len(_SHARES) - 1)]) * duration)
        found = minimize_scalar(patients, bounds=ends, method="bounded", options={"xatol": 1e-4 * duration})
        coarse = float(_SHARES[at]) * duration
        time = float(found.x) if patients(float(found.x)) <= tried[at] else coarse
        return patients(time), time, kept[time]

    def _result(
        self, plan: Plan, setting: Setting, reference: ReferenceCurve, time: float, bound: float, final: float | None, solve_for: str
    ) -> OneSampleTwoStage:
        test = self._test(setting, reference)
        truth = setting.truths[setting.experimental]
        null, alternative = TwoLooks(test, reference.curve, time), TwoLooks(test, truth, time)
        critical = self.final(null, bound) if final is None else final
        naive = TwoLooks(test, reference.curve, time, as_known=True).rejects(bound, critical)
        assert plan.reference is not None
        rows = []
        for d in plan.reference.drift:
            if 0.0 < reference.survival + d < 1.0:
                moved = reference.better_by(d)
                rejection, known = (TwoLooks(test, moved, time, as_known=k).rejects(bound, critical) for k in (False, True))
                rows.append(Drift(change=d, survival=reference.survival + d, rejection=rejection, rejection_if_known=known))
        n1, n = float(setting.accrual.entered(time)), setting.accrual.total
        stop0, stop1 = 1.0 - null.goes_on(bound), 1.0 - alternative.goes_on(bound)
        return OneSampleTwoStage(
            **common_fields(plan, setting, solved_for=solve_for, power=alternative.rejects(bound, critical)),
            trail=Trail(
                method=f"two-stage one-sample log-rank test, {self.approximation} law of both looks",
                reference="10.1002/pst.1983",
                assumptions=("the survival truth, accrual and dropout of the plan", precision_words(reference)),
            ),
            warnings=warnings_of(reference, naive, self.alpha, null.last.expected),
            approximation=self.approximation,
            optimised=self.optimise if solve_for == "duration" else "",
            interim_time=time,
            interim_n=n1,
            interim_bound=bound,
            final_bound=critical,
            stop_h0=stop0,
            stop_h1=stop1,
            expected_n_h0=stop0 * n1 + (1.0 - stop0) * n,
            expected_n_h1=stop1 * n1 + (1.0 - stop1) * n,
            correlation=null.rho,
            reference_survival=reference.survival,
            reference_fixed=reference.fixed,
            reference_error=reference.tau(alternative.last),
            expected_events=alternative.last.expected,
            type1_error=null.rejects(bound, critical),
            type1_if_taken_as_known=naive,
            drift=tuple(rows),
        )
