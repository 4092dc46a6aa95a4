"""One arm, one look: the exact binomial test (:mod:`nextarm.designs.exact_binomial`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from nextarm.designs.exact_binomial import exact_binomial, exact_binomial_size
from nextarm.designs.one_arm_count import OneArmCountTable, hoped_for, planned_n
from nextarm.designs.predictive_probability import CountBounds

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan


class ExactBinomialTable(OneArmCountTable):
    """``[design]`` of a one-arm, one-stage trial of a response."""

    kind: Literal["exact-binomial"] = "exact-binomial"
    sustained: Annotated[bool, Field(description="Solve for an n from which no larger one has less power")] = False

    method_words: ClassVar[str] = "exact binomial test of one proportion"

    def count_bounds(self, plan: Plan) -> CountBounds:
        """One look: reject from the smallest count whose exact tail is at most alpha."""
        p0, p1 = self.null_response, hoped_for(plan)
        if plan.solve is not None and plan.solve.for_ == "n":
            made = exact_binomial_size(p0=p0, p1=p1, alpha=self.alpha, power=plan.solve.power, sustained=self.sustained)
        else:
            made = exact_binomial(planned_n(plan), p0=p0, p1=max(p1, p0 + 1e-9), alpha=self.alpha)
        return CountBounds(sizes=(made.n,), futile=(made.r - 1,), effective=(made.r,))
