"""Whatever a section says in numbers has a trail, and each number of a plan has a row or is called an assumption."""

from __future__ import annotations

import re

import pytest

from nextarm.evidence import load_package
from nextarm.report.document import DataTable, Number
from nextarm.studies.infant_all import germline, germline_need, next_trial, plan_numbers, report
from studies_example import bundled, everything, numbers, plain

#: Digits that name something and measure nothing here: times of reading, definitions, the power and alpha agreed on.
NAMES = (r"\b\d+ (to \d+ )?years\b", r"\b\d+ days\b", r"\b80 %", r"\bsection \d\b", r"\b8 are needed", r"\b\d+ points a decade")


@pytest.fixture(scope="module")
def package():
    return load_package()


@pytest.fixture(scope="module")
def sections():
    return {name: bundled(name) for name in (id.replace("-", "_") for id, _ in report.SECTIONS)}


def stands_on_something(number: Number) -> bool:
    trail = number.trail
    return bool(trail.method) and bool(trail.rows or trail.assumptions or trail.inputs or trail.sources)


def test_no_number_of_an_answer_is_without_a_trail(sections):
    bare = [p.name for s in sections.values() for p in s.lead if isinstance(p, Number) and not stands_on_something(p)]
    assert bare == []


def test_no_digit_of_an_answer_is_outside_a_number(sections, package):
    """Every figure can be opened: what stands as plain words only names trials, arms, agents and times."""
    words = {w for row in (*package.studies, *package.agents) for w in [row.name]} | {a.label for a in package.arms}
    named = sorted((w for w in words if re.search(r"\d", w)), key=len, reverse=True)
    for name, section in sections.items():
        said = " ".join(p if isinstance(p, str) else "#" if isinstance(p, Number) else plain(p) for p in section.lead)
        for word in named:
            said = said.replace(word, "")
        for pattern in NAMES:
            said = re.sub(pattern, "", said)
        assert not re.search(r"\d", said), f"{name}: {said}"


def test_every_answer_has_numbers(sections):
    assert all(any(isinstance(p, Number) for p in s.lead) for s in sections.values())


def test_every_number_of_the_report_has_a_method(sections):
    assert [n.name for s in sections.values() for n in numbers(s).values() if not n.trail.method] == []


def test_a_name_stands_for_one_number(sections):
    seen = {}
    for section in sections.values():
        for p in everything(section):
            if isinstance(p, Number):
                assert seen.setdefault(p.name, p) == p, p.name


def plans(package):
    outcome = germline.outcomes_of(package)
    control = germline.controls(outcome, package)[0]
    yield next_trial.plan_numbers(next_trial.shipped_plan(), package)
    yield germline_need.plan_numbers(germline.shipped_plan(), control, package)


def test_each_number_of_a_plan_has_a_row_or_is_called_an_assumption(package):
    for found in plans(package):
        assert len(found) >= 9
        for label, value, why, trail in found:
            assert why
            assert value.trail == trail
            if trail.rows:
                assert all(row.source_id for row in trail.rows), label
                assert ("assumption" in value.marks) == (plan_numbers.CHOSEN in trail.assumptions) == label.startswith("latency"), label
            else:
                assert "assumption" in value.shown_marks, label
                assert trail.assumptions, label


def test_each_number_of_a_plan_file_stands_in_its_table(package):
    """Nothing is slipped in: the tables hold every number of [accrual], of the truths and of alpha."""
    for plan, found in zip((next_trial.shipped_plan(), germline.shipped_plan()), plans(package), strict=True):
        shown = {round(value.value, 3) for _, value, _, _ in found}
        accrual = {plan.accrual.rate, plan.accrual.duration, plan.accrual.follow_up, plan.accrual.dropout_hazard}
        latency = {v for arm in plan.arms.values() for v in arm.survival["latency"].values() if isinstance(v, float)}
        cures = {arm.survival["cure_fraction"] for arm in plan.arms.values()}
        assert {round(v, 3) for v in accrual | latency | cures | {plan.design.alpha}} <= shown


def test_without_its_rows_a_number_becomes_an_assumption(package):
    from dataclasses import replace

    bare = replace(package, counts=(), outcomes=tuple(o for o in package.outcomes if not o.arm_id.startswith("interfant-06-r")))
    found = {label: value for label, value, _, _ in next_trial.plan_numbers(next_trial.shipped_plan(), bare)}
    assert "assumption" in found["accrual rate"].marks
    assert "assumption" in found["latency: median"].marks


def test_section_7_counts_only_sources_that_a_row_names() -> None:
    from nextarm.evidence import load_package

    package = load_package()
    tables = [rows for name, rows in package.tables() if name != "sources"]
    named = {getattr(row, "source_id", "") for rows in tables for row in rows} - {""}
    shown = {part.name: part.value for part in bundled("methods").lead if not isinstance(part, str)}
    assert shown["methods.sources"] == len(named) < len(package.sources)
    assert shown["methods.rows"] == sum(map(len, tables))


def marked_rows(sections):
    """The numbers of the sections that stand on one row which is marked."""
    every = [n for s in sections.values() for n in numbers(s).values()]
    return [n for n in every if len(n.trail.rows) == 1 and n.trail.rows[0].marks]


def test_a_value_of_a_row_shows_the_marks_of_the_row(sections, package):
    """Looked up in the tables anew: whatever equals the row's estimate, events, n or rate says what the row says of itself."""
    rows = {(t, row.line): row for t in ("outcomes", "counts", "arms", "studies") for row in getattr(package, t)}
    own, bare = [], []
    for found in marked_rows(sections):
        ref = found.trail.rows[0]
        row = rows.get((ref.table, ref.line))
        held = [getattr(row, name, None) for name in ("estimate", "events", "n", "n_total", "rate")]
        if found.value in [v for v in held if v is not None and v not in (0, 1)]:
            own.append(found.name)
            bare += [] if set(ref.marks) <= set(found.shown_marks) else [found.name]
    assert len(own) > 50
    assert bare == []


def test_what_is_counted_or_worked_out_of_a_row_does_not_show_its_marks(sections):
    """Neither is a count of rows in conflict nor the size of a trial planned with a derived one; the trail still names the row."""
    found = {n.name: n for n in marked_rows(sections)}
    worked = [n for n in found.values() if n.trail.method.startswith(("counted", "one-arm milestone design", "effective sample size"))]
    assert {"intensification.causes.both", "intensification.causes.cohorts", "trial.kind.one-arm.drift-5"} <= {n.name for n in worked}
    assert [n.name for n in worked if n.shown_marks != n.marks] == []


def test_each_count_of_a_cause_stands_on_its_own_row(sections, package):
    arms = {f"{package.study_of(arm).name}, {arm.label}": arm for arm in package.arms}
    table = next(b for b in sections["intensification"].blocks if isinstance(b, DataTable) and b.caption.startswith("What the arms"))
    lines = {("counts", c.line): c for c in package.counts} | {("outcomes", o.line): o for o in package.outcomes}
    seen = 0
    for label, *cells in table.rows:
        for cell in (c for c in cells if isinstance(c, Number)):
            row = lines[cell.trail.rows[0].table, cell.trail.rows[0].line]
            assert row.arm_id == arms[label].arm_id
            assert cell.value in (row.n, getattr(row, "events", None))
            assert row.source_id
            seen += 1
    assert seen >= len(table.rows) > 3
