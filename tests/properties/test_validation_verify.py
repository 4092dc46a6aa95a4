"""The runner cannot be fooled: what is wrong, missing, not finite or raising has failed; the dossier says so."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from nextarm.core.errors import CallError, VerificationError
from nextarm.validation.case import Case
from nextarm.validation.cases import all_cases
from nextarm.validation.dossier import require_passed, write_dossier
from nextarm.validation.verify import Verification, run_case, verify

GOOD = Case(
    id="good", title="one and one", room="survival", kind="closed form", source="arithmetic", inputs="1, 1",
    compute=lambda: {"sum": 2.0}, expected={"sum": 2.0}, tolerance=1e-9,
)  # fmt: skip


def raising() -> dict[str, float]:
    raise ZeroDivisionError("no")


WRONG = {
    "off": replace(GOOD, id="off", compute=lambda: {"sum": 2.1}),
    "just off": replace(GOOD, id="just-off", compute=lambda: {"sum": 2.0 + 2e-9}),
    "relative": replace(GOOD, id="relative", relative=True, tolerance=0.01, compute=lambda: {"sum": 2.03}),
    "missing": replace(GOOD, id="missing", compute=lambda: {}),
    "nan": replace(GOOD, id="nan", compute=lambda: {"sum": math.nan}),
    "raises": replace(GOOD, id="raises", compute=raising),
    "nothing expected": replace(GOOD, id="empty", expected={}),
}


def test_processes_share_the_cases_and_keep_their_order() -> None:
    alone, shared = (verify(room="evidence", workers=workers) for workers in (1, 2))
    assert len(alone.outcomes) > 1
    assert [replace(o, seconds=0.0) for o in shared.outcomes] == [replace(o, seconds=0.0) for o in alone.outcomes]
    for wrong in ({"workers": 0}, {"workers": 2, "cases": [GOOD]}):
        with pytest.raises(CallError, match="workers"):
            verify(**wrong)  # type: ignore[arg-type]


def test_a_right_value_passes() -> None:
    assert run_case(GOOD).passed
    assert run_case(replace(GOOD, relative=True, tolerance=0.01, compute=lambda: {"sum": 2.019})).passed


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_fails(name: str) -> None:
    assert not run_case(WRONG[name]).passed


def test_failures_are_counted_named_and_raised(tmp_path: Path) -> None:
    found = verify([GOOD, WRONG["off"], WRONG["raises"]])
    assert not found.passed
    assert found.counts() == {"closed form": (1, 3)}
    html, data = write_dossier(found, tmp_path)
    assert "2 cases failed" in html.read_text(encoding="utf-8")
    assert json.loads(data.read_text(encoding="utf-8"))["outcomes"][1]["passed"] is False
    with pytest.raises(VerificationError, match=r"sum = 2\.1, expected 2\.0"):
        require_passed(found)


def test_the_dossier_of_all_cases_can_be_written(tmp_path: Path) -> None:
    """Every case has a place of its own in the dossier; the numbers of two are never confused."""
    cases = [replace(c, compute=lambda c=c: dict(c.expected)) for c in all_cases()]
    html, _ = write_dossier(verify(cases), tmp_path)
    assert html.stat().st_size > 100_000


def test_slow_cases_are_counted_as_not_run() -> None:
    found = verify([GOOD, replace(GOOD, id="slow", slow=True)])
    assert found.not_run == ("slow",)
    assert len(verify([GOOD, replace(GOOD, id="slow", slow=True)], slow=True).outcomes) == 2


def test_a_verification_reads_back_equal() -> None:
    found = verify([GOOD, WRONG["off"]])
    assert Verification.from_json(found.to_json()) == found


def test_an_unknown_room_is_refused() -> None:
    with pytest.raises(CallError, match="survival"):
        verify([GOOD], room="kitchen")
