"""One arm watched for response and toxicity together (:mod:`nextarm.designs.joint_paths`).

At each look the trial stops where too few patients respond or too many have the toxic event; it succeeds where neither has happened by
the end. Unless given, both bounds are BOP2's (Zhou, Lee & Yuan 2017, doi 10.1002/sim.7338), each searched at its own level. The error for
the response is then at most ``alpha`` whatever the true toxicity and the association, and that for the toxicity at most
``alpha_toxicity`` whatever the response: the trial succeeds only where both pass. Where the two are independent the two searches
together give the largest power.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from nextarm.core.errors import CallError, Problem, RefusedError
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.designs.binomial_paths import path_probabilities
from nextarm.designs.bop2_design import best_bop2
from nextarm.designs.count_design import count_fields, only_solves
from nextarm.designs.design import DesignResult, DesignTable
from nextarm.designs.joint_paths import JointBounds, checked, joint_paths
from nextarm.designs.looks_in_order import share_problems
from nextarm.designs.one_arm_count import NullResponse, look_sizes, planned_n
from nextarm.designs.predictive_stopping import Fractions
from nextarm.designs.tables import unit
from nextarm.designs.true_null import SAME

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan

Counts = Annotated[tuple[int, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]


@record
class JointBehaviour:
    """What the rule does at one truth: exact. ``stop_for_toxicity`` and ``stop_for_futility`` by the end; a stop for both is in both."""

    response: float
    toxicity: float
    odds_ratio: float
    success: float
    stop_for_futility: float
    stop_for_toxicity: float
    expected_n: float
    expected_toxic: float


@record
class EfficacyToxicity(DesignResult):
    """A rule for response and toxicity. ``events`` are the expected toxic events, ``max_events`` is n.

    ``power`` is success at the plan's truth; ``type1_error_response`` at the null response whatever the toxicity (the most there can
    be), ``type1_error_toxicity`` at the null toxicity whatever the response. ``behaviour``: the plan's truth, the three nulls, and the
    plan's truth with other associations.
    """

    null_response: float
    null_toxicity: float
    response: float
    toxicity: float
    odds_ratio: float
    bounds: JointBounds
    type1_error_response: float
    type1_error_toxicity: float
    type1_error_both: float
    expected_n: float
    expected_n_both: float
    behaviour: tuple[JointBehaviour, ...]

    shown: ClassVar[tuple[str, ...]] = (
        "kind_of_design", "solved_for", "power", "alpha", "n", "analysis_time", "years_to_accrue", "rate_needed", "milestone",
        "null_response", "null_toxicity", "response", "toxicity", "odds_ratio", "type1_error_response", "type1_error_toxicity",
        "type1_error_both", "expected_n", "expected_n_both",
    )  # fmt: skip

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """The bounds in words."""
        made: dict[str, float | str | bool | None] = {}
        for size, low, high in zip(self.bounds.sizes, self.bounds.futile, self.bounds.toxic, strict=True):
            words = [f"stop at {low} or fewer responses"] * (low >= 0) + [f"at {high} or more toxic events"] * (high <= size)
            made[f"of_{size}"] = "; ".join(words) or "go on"
        return made

    def behaviour_table(self) -> pl.DataFrame:
        """One row a truth."""
        import polars as pl

        names = (
            "response", "toxicity", "odds_ratio", "success", "stop_for_futility", "stop_for_toxicity", "expected_n", "expected_toxic",
        )  # fmt: skip
        return pl.DataFrame([{n: getattr(row, n) for n in names} for row in self.behaviour])


class EfficacyToxicityTable(DesignTable):
    """``[design]`` of one arm watched for response and toxicity."""

    kind: Literal["efficacy-toxicity"] = "efficacy-toxicity"
    null_response: NullResponse
    null_toxicity: Annotated[float, Field(gt=0.0, lt=1.0, description="The toxicity to rule out", json_schema_extra=unit("proportion"))]
    target_response: Annotated[float | None, Field(gt=0.0, lt=1.0, description="Power is maximised here; default the arm's")] = None
    target_toxicity: Annotated[float | None, Field(gt=0.0, lt=1.0, description="And here; default the arm's")] = None
    alpha_toxicity: Annotated[float | None, Field(gt=0.0, lt=0.5, description="Level for the toxicity; default alpha")] = None
    looks: Annotated[Fractions, Field(description="Looks as fractions of n; the last is 1")] = (0.25, 0.5, 0.75, 1.0)
    odds_ratio: Annotated[float, Field(gt=0.0, le=1e3, description="Association of both in a patient; 1: independent")] = 1.0
    futile: Annotated[Counts | None, Field(description="Stop at so many responses or fewer, one a look; -1: never")] = None
    toxic: Annotated[Counts | None, Field(description="Stop at so many toxic events or more, one a look")] = None

    arms_needed: ClassVar[int] = 1
    outcomes: ClassVar[tuple[str, ...]] = ("response", "toxicity")

    def error_allowed(self, plan: Plan) -> float | None:
        """Where the response is at most, or the toxicity at least, its null."""
        arm = plan.arms[plan.experimental]
        levels = [self.alpha] if arm.response is not None and arm.response <= self.null_response + SAME else []
        if arm.toxicity is not None and arm.toxicity >= self.null_toxicity - SAME:
            levels.append(self.alpha_toxicity or self.alpha)
        return min(levels, default=None)

    def problems(self, plan: Plan) -> list[Problem]:
        """The targets lie on the right side of the nulls; given bounds fit the looks."""
        found = only_solves(plan, "power")
        found += share_problems(self.looks)
        if (self.futile is None) != (self.toxic is None):
            found.append(Problem("futile or toxic alone", "", "must be given together, or neither to search for them"))
        if found:
            return found
        response, toxicity = self.targets(plan)
        if self.futile is None and response <= self.null_response:
            rule = f"must be below the target of {response:g}"
            found.append(Problem(f"null_response = {self.null_response:g}", "", rule, "State target_response"))
        if self.futile is None and toxicity >= self.null_toxicity:
            rule = f"must be above the target of {toxicity:g}"
            found.append(Problem(f"null_toxicity = {self.null_toxicity:g}", "", rule, "State target_toxicity"))
        if not found:
            try:
                checked(self.bounds(plan))
            except (CallError, RefusedError) as error:
                key = "futile and toxic with" if self.futile is not None else f"alpha = {self.alpha:g} or alpha_toxicity:"
                found += [Problem(f"{key} {p.what}", "", p.rule, p.cure) for p in error.problems]
        return found

    def truth(self, plan: Plan) -> tuple[float, float]:
        """The arm's response and toxicity."""
        arm = plan.arms[plan.experimental]
        assert arm.response is not None
        assert arm.toxicity is not None  # the plan was checked
        return arm.response, arm.toxicity

    def targets(self, plan: Plan) -> tuple[float, float]:
        """The response and toxicity hoped for."""
        response, toxicity = self.truth(plan)
        return (
            response if self.target_response is None else self.target_response,
            toxicity if self.target_toxicity is None else self.target_toxicity,
        )

    def bounds(self, plan: Plan) -> JointBounds:
        """The bounds given, or the best of BOP2's."""
        sizes = look_sizes(self.looks, planned_n(plan))
        if self.futile is not None and self.toxic is not None:
            return JointBounds(sizes=sizes, futile=self.futile, toxic=self.toxic)
        response, toxicity = self.targets(plan)
        low = best_bop2(sizes, self.null_response, response, self.alpha).bounds
        # without the toxic event is what must not be too rare
        free = best_bop2(sizes, 1.0 - self.null_toxicity, 1.0 - toxicity, self.alpha_toxicity or self.alpha).bounds
        return JointBounds(sizes=sizes, futile=low.futile, toxic=tuple(n - f for n, f in zip(sizes, free.futile, strict=True)))

    def evaluate(self, plan: Plan) -> EfficacyToxicity:
        """Exact characteristics at the plan's truth and at the nulls."""
        bounds, (response, toxicity) = self.bounds(plan), self.truth(plan)
        rows = [(response, toxicity, self.odds_ratio), (self.null_response, toxicity, self.odds_ratio)]
        rows += [(response, self.null_toxicity, self.odds_ratio), (self.null_response, self.null_toxicity, self.odds_ratio)]
        rows += [(response, toxicity, ratio) for ratio in (0.25, 1.0, 4.0) if ratio != self.odds_ratio]
        behaviour = tuple(_behaviour(bounds, *row) for row in rows)
        most = [n + 1 for n in bounds.sizes]
        free = [n - t for n, t in zip(bounds.sizes, bounds.toxic, strict=True)]
        alone = path_probabilities(self.null_response, sizes=bounds.sizes, low=bounds.futile, high=most)
        safe = path_probabilities(1.0 - self.null_toxicity, sizes=bounds.sizes, low=[max(f, -1) for f in free], high=most)
        n, warnings = bounds.sizes[-1], []
        for words, error, level in (
            ("response", alone.going_on, self.alpha), ("toxicity", safe.going_on, self.alpha_toxicity or self.alpha),
        ):  # fmt: skip
            if error > level * 1.0001:
                warnings.append(f"the error for the {words} can be {error:.4f}, above its level of {level:g}")
        return EfficacyToxicity(
            **count_fields(
                plan, n=n, n_by_arm={plan.experimental: float(n)}, events_by_arm={plan.experimental: behaviour[0].expected_toxic},
                power=behaviour[0].success,
            ),
            trail=Trail(
                method="response and toxicity watched together, exact over both counts",
                reference="10.1002/sim.7338",
                assumptions=(
                    f"odds ratio {self.odds_ratio:g} between response and toxicity in a patient",
                    "compared with fixed rates, taken as known",
                ),
            ),
            warnings=tuple(warnings),
            null_response=self.null_response,
            null_toxicity=self.null_toxicity,
            response=response,
            toxicity=toxicity,
            odds_ratio=self.odds_ratio,
            bounds=bounds,
            type1_error_response=alone.going_on,
            type1_error_toxicity=safe.going_on,
            type1_error_both=behaviour[3].success,
            expected_n=behaviour[0].expected_n,
            expected_n_both=behaviour[3].expected_n,
            behaviour=behaviour,
        )  # fmt: skip


def _behaviour(bounds: JointBounds, response: float, toxicity: float, odds_ratio: float) -> JointBehaviour:
    got = joint_paths(bounds, response, toxicity, odds_ratio=odds_ratio)
    return JointBehaviour(
        response=response, toxicity=toxicity, odds_ratio=odds_ratio, success=got.success,
        stop_for_futility=float((got.futile + got.both).sum()), stop_for_toxicity=float((got.toxic + got.both).sum()),
        expected_n=got.expected_n, expected_toxic=got.expected_toxic,
    )  # fmt: skip
