"""What the designs for counts share: responses or toxic events that are read once in each patient, at the milestone.

Their bounds are counts, so their characteristics are exact sums. A patient counts once the milestone has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.units import IntArray
from nextarm.designs.binomial_paths import path_probabilities
from nextarm.designs.design import Decisions, DesignResult, DesignTable, estimand_text
from nextarm.designs.predictive_probability import CountBounds

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan


@record
class Stopping:
    """What the design does at one true probability: exact."""

    probability: float
    success: float
    stop_for_futility: float
    stop_for_success: float
    expected_n: float


@record
class CountDesignResult(DesignResult):
    """A design for one proportion. ``events`` are the expected responses (or toxic events), ``max_events`` is n.

    ``bounds``: at each look's number of patients, the most responses that stop it and the fewest that end it with success.
    ``behaviour``: rejection, stopping and expected patients over true probabilities. Fields of survival designs are empty.
    """

    null_probability: float
    probability: float
    bounds: CountBounds
    type1_error: float
    expected_n_null: float
    expected_n: float
    behaviour: tuple[Stopping, ...]

    shown: ClassVar[tuple[str, ...]] = (
        "kind_of_design", "solved_for", "power", "alpha", "n", "analysis_time", "years_to_accrue", "rate_needed", "milestone",
        "null_probability", "probability", "type1_error", "expected_n_null", "expected_n",
    )  # fmt: skip

    @property
    def stopped_early_null(self) -> float | None:
        """Probability of stopping before the last patient at the null (PET); None of a design with one look."""
        if len(self.bounds.sizes) == 1:
            return None
        null = behaviour_of(self.bounds, [self.null_probability])[0]
        return null.stop_for_futility + null.stop_for_success

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """The bounds in words, and how often the null stops early."""
        early = self.stopped_early_null
        made: dict[str, float | str | bool | None] = {} if early is None else {"stopped_early_null": early}
        for size, low, high in zip(self.bounds.sizes, self.bounds.futile, self.bounds.effective, strict=True):
            words = [f"stop at {low} or fewer"] * (low >= 0) + [f"success at {high} or more"] * (high <= size)
            made[f"of_{size}"] = "; ".join(words) or "go on"
        return made

    def behaviour_table(self) -> pl.DataFrame:
        """One row a true probability."""
        import polars as pl

        names = ("probability", "success", "stop_for_futility", "stop_for_success", "expected_n")
        return pl.DataFrame([{n: getattr(row, n) for n in names} for row in self.behaviour])


class CountTable(DesignTable):
    """Base of the ``[design]`` tables of designs for counts."""

    outcomes: ClassVar[tuple[str, ...]] = ("response",)

    def count_bounds(self, plan: Plan) -> CountBounds:
        """The bounds the virtual trials of a one-arm design obey."""
        raise NotImplementedError

    def look_sizes_by_arm(self, plan: Plan) -> tuple[tuple[int, ...], ...]:
        """Patients of each arm, control first, at each look."""
        return (self.count_bounds(plan).sizes,)

    def counts_decider(self, plan: Plan) -> Callable[[IntArray], Decisions]:
        """What decides many trials at once from counts: the bounds are worked out once.

        The counts are (trials, looks): how many of the first patients had the event.
        """
        bounds = self.count_bounds(plan)
        low, high = np.asarray(bounds.futile), np.asarray(bounds.effective)

        def decide(seen: IntArray) -> Decisions:
            stop = (seen <= low) | (seen >= high)
            stop[:, -1] = True
            at = np.argmax(stop, axis=1)
            success = seen[np.arange(len(seen)), at] >= high[at]
            return Decisions(rejected_at=np.where(success, at, -1).astype(np.int64), stopped_at=at.astype(np.int64))

        return decide


def behaviour_of(bounds: CountBounds, probabilities: Mapping[str, float] | list[float]) -> tuple[Stopping, ...]:
    """The exact behaviour of ``bounds`` at each true probability."""
    values = list(probabilities.values()) if isinstance(probabilities, Mapping) else probabilities
    made = []
    for p in values:
        got = path_probabilities(p, sizes=bounds.sizes, low=bounds.futile, high=bounds.effective)
        made.append(
            Stopping(
                probability=p, success=float(got.stop_high.sum()), stop_for_futility=float(got.stop_low[:-1].sum()),
                stop_for_success=float(got.stop_high[:-1].sum()), expected_n=got.expected_n,
            )
        )  # fmt: skip
    return tuple(made)


def grid_around(low: float, high: float) -> list[float]:
    """Eleven true probabilities from one half below ``low`` to one half above ``high`` of their distance, inside 0 to 1."""
    spread = 0.5 * (high - low)
    return [float(min(max(p, 0.0), 1.0)) for p in np.linspace(low - spread, high + spread, 11)]


def count_fields(plan: Plan, *, n: float, n_by_arm: dict[str, float], events_by_arm: dict[str, float], power: float) -> dict[str, Any]:
    """The fields every design result has, for a design of counts with ``n`` patients."""
    accrual = plan.accrual_model()
    years = accrual.years_for(n)
    return {
        "kind_of_design": plan.design.kind,
        "solved_for": plan.solve.for_ if plan.solve else "power",
        "power": min(max(power, 0.0), 1.0),
        "alpha": plan.design.alpha,
        "n": float(n),
        "n_by_arm": n_by_arm,
        "events": sum(events_by_arm.values()),
        "events_by_arm": events_by_arm,
        "max_events": float(n),
        "analysis_time": years + plan.trial.milestone,
        "accrual_duration": years,
        "years_to_accrue": years,
        "rate_needed": n / accrual.duration,
        "milestone": plan.trial.milestone,
        "survival_at_milestone": {},
        "cure_fraction": {},
        "hazard_ratio_at_milestone": None,
        "estimand": estimand_text(plan),
    }


def only_solves(plan: Plan, *known: str) -> list[Problem]:
    """What ``[solve]`` may ask a design of counts for."""
    if plan.solve is None or plan.solve.for_ in known:
        return []
    words = " and ".join(known)
    return [Problem(f"kind = {plan.design.kind!r} with solve.for = {plan.solve.for_!r}", "", f"{plan.design.kind} solves for {words}")]
