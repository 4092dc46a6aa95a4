"""Contrast ratios against values printed by the W3C (WCAG 2.2, techniques G18 and F83 examples) and common checkers."""

from __future__ import annotations

import pytest

from nextarm.report.charts.palette import contrast


@pytest.mark.parametrize(
    ("first", "second", "printed"),
    [("#000000", "#ffffff", 21.0), ("#767676", "#ffffff", 4.54), ("#777777", "#ffffff", 4.48), ("#949494", "#ffffff", 3.03)],
)
def test_contrast_is_that_of_wcag(first: str, second: str, printed: float) -> None:
    assert contrast(first, second) == pytest.approx(printed, abs=0.006)
    assert contrast(second, first) == contrast(first, second)
