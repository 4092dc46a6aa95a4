"""What a dose finding design does over many virtual trials: counts and sums for each dose."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nextarm.core.result import Result, record
from nextarm.simulation.characteristics import Mean, Rate, mean_of, rate_of, with_errors

if TYPE_CHECKING:
    import polars as pl


@record
class DoseCounts:
    """One dose over ``trials`` trials: how often it was given and chosen, and the sums of its patients and toxic events."""

    name: str
    toxicity: float
    trials: int
    given: int
    chosen: int
    patients_sum: float
    patients_squares: float
    toxic_sum: float
    toxic_squares: float

    @property
    def selection(self) -> Rate:
        """Share of trials that choose the dose."""
        return rate_of(self.chosen, self.trials)

    @property
    def patients(self) -> Mean:
        """Mean patients at the dose."""
        return mean_of(self.patients_sum, self.patients_squares, self.trials)

    @property
    def toxic(self) -> Mean:
        """Mean toxic events at the dose."""
        return mean_of(self.toxic_sum, self.toxic_squares, self.trials)


@record
class DoseScenario:
    """One truth: its doses, trials that did not come to the end of the rule, and sums over the whole trial."""

    name: str
    trials: int
    doses: tuple[DoseCounts, ...]
    undecided: int
    toxic_sum: float
    toxic_squares: float
    patients_sum: float
    patients_squares: float
    duration_sum: float
    duration_squares: float
    turned_away_sum: float
    turned_away_squares: float

    @property
    def none_chosen(self) -> Rate:
        """Share of trials that choose no dose."""
        return rate_of(self.trials - sum(d.chosen for d in self.doses), self.trials)

    @property
    def toxic(self) -> Mean:
        """Mean toxic events in all."""
        return mean_of(self.toxic_sum, self.toxic_squares, self.trials)

    @property
    def patients(self) -> Mean:
        """Mean patients in all."""
        return mean_of(self.patients_sum, self.patients_squares, self.trials)

    @property
    def duration(self) -> Mean:
        """Mean years until the choice."""
        return mean_of(self.duration_sum, self.duration_squares, self.trials)

    @property
    def turned_away(self) -> Mean:
        """Mean patients who came while the trial was on hold."""
        return mean_of(self.turned_away_sum, self.turned_away_squares, self.trials)

    def dose(self, name: str) -> DoseCounts:
        """The counts of the dose ``name``; KeyError lists what there is."""
        return {d.name: d for d in self.doses}[name]


@record
class DoseCharacteristics(Result):
    """The counts of every scenario of a dose finding plan; the first is the plan's own truth."""

    plan_name: str
    design_kind: str
    target: float
    scenarios: tuple[DoseScenario, ...]

    shown: ClassVar[tuple[str, ...]] = ()

    def scenario(self, name: str) -> DoseScenario:
        """The counts of the scenario ``name``; KeyError lists what there is."""
        return {s.name: s for s in self.scenarios}[name]

    def table(self) -> pl.DataFrame:
        """One row a dose and scenario: rates and means, each with its Monte-Carlo standard error."""
        import polars as pl

        rows = []
        for s in self.scenarios:
            for dose in s.doses:
                row: dict[str, object] = {"scenario": s.name, "dose": dose.name, "toxicity": dose.toxicity, "trials": s.trials}
                values: dict[str, Rate | Mean | None] = {
                    "selection": dose.selection, "patients": dose.patients, "toxic": dose.toxic, "none_chosen": s.none_chosen,
                    "all_patients": s.patients, "all_toxic": s.toxic, "duration": s.duration, "turned_away": s.turned_away,
                }  # fmt: skip
                row |= with_errors(values)
                rows.append(row | {"undecided": s.undecided / s.trials})
        return pl.DataFrame(rows)
