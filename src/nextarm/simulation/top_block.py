"""One block of virtual trials of a TOP design: looks when so many have entered, those under observation counting for what they have been.

The uniform of a patient's event says whether and when it responds, so scenarios share random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.designs.accrual import Accrual
from nextarm.designs.one_arm_count import hoped_for, look_sizes, planned_n
from nextarm.designs.optimal_cut import OptimalCut
from nextarm.designs.plan import Plan
from nextarm.designs.top_design import TopTable, accrual_of, observed
from nextarm.simulation.counted import BlockCounts, cell_name
from nextarm.simulation.draws import draw_trials, uniform


@dataclass(frozen=True)
class TopTruth:
    """One scenario: the response, and the accrual until all have entered."""

    name: str
    at_milestone: dict[str, float]
    at: tuple[float, ...]
    response: float
    accrual: Accrual


@dataclass(frozen=True)
class TopPrepared:
    """A plan of a TOP design, ready to be simulated with the rule of the plan's own truth."""

    plan: Plan
    design: TopTable
    rule: OptimalCut
    sizes: tuple[int, ...]
    truths: tuple[TopTruth, ...]
    reference_is_drawn: bool = False

    @property
    def looks(self) -> int:
        """How many looks there are."""
        return len(self.sizes)

    @property
    def sum_rows(self) -> int:
        """Rows of the sums: responses seen, patients, duration."""
        return 3

    @property
    def patients(self) -> int:
        """Patients at the last look."""
        return self.sizes[-1]

    def block(self, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
        """Run the ``trials`` trials of a block under every scenario."""
        draws = draw_trials(seed, block, trials=trials, patients=self.patients)
        entered, luck = uniform(np.sort(draws.entry, axis=-1)), uniform(draws.event)
        made = []
        for truth in self.truths:
            x, worth, times = observed(
                truth.accrual.entry_time(entered), luck, response=truth.response, early_share=self.design.early_share,
                milestone=self.plan.trial.milestone, sizes=self.sizes,
            )  # fmt: skip
            decided = self.design.decide_counts(x, worth, self.rule, self.patients)
            rows, at, last = np.arange(trials), decided.stopped_at, self.looks - 1
            values = np.stack([x[rows, at], np.asarray(self.sizes, np.float64)[at], times[rows, at]])
            made.append(
                BlockCounts(
                    np.bincount(decided.rejected_at[decided.rejected_at >= 0], minlength=self.looks).astype(np.int64),
                    np.bincount(at, minlength=self.looks).astype(np.int64),
                    np.bincount(at[(decided.rejected_at < 0) & (at < last)], minlength=self.looks).astype(np.int64),
                    np.asarray(np.bincount(at, weights=times[rows, at], minlength=self.looks), np.float64),
                    0,
                    np.stack([values.sum(axis=1), (values * values).sum(axis=1)], axis=1),
                )
            )
        return tuple(made)


def top_prepared(plan: Plan) -> TopPrepared:
    """Make a plan of a TOP design ready to be simulated."""
    design = plan.design
    assert isinstance(design, TopTable)  # the caller looks
    n = planned_n(plan)
    named: list[tuple[str, tuple[float, ...], Plan]] = [(name, (), scenario) for name, scenario in plan.scenarios()]
    named += [(cell_name(plan, values), values, cell) for values, cell in plan.grid_cells()]
    truths = tuple(TopTruth(name, {}, at, hoped_for(scenario), accrual_of(scenario, n)) for name, at, scenario in named)
    return TopPrepared(plan, design, design.plan_rule(plan), look_sizes(design.looks, n), truths)
