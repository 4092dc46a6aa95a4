"""The room's validation cases hold."""

from __future__ import annotations

import pytest

from nextarm.validation.case import Case
from nextarm.validation.cases.evidence import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_a_case_reproduces_its_source(case: Case) -> None:
    got = case.compute()
    assert set(got) == set(case.expected)
    assert all(abs(got[name] - want) <= case.allowed(name) for name, want in case.expected.items())
