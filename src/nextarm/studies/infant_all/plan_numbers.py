"""The table of a plan's numbers, of sections 5 and 6: each with its value, the reason for it, and what it rests on.

A row is (label, number, why, trail); an evidence row in the trail makes it evidence, its absence an assumption.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nextarm.core.trail import Trail
from nextarm.designs import Plan
from nextarm.evidence import Count, Package
from nextarm.report import DataTable, number
from nextarm.report.document import Number, Row
from nextarm.studies.infant_all.evidence_rows import row_trail

#: Said in the trail of a number that evidence supports but does not give.
CHOSEN = "shape and median are chosen, not estimated"
UNSUPPORTED = "no row supports it"

PlanRow = tuple[str, Number, str, Trail]


def trail_in_plan(key: str, file: str) -> Trail:
    """The trail of a number that stands in the plan ``file``."""
    return Trail(method=f"{key} of the plan", inputs=(file,), assumptions=(f"{key}: see the table of the plan's numbers",))


@dataclass(frozen=True)
class Reason:
    """Why a number is what it is, and its trail."""

    why: str
    trail: Trail


@dataclass(frozen=True)
class PlanTable:
    """Rows of the plan ``file``, their numbers named ``prefix.key``."""

    plan: Plan
    file: str
    prefix: str

    def assumed(self, key: str, why: str = UNSUPPORTED) -> Reason:
        """The reason for a number that stands in the plan file and nowhere else."""
        return Reason(why, trail_in_plan(key, self.file))

    def row(self, label: str, value: float, format: str, key: str, reason: Reason) -> PlanRow:
        """One row; its number is marked where it is an assumption."""
        made = number(value, format, name=f"{self.prefix}.{key}", trail=reason.trail, marks=marks_of(reason.trail))
        return label, made, reason.why, reason.trail

    def accrual(self, rate: Reason, *, duration: str, follow_up: str) -> list[PlanRow]:
        """The rows of ``[accrual]``, with the reason for the rate and words for the two times."""
        a = self.plan.accrual
        return [
            self.row("accrual rate", a.rate or 0.0, "per-year", "rate", rate),
            self.row("accrual duration", a.duration, "years", "duration", self.assumed("accrual.duration", duration)),
            self.row("follow-up of the last infant", a.follow_up, "years", "follow-up", self.assumed("accrual.follow_up", follow_up)),
            self.row("dropout hazard", a.dropout_hazard, "rate", "dropout", self.assumed("accrual.dropout_hazard")),
        ]

    def latency(self, timing: Reason) -> list[PlanRow]:
        """The rows of the control's latency, a Weibull distribution."""
        latency: dict[str, Any] = self.plan.arms[self.plan.control].survival["latency"]
        return [
            self.row("latency: Weibull shape", latency["shape"], "decimal(1)", "shape", timing),
            self.row("latency: median", latency["median"], "years", "median", timing),
        ]

    def alpha(self) -> PlanRow:
        """The row of alpha."""
        reason = self.assumed("design.alpha", "convention")
        return self.row("alpha, one-sided", self.plan.design.alpha, "decimal(3)", "alpha", reason)


def numbers_table(rows: Sequence[PlanRow]) -> DataTable:
    """The table as it stands in the report."""
    shown: tuple[Row, ...] = tuple((label, value, why, standing(value)) for label, value, why, _ in rows)
    return DataTable(
        caption="Each number of the plan: from evidence, or assumed",
        columns=("Number", "Value", "Why", "Standing"),
        rows=shown,
        sortable=False,
        narrow="stack",
    )


def chosen(package: Package, row: Count) -> Trail:
    """The trail of a latency that was chosen to agree with ``row``: an assumption that evidence supports."""
    of_row = row_trail(package, package.ref(row), "shape and median chosen to agree with the timing of relapse")
    return replace(of_row, assumptions=(CHOSEN,), of_row=False)


def marks_of(trail: Trail) -> tuple[str, ...]:
    """``("assumption",)`` for a number of a plan that is assumed, wholly or to agree with evidence."""
    return ("assumption",) if CHOSEN in trail.assumptions or not trail.rows else ()


def standing(value: Number) -> str:
    """What a number of a plan rests on, in words."""
    if "assumption" not in value.marks:
        return "evidence"
    return "assumption, chosen to agree with evidence" if value.trail.rows else "assumption"
