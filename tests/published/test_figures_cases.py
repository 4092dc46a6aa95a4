"""Every validation case of the figures room passes (figures that R drew, and the formula)."""

from __future__ import annotations

import pytest

from nextarm.validation.case import OUTSIDE, Case
from nextarm.validation.cases.figures import CASES

pytest.importorskip("pypdfium2")


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_the_case_passes(case: Case) -> None:
    got = case.compute()
    assert set(got) == set(case.expected)
    for name, want in case.expected.items():
        assert abs(got[name] - want) <= case.allowed(name) + 1e-12, f"{name}: {got[name]} instead of {want}"


def test_all_expected_values_come_from_outside() -> None:
    assert all(c.kind in OUTSIDE for c in CASES)
