"""Label lines, repair of at-risk numbers and joining of names: what must hold whatever the picture."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.figures.raster.labels import label_columns, label_rows, number_of
from nextarm.figures.raster.names import join_names
from nextarm.figures.raster.panel import ArmHint, Box
from nextarm.figures.raster.risk_table import RiskRow, RiskTable, _repair
from nextarm.figures.raster.text import Reading
from nextarm.figures.raster.words import Word


def word(text: str, x: float, y: float, sure: float = 0.99) -> Word:
    width = 7 * len(text)
    digits = "".join(c for c in text if c in "0123456789.%-")
    steps = np.full((len(digits), 10), 0.01)
    for k, c in enumerate(digits):
        if c.isdigit():
            steps[k, int(c)] = 0.9
    box = Box(left=round(x - width / 2), top=round(y - 6), right=round(x + width / 2), bottom=round(y + 6))
    return Word(
        box=box, pieces=len(text), reading=Reading(number=digits, number_confidence=sure, name=text, name_confidence=sure, steps=steps)
    )


@given(
    first=st.floats(30, 200), step=st.floats(30, 120), unit=st.sampled_from([0.5, 1, 3, 6, 12, 200]), count=st.integers(4, 10),
    wrong=st.integers(0, 9), noise=st.floats(-1.4, 1.4),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_row_survives_one_misread_label(first, step, unit, count, wrong, noise):
    values = [k * unit for k in range(count)]
    words = [word(f"{v:g}", 100 + first + k * step, 300 + noise * (k % 2)) for k, v in enumerate(values)]
    if 0 < wrong < count - 1:
        words[wrong] = word("777", words[wrong].x, 300)
    rows = label_rows(words)
    assert rows
    best = max(rows, key=lambda r: len(r.pixels))
    assert len(best.pixels) >= count - 1
    assert best.slope * step == pytest.approx(unit, rel=0.05)


def test_a_falling_row_is_no_time_axis_and_a_rising_column_no_survival_axis():
    assert label_rows([word(str(n), 100 + 80 * k, 400) for k, n in enumerate([54, 41, 28, 15])]) == []
    assert label_columns([word(f"{v:.1f}", 50, 100 + 40 * k) for k, v in enumerate([0.0, 0.2, 0.4, 0.6])]) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.2", 0.2),
        ("02", 0.2),
        ("100%", 100.0),
        ("O", 0.0),
        ("12 (3)", None),
        ("Arm", None),
        ("1.2.3", None),
        ("1.00-", 1.0),
        ("75%-", 75.0),
    ],
)
def test_number_of(text, value):
    w = word(text, 50, 50) if text != "O" else word("O", 50, 50).__class__(
        box=Box(left=46, top=44, right=54, bottom=56), pieces=1,
        reading=Reading(number="0", number_confidence=0.2, name="O", name_confidence=0.9, steps=np.zeros((1, 10))),
    )  # fmt: skip
    assert number_of(w) == value


@given(st.lists(st.one_of(st.none(), st.integers(0, 999)), min_size=2, max_size=9))
@settings(max_examples=80, deadline=None)
def test_repaired_numbers_at_risk_never_rise_and_blanks_stay_blank(cells):
    values, warnings = _repair([None if n is None else (n, word(str(n), 50, 50)) for n in cells])
    known = [v for v in values if v is not None]
    assert all(a >= b for a, b in itertools.pairwise(known))
    assert all(v is None for v, n in zip(values, cells, strict=True) if n is None)
    changed = sum(v != n for v, n in zip(values, cells, strict=True))
    assert changed == 0 or warnings


def test_names_are_joined_by_name_then_colour_and_order_is_said():
    hints = [ArmHint(name="Control", colour=(31, 119, 180)), ArmHint(name="Treatment", colour=(255, 127, 14))]
    rows = (
        RiskRow(name="Treatment", colour=None, cells=(60, 40), y=1.0),
        RiskRow(name="Contro1", colour=None, cells=(50, 30), y=2.0),
    )
    _, joined, warnings = join_names(hints, RiskTable(times=np.array([0.0, 6.0]), rows=rows))
    assert [r.cells[0] for r in joined if r] == [50, 60]
    assert not warnings
    blank = tuple(RiskRow(name=None, colour=None, cells=r.cells, y=r.y) for r in rows)
    _, joined, warnings = join_names(hints, RiskTable(times=np.array([0.0, 6.0]), rows=blank))
    assert [r.cells[0] for r in joined if r] == [60, 50]
    assert "order" in warnings[0]
