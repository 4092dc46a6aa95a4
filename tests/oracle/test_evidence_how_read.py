"""What a trail says of a value is what its row says: every mark, on made rows and on those of the bundled package."""

from __future__ import annotations

import pytest

from nextarm.core.trail import RowRef
from nextarm.evidence import MARKS, how_read, load_package
from nextarm.report.evidence_blocks import own_trail

PRINTED = "as printed in the source"
#: What must be said of a value whose row has the mark; a mark that is not here does not touch how the value was come by.
SAID = {
    "derived": "computed from printed numbers, not printed itself",
    "derived SE": "its standard error was computed",
    "secondary": "as quoted in a later paper",
    "news": "as printed in a news text",
    "conflict": "another source prints a different value",
    "not-preferred": "another row is the one to use",
    "not found again": "a second reading did not find",
    "enrolment derived": "an enrolment date was computed",
    "enrolment secondary": "enrolment dates come from another document",
    "misprint": "never used",
}


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_is_said(mark: str) -> None:
    said = how_read(RowRef("outcomes", 2, "a", marks=(mark,), note="how"))
    assert SAID.get(mark, PRINTED) in said
    assert (PRINTED in said) == (mark not in ("derived", "secondary", "news")), "printed, unless the mark says that it is not"
    assert mark in SAID or said == PRINTED
    beside = how_read(RowRef("outcomes", 2, "a", marks=(mark,), note="how"), beside=True)
    assert beside == (f"as the row gives it; the row is marked {mark}: see its note" if mark in SAID else PRINTED)


def test_marks_of_one_row_are_said_together_and_a_derived_row_without_a_note_says_so() -> None:
    said = how_read(RowRef("outcomes", 2, "a", marks=("derived", "conflict", "not-preferred"), note="e = a - b"))
    assert [words in said for words in (SAID["derived"], "see the note", SAID["conflict"], SAID["not-preferred"], PRINTED)] == [
        1,
        1,
        1,
        1,
        0,
    ]
    assert how_read(RowRef("outcomes", 2, "a", marks=("derived",))).endswith("; the row does not say how")
    assert how_read(RowRef("outcomes", 2, "a"), "read from the source") == "read from the source"


def test_the_bundled_rows_say_how_and_from_what_and_with_what_they_conflict() -> None:
    package = load_package()
    conflicts = [row for row in package.outcomes if row.conflict_group]
    assert len(conflicts) == 10
    for row in conflicts:
        trail = own_trail(package, row)
        assert "conflict:" in trail.rows[0].note, row.line
        assert SAID["conflict"] in trail.method
        assert ("another row is the one to use" in trail.method) == (row.preferred is False)
    derived = next(row for row in package.outcomes if (row.arm_id, row.endpoint, row.where_seen) == ("interfant-06-r", "EFS", "derived"))
    trail = own_trail(package, derived)
    assert SAID["derived"] in trail.method
    assert "from all (0.461, SE 0.021, n 651) and KMT2A-g (0.739" in trail.rows[0].note
    other = next(row for row in conflicts if row.conflict_group == derived.conflict_group and row is not derived)
    assert f"conflict: 0.36 at 6 years in Brown 2021, Leukemia (outcomes, line {other.line}, not the row to use)" in trail.rows[0].note
