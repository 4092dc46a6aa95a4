"""One block of virtual trials with two causes of failure, all trials at once with numpy.

Each cause is drawn by its own quantile function and the first to come counts. One look, at the time of the analysis. Comparisons of a
subdistribution keep those with the other cause at risk until the analysis: its log-rank score is that of the times so changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.competing_causes import Comparison, TwoCauses
from nextarm.designs.competing_events import CompetingEventsTable
from nextarm.designs.log_rank_rows import log_rank_z
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.plan import Plan
from nextarm.simulation.counted import BlockCounts, cell_name
from nextarm.simulation.draws import draw_trials, pattern_of, uniform


@dataclass(frozen=True)
class CausesTruth:
    """One scenario: the causes of each arm, control first."""

    name: str
    at_milestone: dict[str, float]
    at: tuple[float, ...]
    arms: tuple[TwoCauses, ...]
    accrual: Accrual


@dataclass(frozen=True)
class SeenCauses:
    """What trials show at the analysis, (trials, patients): follow-up, cause (0 none, 1 relapse, 2 death), arm, and the most follow-up."""

    time: FloatArray
    cause: IntArray
    arm: IntArray
    longest: FloatArray


@dataclass(frozen=True)
class CausesPrepared:
    """A plan of competing causes, ready to be simulated."""

    plan: Plan
    design: CompetingEventsTable
    truths: tuple[CausesTruth, ...]
    allocation: tuple[int, ...]
    reference_is_drawn: bool = False

    @property
    def looks(self) -> int:
        """One look."""
        return 1

    @property
    def sum_rows(self) -> int:
        """Rows of the sums: events of both causes, patients, duration."""
        return 3

    @property
    def patients(self) -> int:
        """Patients of the whole trial."""
        return max(1, round(self.plan.accrual_model().total))

    def block(self, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
        """Run the ``trials`` trials of a block under every scenario."""
        return tuple(self._counts(seen) for seen in self.seen(seed=seed, block=block, trials=trials))

    def seen(self, *, seed: int, block: int, trials: int) -> tuple[SeenCauses, ...]:
        """What the trials of a block show under every scenario."""
        most = max(max(1, round(t.accrual.total)) for t in self.truths)
        draws = draw_trials(seed, block, trials=trials, patients=most, strata=2)  # the stratum's uniform is that of dropout
        assert draws.stratum is not None
        arms = permuted(draws.order[0], self.allocation, most)
        made = []
        for truth in self.truths:
            n = max(1, round(truth.accrual.total))
            entry = truth.accrual.entry_time(np.sort(uniform(draws.entry[:, :n]), axis=1))
            arm = arms[:, :n]
            relapse, death = uniform(draws.event[:, :n]), uniform(draws.dropout[:, :n])
            for k, causes in enumerate(truth.arms):
                mine = arm == k
                relapse[mine], death[mine] = causes.relapse.quantile(relapse[mine]), causes.death.quantile(death[mine])
            open_until = np.maximum(self.design.analysis_time(self.plan) - entry, 0.0)
            if any(truth.accrual.dropout_hazards):
                open_until = np.minimum(open_until, truth.accrual.dropout_time(uniform(draws.stratum[:, :n])))
            first = np.minimum(relapse, death)
            cause = np.where(first > open_until, 0, np.where(relapse <= death, 1, 2))
            made.append(SeenCauses(np.minimum(first, open_until), cause.astype(np.int64), arm, open_until))
        return tuple(made)

    def _counts(self, seen: SeenCauses) -> BlockCounts:
        z = comparison_z(seen, self.design.test)
        won = z >= z_of(self.design.alpha)
        trials = len(z)
        end = self.design.analysis_time(self.plan)
        values = np.stack([(seen.cause > 0).sum(axis=1), (seen.longest > 0.0).sum(axis=1), np.full(trials, end)]).astype(np.float64)
        return BlockCounts(
            np.array([np.count_nonzero(won)], np.int64), np.array([trials], np.int64), np.zeros(1, np.int64), np.array([trials * end]), 0,
            np.stack([values.sum(axis=1), (values * values).sum(axis=1)], axis=1),
        )  # fmt: skip


def comparison_z(seen: SeenCauses, comparison: Comparison) -> FloatArray:
    """The log-rank Z of ``comparison`` in each trial, positive where the experimental arm has fewer."""
    if comparison == "either":
        return log_rank_z(seen.time, seen.cause > 0, seen.arm == 1)
    which = 1 if comparison.startswith("relapse") else 2
    time = seen.time
    if comparison.endswith("subdistribution"):
        time = np.where((seen.cause > 0) & (seen.cause != which), seen.longest, time)
    return log_rank_z(time, seen.cause == which, seen.arm == 1)


def permuted(order: IntArray | np.ndarray[tuple[int, ...], np.dtype[np.uint32]], allocation: tuple[int, ...], patients: int) -> IntArray:
    """Arms (trials, patients) by permuted blocks, as :func:`~nextarm.simulation.draws.allocate` does for one trial."""
    pattern = np.asarray(pattern_of(allocation))
    size = len(pattern)
    blocks = -(-patients // size)
    words = order[:, : blocks * size].reshape(len(order), blocks, size)
    arms = np.empty(words.shape, np.int64)
    np.put_along_axis(arms, np.argsort(words, axis=2, kind="stable"), np.broadcast_to(pattern, words.shape), axis=2)
    return arms.reshape(len(order), -1)[:, :patients]


def causes_prepared(plan: Plan, *, allocation: tuple[int, ...]) -> CausesPrepared:
    """Make a plan of competing causes ready to be simulated."""
    design = plan.design
    assert isinstance(design, CompetingEventsTable)  # the caller looks
    named: list[tuple[str, tuple[float, ...], Plan]] = [(name, (), scenario) for name, scenario in plan.scenarios()]
    named += [(cell_name(plan, values), values, cell) for values, cell in plan.grid_cells()]
    truths = []
    for name, at, scenario in named:
        causes = design.causes(scenario)
        milestone = np.asarray(plan.trial.milestone)
        free = {arm: float(truth.survival(milestone)) for arm, truth in causes.items()}
        truths.append(CausesTruth(name, free, at, (causes[plan.control], causes[plan.experimental]), scenario.accrual_model()))
    return CausesPrepared(plan, design, tuple(truths), allocation)
