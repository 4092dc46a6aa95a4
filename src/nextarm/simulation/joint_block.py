"""One block of virtual trials of a design that watches response and toxicity together, each read once at the milestone.

A patient's response is the uniform of its event below the arm's response; its toxic event that of its dropout below the probability given
the response. A look comes when its patients have passed the milestone. Events are toxic events; a stop for futility or
toxicity before the last look counts as futile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.efficacy_toxicity import EfficacyToxicityTable
from nextarm.designs.joint_paths import JointBounds, patient_probabilities
from nextarm.designs.plan import Plan
from nextarm.simulation.counted import BlockCounts, cell_name
from nextarm.simulation.draws import draw_trials, uniform


@dataclass(frozen=True)
class JointTruth:
    """One scenario: the response, and the toxicity in responders and in others."""

    name: str
    at_milestone: dict[str, float]
    at: tuple[float, ...]
    response: float
    toxic_in_responders: float
    toxic_in_others: float
    accrual: Accrual


@dataclass(frozen=True)
class JointPrepared:
    """A plan of response and toxicity, ready to be simulated."""

    plan: Plan
    bounds: JointBounds
    truths: tuple[JointTruth, ...]
    reference_is_drawn: bool = False

    @property
    def looks(self) -> int:
        """How many looks there are."""
        return len(self.bounds.sizes)

    @property
    def sum_rows(self) -> int:
        """Rows of the sums: toxic events, patients, duration."""
        return 3

    @property
    def patients(self) -> int:
        """Patients at the last look."""
        return self.bounds.sizes[-1]

    def block(self, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
        """Run the ``trials`` trials of a block under every scenario."""
        draws = draw_trials(seed, block, trials=trials, patients=self.patients)
        entry = uniform(np.sort(draws.entry, axis=-1))
        return tuple(self._one(truth, uniform(draws.event), uniform(draws.dropout), entry) for truth in self.truths)

    def _one(self, truth: JointTruth, first: FloatArray, second: FloatArray, entry: FloatArray) -> BlockCounts:
        sizes = np.asarray(self.bounds.sizes)
        responds = first < truth.response
        harmed = second < np.where(responds, truth.toxic_in_responders, truth.toxic_in_others)
        responses, toxic = (np.cumsum(x, axis=1)[:, sizes - 1] for x in (responds, harmed))
        stop = (responses <= np.asarray(self.bounds.futile)) | (toxic >= np.asarray(self.bounds.toxic))
        ended = stop.any(axis=1)
        rows, last = np.arange(len(stop)), self.looks - 1
        at = np.where(ended, np.argmax(stop, axis=1), last)
        times = truth.accrual.entry_time(entry[:, sizes - 1])[rows, at] + self.plan.trial.milestone
        values = np.stack([toxic[rows, at], sizes[at], times]).astype(np.float64)
        return BlockCounts(
            np.bincount(at[~ended], minlength=self.looks).astype(np.int64),
            np.bincount(at, minlength=self.looks).astype(np.int64),
            np.bincount(at[ended & (at < last)], minlength=self.looks).astype(np.int64),
            np.asarray(np.bincount(at, weights=times, minlength=self.looks), np.float64),
            0,
            np.stack([values.sum(axis=1), (values * values).sum(axis=1)], axis=1),
        )


def joint_prepared(plan: Plan) -> JointPrepared:
    """Make a plan of response and toxicity ready to be simulated; the bounds are those of the plan's own truth."""
    design = plan.design
    assert isinstance(design, EfficacyToxicityTable)  # the caller looks
    bounds = design.bounds(plan)
    named: list[tuple[str, tuple[float, ...], Plan]] = [(name, (), scenario) for name, scenario in plan.scenarios()]
    named += [(cell_name(plan, values), values, cell) for values, cell in plan.grid_cells()]
    truths = []
    for name, at, scenario in named:
        accrual = scenario.accrual_model()
        if round(accrual.total) != bounds.sizes[-1]:
            accrual = accrual.lasting(accrual.years_for(bounds.sizes[-1]))
        response, toxicity = design.truth(scenario)
        both, _, toxic, _ = patient_probabilities(response, toxicity, odds_ratio=design.odds_ratio)
        in_responders = both / response if response > 0.0 else 0.0
        in_others = toxic / (1.0 - response) if response < 1.0 else 0.0
        truths.append(JointTruth(name, {}, at, response, in_responders, in_others, accrual))
    return JointPrepared(plan, bounds, tuple(truths))
