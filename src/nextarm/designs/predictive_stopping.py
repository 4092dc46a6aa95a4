"""One arm, a response, watched by posterior or predictive probability (:mod:`nextarm.designs.predictive_probability`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from nextarm.core.errors import CallError, Problem
from nextarm.designs.looks_in_order import share_problems
from nextarm.designs.one_arm_count import OneArmCountTable, look_sizes, planned_n
from nextarm.designs.predictive_probability import CountBounds, posterior_bounds, predictive_bounds
from nextarm.designs.tables import unit

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

Fractions = Annotated[tuple[float, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]
Beta = Annotated[tuple[float, float], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]


class PredictiveProbabilityTable(OneArmCountTable):
    """``[design]`` of a one-arm trial that stops on predictive (or posterior) probability."""

    kind: Literal["predictive-probability"] = "predictive-probability"
    looks: Annotated[Fractions, Field(description="Looks as fractions of n; the last is 1")] = (0.5, 0.75, 1.0)
    certainty: Annotated[
        float, Field(gt=0.0, lt=1.0, description="Success if P(response > null) exceeds it", json_schema_extra=unit("proportion"))
    ] = 0.95
    futility: Annotated[
        float, Field(ge=0.0, lt=1.0, description="Stop for futility at or below it", json_schema_extra=unit("proportion"))
    ] = 0.05
    efficacy: Annotated[
        float, Field(gt=0.0, le=1.0, description="Stop for success at or above it; 1: never", json_schema_extra=unit("proportion"))
    ] = 1.0
    watch: Annotated[Literal["predictive", "posterior"], Field(description="What is compared with futility and efficacy")] = "predictive"
    prior: Annotated[Beta, Field(description="Beta prior: responses, non-responses")] = (0.5, 0.5)

    method_words: ClassVar[str] = "posterior of one proportion, stopping on predictive or posterior probability, exact"

    def problems(self, plan: Plan) -> list[Problem]:
        """Looks rise to 1; probabilities and prior are possible; the size is the accrual's."""
        found = [p for p in super().problems(plan) if "solves for" not in p.rule]
        if plan.solve is not None and plan.solve.for_ not in ("power", "effect"):
            found.append(
                Problem(f"kind = {self.kind!r} with solve.for = {plan.solve.for_!r}", "", "solves for power and effect; n is the accrual's")
            )
        found += share_problems(self.looks)
        if not found:
            try:
                self.count_bounds(plan)
            except CallError as error:
                found += [Problem(p.what, "", p.rule, p.cure) for p in error.problems]
        return found

    def count_bounds(self, plan: Plan) -> CountBounds:
        """Bounds in counts at every look."""
        sizes = look_sizes(self.looks, planned_n(plan))
        if self.watch == "predictive":
            return predictive_bounds(
                sizes, p0=self.null_response, certainty=self.certainty, low=self.futility, high=self.efficacy, prior=self.prior
            )
        early = [self.efficacy] * (len(sizes) - 1)
        return posterior_bounds(
            sizes,
            p0=self.null_response,
            futile_below=[self.futility] * len(sizes),
            effective_above=[*early, self.certainty],
            prior=self.prior,
        )
