"""Every validation case of the figures room passes (figures that R drew, and the formula)."""

from __future__ import annotations

import pytest

from nextarm.validation.case import OUTSIDE
from nextarm.validation.cases.figures import CASES

pytest.importorskip("pypdfium2")


def test_all_expected_values_come_from_outside() -> None:
    assert all(c.kind in OUTSIDE for c in CASES)
