"""Every validation case of the patients room passes (numbers of R on the patients behind the curves)."""

from __future__ import annotations

from nextarm.validation.case import OUTSIDE
from nextarm.validation.cases.patients import CASES


def test_most_expected_values_come_from_outside() -> None:
    assert sum(c.kind in OUTSIDE for c in CASES) >= 7
    assert len({c.id for c in CASES}) == len(CASES)
