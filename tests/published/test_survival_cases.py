"""Every validation case of the survival room: R survival, cmprsk, mvtnorm, printed numbers, closed forms."""

import pytest

from nextarm.validation.case import OUTSIDE
from nextarm.validation.cases.survival import CASES


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_case_reproduces(case):
    got = case.compute()
    wrong = {k: (got.get(k), want) for k, want in case.expected.items() if k not in got or abs(got[k] - want) > case.allowed(k)}
    assert not wrong
    assert case.expected


def test_enough_outside_cases_on_enough_data():
    assert len({case.id for case in CASES}) == len(CASES)
    assert sum(case.kind in OUTSIDE for case in CASES) >= 40
    assert len({case.inputs for case in CASES}) >= 15
