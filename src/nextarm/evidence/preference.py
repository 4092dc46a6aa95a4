"""Several rows for one quantity: which row is used, which are not, and why. Nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nextarm.core.trail import LeftOut
from nextarm.evidence.package import Package
from nextarm.evidence.schema import Outcome


@dataclass(frozen=True)
class Rejected:
    """An outcome that another row of its conflict stands before: the row, the row used instead, the reason."""

    outcome: Outcome
    instead: Outcome | None
    left_out: LeftOut


@dataclass(frozen=True)
class Preferred:
    """The outcomes to use and those rejected."""

    chosen: tuple[Outcome, ...]
    rejected: tuple[Rejected, ...]


def preferred_outcomes(package: Package, outcomes: Iterable[Outcome] | None = None) -> Preferred:
    """Split ``outcomes`` (all of the package if not given) into the rows to use and the rows a conflict sets aside.

    A row is set aside when its ``conflict_group`` prefers another, even if that other row is not among ``outcomes``.

    >>> from nextarm.evidence import load_package
    >>> split = preferred_outcomes(load_package())
    >>> split.rejected[0].left_out.reason
    'conflict mll9698-r-efs5: the preferred row is outcomes.csv line 79, 0.397 (mll9698-ash2006)'
    """
    chosen, rejected = [], []
    first = {row.conflict_group: row for row in package.outcomes if row.conflict_group and row.preferred}
    for row in package.outcomes if outcomes is None else outcomes:
        if row.preferred is not False:
            chosen.append(row)
            continue
        instead = first.get(row.conflict_group)
        reason = f"conflict {row.conflict_group}: another row is preferred"
        if instead is not None:
            ref = package.ref(instead)
            marks = "".join(f", {mark}" for mark in ref.marks if mark != "conflict")
            where = f"{ref.table}.csv line {ref.line}"
            reason = f"conflict {row.conflict_group}: the preferred row is {where}, {instead.estimate:g} ({instead.source_id}{marks})"
        rejected.append(Rejected(row, instead, LeftOut(package.ref(row), reason)))
    return Preferred(tuple(chosen), tuple(rejected))
