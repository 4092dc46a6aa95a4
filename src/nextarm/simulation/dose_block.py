"""One block of virtual trials of dose finding: the luck of each patient, the rule of the design, the counts of each dose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.core.random import BLOCK_TRIALS
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.dose_design import DoseTable
from nextarm.designs.dose_finding import DoseTrials
from nextarm.designs.one_arm_count import planned_n
from nextarm.designs.plan import Plan
from nextarm.simulation.counted import BlockCounts, cell_name
from nextarm.simulation.dose_result import DoseCharacteristics, DoseCounts, DoseScenario
from nextarm.simulation.draws import draw_trials, uniform
from nextarm.simulation.totals import METHOD, Totals

#: Rows of the sums after events, patients, duration and patients turned away: for each dose patients and toxic events.
PER_DOSE = 2
WHOLE = 4


@dataclass(frozen=True)
class DoseTruth:
    """One scenario: the true rate of each dose, and the accrual."""

    name: str
    at_milestone: dict[str, float]
    at: tuple[float, ...]
    rates: FloatArray
    accrual: Accrual


@dataclass(frozen=True)
class DosePrepared:
    """A dose finding plan, ready to be simulated."""

    plan: Plan
    design: DoseTable
    truths: tuple[DoseTruth, ...]
    reference_is_drawn: bool = False

    @property
    def looks(self) -> int:
        """Doses: each is chosen or not."""
        return len(self.plan.arms)

    @property
    def sum_rows(self) -> int:
        """Rows of the sums."""
        return WHOLE + PER_DOSE * self.looks

    @property
    def patients(self) -> int:
        """Patients at the most."""
        return planned_n(self.plan)

    def block(self, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
        """Run the ``trials`` trials of a block under every scenario."""
        draws = draw_trials(seed, block, trials=trials, patients=self.patients)
        entry, chance, moment = uniform(np.sort(draws.entry, axis=-1)), uniform(draws.event), uniform(draws.dropout)
        return tuple(
            self._counts(self.design.run(self.plan, t.rates, chance=chance, entry=t.accrual.entry_time(entry), moment=moment))
            for t in self.truths
        )

    def result(self, seed: int, totals: Totals) -> DoseCharacteristics:
        """What the blocks of a run say."""
        scenarios = []
        for s, truth in enumerate(self.truths):
            doses = tuple(
                DoseCounts(
                    name=name, toxicity=float(truth.rates[k]), trials=totals.trials, given=int(totals.stopped[s, k]),
                    chosen=int(totals.rejected[s, k]), **totals.pairs(s, WHOLE + PER_DOSE * k, ("patients", "toxic")),
                )
                for k, name in enumerate(self.plan.arms)
            )  # fmt: skip
            whole = totals.pairs(s, 0, ("toxic", "patients", "duration", "turned_away"))
            scenarios.append(DoseScenario(name=truth.name, trials=totals.trials, doses=doses, undecided=int(totals.never[s]), **whole))
        words = f"{METHOD.split(',')[0]}, each patient's luck a uniform; blocks of {BLOCK_TRIALS}"
        return DoseCharacteristics(
            trail=Trail(method=words, seed=seed, assumptions=(f"the truths of the plan {self.plan.trial.name!r}",)),
            plan_name=self.plan.trial.name,
            design_kind=self.plan.design.kind,
            target=self.design.target,
            scenarios=tuple(scenarios),
        )

    def _counts(self, got: DoseTrials) -> BlockCounts:
        whole = np.stack([got.toxic.sum(axis=1), got.patients.sum(axis=1), got.duration, got.turned_away])
        per_dose = np.stack([part[:, k] for k in range(self.looks) for part in (got.patients, got.toxic)])
        values = np.concatenate([whole, per_dose]).astype(np.float64)
        return BlockCounts(
            np.bincount(got.chosen[got.chosen >= 0], minlength=self.looks).astype(np.int64),
            (got.patients > 0).sum(axis=0).astype(np.int64),
            np.zeros(self.looks, np.int64),
            np.zeros(self.looks),
            int(np.count_nonzero(~got.decided)),
            np.stack([values.sum(axis=1), (values * values).sum(axis=1)], axis=1),
        )


def dose_prepared(plan: Plan) -> DosePrepared:
    """Make a dose finding plan ready to be simulated."""
    design = plan.design
    assert isinstance(design, DoseTable)  # the caller looks
    named: list[tuple[str, tuple[float, ...], Plan]] = [(name, (), scenario) for name, scenario in plan.scenarios()]
    named += [(cell_name(plan, values), values, cell) for values, cell in plan.grid_cells()]
    truths = tuple(DoseTruth(name, {}, at, design.rates(scenario), scenario.accrual_model()) for name, at, scenario in named)
    return DosePrepared(plan, design, truths)
