"""One arm, two stages, stop for futility after the first: Simon's designs (:mod:`nextarm.designs.simon_search`).

Either the four numbers of a design are given (``r1``, ``n1``, ``r``, ``n``; the accrual is then only its pace), or the optimal,
the minimax or an admissible design is found: for ``target_response`` and ``target_power``, or with ``[solve] for = "n"`` for
the response of the arm.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.designs.one_arm_count import OneArmCountTable, hoped_for
from nextarm.designs.predictive_probability import CountBounds
from nextarm.designs.tables import unit

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan
    from nextarm.designs.simon_search import TwoStage


class SimonTwoStageTable(OneArmCountTable):
    """``[design]`` of Simon's two-stage trial."""

    kind: Literal["simon-two-stage"] = "simon-two-stage"
    choose: Annotated[
        Literal["optimal", "minimax", "admissible"], Field(description="Smallest expected n, smallest n, or best for `weight` between them")
    ] = "optimal"
    weight: Annotated[float, Field(ge=0.0, le=1.0, description="Weight of n against the expected n, for admissible")] = 0.5
    r1: Annotated[int | None, Field(ge=0, description="Most responses that stop after stage 1", json_schema_extra=unit("responses"))] = None
    n1: Annotated[int | None, Field(ge=1, description="Patients of stage 1", json_schema_extra=unit("patients"))] = None
    r: Annotated[int | None, Field(ge=0, description="Most responses that do not reject", json_schema_extra=unit("responses"))] = None
    n: Annotated[int | None, Field(ge=2, description="Patients in all", json_schema_extra=unit("patients"))] = None

    target_response: Annotated[
        float | None, Field(gt=0.0, lt=1.0, description="Find the design for this response", json_schema_extra=unit("proportion"))
    ] = None
    target_power: Annotated[float, Field(gt=0.0, lt=1.0, description="Its power there", json_schema_extra=unit("proportion"))] = 0.8

    method_words: ClassVar[str] = "Simon's two-stage design, exact"

    def problems(self, plan: Plan) -> list[Problem]:
        """The four numbers come together, in order; without them a target, or ``[solve] for = "n"``, is needed."""
        found = super().problems(plan)
        given = {k: getattr(self, k) for k in ("r1", "n1", "r", "n")}
        missing = [k for k, v in given.items() if v is None]
        solving = self.target_response is not None or (plan.solve is not None and plan.solve.for_ == "n")
        if self.target_response is not None and self.target_response <= self.null_response:
            rule = f"must be above null_response = {self.null_response:g}"
            found.append(Problem(f"target_response = {self.target_response:g}", "", rule))
        if solving and len(missing) < 4:
            found.append(Problem("r1, n1, r, n with a target", "", "the numbers are either given or solved for"))
        if not solving and missing:
            found.append(Problem(f"{', '.join(missing)} missing", "", "a design needs r1, n1, r and n", "Give them, or target_response"))
        if not solving and not missing:
            r1, n1, r, n = (given[k] or 0 for k in ("r1", "n1", "r", "n"))
            if not (r1 < n1 < n and r1 <= r < n):
                found.append(Problem(f"r1 = {r1}, n1 = {n1}, r = {r}, n = {n}", "", "must have r1 < n1 < n and r1 <= r < n"))
        return found

    def count_bounds(self, plan: Plan) -> CountBounds:
        """Two looks."""
        if self.n is not None and self.n1 is not None and self.r1 is not None and self.r is not None:
            return _bounds(self.r1, self.n1, self.r, self.n)
        found = _designs(self.null_response, *self._target(plan), self.alpha)
        at = {"minimax": 0, "optimal": len(found) - 1}.get(self.choose)
        made = found[at] if at is not None else min(found, key=lambda d: self.weight * d.n + (1.0 - self.weight) * d.expected_n)
        return _bounds(made.r1, made.n1, made.r, made.n)

    def _target(self, plan: Plan) -> tuple[float, float]:
        if self.target_response is not None:
            return self.target_response, self.target_power
        assert plan.solve is not None  # the plan was checked
        return hoped_for(plan), plan.solve.power


def _bounds(r1: int, n1: int, r: int, n: int) -> CountBounds:
    return CountBounds(sizes=(n1, n), futile=(r1, r), effective=(n1 + 1, r + 1))


@lru_cache(maxsize=32)
def _designs(p0: float, p1: float, power: float, alpha: float) -> tuple[TwoStage, ...]:
    from nextarm.designs.simon_search import two_stage_designs

    return two_stage_designs(p0=p0, p1=p1, alpha=alpha, power=power)
