"""TOP: a response that may come late, stopping without waiting for those under observation (Lin, Coleman & Yuan 2020).

Each patient is observed for a response up to the milestone. At a look some have responded (x), some have been followed to the milestone
without, and the others are pending: one followed for t of the milestone's m years counts as t / m of a patient who has not responded,
which is the likelihood to first order where responses come evenly. So with n* = x + non-responders + sum of t / m,

    p | data ~ Beta(a + x, b + n* - x),

and the trial stops for futility where P(p > null) is below cut * (n* / N)^shape, at the end below cut. Looks come when so many
patients have entered: nobody waits. ``cut`` and ``shape`` maximise the power among the rules that keep alpha
(:mod:`nextarm.designs.optimal_cut`) in virtual trials with the pending patients in them. doi 10.1093/jnci/djz049.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem, RefusedError
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.bayes_one_arm import decide_in_order
from nextarm.designs.count_design import count_fields, only_solves
from nextarm.designs.design import Decisions, DesignResult, DesignTable
from nextarm.designs.expected_events import find_root
from nextarm.designs.looks_in_order import share_problems
from nextarm.designs.one_arm_count import NullResponse, hoped_for, look_sizes, planned_n
from nextarm.designs.optimal_cut import OptimalCut, optimal_cut
from nextarm.designs.predictive_stopping import Beta, Fractions
from nextarm.designs.tables import unit
from nextarm.designs.true_null import SAME
from nextarm.designs.virtual_one_arm import share_se, smallest_number, too_many

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Virtual trials the rule is found in, and fresh ones that tell what it does.
TRIALS, SEED = 10_000, 20261130


@record
class TopDesign(DesignResult):
    """Characteristics in 10,000 fresh virtual trials, with standard errors; ``power`` at the arm's response, with the looks.

    ``sizes``: patients entered at the looks; ``mean_n``, ``mean_years`` until the end at the truth and (``_null``) at the null.
    """

    null_response: float
    response: float
    prior: tuple[float, float]
    sizes: tuple[int, ...]
    cut: float
    shape: float
    power_se: float
    type1_error: float
    type1_error_se: float
    stopped_early: float
    stopped_early_null: float
    mean_n: float
    mean_n_null: float
    mean_years: float
    mean_years_null: float

    shown: ClassVar[tuple[str, ...]] = (
        "kind_of_design", "solved_for", "power", "power_se", "alpha", "n", "analysis_time", "years_to_accrue", "rate_needed", "milestone",
        "null_response", "response", "cut", "shape", "type1_error", "type1_error_se", "stopped_early", "stopped_early_null", "mean_n",
        "mean_n_null", "mean_years", "mean_years_null",
    )  # fmt: skip

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """The rule by responses: up to how many patients' worth of observation each allows going on."""
        made: dict[str, float | str | bool | None] = {}
        for size, row in zip(self.sizes[:-1], stopping_rows(self), strict=True):
            made[f"of_{size}"] = "; ".join(f"{x}: stop from {n:.1f} on" for x, n in row) or "go on"
        return made


class TopTable(DesignTable):
    """``[design]`` of a TOP trial; ``cut`` and ``shape`` are searched for unless given."""

    kind: Literal["top"] = "top"
    null_response: NullResponse
    looks: Annotated[Fractions, Field(description="Looks as fractions of n; the last is 1")] = (0.25, 0.5, 0.75, 1.0)
    cut: Annotated[float | None, Field(gt=0.0, lt=1.0, description="Cut-off at the end", json_schema_extra=unit("proportion"))] = None
    shape: Annotated[float | None, Field(ge=0.0, le=1.0, description="How the cut-off rises with the patients' worth")] = None
    prior: Annotated[Beta | None, Field(description="Beta prior; default worth one patient with the null's mean")] = None
    early_share: Annotated[
        float, Field(ge=0.0, le=1.0, description="Share of the responses in the first half of the time; 0.5: evenly")
    ] = 0.5

    arms_needed: ClassVar[int] = 1
    outcomes: ClassVar[tuple[str, ...]] = ("response",)
    by_trials: ClassVar[int] = TRIALS

    def error_allowed(self, plan: Plan) -> float | None:
        """Where the response is at most ``null_response``."""
        response = plan.arms[plan.experimental].response
        return self.alpha if response is not None and response <= self.null_response + SAME else None

    def problems(self, plan: Plan) -> list[Problem]:
        """``cut`` and ``shape`` come together; looks rise; the response is better than the null where a rule is searched for."""
        found = only_solves(plan, "power", "n", "effect") + share_problems(self.looks) + too_many(plan)
        if (self.cut is None) != (self.shape is None):
            found.append(Problem("cut or shape alone", "", "must be given together, or neither to search for them"))
        if self.prior is not None and not (self.prior[0] > 0.0 and self.prior[1] > 0.0):
            found.append(Problem(f"prior = {list(self.prior)}", "", "must be [responses, non-responses] above 0"))
        return found

    @property
    def used_prior(self) -> tuple[float, float]:
        """The beta prior: as given, or worth one patient with the null's mean."""
        return self.prior if self.prior is not None else (self.null_response, 1.0 - self.null_response)

    def posterior(self, responses: FloatArray, worth: FloatArray) -> FloatArray:
        """P(p > null) from responses and the patients that the observation is worth."""
        from scipy.special import betainc

        a, b = self.used_prior
        return np.asarray(1.0 - betainc(a + responses, b + np.maximum(worth - responses, 0.0), self.null_response), np.float64)

    def decide_counts(self, responses: FloatArray, worth: FloatArray, rule: OptimalCut, total: int) -> Decisions:
        """Futility at each look, success at the last: arrays (trials, looks)."""
        below = self.posterior(responses, worth) < rule.cut * (worth / total) ** rule.shape
        return decide_in_order(~below, below, early=False)

    def plan_rule(self, plan: Plan) -> OptimalCut:
        """The cut given, or the best one for the plan's size and response."""
        return self.rule(plan, planned_n(plan), hoped_for(plan))

    def rule(self, plan: Plan, n: int, response: float) -> OptimalCut:
        """The cut given, or the best one for ``n`` patients and a ``response``."""
        if self.cut is not None and self.shape is not None:
            return OptimalCut(cut=self.cut, shape=self.shape, type1_error=float("nan"), power=float("nan"))
        if response <= self.null_response:
            raise RefusedError(
                f"null_response = {self.null_response:g}", rule=f"must be below the arm's response of {response:g} to search for a rule",
                cure="Give cut and shape, or put the null into a scenario",
            )  # fmt: skip
        made = []
        for p in (self.null_response, response):
            x, worth, _ = self._drawn(plan, n, p, SEED)
            made.append((self.posterior(x, worth), worth / n))
        return optimal_cut(made[0], made[1], alpha=self.alpha)

    def evaluate(self, plan: Plan) -> TopDesign:
        """What the rule does in fresh virtual trials at the response and at the null; or what ``[solve]`` asks for."""
        n, response = planned_n(plan), hoped_for(plan)
        if plan.solve is not None and plan.solve.for_ == "n":
            wanted = plan.solve.power
            n = smallest_number(lambda m: self._behaviour(plan, m, response, self.rule(plan, m, response))[0] >= wanted, wanted)
        rule = self.rule(plan, n, response)
        if plan.solve is not None and plan.solve.for_ == "effect":
            wanted = plan.solve.power
            response = find_root(lambda p: self._behaviour(plan, n, p, rule)[0] - wanted, self.null_response, 1.0 - 1e-9)
        own, null = (self._behaviour(plan, n, p, rule) for p in (response, self.null_response))
        warnings = []
        if null[0] > 1.1 * self.alpha + 2.0 * share_se(self.alpha, self.trials):
            warnings.append(f"the type I error is {null[0]:.4f}, above alpha = {self.alpha:g}")
        fields: dict[str, Any] = count_fields(
            plan, n=n, n_by_arm={plan.experimental: float(n)}, events_by_arm={plan.experimental: n * response}, power=own[0]
        )
        return TopDesign(
            **fields,
            trail=Trail(
                method=f"TOP: pending patients count for what they have been observed; {self.trials:,} virtual trials at each response",
                reference="10.1093/jnci/djz049", seed=SEED,
                assumptions=(
                    f"compared with a fixed response probability of {self.null_response:g}, taken as known",
                    f"of those who respond {self.early_share:.0%} do so in the first half of the time, evenly in each half",
                ),
            ),
            warnings=tuple(warnings), null_response=self.null_response, response=response,
            prior=self.used_prior, sizes=look_sizes(self.looks, n), cut=rule.cut,
            shape=rule.shape, power_se=share_se(own[0], self.trials), type1_error=null[0], type1_error_se=share_se(null[0], self.trials),
            stopped_early=own[1], stopped_early_null=null[1], mean_n=own[2], mean_n_null=null[2], mean_years=own[3],
            mean_years_null=null[3],
        )  # fmt: skip

    def _behaviour(self, plan: Plan, n: int, response: float, rule: OptimalCut) -> tuple[float, float, float, float]:
        """Success, stopping before the last look, mean patients and years, in fresh trials."""
        x, worth, times = self._drawn(plan, n, response, SEED + 1)
        made = self.decide_counts(x, worth, rule, n)
        sizes, rows = np.asarray(look_sizes(self.looks, n)), np.arange(self.trials)
        won, last = made.rejected_at >= 0, len(sizes) - 1
        return (
            float(won.mean()), float((made.stopped_at < last).mean()), float(sizes[made.stopped_at].mean()),
            float(times[rows, made.stopped_at].mean()),
        )  # fmt: skip

    def _drawn(self, plan: Plan, n: int, response: float, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        random = np.random.default_rng(seed)
        accrual = accrual_of(plan, n)
        entry = accrual.entry_time(np.sort(random.random((self.trials, n)), axis=1))
        return observed(
            entry, random.random((self.trials, n)), response=response, early_share=self.early_share, milestone=plan.trial.milestone,
            sizes=look_sizes(self.looks, n),
        )  # fmt: skip


def accrual_of(plan: Plan, n: int) -> Accrual:
    """The plan's accrual, going on until ``n`` have entered."""
    accrual = plan.accrual_model()
    return accrual if round(accrual.total) == n else accrual.lasting(accrual.years_for(n))


def observed(
    entry: FloatArray, luck: FloatArray, *, response: float, early_share: float, milestone: float, sizes: tuple[int, ...]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Responses, the patients that observation is worth, and the time of each look, (trials, looks).

    ``entry`` (trials, patients) rises in each trial, ``luck`` is uniform: a patient responds where it is below ``response``, and the
    share of it says when. The last look waits until all have been observed to the ``milestone``.
    """
    responds = luck < response
    share = luck / response if response > 0.0 else np.ones(luck.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        late = 0.5 + 0.5 * (share - early_share) / (1.0 - early_share)
        when = np.where(share < early_share, 0.5 * share / early_share, late) * milestone
    known_at = np.where(responds, entry + when, np.inf)
    looks = len(sizes)
    x, worth, times = (np.empty((len(entry), looks)) for _ in range(3))
    for k, size in enumerate(sizes):
        now = entry[:, size - 1] + (milestone if k == looks - 1 else 0.0)
        seen = known_at[:, :size] <= now[:, None]
        followed = np.minimum(np.maximum(now[:, None] - entry[:, :size], 0.0) / milestone, 1.0)
        x[:, k], times[:, k] = seen.sum(axis=1), now
        worth[:, k] = np.where(seen, 1.0, followed).sum(axis=1)
    return x, worth, times


def stopping_rows(design: TopDesign) -> list[list[tuple[int, float]]]:
    """For each look but the last and each number of responses, the patients' worth from which the trial stops; only those below n."""
    table = TopTable(null_response=design.null_response, prior=design.prior)
    made = []
    for size in design.sizes[:-1]:
        row = []
        for x in range(size):
            worth = np.linspace(max(x, 1e-9), size, 400)
            stop = table.posterior(np.full(400, float(x)), worth) < design.cut * (worth / design.sizes[-1]) ** design.shape
            if stop.any():
                row.append((x, float(worth[int(np.argmax(stop))])))
        made.append(row)
    return made
