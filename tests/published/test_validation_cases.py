"""Every validation case that is not slow reproduces its expected value, and the cases are what they say they are."""

from __future__ import annotations

import json
import math
from collections import Counter
from importlib.resources import files

import pytest

from nextarm.validation.case import KINDS, OUTSIDE, Case, expected
from nextarm.validation.cases import all_cases
from nextarm.validation.verify import run_case

CASES = all_cases()


@pytest.mark.parametrize("case", [c for c in CASES if not c.slow], ids=lambda c: c.id)
def test_case(case: Case) -> None:
    outcome = run_case(case)
    wrong = [f"{c.name} = {c.got}, expected {c.expected} within {c.allowed:g}" for c in outcome.checks if not c.passed]
    assert outcome.passed, outcome.error or wrong


def test_every_case_is_named_once_and_says_who_expects_what() -> None:
    assert [name for name, n in Counter(c.id for c in CASES).items() if n > 1] == []
    for case in CASES:
        assert case.kind in KINDS, case.id
        assert case.source.strip(), case.id
        assert case.title.strip(), case.id
        assert case.inputs.strip(), case.id
        assert case.expected, case.id
        assert all(math.isfinite(v) for v in case.expected.values()), case.id


def test_no_tolerance_is_wider_than_what_it_checks() -> None:
    """A tolerance as large as the number itself would pass for anything near it; zero is compared absolutely."""
    for case in CASES:
        for name, value in case.expected.items():
            assert case.allowed(name) < 0.5 * abs(value) or abs(value) < 0.1, f"{case.id}: {name}"


def test_enough_cases_come_from_outside() -> None:
    outside = [c for c in CASES if c.kind in OUTSIDE]
    assert len(CASES) >= 120
    assert len(outside) >= 90
    assert {c.room for c in CASES} >= {"survival", "patients", "synthesis", "borrowing", "designs", "simulation"}


def test_frozen_files_say_what_made_them() -> None:
    for path in sorted(files("nextarm.validation").joinpath("expected").iterdir(), key=lambda p: p.name):
        if path.name.endswith(".json"):
            data = json.loads(path.read_text(encoding="utf-8"))
            assert data.get("made_with"), path.name
    for name in {c.reference for c in CASES if c.reference}:
        assert expected(name.removesuffix(".json")), name
