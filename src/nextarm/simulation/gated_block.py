"""One block of virtual trials with gated end points: response, EFS and OS of the same patients, decided by the graph at one look.

A normal copula ties a patient's response to its EFS. The truths of :meth:`~nextarm.designs.gated_endpoints.GatedEndpointsTable.cases`,
those in which end points have no effect, stand beside the plan's own and its scenarios. A trial counts as rejecting where EFS is
rejected within the graph; what becomes of each end point is in ``rates``.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.gated_endpoints import ENDPOINTS, GatedCase, GatedEndpointsTable, response_z
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.plan import Plan
from nextarm.designs.seam import BoolArray, Decisions, Look, Measures, RankWeight, Seen
from nextarm.designs.truths import Distribution
from nextarm.simulation.block import PATIENTS_AT_ONCE, first_patients
from nextarm.simulation.counted import BlockCounts, cell_name, counts_from, whole_allocation
from nextarm.simulation.draws import Draws, draw_trials, uniform, words_of
from nextarm.simulation.enrol import cells, limits_of
from nextarm.simulation.kernel import see
from nextarm.simulation.philox import AFTER, RESPONSE, WordArray
from nextarm.simulation.simplify import dropout_truth, simplified
from nextarm.simulation.two_end_points import two_end_points


@dataclass(frozen=True)
class GatedTruths:
    """One scenario, control first: EFS, response and salvage of both arms; which end points have no effect."""

    name: str
    at_milestone: dict[str, float]
    at: tuple[float, ...]
    patients: int
    accrual: Accrual
    survival: tuple[Distribution, ...]
    dropout: Distribution | None
    limits: FloatArray
    response: FloatArray
    salvage: FloatArray
    nulls: tuple[str, ...]


@dataclass(frozen=True)
class GatedPrepared:
    """A plan of gated end points, ready to be simulated."""

    plan: Plan
    design: GatedEndpointsTable
    end: float
    truths: tuple[GatedTruths, ...]
    allocation: tuple[int, ...]
    reference_is_drawn: bool = False
    #: End points rejected by the graph, each alone at alpha, and an end point without an effect rejected.
    rates: tuple[str, ...] = (*ENDPOINTS, *(f"{name}_alone" for name in ENDPOINTS), "false_rejection")

    @property
    def looks(self) -> int:
        """One look."""
        return 1

    @property
    def sum_rows(self) -> int:
        """Rows of the sums: events, patients, duration, and the rates."""
        return 3 + len(self.rates)

    @property
    def patients(self) -> int:
        """Patients of the whole trial."""
        return self.truths[0].patients

    def block(self, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
        """Run the ``trials`` trials of a block under every scenario."""
        most = max(truth.patients for truth in self.truths)
        parts = min(-(-trials * most // PATIENTS_AT_ONCE), trials)
        found: list[list[BlockCounts]] = [[] for _ in self.truths]
        for first, end in itertools.pairwise([trials * i // parts for i in range(parts + 1)]):
            draws = draw_trials(seed, block, first=first, trials=end - first, patients=most)
            after, latent = (
                words_of(seed, block, purpose, first=first, trials=end - first, patients=most) for purpose in (AFTER, RESPONSE)
            )
            for s, truth in enumerate(self.truths):
                found[s].append(self._part(truth, first_patients(draws, truth.patients), after, latent))
        return tuple(_added(part) for part in found)

    def _part(self, truth: GatedTruths, draws: Draws, after: WordArray, latent: WordArray) -> BlockCounts:
        z, efs = self.statistics(truth, draws, after[:, : truth.patients], latent[:, : truth.patients])
        rejected, alone = self.design.decide_many(z), z >= z_of(self.design.alpha)
        false: BoolArray = np.asarray(np.any(rejected[:, [ENDPOINTS.index(name) for name in truth.nulls]], axis=1))
        zero = np.zeros(len(z), np.int64)
        made = Decisions(rejected_at=np.where(rejected[:, ENDPOINTS.index("EFS")], 0, -1).astype(np.int64), stopped_at=zero)
        return counts_from(made, efs, rates=[*rejected.T, *alone.T, false])

    def statistics(self, truth: GatedTruths, draws: Draws, after: WordArray, latent: WordArray) -> tuple[FloatArray, Seen]:
        """Z of every end point, (trials, 3), and what the trials show of EFS."""
        from scipy.special import ndtr, ndtri

        cell = cells(draws, self.allocation, (1.0,))
        luck, tie = uniform(latent), self.design.correlation
        if tie > 0.0:
            tied = ndtr(tie * ndtri(luck) + math.sqrt(1.0 - tie * tie) * ndtri(uniform(draws.event)))
            draws = replace(draws, event=np.minimum(tied * 2.0**32, 2.0**32 - 1.0).astype(np.uint32))
        groups = two_end_points(
            draws, after, cell, accrual=truth.accrual, survival=truth.survival, dropout=truth.dropout, limits=truth.limits,
            salvage=truth.salvage, after_event=self.design.after_event,
        )  # fmt: skip
        looks, measures = [Look(events=None, latest=self.end)], Measures(weights=(RankWeight(),))
        efs, os = (see(patients, looks, measures, arms=2) for patients in groups)
        z = np.empty((len(cell), 3))
        z[:, 0] = response_z(luck > 1.0 - truth.response[cell], cell == 1)
        for k, seen in ((1, efs), (2, os)):
            score, variance = seen.score[:, 0, 0, 0], seen.covariance[:, 0, 0, 0, 0]
            z[:, k] = np.where(variance > 0.0, -score / np.sqrt(np.where(variance > 0.0, variance, 1.0)), 0.0)
        return z, efs


def _added(parts: list[BlockCounts]) -> BlockCounts:
    """The counts of several parts of a block as one."""
    first, *rest = parts
    for part in rest:
        first = BlockCounts(
            first.rejected_by_look + part.rejected_by_look, first.stopped_by_look + part.stopped_by_look,
            first.futile_by_look + part.futile_by_look, first.time_by_look + part.time_by_look, first.never_reached + part.never_reached,
            first.sums + part.sums,
        )  # fmt: skip
    return first


def gated_prepared(plan: Plan) -> GatedPrepared:
    """Make a plan of gated end points ready to be simulated."""
    design = plan.design
    assert isinstance(design, GatedEndpointsTable)  # the caller looks
    own, *built_in = design.cases(plan)
    named: list[tuple[tuple[float, ...], GatedCase]] = [((), own), *(((), case) for case in built_in)]
    named += [((), design.case_of(name, scenario)) for name, scenario in plan.scenarios()[1:]]
    named += [(values, design.case_of(cell_name(plan, values), cell)) for values, cell in plan.grid_cells()]
    end = own.setting.analysis_time
    return GatedPrepared(plan, design, end, tuple(_truth(at, case, end) for at, case in named), whole_allocation(plan))


def _truth(at: tuple[float, ...], case: GatedCase, end: float) -> GatedTruths:
    setting = case.setting
    arms = (setting.control, setting.experimental)
    survival = tuple(simplified(setting.truths[arm]) for arm in arms)
    dropout = dropout_truth(setting.accrual)
    response, salvage = (np.array([values[arm] for arm in arms]) for values in (case.response, case.salvage))
    return GatedTruths(
        case.name, setting.survival_at_milestone(), at, max(1, round(setting.accrual.total)), setting.accrual, survival, dropout,
        limits_of(survival, dropout, end), response, salvage, case.nulls,
    )  # fmt: skip
