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


#: The marks that have a letter of their own, which no other has; any other mark shows as a dagger and is spelled out with the number.
MARKS: tuple[Mark, ...] = (
    Mark("derived", "d", "computed from printed numbers, not printed itself"),
    Mark("secondary", "s", "quoted by another publication than the one that measured it"),
    Mark("conflict", "c", "another publication prints a different value"),
    Mark("assumption", "a", "an assumption: no row of evidence supports it"),
    Mark("binomial SE", "b", "standard error not printed; taken as binomial from the number of patients"),
    Mark("reconstructed", "r", "from patients reconstructed from a published curve"),
    Mark("simulated", "m", "from simulation; the Monte-Carlo standard error is given with it"),
    Mark("observed", "g", "from patients' data as they were given"),
    Mark("carried to another time", "v", "carried from the time it was printed for by the stated timing of events"),
    Mark("different times", "j", "the two values are read at different times"),
    Mark("estimate = events / n", "k", "not printed; the events divided by the patients"),
    Mark("at risk taken as n S (no censoring)", "u", "no numbers at risk printed; taken as if nobody was censored"),
    Mark("derived SE", "e", "the standard error was computed from a printed value of doubtful type"),
    Mark("SE type not stated", "t", "the source prints a plus-minus value without calling it SE or SD"),
    Mark("news", "n", "read in a news text, a company text or a summary page, not in the paper"),
    Mark("not-preferred", "p", "another row of the same conflict is the one to use"),
    Mark("not found again", "f", "a second reading did not find the value (or its SE) again"),
    Mark("time origin not stated", "o", "the source does not say where time starts"),
    Mark("time not stated", "w", "the source does not say at what time"),
    Mark("enrolment derived", "y", "an enrolment date was computed; how is in the note"),
    Mark("enrolment secondary", "z", "the enrolment dates come from another document than the study's own"),
    Mark("printed rate", "q", "only a rate was printed, no count"),
    Mark("misprint", "x", "kept as printed for the record; never used"),
    Mark("not infant-specific", "i", "the patients are not only infants"),
)

_BY_NAME = {mark.name: mark for mark in MARKS}


def mark_of(name: str) -> Mark:
    """The mark called ``name``; one that has no letter shows a dagger and its own words.

    >>> mark_of("derived").sign
    'd'
    """
    return _BY_NAME.get(name) or Mark(name, "†", name)


def signs(names: tuple[str, ...]) -> str:
    """The signs of marks side by side, for the labels of charts; each sign once.

    >>> signs(("derived", "secondary"))
    'ds'
    """
    return "".join(dict.fromkeys(mark_of(name).sign for name in names))


def marks_in(ledger: Ledger) -> tuple[Mark, ...]:
    """The marks that stand beside numbers of a report, in the order of :data:`MARKS`, then others by name."""
    used = {mark for entry in ledger.entries for mark in entry.number.shown_marks}
    used |= {mark for trail in ledger.trails for row in trail.rows for mark in row.marks}
    known = [mark for mark in MARKS if mark.name in used]
    return (*known, *(mark_of(name) for name in sorted(used - set(_BY_NAME))))
