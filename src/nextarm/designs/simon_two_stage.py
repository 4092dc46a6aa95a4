"""One arm, two stages, stop for futility after the first: Simon's designs (:mod:`nextarm.designs.simon_search`).

Either the four numbers of a design are given (``r1``, ``n1``, ``r``, ``n``; the accrual is then only its pace), or ``[solve]
for = "n"`` finds the optimal, the minimax or an admissible one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.designs.one_arm_count import OneArmCountTable, hoped_for
from nextarm.designs.predictive_probability import CountBounds
from nextarm.designs.simon_search import TwoStage, two_stage_designs
from nextarm.designs.tables import unit

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan


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

    method_words: ClassVar[str] = "Simon's two-stage design, exact"

    def problems(self, plan: Plan) -> list[Problem]:
        """The four numbers come together, in order; without them ``[solve] for = "n"`` is needed."""
        found = super().problems(plan)
        given = {k: getattr(self, k) for k in ("r1", "n1", "r", "n")}
        missing = [k for k, v in given.items() if v is None]
        solving = plan.solve is not None and plan.solve.for_ == "n"
        if solving and len(missing) < 4:
            found.append(Problem("r1, n1, r, n with solve.for = 'n'", "", "the numbers are either given or solved for"))
        if not solving and missing:
            found.append(Problem(f"{', '.join(missing)} missing", "", "a design needs r1, n1, r and n", 'Give them, or [solve] for = "n"'))
        if not solving and not missing:
            r1, n1, r, n = (given[k] or 0 for k in ("r1", "n1", "r", "n"))
            if not (r1 < n1 < n and r1 <= r < n):
                found.append(Problem(f"r1 = {r1}, n1 = {n1}, r = {r}, n = {n}", "", "must have r1 < n1 < n and r1 <= r < n"))
        return found

    def count_bounds(self, plan: Plan) -> CountBounds:
        """Two looks."""
        if self.n is not None and self.n1 is not None and self.r1 is not None and self.r is not None:
            return _bounds(self.r1, self.n1, self.r, self.n)
        assert plan.solve is not None  # the plan was checked
        found = _designs(self.null_response, hoped_for(plan), self.alpha, plan.solve.power)
        at = {"minimax": 0, "optimal": len(found) - 1}.get(self.choose)
        made = found[at] if at is not None else min(found, key=lambda d: self.weight * d.n + (1.0 - self.weight) * d.expected_n)
        return _bounds(made.r1, made.n1, made.r, made.n)


def _bounds(r1: int, n1: int, r: int, n: int) -> CountBounds:
    return CountBounds(sizes=(n1, n), futile=(r1, r), effective=(n1 + 1, r + 1))


@lru_cache(maxsize=32)
def _designs(p0: float, p1: float, alpha: float, power: float) -> tuple[TwoStage, ...]:
    return two_stage_designs(p0=p0, p1=p1, alpha=alpha, power=power)
