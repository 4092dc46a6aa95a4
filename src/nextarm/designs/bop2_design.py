"""One arm, a response, posterior stopping with an optimised cut-off (:mod:`nextarm.designs.bop2`)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.designs.bop2 import MOST_SEARCHED, Bop2, bop2, bop2_bounds
from nextarm.designs.looks_in_order import share_problems
from nextarm.designs.one_arm_count import OneArmCountTable, hoped_for, look_sizes, planned_n
from nextarm.designs.predictive_probability import CountBounds
from nextarm.designs.predictive_stopping import Fractions

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan


class Bop2Table(OneArmCountTable):
    """``[design]`` of a BOP2 trial; ``cut`` and ``shape`` are found by exact search unless given."""

    kind: Literal["bop2"] = "bop2"
    looks: Annotated[Fractions, Field(description="Looks as fractions of n; the last is 1")] = (0.25, 0.5, 0.75, 1.0)
    target_response: Annotated[float | None, Field(gt=0.0, lt=1.0, description="Power is maximised here; default the arm's response")] = (
        None
    )
    cut: Annotated[float | None, Field(gt=0.0, lt=1.0, description="Cut-off at the end")] = None
    shape: Annotated[float | None, Field(ge=0.0, le=1.0, description="How the cut-off rises with the patients")] = None

    method_words: ClassVar[str] = "BOP2: posterior futility stopping, cut-off optimised by exact search"

    def problems(self, plan: Plan) -> list[Problem]:
        """``cut`` and ``shape`` come together; to search, the target must be above the null."""
        found = [p for p in super().problems(plan) if "solves for" not in p.rule]
        if plan.solve is not None and plan.solve.for_ not in ("power", "effect"):
            found.append(
                Problem(f"kind = 'bop2' with solve.for = {plan.solve.for_!r}", "", "solves for power and effect; n is the accrual's")
            )
        if (self.cut is None) != (self.shape is None):
            found.append(Problem("cut or shape alone", "", "must be given together, or neither to search for them"))
        found += share_problems(self.looks)
        target = hoped_for(plan) if self.target_response is None else self.target_response
        if self.cut is None and planned_n(plan) > MOST_SEARCHED:
            rule = f"must be at most {MOST_SEARCHED:,} patients to search for cut and shape"
            found.append(Problem(f"kind = 'bop2' with {planned_n(plan):,} patients", "", rule, "Give cut and shape"))
        if self.cut is None and target <= self.null_response:
            cure = "State target_response"
            found.append(Problem(f"null_response = {self.null_response:g}", "", f"must be below the target of {target:g}", cure))
        return found

    def count_bounds(self, plan: Plan) -> CountBounds:
        """The bounds of the cut-off given, or of the best one."""
        sizes = look_sizes(self.looks, planned_n(plan))
        if self.cut is not None and self.shape is not None:
            return bop2_bounds(sizes, p0=self.null_response, cut=self.cut, shape=self.shape)
        return best_bop2(
            sizes, self.null_response, hoped_for(plan) if self.target_response is None else self.target_response, self.alpha
        ).bounds


@lru_cache(maxsize=32)
def best_bop2(sizes: tuple[int, ...], p0: float, p1: float, alpha: float) -> Bop2:
    """The best rule, searched once for each setting."""
    return bop2(sizes, p0=p0, p1=p1, alpha=alpha)
