"""One block of virtual trials of a design for counts: responses or toxic events, read once in each patient at the milestone.

The same uniforms as in trials with follow-up: a patient has the event where the uniform of its event falls below the arm's
probability, so scenarios share random numbers. A look comes when its patients have passed the milestone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.count_design import CountTable
from nextarm.designs.design import Decisions
from nextarm.designs.plan import Plan
from nextarm.simulation.counted import BlockCounts, cell_name
from nextarm.simulation.draws import draw_trials, uniform


@dataclass(frozen=True)
class CountTruth:
    """One scenario: the probability of each arm, control first, and the accrual."""

    name: str
    at_milestone: dict[str, float]
    at: tuple[float, ...]
    probabilities: tuple[float, ...]
    accrual: Accrual


@dataclass(frozen=True)
class CountsPrepared:
    """A plan of counts, ready to be simulated: patients of each arm at each look."""

    plan: Plan
    design: CountTable
    sizes: tuple[tuple[int, ...], ...]
    truths: tuple[CountTruth, ...]
    decide: Callable[[IntArray], Decisions]
    reference_is_drawn: bool = False

    @property
    def looks(self) -> int:
        """How many looks there are."""
        return len(self.sizes[0])

    @property
    def sum_rows(self) -> int:
        """Rows of the sums: events, patients, duration."""
        return 3

    @property
    def patients(self) -> int:
        """Patients of all arms at the last look."""
        return sum(size[-1] for size in self.sizes)

    def block(self, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
        """Run the ``trials`` trials of a block under every scenario."""
        draws = draw_trials(seed, block, trials=trials, patients=self.patients)
        chance, entry = uniform(draws.event), uniform(np.sort(draws.entry, axis=-1))
        return tuple(self._one(truth, chance, entry) for truth in self.truths)

    def _one(self, truth: CountTruth, chance: FloatArray, entry: FloatArray) -> BlockCounts:
        edges = np.cumsum([0, *(size[-1] for size in self.sizes)])
        seen = []
        for arm, (p, size) in enumerate(zip(truth.probabilities, self.sizes, strict=True)):
            running = np.cumsum(chance[:, edges[arm] : edges[arm + 1]] < p, axis=1)
            seen.append(running[:, np.asarray(size) - 1])
        counts = np.stack(seen, axis=2).astype(np.int64)  # trials, looks, arms
        made = self.decide(counts if len(seen) > 1 else counts[:, :, 0])
        rows, at = np.arange(len(counts)), made.stopped_at
        entered = np.asarray([sum(size[k] for size in self.sizes) for k in range(self.looks)])
        times = truth.accrual.entry_time(entry[:, entered - 1]) + self.plan.trial.milestone
        values = np.stack([counts.sum(axis=2)[rows, at], entered[at], times[rows, at]]).astype(np.float64)
        rejected, last = made.rejected_at[made.rejected_at >= 0], self.looks - 1
        futile = at[(made.rejected_at < 0) & (at < last)]
        return BlockCounts(
            np.bincount(rejected, minlength=self.looks).astype(np.int64),
            np.bincount(at, minlength=self.looks).astype(np.int64),
            np.bincount(futile, minlength=self.looks).astype(np.int64),
            np.asarray(np.bincount(at, weights=times[rows, at], minlength=self.looks), np.float64),
            0,
            np.stack([values.sum(axis=1), (values * values).sum(axis=1)], axis=1),
        )


def counts_prepared(plan: Plan) -> CountsPrepared:
    """Make a plan whose design is for counts ready to be simulated."""
    design = plan.design
    assert isinstance(design, CountTable)  # the caller looks
    names = [plan.control, *(name for name in plan.arms if name != plan.control)]
    sizes = design.look_sizes_by_arm(plan)
    total = sum(size[-1] for size in sizes)
    truths = []
    named: list[tuple[str, tuple[float, ...], Plan]] = [(name, (), scenario) for name, scenario in plan.scenarios()]
    named += [(cell_name(plan, values), values, cell) for values, cell in plan.grid_cells()]
    for name, at, scenario in named:
        accrual = scenario.accrual_model()
        if round(accrual.total) != total:
            accrual = accrual.lasting(accrual.years_for(total))
        chances = tuple(float(getattr(scenario.arms[arm], design.outcomes[0])) for arm in names)
        truths.append(CountTruth(name, {}, at, chances, accrual))
    return CountsPrepared(plan, design, sizes, tuple(truths), design.counts_decider(plan))
