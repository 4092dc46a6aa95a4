"""One block of virtual platform trials under every scenario, decided and counted by arm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nextarm.core.random import BLOCK_TRIALS
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.plan import Plan
from nextarm.designs.platform import PlatformTable
from nextarm.designs.seam import BoolArray
from nextarm.designs.truths import Distribution
from nextarm.simulation.counted import BlockCounts, cell_name, whole_allocation
from nextarm.simulation.draws import draw_trials, uniform
from nextarm.simulation.platform_kernel import (
    COLUMNS,
    CONTROLS,
    CONTROLS_ALL,
    DROPPED,
    EARLY,
    EVENTS,
    OPENED,
    SINCE,
    TIME,
    UNTIL,
    V_ALL,
    WON,
    Z_ALL,
    N,
    V,
    Z,
    run_platform,
)
from nextarm.simulation.platform_result import PlatformArmCounts, PlatformCharacteristics, PlatformScenario
from nextarm.simulation.simplify import dropout_truth
from nextarm.simulation.totals import METHOD, Totals

#: What an arm may wait for, in the order of the kernel's numbers.
WAITS = ("closed", "dropped", "declared", "decided")
#: Rows of the sums: first of the whole platform, then for each arm in turn.
WHOLE_ROWS = ("events", "patients", "duration", "lesser")
ARM_ROWS = ("patients", "controls", "opens", "closes", "log_ratio", "log_ratio_all", "shift", "compared", "other")
#: Those of which only the sum, a count of trials, is of interest; they come last.
COUNT_ROWS = ("compared", "other")


@dataclass(frozen=True)
class PlatformTruth:
    """One scenario: the truth of each arm, control first; ``trend`` the change of every log hazard a year of entry."""

    name: str
    at_milestone: dict[str, float]
    at: tuple[float, ...]
    accrual: Accrual
    survival: tuple[Distribution, ...]
    dropout: Distribution | None
    trend: float


@dataclass(frozen=True)
class PlatformPrepared:
    """A platform plan, ready to be simulated."""

    plan: Plan
    design: PlatformTable
    arms: tuple[str, ...]
    limits: tuple[float, tuple[float, ...], tuple[float, ...]]
    truths: tuple[PlatformTruth, ...]
    reference_is_drawn: bool = False

    @property
    def looks(self) -> int:
        """Experimental arms: each has its own analysis."""
        return len(self.arms) - 1

    @property
    def patients(self) -> int:
        """Patients who come, whether or not an arm is open for them."""
        return max(1, round(self.plan.accrual_model().total))

    @property
    def sum_rows(self) -> int:
        """Rows of the sums."""
        return len(WHOLE_ROWS) + len(ARM_ROWS) * self.looks

    def block(self, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
        """Run the ``trials`` trials of a block under every scenario."""
        draws = draw_trials(seed, block, trials=trials, patients=self.patients)
        entry, event, dropout = np.sort(draws.entry, axis=-1), uniform(draws.event), uniform(draws.dropout)
        return tuple(
            self._counts(self.seen(truth, uniform(entry), event, dropout, uniform(draws.order[0])), truth) for truth in self.truths
        )

    def seen(self, truth: PlatformTruth, entry: FloatArray, event: FloatArray, dropout: FloatArray, words: FloatArray) -> FloatArray:
        """What every trial shows, (trials, arms, columns of the kernel)."""
        d, plan = self.design, self.plan
        came = truth.accrual.entry_time(entry)
        chance = event if truth.trend == 0.0 else -np.expm1(np.log1p(-event) * np.exp(-truth.trend * came))
        times = np.stack([np.asarray(t.quantile(chance)) for t in truth.survival], axis=1)
        gone = np.full(event.shape, np.inf) if truth.dropout is None else np.asarray(truth.dropout.quantile(dropout))
        names, (last, low, high) = self.arms, self.limits
        tables = [plan.arms[n] for n in names]
        allocation = np.array(whole_allocation(plan), np.int64)
        opens, after = np.array([t.opens for t in tables]), np.array([names.index(t.opens_after) if t.opens_after else -1 for t in tables])
        when = np.array([WAITS.index(t.opens_when) for t in tables])
        at_events = np.array([t.opens_at_events or 0 for t in tables])
        whole = d.events or d.patients_per_arm
        looks = np.array([max(1, math.ceil(share * whole - 1e-9)) for share in d.looks_at], np.int64)
        adaptive = d.update_every if d.allocation_rule == "adaptive" else 0
        prior_sd = d.prior_sd if d.adjust == "bayes" else 0.0
        made = np.empty((len(event), len(names), COLUMNS))
        for t in range(len(event)):
            made[t] = run_platform(
                came[t], words[t], times[t], gone[t], allocation, opens, after, when, at_events, d.patients_per_arm, d.events or 0, looks,
                d.interim_lag, np.array(low), np.array(high), last, prior_sd, d.control_data == "all", d.select == "best",
                d.after_success == "close", d.follow_up, adaptive, d.control_adapts, truth.accrual.duration,
            )  # fmt: skip
        return made

    def rejects(self, seen: FloatArray, *, everybody: bool) -> BoolArray:
        """Which arms are declared better, (trials, experimental arms), against concurrent controls or all of them."""
        z, v = (seen[:, 1:, Z_ALL], seen[:, 1:, V_ALL]) if everybody else (seen[:, 1:, Z], seen[:, 1:, V])
        bound = np.full(z.shape, self.limits[0])
        if self.design.adjust == "bayes":
            with np.errstate(divide="ignore"):
                bound = bound * np.sqrt(1.0 + 1.0 / (v * self.design.prior_sd**2))
        judged = (seen[:, 1:, OPENED] > 0.0) & (seen[:, 1:, DROPPED] == 0.0)
        return np.asarray(judged & ((z >= bound) | (seen[:, 1:, EARLY] > 0.0)), np.bool_)

    def result(self, seed: int, totals: Totals) -> PlatformCharacteristics:
        """What the blocks of a run say."""
        scenarios = []
        for s, truth in enumerate(self.truths):
            arms = []
            for k, name in enumerate(self.arms[1:]):
                first = len(WHOLE_ROWS) + len(ARM_ROWS) * k
                rows = totals.pairs(s, first, tuple(row for row in ARM_ROWS if row not in COUNT_ROWS))
                compared, other = (round(float(totals.sums[s, first + ARM_ROWS.index(row), 0])) for row in COUNT_ROWS)
                arms.append(
                    PlatformArmCounts(
                        name=name, trials=totals.trials, opened=int(totals.stopped[s, k]), dropped=int(totals.futile[s, k]),
                        rejected=int(totals.rejected[s, k]), time_sum=float(totals.times[s, k]), compared=compared,
                        rejected_other=other, **rows,
                    )
                )  # fmt: skip
            scenarios.append(
                PlatformScenario(
                    name=truth.name, trials=totals.trials, survival_at_milestone=truth.at_milestone, arms=tuple(arms),
                    any_rejected=int(totals.never[s]), **totals.pairs(s, 0, WHOLE_ROWS),
                )
            )  # fmt: skip
        assumed = (f"the truths of the plan {self.plan.trial.name!r}",)
        return PlatformCharacteristics(
            trail=Trail(method=f"{METHOD}; blocks of {BLOCK_TRIALS}", seed=seed, assumptions=assumed),
            plan_name=self.plan.trial.name,
            design_kind=self.plan.design.kind,
            alpha=self.plan.design.alpha,
            control_data=self.design.control_data,
            scenarios=tuple(scenarios),
        )

    def _counts(self, seen: FloatArray, truth: PlatformTruth) -> BlockCounts:
        everybody = self.design.control_data == "all"
        won, other = seen[:, 1:, WON] > 0.0, self.rejects(seen, everybody=not everybody)
        opened, n = seen[:, 1:, OPENED] > 0.0, seen[:, :, N]
        best = max(truth.at_milestone.values())
        lesser = np.array([truth.at_milestone[a] < best - 1e-9 for a in self.arms])
        whole = np.stack([seen[:, 0, EVENTS], n.sum(axis=1), seen[:, 0, TIME], n[:, lesser].sum(axis=1)])
        compared = opened & (seen[:, 1:, V] > 0.0) & (seen[:, 1:, V_ALL] > 0.0)
        alone, pooled = (_log_ratio(seen[:, 1:, z], seen[:, 1:, v], compared) for z, v in ((Z, V), (Z_ALL, V_ALL)))
        controls = seen[:, 1:, CONTROLS_ALL if everybody else CONTROLS]
        columns = (n[:, 1:], controls, seen[:, 1:, SINCE], seen[:, 1:, UNTIL], alone, pooled, pooled - alone, compared, other)
        values = np.concatenate([whole, np.stack(columns).transpose(2, 0, 1).reshape(-1, len(seen))]).astype(np.float64)
        return BlockCounts(
            won.sum(axis=0).astype(np.int64),
            opened.sum(axis=0).astype(np.int64),
            (seen[:, 1:, DROPPED] > 0.0).sum(axis=0).astype(np.int64),
            (seen[:, 1:, TIME] * opened).sum(axis=0),
            int(won.any(axis=1).sum()),
            np.stack([values.sum(axis=1), (values * values).sum(axis=1)], axis=1),
        )


def _log_ratio(z: FloatArray, v: FloatArray, compared: BoolArray) -> FloatArray:
    """The log hazard ratio U / V of each comparison, 0 where there is none."""
    return np.where(compared, -z / np.sqrt(np.where(compared, v, 1.0)), 0.0)


def platform_prepared(plan: Plan) -> PlatformPrepared:
    """Make a platform plan ready to be simulated."""
    design = plan.design
    assert isinstance(design, PlatformTable)  # the caller looks
    arms = (plan.control, *design.experimental(plan))
    named: list[tuple[str, tuple[float, ...], Plan]] = [(name, (), scenario) for name, scenario in plan.scenarios()]
    named += [(cell_name(plan, values), values, cell) for values, cell in plan.grid_cells()]
    truths = []
    for name, at, scenario in named:
        accrual, survival = scenario.accrual_model(), scenario.truths()
        truths.append(
            PlatformTruth(
                name,
                scenario.survival_at(plan.trial.milestone),
                at,
                accrual,
                tuple(survival[a] for a in arms),
                dropout_truth(accrual),
                scenario.accrual.hazard_trend,
            )
        )
    return PlatformPrepared(plan, design, arms, design.limits(plan), tuple(truths))
