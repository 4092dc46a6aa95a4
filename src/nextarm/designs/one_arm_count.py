"""One arm, one proportion against a fixed one: what Simon's, the exact, the BOP2 and the predictive design share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from nextarm.core.errors import Problem, RefusedError
from nextarm.core.trail import Trail
from nextarm.designs.count_design import CountDesignResult, CountTable, behaviour_of, count_fields, grid_around, only_solves
from nextarm.designs.expected_events import find_root
from nextarm.designs.predictive_probability import CountBounds
from nextarm.designs.tables import unit
from nextarm.designs.true_null import SAME

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

NullResponse = Annotated[
    float, Field(gt=0.0, lt=1.0, description="The response probability to rule out", json_schema_extra=unit("proportion"))
]
LookSizes = tuple[int, ...]


class OneArmCountTable(CountTable):
    """Base of the one-arm designs for a response; the arm's ``response`` is the truth and, to solve, the one hoped for."""

    null_response: NullResponse

    arms_needed: ClassVar[int] = 1
    method_words: ClassVar[str] = ""

    def error_allowed(self, plan: Plan) -> float | None:
        """Where the response is at most ``null_response``."""
        response = plan.arms[plan.experimental].response
        return self.alpha if response is not None and response <= self.null_response + SAME else None

    def problems(self, plan: Plan) -> list[Problem]:
        """The response hoped for must be above the null's where a size is solved for."""
        found = only_solves(plan, "power", "n", "effect")
        response = plan.arms[plan.experimental].response
        if plan.solve is not None and plan.solve.for_ == "n" and response is not None and response <= self.null_response:
            rule = f"must be above null_response = {self.null_response:g} to solve for n"
            found.append(Problem(f"null_response = {self.null_response:g} with a response of {response:g}", "", rule))
        return found

    def evaluate(self, plan: Plan) -> CountDesignResult:
        """Exact characteristics; or the size, or the response, that reaches ``[solve]``'s power."""
        response = plan.arms[plan.experimental].response
        assert response is not None  # the plan was checked
        bounds = self.count_bounds(plan)
        if plan.solve is not None and plan.solve.for_ == "effect":
            response = self._response_for(bounds, plan.solve.power)
        null, truth = behaviour_of(bounds, [self.null_response, response])
        n = bounds.sizes[-1]
        warnings = []
        if null.success > self.alpha * 1.0001:
            warnings.append(f"the exact type I error is {null.success:.4f}, above alpha = {self.alpha:g}")
        return CountDesignResult(
            **count_fields(
                plan, n=n, n_by_arm={plan.experimental: float(n)}, events_by_arm={plan.experimental: n * response}, power=truth.success
            ),
            trail=Trail(
                method=self.method_words,
                assumptions=(
                    f"compared with a fixed response probability of {self.null_response:g}, taken as known: a historical control has an "
                    "error of its own",
                ),
            ),
            warnings=tuple(warnings),
            null_probability=self.null_response,
            probability=response,
            bounds=bounds,
            type1_error=null.success,
            expected_n_null=null.expected_n,
            expected_n=truth.expected_n,
            behaviour=behaviour_of(bounds, grid_around(self.null_response, max(response, self.null_response + 0.05))),
        )

    def _response_for(self, bounds: CountBounds, power: float) -> float:
        def gap(p: float) -> float:
            return behaviour_of(bounds, [p])[0].success - power

        if gap(1.0 - 1e-9) < 0.0:
            raise RefusedError(f"power {power:g}", rule="cannot be reached by any response probability", cure="Take more patients")
        return find_root(gap, self.null_response, 1.0 - 1e-9)


def planned_n(plan: Plan) -> int:
    """Patients the plan's accrual brings, rounded."""
    return max(1, round(plan.accrual_model().total))


def hoped_for(plan: Plan) -> float:
    """The response of the only arm."""
    response = plan.arms[plan.experimental].response
    assert response is not None  # the plan was checked
    return response


def look_sizes(looks: tuple[float, ...], n: int) -> tuple[int, ...]:
    """Numbers of patients at the looks, which are fractions of ``n``; looks that fall on one number are one."""
    sizes = sorted({max(1, round(f * n)) for f in looks} | {n})
    return tuple(sizes)
