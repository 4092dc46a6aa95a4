"""Every validation case of the patients room passes (numbers of R on the patients behind the curves)."""

from __future__ import annotations

import pytest

from nextarm.validation.case import OUTSIDE, Case
from nextarm.validation.cases.patients import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_the_case_passes(case: Case) -> None:
    got = case.compute()
    for name, want in case.expected.items():
        assert abs(got[name] - want) <= case.allowed(name) + 1e-12, f"{name}: {got[name]} instead of {want}"


def test_most_expected_values_come_from_outside() -> None:
    assert sum(c.kind in OUTSIDE for c in CASES) >= 7
    assert len({c.id for c in CASES}) == len(CASES)
