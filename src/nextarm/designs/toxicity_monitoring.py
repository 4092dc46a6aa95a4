"""One arm watched for toxic events (toxic death, above all): pause at so many events (:mod:`nextarm.designs.toxicity_boundary`).

Here ``power`` is the exact probability of pausing at the arm's true ``toxicity``, and the type I error that of pausing although the
rate is acceptable.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from nextarm.core.errors import CallError, Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.designs.count_design import CountDesignResult, CountTable, behaviour_of, count_fields, grid_around, only_solves
from nextarm.designs.one_arm_count import planned_n
from nextarm.designs.predictive_probability import CountBounds
from nextarm.designs.predictive_stopping import Beta
from nextarm.designs.tables import unit
from nextarm.designs.toxicity_boundary import ToxicityBoundary, bayes_toxicity_boundary, pocock_toxicity_boundary
from nextarm.designs.true_null import SAME

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan


@record
class ToxicityMonitoring(CountDesignResult):
    """A stopping rule for toxicity; success in ``behaviour`` is the pause, ``power`` its probability at the true rate."""

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """At how many events among how many patients the trial pauses."""
        made: dict[str, float | str | bool | None] = {}
        looks = list(zip(self.bounds.sizes, self.bounds.effective, strict=True))
        for at in sorted({b for n, b in looks if b <= n}):
            sizes = [n for n, b in looks if b == at]
            made[f"pause_at_{at}_events_of"] = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else str(sizes[0])
        return made


class ToxicityMonitoringTable(CountTable):
    """``[design]`` of a stopping rule for toxicity."""

    kind: Literal["toxicity-monitoring"] = "toxicity-monitoring"
    acceptable: Annotated[float, Field(gt=0.0, lt=1.0, description="The highest acceptable rate", json_schema_extra=unit("proportion"))]
    rule: Annotated[Literal["pocock", "bayes"], Field(description="One level at every look, or a posterior threshold")] = "pocock"
    shape: Annotated[float, Field(ge=0.0, le=0.5, description="0 Pocock, 0.5 O'Brien-Fleming")] = 0.0
    threshold: Annotated[float, Field(gt=0.0, lt=1.0, description="Posterior threshold of bayes")] = 0.95
    prior: Annotated[Beta, Field(description="Beta prior of bayes: events, non-events")] = (1.0, 1.0)
    first: Annotated[int, Field(ge=1, description="First look", json_schema_extra=unit("patients"))] = 3
    every: Annotated[int, Field(ge=1, description="A look after so many more", json_schema_extra=unit("patients"))] = 1

    arms_needed: ClassVar[int] = 1
    outcomes: ClassVar[tuple[str, ...]] = ("toxicity",)

    def error_allowed(self, plan: Plan) -> float | None:
        """A pause is an error where the toxicity is acceptable."""
        toxicity = plan.arms[plan.experimental].toxicity
        return self.alpha if toxicity is not None and toxicity <= self.acceptable + SAME else None

    def problems(self, plan: Plan) -> list[Problem]:
        """The boundary must exist."""
        found = only_solves(plan, "power")
        if self.first > planned_n(plan):
            found.append(Problem(f"first = {self.first}", "", f"must be at most the {planned_n(plan)} patients of the accrual"))
        if not found:
            try:
                self.boundary(plan)
            except CallError as error:
                found += [Problem(p.what, "", p.rule, p.cure) for p in error.problems]
        return found

    def boundary(self, plan: Plan) -> ToxicityBoundary:
        """The boundary at every look."""
        n = planned_n(plan)
        sizes = tuple(sorted({*range(self.first, n + 1, self.every), n}))
        if self.rule == "bayes":
            return bayes_toxicity_boundary(sizes, acceptable=self.acceptable, threshold=self.threshold, prior=self.prior)
        return _pocock(sizes, self.acceptable, self.alpha, self.shape)

    def count_bounds(self, plan: Plan) -> CountBounds:
        """Never stop low; "success" is the pause."""
        made = self.boundary(plan)
        return CountBounds(sizes=made.sizes, futile=(-1,) * len(made.sizes), effective=made.stop_at)

    def evaluate(self, plan: Plan) -> ToxicityMonitoring:
        """Exact probabilities of pausing, and the patients and events until then."""
        rate = plan.arms[plan.experimental].toxicity
        assert rate is not None  # the plan was checked
        bounds = self.count_bounds(plan)
        null, truth = behaviour_of(bounds, [self.acceptable, rate])
        n = bounds.sizes[-1]
        warnings = []
        if self.rule == "bayes" and null.success > 2.0 * (1.0 - self.threshold):
            warnings.append(
                f"looking {len(bounds.sizes)} times, a trial with an acceptable rate pauses with probability {null.success:.3f}: "
                "the threshold holds at each look, not over all of them"
            )
        return ToxicityMonitoring(
            **count_fields(
                plan,
                n=n,
                n_by_arm={plan.experimental: float(n)},
                events_by_arm={plan.experimental: rate * truth.expected_n},
                power=truth.success,
            ),
            trail=Trail(method=f"stopping for toxicity, {self.rule}, exact over {len(bounds.sizes)} looks"),
            warnings=tuple(warnings),
            null_probability=self.acceptable,
            probability=rate,
            bounds=bounds,
            type1_error=null.success,
            expected_n_null=null.expected_n,
            expected_n=truth.expected_n,
            behaviour=behaviour_of(bounds, grid_around(min(self.acceptable, rate), max(rate, self.acceptable + 0.05))),
        )


@lru_cache(maxsize=64)
def _pocock(sizes: tuple[int, ...], acceptable: float, alpha: float, shape: float) -> ToxicityBoundary:
    return pocock_toxicity_boundary(sizes, acceptable=acceptable, alpha=alpha, shape=shape)
