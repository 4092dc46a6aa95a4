"""Whatever the tables and rules say, reading and writing them does not change it."""

from __future__ import annotations

import csv
import io
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.evidence.columns import Field, fields_of
from nextarm.evidence.reading import read_table
from nextarm.evidence.rules import FIELDS, AllOf, AnyOf, Compare, Flag, Member, Not, Rule, evaluate, explain, fields_in, parse_rule
from nextarm.evidence.schema import TABLES, Outcome

SETTINGS = settings(deadline=None, max_examples=50, derandomize=True)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(lambda s: s == s.strip())


def cell(field: Field) -> st.SearchStrategy[Any]:
    column = field.column
    if field.kind is float or field.kind is int:
        low, high = column.minimum or 0, column.maximum or 1000
        value: st.SearchStrategy[Any] = (
            st.integers(int(low), int(high)) if field.kind is int else st.floats(low, high, allow_subnormal=False)
        )
    elif field.kind is bool:
        value = st.booleans()
    elif column.choices:
        value = st.sampled_from(column.choices)
    else:
        value = st.from_regex(column.pattern, fullmatch=True) if column.pattern else TEXT
        value = value.filter(lambda s: s == s.strip() and "\n" not in s)
    if field.required:
        return value
    return st.one_of(st.just("" if field.kind is str else None), value)


@SETTINGS
@given(data=st.data(), table=st.sampled_from([name for name, _ in TABLES]))
def test_a_record_written_as_csv_reads_back_equal(data: st.DataObject, table: str) -> None:
    record = dict(TABLES)[table]
    fields = fields_of(record)
    rows = [
        record(line=n, package="p", **{f.attribute: data.draw(cell(f)) for f in fields}) for n in range(2, data.draw(st.integers(2, 4)))
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=data.draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerow([f.header for f in fields])
    for row in rows:
        values = [getattr(row, f.attribute) for f in fields]
        writer.writerow(
            ["" if v is None else ("yes" if v else "no") if isinstance(v, bool) else repr(v) if isinstance(v, float) else v for v in values]
        )
    read = read_table(out.getvalue().encode("utf-8"), record, f"{table}.csv", "p")
    assert read.problems == ()
    assert list(read.rows) == rows


@SETTINGS
@given(data=st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    header = ",".join(f.header for f in fields_of(Outcome)).encode()
    for content in (data, header + b"\n" + data):
        read = read_table(content, Outcome, "outcomes.csv")
        assert read.rows == () or all(0 <= r.estimate <= 1 for r in read.rows if isinstance(r, Outcome))


def conditions() -> st.SearchStrategy[Rule]:
    numbers = st.sampled_from([f for f in FIELDS if f.kind == "number"])
    categories = st.sampled_from([f for f in FIELDS if f.kind == "category"])
    flags = st.sampled_from([f for f in FIELDS if f.kind == "yes/no"])
    sign = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    compare = numbers.flatmap(
        lambda f: st.builds(
            lambda s, v: Compare(f.name, s, float(v)), sign, st.sampled_from([0, 0.0005, 0.25, 1] if f.maximum == 1 else [0, 90, 183.5])
        )
    )
    member = categories.flatmap(
        lambda f: st.builds(lambda v: Member(f.name, tuple(v)), st.lists(st.sampled_from(f.categories), min_size=1, max_size=3))
    )
    return st.one_of(compare, member, flags.map(lambda f: Flag(f.name)))


RULES: st.SearchStrategy[Rule] = st.recursive(
    conditions(),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner.filter(lambda r: not isinstance(r, AllOf)), min_size=2, max_size=3).map(lambda p: AllOf(tuple(p))),
        st.lists(inner.filter(lambda r: not isinstance(r, AnyOf)), min_size=2, max_size=3).map(lambda p: AnyOf(tuple(p))),
    ),
    max_leaves=8,
)


def values(name: str) -> st.SearchStrategy[Any]:
    field = next(f for f in FIELDS if f.name == name)
    if field.kind == "number":
        return st.sampled_from([0.0, 0.0005, 0.25, 1.0] if field.maximum == 1 else [0.0, 90.0, 183.5, 400.0])
    return st.sampled_from(field.categories) if field.kind == "category" else st.booleans()


@SETTINGS
@given(rule=RULES)
def test_a_rule_printed_and_parsed_is_the_same_rule(rule: Rule) -> None:
    assert parse_rule(str(rule)) == rule


@SETTINGS
@given(rule=RULES, data=st.data())
def test_learning_a_field_never_changes_an_answer_already_given(rule: Rule, data: st.DataObject) -> None:
    names = fields_in(rule)
    full = {name: data.draw(values(name)) for name in names}
    known = {name: full[name] for name in names if data.draw(st.booleans())}
    before, after = evaluate(rule, known), evaluate(rule, full)
    assert after is not None
    assert before in (None, after)


@SETTINGS
@given(rule=RULES, data=st.data())
def test_the_reason_agrees_with_the_answer(rule: Rule, data: st.DataObject) -> None:
    known = {name: data.draw(values(name)) for name in fields_in(rule) if data.draw(st.booleans())}
    verdict = explain(rule, known)
    assert verdict.value is evaluate(rule, known)
    assert bool(verdict.missing) == (verdict.value is None)
    assert not set(verdict.missing) & set(known)
    assert bool(verdict.because) or verdict.value is None
    # What is said to decide is enough: the fields named alone give the same answer.
    named = {n: v for n, v in known.items() if any(b.startswith(f"{n} ") for b in verdict.because)}
    if verdict.value is not None:
        assert evaluate(rule, named) is verdict.value
