"""What a reconstruction returns: patients, versions, checks, repairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextarm.core.result import Result, record
from nextarm.core.units import FloatArray
from nextarm.patients.clean import Repair
from nextarm.survival.table import Patients

if TYPE_CHECKING:
    import polars as pl


#: What to say of an arm whose printed numbers at risk leave out the events of their own times.
COUNTED_AFTER = (
    "the printed numbers at risk are taken as counted just after the events at their times (as told, or because that fits the curve "
    "better); estimates and charts count those at risk just before a time, as is usual"
)


@record
class CheckItem:
    """One published number (None: a residual, which nobody prints) beside what the rebuilt patients give.

    ``low`` and ``high`` are the range over the versions; ``allowed`` is the difference that rounding and reading error
    explain; ``hard`` items must hold exactly.
    """

    arm: str
    item: str
    published: float | None
    rebuilt: float | None
    low: float | None
    high: float | None
    allowed: float
    hard: bool
    ok: bool

    @property
    def beside(self) -> str:
        """What stands before the rebuilt number in words."""
        return f"at most {self.allowed:.2g} is explained, found " if self.published is None else f"published {self.published:g}, rebuilt "


@record
class Checks:
    """All items and a grade.

    A: everything holds. B: all hard facts hold, and nine in ten of the others. C: all hard facts hold. D: a hard fact is missed,
    or the rebuilt curve is off by more than 0.05 on average or 0.15 somewhere. An arm without an at-risk table is B at best
    (nothing printed checks when its patients were censored), and C with one reading only.
    """

    grade: str
    items: tuple[CheckItem, ...]


@record
class ArmFit:
    """One arm: the published readings beside the rebuilt curve, and what was assumed about the reading.

    ``time`` (years), ``published``, ``rebuilt`` are the readings; ``fine_time`` to ``fine_high`` the rebuilt curve on an even grid with
    the range over the versions. ``reading_error`` is one standard deviation on the survival scale, on top of ``rounding``
    (half the spacing of the readings). ``at_risk_convention``: whether the printed numbers at risk were taken as counted just "before"
    their times (time >= t, the usual way) or just "after" them (time > t).
    """

    arm: str
    n: int
    events: int
    person_years: float
    points: str
    reading_error: float
    reading_error_estimated: bool
    rounding: float
    mean_residual: float
    max_residual: float
    at_risk_convention: str
    time: FloatArray
    published: FloatArray
    rebuilt: FloatArray
    fine_time: FloatArray
    fine_survival: FloatArray
    fine_low: FloatArray
    fine_high: FloatArray

    @property
    def counted(self) -> str:
        """What to say of a printed table that leaves out the events of its own times; "" for one that counts as usual."""
        return COUNTED_AFTER if self.at_risk_convention == "after" else ""


@record
class Reconstruction(Result):
    """Patients rebuilt from a published curve.

    ``patients`` is the single best version; ``versions`` holds all plausible versions in one table with a version
    column (use ``versions.for_version(k)``), drawn so that they carry the reading error and the unknown censoring
    times. ``approximate`` marks rebuilding from a few printed values only.
    """

    patients: Patients
    versions: Patients
    arms: tuple[ArmFit, ...]
    checks: Checks
    repairs: tuple[Repair, ...]
    method: str
    approximate: bool = False

    def table(self) -> pl.DataFrame:
        """The checks, one row an item."""
        import polars as pl

        names = ("arm", "item", "published", "rebuilt", "low", "high", "allowed", "hard", "ok")
        columns = {k: [getattr(i, k) for i in self.checks.items] for k in names}
        numbers = ("published", "rebuilt", "low", "high", "allowed")
        return pl.DataFrame(columns, schema_overrides=dict.fromkeys(numbers, pl.Float64))

    def version(self, number: int) -> Patients:
        """One version (0, 1, ...) as a table of its own."""
        return self.versions.for_version(number)
