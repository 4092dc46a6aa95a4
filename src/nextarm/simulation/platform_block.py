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
    CONTROLS,
    CONTROLS_ALL,
    DROPPED,
    EARLY,
    EVENTS,
    OPENED,
    TIME,
    V_ALL,
    Z_ALL,
    N,
    V,
    Z,
    run_platform,
)
from nextarm.simulation.platform_result import PlatformArmCounts, PlatformCharacteristics, PlatformScenario
from nextarm.simulation.simplify import dropout_truth
from nextarm.simulation.totals import METHOD, Totals

#: Rows of the sums after events, patients and duration: for each arm patients, controls, and rejections with the other controls.
PER_ARM = 3


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
    limits: tuple[float, float | None, float | None]
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
        return 3 + PER_ARM * self.looks

    def block(self, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
        """Run the ``trials`` trials of a block under every scenario."""
        draws = draw_trials(seed, block, trials=trials, patients=self.patients)
        entry, event, dropout = np.sort(draws.entry, axis=-1), uniform(draws.event), uniform(draws.dropout)
        return tuple(self._counts(self.seen(truth, uniform(entry), event, dropout, uniform(draws.order[0]))) for truth in self.truths)

    def seen(self, truth: PlatformTruth, entry: FloatArray, event: FloatArray, dropout: FloatArray, words: FloatArray) -> FloatArray:
        """What every trial shows, (trials, arms, columns of the kernel)."""
        d, plan = self.design, self.plan
        came = truth.accrual.entry_time(entry)
        chance = event if truth.trend == 0.0 else -np.expm1(np.log1p(-event) * np.exp(-truth.trend * came))
        times = np.stack([np.asarray(t.quantile(chance)) for t in truth.survival], axis=1)
        gone = np.full(event.shape, np.inf) if truth.dropout is None else np.asarray(truth.dropout.quantile(dropout))
        names, (_, low, high) = self.arms, self.limits
        allocation = np.array(whole_allocation(plan), np.int64)
        opens = np.array([plan.arms[n].opens for n in names])
        after = np.array([names.index(a) if (a := plan.arms[n].opens_after) is not None else -1 for n in names])
        look = 0 if d.interim is None else max(1, math.ceil(d.interim * d.patients_per_arm))
        made = np.empty((len(event), len(names), 12))
        for t in range(len(event)):
            made[t] = run_platform(
                came[t], words[t], times[t], gone[t], allocation, opens, after, d.patients_per_arm, look, d.interim_lag,
                -np.inf if low is None else low, np.inf if high is None else high, d.select == "best", d.follow_up,
                d.update_every if d.allocation_rule == "adaptive" else 0, truth.accrual.duration,
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
            arms = tuple(
                PlatformArmCounts(
                    name=name, trials=totals.trials, opened=int(totals.stopped[s, k]), dropped=int(totals.futile[s, k]),
                    rejected=int(totals.rejected[s, k]), rejected_other=round(float(totals.sums[s, 3 + PER_ARM * k + 2, 0])),
                    time_sum=float(totals.times[s, k]), **totals.pairs(s, 3 + PER_ARM * k, ("patients", "controls")),
                )
                for k, name in enumerate(self.arms[1:])
            )  # fmt: skip
            scenarios.append(
                PlatformScenario(
                    name=truth.name, trials=totals.trials, survival_at_milestone=truth.at_milestone, arms=arms,
                    any_rejected=int(totals.never[s]), **totals.pairs(s, 0, ("events", "patients", "duration")),
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

    def _counts(self, seen: FloatArray) -> BlockCounts:
        everybody = self.design.control_data == "all"
        won, other = self.rejects(seen, everybody=everybody), self.rejects(seen, everybody=not everybody)
        opened, controls = seen[:, 1:, OPENED] > 0.0, CONTROLS_ALL if everybody else CONTROLS
        whole = np.stack([seen[:, 0, EVENTS], seen[:, :, N].sum(axis=1), seen[:, 0, TIME]])
        per_arm = [
            part for k in range(self.looks) for part in (seen[:, k + 1, N], seen[:, k + 1, controls], other[:, k].astype(np.float64))
        ]
        values = np.concatenate([whole, np.stack(per_arm)])
        return BlockCounts(
            won.sum(axis=0).astype(np.int64),
            opened.sum(axis=0).astype(np.int64),
            (seen[:, 1:, DROPPED] > 0.0).sum(axis=0).astype(np.int64),
            (seen[:, 1:, TIME] * opened).sum(axis=0),
            int(won.any(axis=1).sum()),
            np.stack([values.sum(axis=1), (values * values).sum(axis=1)], axis=1),
        )


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
