"""Two arms, a response: MRD at the end of induction, for one. Exact, score, Boschloo or Bayesian, superiority or non-inferiority.

All characteristics are sums over all tables (:mod:`nextarm.designs.two_proportions_exact`, :mod:`nextarm.designs.two_proportions_bayes`).
A prior for the control borrows from history: ``drift`` then shows what is rejected when the control's truth is elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from nextarm.core.errors import CallError, Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import IntArray
from nextarm.designs.count_design import CountTable, count_fields, only_solves
from nextarm.designs.design import Decisions, DesignResult
from nextarm.designs.one_arm_count import planned_n
from nextarm.designs.predictive_stopping import Beta
from nextarm.designs.tables import unit
from nextarm.designs.true_null import SAME
from nextarm.designs.two_proportions_bayes import bayes_region
from nextarm.designs.two_proportions_exact import ProportionTest, RejectionRegion, rejection_probability, rejection_region
from nextarm.designs.two_proportions_size import exact_size, farrington_manning_size

if TYPE_CHECKING:
    import polars as pl

    from nextarm.borrowing import BetaMixture
    from nextarm.designs.plan import Plan


def _triples(value: Any) -> Any:
    return tuple(tuple(v) if isinstance(v, list) else v for v in value) if isinstance(value, list) else value


Mixture = Annotated[tuple[tuple[float, float, float], ...], BeforeValidator(_triples)]
#: Changes of the control's true response shown with every design.
DRIFT = (-0.2, -0.1, 0.0, 0.1, 0.2)


@record
class ResponseDrift:
    """Success probabilities when the control's true response is ``control``: without a difference, and with the planned one."""

    change: float
    control: float
    type1_error: float
    power: float | None


@record
class TwoProportions(DesignResult):
    """A two-arm design for a response. ``events`` are the expected responses.

    ``size`` is the largest type I error over all control responses and ``worst_control`` where it is;
    ``type1_error`` the one at the planned control. ``least``: for each number of responses in the control arm, the
    fewest in the experimental one that succeed (n + 1: none). Fields of survival designs are empty.
    """

    test: str
    margin: float
    response: dict[str, float]
    type1_error: float
    size: float
    worst_control: float
    least: tuple[int, ...]
    drift: tuple[ResponseDrift, ...]

    shown: ClassVar[tuple[str, ...]] = (
        "kind_of_design", "solved_for", "test", "margin", "power", "alpha", "n", "analysis_time", "years_to_accrue", "rate_needed",
        "milestone", "type1_error", "size", "worst_control",
    )  # fmt: skip

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """Success without a difference when the control's truth is elsewhere."""
        made: dict[str, float | str | bool | None] = {}
        for row in self.drift:
            if row.change != 0.0:
                at = f"if_control_is_{row.control:.3g}"
                made |= {f"type1_error_{at}": row.type1_error, f"power_{at}": row.power}
        return made

    def drift_table(self) -> pl.DataFrame:
        """One row for each change of the control's true response."""
        import polars as pl

        return pl.DataFrame([{n: getattr(row, n) for n in ("change", "control", "type1_error", "power")} for row in self.drift])


class TwoProportionsTable(CountTable):
    """``[design]`` of a randomised comparison of a response."""

    kind: Literal["two-proportions"] = "two-proportions"
    test: Annotated[Literal["exact", "score", "boschloo", "bayes"], Field(description="How tables are ordered and judged")] = "exact"
    margin: Annotated[
        float, Field(ge=0.0, lt=1.0, description="Non-inferiority margin, absolute; 0 superiority", json_schema_extra=unit("proportion"))
    ] = 0.0
    threshold: Annotated[float, Field(gt=0.0, lt=1.0, description="bayes: success above this posterior probability")] = 0.975
    control_prior: Annotated[Mixture, Field(description="bayes: beta mixture of the control, each [weight, a, b]")] = ((1.0, 1.0, 1.0),)
    experimental_prior: Annotated[Beta, Field(description="bayes: beta prior of the experimental arm")] = (1.0, 1.0)

    arms_needed: ClassVar[int] = 2

    def error_allowed(self, plan: Plan) -> float | None:
        """Where the response is no better than the control's less the margin."""
        control, new = self._responses(plan)
        return self.alpha if new <= control - self.margin + SAME else None

    def problems(self, plan: Plan) -> list[Problem]:
        """Test and margin must go together, the prior must be one, a size needs an effect."""
        found = only_solves(plan, "power", "n")
        if self.test == "boschloo" and self.margin > 0.0:
            found.append(Problem("test = 'boschloo' with a margin", "", "is of margin 0", "Take test = 'exact' or 'score'"))
        if any(w <= 0.0 or a <= 0.0 or b <= 0.0 for w, a, b in self.control_prior) or not self.control_prior:
            found.append(Problem("control_prior", "", "weights and both parameters must be above 0"))
        elif abs(sum(w for w, _, _ in self.control_prior) - 1.0) > 1e-6:
            found.append(Problem("control_prior", "", "its weights must add up to 1"))
        control, new = self._responses(plan)
        if plan.solve is not None and plan.solve.for_ == "n" and new - control + self.margin <= 0.0:
            found.append(Problem(f"margin = {self.margin:g}", "", f"the responses {control:g} and {new:g} are no better than the null"))
        if not found and plan.solve is None:
            try:
                self.region(plan, planned_n(plan))
            except CallError as error:
                found += [Problem(p.what, "", p.rule, p.cure) for p in error.problems]
        return found

    def region(self, plan: Plan, n: int) -> RejectionRegion:
        """The tables that succeed with ``n`` patients in all."""
        n0, n1 = self._sizes(plan, n)
        return _region(n0, n1, self.alpha, self.margin, self.test, self.threshold, self.control_prior, self.experimental_prior)

    def look_sizes_by_arm(self, plan: Plan) -> tuple[tuple[int, ...], ...]:
        """One look at the end."""
        n0, n1 = self._sizes(plan, planned_n(plan))
        return (n0,), (n1,)

    def counts_decider(self, plan: Plan) -> Callable[[IntArray], Decisions]:
        """From counts (trials, 1, arms), control first; one look."""
        least = np.asarray(self.region(plan, planned_n(plan)).least)

        def decide(seen: IntArray) -> Decisions:
            success = seen[:, 0, 1] >= least[seen[:, 0, 0]]
            return Decisions(rejected_at=np.where(success, 0, -1).astype(np.int64), stopped_at=np.zeros(len(seen), np.int64))

        return decide

    def evaluate(self, plan: Plan) -> TwoProportions:
        """Exact power and type I error; or the size that has ``[solve]``'s power."""
        p0, p1 = self._responses(plan)
        n = planned_n(plan)
        if plan.solve is not None and plan.solve.for_ == "n":
            n = self._solved(plan, p0, p1, plan.solve.power)
        n0, n1 = self._sizes(plan, n)
        region = self.region(plan, n)
        rows = tuple(
            ResponseDrift(
                change=d,
                control=p0 + d,
                type1_error=rejection_probability(region, p0 + d, p0 + d - self.margin),
                power=rejection_probability(region, p0 + d, p1 + d) if 0.0 <= p1 + d <= 1.0 else None,
            )
            for d in DRIFT
            if 0.0 <= p0 + d <= 1.0 and p0 + d - self.margin >= 0.0
        )
        error = rejection_probability(region, p0, max(p0 - self.margin, 0.0))
        warnings = []
        if self.test == "score" and region.size > 1.1 * self.alpha:
            warnings.append(f"the largest true type I error is {region.size:.4f}, above alpha = {self.alpha:g}: test = 'exact' keeps it")
        if self.test == "bayes":
            warnings.append(
                f"success without a difference has probability {error:.4f} at the planned control and up to {region.size:.4f} at "
                f"{region.worst_p0:.3f}: a prior that borrows holds no type I error everywhere"
            )
        return TwoProportions(
            **count_fields(
                plan,
                n=n0 + n1,
                n_by_arm={plan.control: float(n0), plan.experimental: float(n1)},
                events_by_arm={plan.control: n0 * p0, plan.experimental: n1 * p1},
                power=rejection_probability(region, p0, p1),
            ),
            trail=Trail(method=f"two proportions, {self.test}, exact sums over all tables"),
            warnings=tuple(warnings),
            test=self.test,
            margin=self.margin,
            response={plan.control: p0, plan.experimental: p1},
            type1_error=error,
            size=region.size,
            worst_control=region.worst_p0,
            least=region.least,
            drift=rows,
        )

    def _solved(self, plan: Plan, p0: float, p1: float, power: float) -> int:
        shares = plan.shares()
        ratio = shares[plan.experimental] / shares[plan.control]
        start = farrington_manning_size(p0=p0, p1=p1, alpha=self.alpha, power=power, margin=self.margin, ratio=ratio)
        fraction = Fraction(ratio).limit_denominator(20)
        step = fraction.numerator + fraction.denominator

        def power_of(n: int) -> float:
            return rejection_probability(self.region(plan, n), p0, p1)

        return exact_size(power_of, start=math.ceil(start), step=step, power=power)

    def _sizes(self, plan: Plan, n: int) -> tuple[int, int]:
        n1 = round(n * plan.shares()[plan.experimental])
        return n - n1, n1

    def _responses(self, plan: Plan) -> tuple[float, float]:
        control, new = plan.arms[plan.control].response, plan.arms[plan.experimental].response
        assert control is not None  # the plan was checked
        assert new is not None
        return control, new


@lru_cache(maxsize=256)
def _region(
    n0: int,
    n1: int,
    alpha: float,
    margin: float,
    test: ProportionTest | Literal["bayes"],
    threshold: float,
    control: tuple[tuple[float, float, float], ...],
    experimental: tuple[float, float],
) -> RejectionRegion:
    if test != "bayes":
        return rejection_region(n0, n1, alpha=alpha, margin=margin, test=test)
    return bayes_region(n0, n1, control=_mixture(control), experimental=experimental, threshold=threshold, margin=margin)


def _mixture(parts: tuple[tuple[float, float, float], ...]) -> BetaMixture:
    from nextarm.borrowing import beta_mixture

    return beta_mixture([p[0] for p in parts], [p[1] for p in parts], [p[2] for p in parts])
