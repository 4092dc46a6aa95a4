"""Every validation case of the survival room: R survival, cmprsk, mvtnorm, printed numbers, closed forms."""

from nextarm.validation.case import OUTSIDE
from nextarm.validation.cases.survival import CASES


def test_enough_outside_cases_on_enough_data():
    assert len({case.id for case in CASES}) == len(CASES)
    assert sum(case.kind in OUTSIDE for case in CASES) >= 40
    assert len({case.inputs for case in CASES}) >= 15
