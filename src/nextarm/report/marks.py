"""The small letters beside a number: what a reader must know about it before quoting it."""

from __future__ import annotations

from dataclasses import dataclass

from nextarm.report.ledger import Ledger


@dataclass(frozen=True)
class Mark:
    """A mark: its name in the trail, the sign beside the number, and what it says."""

    name: str
    sign: str
    meaning: str


#: The marks that have a letter; any other mark shows as a dagger and is spelled out with the number.
MARKS: tuple[Mark, ...] = (
    Mark("derived", "d", "computed from printed numbers, not printed itself"),
    Mark("secondary", "s", "quoted by another publication than the one that measured it"),
    Mark("conflict", "c", "publications print different values; this is the preferred one"),
    Mark("assumption", "a", "an assumption: no row of evidence supports it"),
    Mark("binomial SE", "b", "standard error not printed; taken as binomial from the number of patients"),
    Mark("reconstructed", "r", "from patients reconstructed from a published curve"),
    Mark("simulated", "m", "from simulation; the Monte-Carlo standard error is given with it"),
)

_BY_NAME = {mark.name: mark for mark in MARKS}


def mark_of(name: str) -> Mark:
    """The mark called ``name``; one that has no letter shows a dagger and its own words.

    >>> mark_of("derived").sign
    'd'
    """
    return _BY_NAME.get(name) or Mark(name, "†", name)


def signs(names: tuple[str, ...]) -> str:
    """The signs of marks side by side, for the labels of charts.

    >>> signs(("derived", "secondary"))
    'ds'
    """
    return "".join(mark_of(name).sign for name in names)


def marks_in(ledger: Ledger) -> tuple[Mark, ...]:
    """The marks that stand beside numbers of a report, in the order of :data:`MARKS`, then others by name."""
    used = {mark for entry in ledger.entries for mark in entry.number.shown_marks}
    used |= {mark for trail in ledger.trails for row in trail.rows for mark in row.marks}
    known = [mark for mark in MARKS if mark.name in used]
    return (*known, *(mark_of(name) for name in sorted(used - set(_BY_NAME))))
