"""Rubin's rules at the points where they are known: no spread, no variance, and the rule itself on three versions."""

from __future__ import annotations

import pytest

from nextarm.core.errors import CallError
from nextarm.survival.rubin import combine_versions


def test_versions_that_agree_give_the_plain_normal_limits() -> None:
    found = combine_versions([1.0, 1.0, 1.0], [0.04, 0.04, 0.04])
    assert found.df is None
    assert found.ci.high == pytest.approx(1.0 + 1.959963984540054 * 0.2)


def test_the_rule_on_three_versions() -> None:
    found = combine_versions([1.0, 2.0, 3.0], [0.5, 1.0, 1.5])
    assert found.standard_error**2 == pytest.approx(1.0 + (4.0 / 3.0) * 1.0)
    assert found.df == pytest.approx(2.0 * (1.0 + 1.0 / (4.0 / 3.0)) ** 2)


def test_spread_between_versions_only_widens() -> None:
    narrow, wide = combine_versions([1.0, 1.1], [0.1, 0.1]), combine_versions([1.0, 1.5], [0.1, 0.1])
    assert wide.standard_error > narrow.standard_error > 0.1**0.5


@pytest.mark.parametrize("bad", [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, float("nan")], [1.0, 1.0]), ([1.0, 2.0], [1.0, -1.0])])
def test_what_cannot_be_combined_is_refused(bad: tuple[list[float], list[float]]) -> None:
    with pytest.raises(CallError):
        combine_versions(*bad)
