"""What a platform does over many virtual trials: counts and sums for each experimental arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nextarm.core.result import Result, record
from nextarm.simulation.characteristics import Mean, Rate, mean_of, rate_of, with_errors

if TYPE_CHECKING:
    import polars as pl


@record
class PlatformArmCounts:
    """One experimental arm over ``trials`` trials.

    ``opened``, ``dropped`` at a look, ``rejected`` (declared better) and ``rejected_other`` (had the other choice of controls been
    used) count trials. The sums, each with its sum of squares, are over the trials in which it opened: patients, controls it is compared
    with, years of opening and closing, its time of decision; and over the ``compared`` trials with events in both arms the log hazard ratio
    (U / V) against concurrent controls, against all of them, and the ``shift`` from the first to the second.
    """

    name: str
    trials: int
    opened: int
    dropped: int
    rejected: int
    rejected_other: int
    compared: int
    patients_sum: float
    patients_squares: float
    controls_sum: float
    controls_squares: float
    opens_sum: float
    opens_squares: float
    closes_sum: float
    closes_squares: float
    log_ratio_sum: float
    log_ratio_squares: float
    log_ratio_all_sum: float
    log_ratio_all_squares: float
    shift_sum: float
    shift_squares: float
    time_sum: float

    @property
    def rejection(self) -> Rate:
        """Share of trials in which the arm is declared better."""
        return rate_of(self.rejected, self.trials)

    @property
    def rejection_other(self) -> Rate:
        """The same with the other controls: all of them, or the concurrent ones only."""
        return rate_of(self.rejected_other, self.trials)

    @property
    def opening(self) -> Rate:
        """Share of trials in which the arm opens."""
        return rate_of(self.opened, self.trials)

    @property
    def dropping(self) -> Rate:
        """Share of trials in which the arm is dropped at a look."""
        return rate_of(self.dropped, self.trials)

    @property
    def patients(self) -> Mean:
        """Mean patients in the arm."""
        return mean_of(self.patients_sum, self.patients_squares, self.trials)

    @property
    def controls(self) -> Mean:
        """Mean controls it is compared with."""
        return mean_of(self.controls_sum, self.controls_squares, self.trials)

    @property
    def opens(self) -> Mean | None:
        """Mean year of opening, where it opens; None if it never does."""
        return mean_of(self.opens_sum, self.opens_squares, self.opened) if self.opened else None

    @property
    def closes(self) -> Mean | None:
        """Mean year of its last patient, where it opens."""
        return mean_of(self.closes_sum, self.closes_squares, self.opened) if self.opened else None

    @property
    def decided(self) -> float | None:
        """Mean year of its decision, where it opens."""
        return self.time_sum / self.opened if self.opened else None

    @property
    def log_ratio(self) -> Mean | None:
        """Mean log hazard ratio against the controls randomised while it was open."""
        return mean_of(self.log_ratio_sum, self.log_ratio_squares, self.compared) if self.compared else None

    @property
    def log_ratio_all(self) -> Mean | None:
        """Mean log hazard ratio against all controls until its end."""
        return mean_of(self.log_ratio_all_sum, self.log_ratio_all_squares, self.compared) if self.compared else None

    @property
    def shift(self) -> Mean | None:
        """What controls of other times do to the log hazard ratio, in the mean of the same trials: with drift their bias."""
        return mean_of(self.shift_sum, self.shift_squares, self.compared) if self.compared else None


@record
class PlatformScenario:
    """One truth: its arms, trials with any arm declared better, and sums over the whole platform."""

    name: str
    trials: int
    survival_at_milestone: dict[str, float]
    arms: tuple[PlatformArmCounts, ...]
    any_rejected: int
    events_sum: float
    events_squares: float
    patients_sum: float
    patients_squares: float
    duration_sum: float
    duration_squares: float
    lesser_sum: float
    lesser_squares: float

    @property
    def any_rejection(self) -> Rate:
        """Share of trials that declare at least one arm better: under no effect, the family-wise error."""
        return rate_of(self.any_rejected, self.trials)

    @property
    def events(self) -> Mean:
        """Mean events by the end."""
        return mean_of(self.events_sum, self.events_squares, self.trials)

    @property
    def patients(self) -> Mean:
        """Mean patients, control included."""
        return mean_of(self.patients_sum, self.patients_squares, self.trials)

    @property
    def duration(self) -> Mean:
        """Mean years until the last arm is judged."""
        return mean_of(self.duration_sum, self.duration_squares, self.trials)

    @property
    def lesser(self) -> Mean:
        """Mean patients on an arm whose true S at the milestone is below that of the best (0 where all are alike)."""
        return mean_of(self.lesser_sum, self.lesser_squares, self.trials)

    def arm(self, name: str) -> PlatformArmCounts:
        """The counts of the arm ``name``; KeyError lists what there is."""
        return {a.name: a for a in self.arms}[name]


@record
class PlatformCharacteristics(Result):
    """The counts of every scenario of a platform plan; the first is the plan's own truth."""

    plan_name: str
    design_kind: str
    alpha: float
    control_data: str
    scenarios: tuple[PlatformScenario, ...]
    by_chance: tuple[str, ...] = ()

    shown: ClassVar[tuple[str, ...]] = ()

    def scenario(self, name: str) -> PlatformScenario:
        """The counts of the scenario ``name``; KeyError lists what there is."""
        return {s.name: s for s in self.scenarios}[name]

    def table(self) -> pl.DataFrame:
        """One row an arm and scenario: rates and means, each with its Monte-Carlo standard error."""
        import polars as pl

        other = "all" if self.control_data == "concurrent" else "concurrent"
        rows = []
        for s in self.scenarios:
            for arm in s.arms:
                row: dict[str, object] = {"scenario": s.name, "arm": arm.name, "trials": s.trials}
                values: dict[str, Rate | Mean | None] = {
                    "rejection": arm.rejection,
                    f"rejection_{other}_controls": arm.rejection_other,
                    "patients": arm.patients,
                    "controls": arm.controls,
                    "any_rejection": s.any_rejection,
                    "all_patients": s.patients,
                    "lesser_treatment": s.lesser,
                    "log_ratio_shift_by_other_controls": arm.shift,
                    "duration": s.duration,
                }
                row |= with_errors(values)
                row |= {"opens": arm.opens and arm.opens.value, "decided": arm.decided}
                row |= {"opened": arm.opened / s.trials, "dropped": arm.dropped / s.trials}
                rows.append(row)
        return pl.DataFrame(rows)
