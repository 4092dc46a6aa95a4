"""What a reader must know about a row before using its number: short marks, read from the row's own columns.

The tables say these things in ``where_seen``, ``se_type``, ``conflict_group``, ``preferred``, ``time_origin`` and, in fixed
words, in ``note``. A mark never changes a value; the note itself travels with it.
"""

from __future__ import annotations

from typing import Final

from nextarm.core.trail import RowRef
from nextarm.evidence.columns import Row

#: Every mark with its meaning, for legends.
MARKS: Final[dict[str, str]] = {
    "derived": "computed from printed figures; the formula is in the note",
    "derived SE": "the standard error was computed from a printed value of doubtful type",
    "SE type not stated": "the source prints a plus-minus value without calling it SE or SD",
    "secondary": "quoted in a later paper or review, not read in the paper that measured it",
    "news": "read in a news text, a company text or a summary page, not in the paper",
    "conflict": "another source prints the same quantity differently",
    "not-preferred": "another row of the same conflict is the one to use",
    "not found again": "a second reading did not find the value (or its SE) again",
    "time origin not stated": "the source does not say where time starts",
    "time not stated": "the source does not say at what time",
    "enrolment derived": "an enrolment date was computed; how is in the note",
    "enrolment secondary": "the enrolment dates come from another document than the study's own",
    "printed rate": "only a rate was printed, no count",
    "misprint": "kept as printed for the record; never used",
    "not infant-specific": "the patients are not only infants",
}
#: Marks of a value that does not stand as such in the paper that measured it, and how it came to be in the row.
_CAME: Final = {
    "derived": "computed from printed numbers, not printed itself",
    "secondary": "as quoted in a later paper or review, not read in the paper that measured it",
    "news": "as printed in a news text, a company text or a summary page, not in the paper",
}
#: Marks that doubt a value, and what is said of it behind how it came.
_DOUBT: Final = {
    "derived SE": "its standard error was computed from a printed value of doubtful type",
    "conflict": "another source prints a different value",
    "not-preferred": "another row is the one to use",
    "not found again": "a second reading did not find the value (or its SE) again",
    "enrolment derived": "an enrolment date was computed, not printed",
    "enrolment secondary": "the enrolment dates come from another document than the study's own",
    "misprint": "kept as printed for the record, never used",
}
_NEWS: Final = ("news", "summary page", "submission", "without URL")


def marks_of(row: Row) -> tuple[str, ...]:
    """Return the marks of ``row`` in the order of :data:`MARKS`.

    >>> from nextarm.evidence.schema import Outcome
    >>> marks_of(Outcome(arm_id="a", estimate=0.4, time_years=2.0, where_seen="derived", time_origin="diagnosis"))
    ('derived',)
    """
    seen: str = getattr(row, "where_seen", "")
    note: str = getattr(row, "note", "") or getattr(row, "regulatory_note", "")
    se_type: str = getattr(row, "se_type", "")
    tests = {
        "derived": seen == "derived",
        "derived SE": se_type not in ("", "SE") and not se_type.startswith("as printed"),
        "SE type not stated": se_type.startswith("as printed"),
        "secondary": seen == "secondary" or _says(note, "secondary"),
        "news": any(word in seen for word in _NEWS),
        "conflict": bool(getattr(row, "conflict_group", "")) or "conflict:" in note,
        "not-preferred": getattr(row, "preferred", None) is False,
        "not found again": "not found again" in note or note.endswith(", SE not"),
        "time origin not stated": getattr(row, "time_origin", "") == "not-stated" or "time origin not stated" in note,
        "time not stated": hasattr(row, "time_years") and row.time_years is None,
        "enrolment derived": getattr(row, "enrol_basis", "") == "derived",
        "enrolment secondary": getattr(row, "enrol_basis", "") == "secondary",
        "printed rate": getattr(row, "printed_rate", None) is not None,
        "misprint": getattr(row, "as_printed_only", None) is True,
        "not infant-specific": "not infant-specific" in note,
    }
    return tuple(mark for mark in MARKS if tests[mark])


def how_read(ref: RowRef, printed: str = "as printed in the source", *, beside: bool = False) -> str:
    """How the value of a row came to be in it, as the method of a trail: what its marks say, else ``printed``.

    ``beside``: the number is not the value of the row but stands beside it (its n), so that the marks need not be its own.

    >>> how_read(RowRef("outcomes", 2, "a EFS", marks=("derived", "conflict"), note="e=1-.4"))
    'computed from printed numbers, not printed itself: see the note of the row; another source prints a different value'
    """
    told = [mark for mark in (*_CAME, *_DOUBT) if mark in ref.marks]
    if beside and told:
        return f"as the row gives it; the row is marked {', '.join(told)}" + (": see its note" if ref.note else "")
    came = [_CAME[mark] for mark in told if mark in _CAME] or [printed]
    if "derived" in told:
        came[0] += ": see the note of the row" if ref.note else "; the row does not say how"
    return "; ".join((*came, *(_DOUBT[mark] for mark in told if mark in _DOUBT)))


def _says(note: str, word: str) -> bool:
    return note == word or f"{word} citation" in note or f"{word} source" in note
