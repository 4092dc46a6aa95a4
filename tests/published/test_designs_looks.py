"""Trials analysed at a look: rpact's printed numbers (frozen with the script that made them)."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.validation.cases.designs_looks import numbers, rows, wanted


@pytest.mark.parametrize("row", rows(), ids=[r["name"] for r in rows()])
def test_against_rpact(row: dict[str, Any]) -> None:
    got, want = numbers(row), wanted(row)
    assert want
    for name, value in want.items():
        assert got[name] == pytest.approx(value, abs=2e-6), name
    assert ("final_p" in got) == ("final_p" in want)
