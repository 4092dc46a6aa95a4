"""What must hold over the rows of a package, beyond what each cell must be. Every check finds all its problems.

Each check is one function of the package; :data:`CHECKS` lists them. Rows of the packages it extends are known to the
checks but not reported again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Final, TypeVar

from nextarm.core.errors import DataError, Problem
from nextarm.core.result import Result, record
from nextarm.evidence.columns import Row, fields_of, key_of
from nextarm.evidence.package import Package
from nextarm.evidence.reading import nearest, place
from nextarm.evidence.remarks import Remark
from nextarm.evidence.rules import parse_rule
from nextarm.evidence.schema import RECORD_OF, TABLE_OF, Arm, Comparison, Count, Lesion, Outcome
from nextarm.evidence.sharing import shared_patients

if TYPE_CHECKING:
    import polars as pl

R = TypeVar("R", bound=Row)


@record
class PackageCheck(Result):
    """A sound package: how many rows each table holds, and the remarks of a careful reader (not errors)."""

    package: str
    rows: dict[str, int]
    remarks: tuple[Remark, ...] = ()

    def table(self) -> pl.DataFrame:
        """One row a table: its rows, its problems (none, or it would not be here) and its remarks."""
        import polars as pl

        noted = [remark.row.table.rpartition("/")[2] for remark in self.remarks]
        return pl.DataFrame([{"table": t, "rows": n, "problems": 0, "remarks": noted.count(t)} for t, n in self.rows.items()])


@dataclass(frozen=True)
class Context:
    """A package under check, with the keys of rows that could not be read and the tables that could not."""

    package: Package
    broken_keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()

    def own(self, rows: Iterable[R]) -> Iterator[R]:
        """The rows of the package itself, not of those it extends."""
        return (row for row in rows if row.package == self.package.name)

    def at(self, row: Row, column: str = "") -> str:
        """Where ``row`` stands: file, line, column; with the package before it if it is another."""
        other = f"{row.package}/" if row.package != self.package.name else ""
        return place(f"{other}{TABLE_OF[type(row)]}.csv", row.line, column)


def check_rows(
    package: Package, *, broken_keys: Mapping[str, frozenset[str]] | None = None, unread: frozenset[str] = frozenset()
) -> list[Problem]:
    """Run every check of :data:`CHECKS` and return all problems."""
    context = Context(package, broken_keys or {}, unread)
    return [problem for check in CHECKS for problem in check(context)]


def check_primary_keys(context: Context) -> Iterator[Problem]:
    """A key names one row, over the package and those it extends."""
    for _, rows in context.package.tables():
        first: dict[Hashable, Row] = {}
        for row in rows:
            columns = key_of(type(row))
            key = tuple(getattr(row, f.attribute) for f in columns)
            if columns and key in first:
                what = ", ".join(f"{f.header} = {getattr(row, f.attribute)!r}" for f in columns)
                yield Problem(what, context.at(row, columns[0].header), f"stands in {context.at(first[key])} too: keys must be unique")
            first.setdefault(key, row)


def check_unique_columns(context: Context) -> Iterator[Problem]:
    """A column that must be unique (a registration number) is, where filled."""
    for _, rows in context.package.tables():
        for f in fields_of(type(rows[0])) if rows else ():
            if not f.column.unique:
                continue
            first: dict[str, Row] = {}
            for row in rows:
                value = getattr(row, f.attribute)
                if value and value in first:
                    yield Problem(f"{f.header} = {value!r}", context.at(row, f.header), f"stands in {context.at(first[value])} too")
                first.setdefault(value, row)


def check_foreign_keys(context: Context) -> Iterator[Problem]:
    """Every reference (arm, study, source, agent) names a row that exists."""
    known: dict[str, set[str]] = {}
    for name, rows in context.package.tables():
        keys = key_of(RECORD_OF[name])
        if len(keys) == 1:
            known[name] = {getattr(row, keys[0].attribute) for row in rows} | context.broken_keys.get(name, frozenset())
    for _, rows in context.package.tables():
        for row in context.own(rows):
            for f in fields_of(type(row)):
                table = f.column.refers.split(".")[0]
                value = getattr(row, f.attribute)
                if table and value and table not in context.unread and value not in known[table]:
                    cure = nearest(value, known[table]) or f"Add it to {table}.csv"
                    yield Problem(f"{f.header} = {value!r}", context.at(row, f.header), f"is not in {table}.csv", cure)


def check_intervals(context: Context) -> Iterator[Problem]:
    """An interval has two limits in order and contains its estimate; a standard error is above 0 and says what it is."""
    rows: tuple[Outcome | Comparison, ...] = (*context.package.outcomes, *context.package.comparisons)
    for row in context.own(rows):
        low, high, estimate = row.ci_low, row.ci_high, row.estimate
        if (low is None) != (high is None):
            missing = "ci_low" if low is None else "ci_high"
            yield Problem(f"{missing} is empty", context.at(row, missing), "an interval has two limits")
        if low is not None and estimate is not None and low > estimate:
            yield Problem(f"ci_low = {low:g}", context.at(row, "ci_low"), f"must not be above the estimate {estimate:g}")
        if high is not None and estimate is not None and high < estimate:
            yield Problem(f"ci_high = {high:g}", context.at(row, "ci_high"), f"must not be below the estimate {estimate:g}")
        if low is not None and high is not None and low > high:
            yield Problem(f"ci_low = {low:g}", context.at(row, "ci_low"), f"must not be above ci_high {high:g}")
        if low is not None and estimate is None:
            yield Problem("estimate is empty", context.at(row, "estimate"), "an interval belongs to an estimate")
    for outcome in context.own(context.package.outcomes):
        if outcome.se is not None and outcome.se <= 0.0:
            yield Problem(f"se = {outcome.se:g}", context.at(outcome, "se"), "must be above 0", "Leave it empty if none was printed")
        if (outcome.se is None) != (outcome.se_type == ""):
            column = "se_type" if outcome.se is not None else "se"
            yield Problem(f"{column} is empty", context.at(outcome, column), "se and se_type are filled together")


def check_counts(context: Context) -> Iterator[Problem]:
    """Events do not exceed patients; a printed rate lies in [0, 1]; a subgroup is not larger than its parent."""
    package = context.package
    rows: tuple[Outcome | Count | Lesion, ...] = (*package.outcomes, *package.counts, *package.genetics)
    for row in context.own(rows):
        if row.events is not None and row.n is not None and row.events > row.n:
            yield Problem(f"events = {row.events}", context.at(row, "events"), f"must not be above n = {row.n}")
    for count in context.own(package.counts):
        if count.printed_rate is not None and count.printed_rate > 1.0:
            yield Problem(f"rate={count.printed_rate:g}", context.at(count, "note"), "must lie between 0 and 1")
    sizes = {arm.arm_id: arm.n for arm in package.arms}
    for arm in context.own(package.arms):
        size = sizes.get(arm.parent_arm_id)
        if arm.n is not None and size is not None and arm.n > size:
            yield Problem(f"n = {arm.n}", context.at(arm, "n"), f"must not be above n = {size} of its parent {arm.parent_arm_id}")


def check_dates(context: Context) -> Iterator[Problem]:
    """Dates exist in the calendar, enrolment does not end before it starts, and dates say where they come from."""
    for row in context.own(context.package.studies):
        for column in ("enrol_start", "enrol_end"):
            if not _in_calendar(getattr(row, column)):
                yield Problem(f"{column} = {getattr(row, column)!r}", context.at(row, column), "is not a day of the calendar")
        start, end = row.enrol_start, row.enrol_end
        shorter = min(len(start), len(end))
        if shorter and end[:shorter] < start[:shorter]:
            yield Problem(f"enrol_end = {end!r}", context.at(row, "enrol_end"), f"must not be before enrol_start {start!r}")
        if (start or end) and not row.enrol_basis:
            yield Problem("enrol_basis is empty", context.at(row, "enrol_basis"), "must say where the enrolment dates come from")


def check_parents(context: Context) -> Iterator[Problem]:
    """No arm is inside itself, directly or round a circle."""
    parents = {arm.arm_id: arm.parent_arm_id for arm in context.package.arms}
    for arm in context.own(context.package.arms):
        seen, at = [arm.arm_id], arm.parent_arm_id
        while at and at in parents and at not in seen:
            seen.append(at)
            at = parents[at]
        if at == arm.arm_id:
            circle = " -> ".join([*seen, at])
            yield Problem(f"parent_arm_id = {arm.parent_arm_id!r}", context.at(arm, "parent_arm_id"), f"goes in a circle: {circle}")


def check_pool_sets(context: Context) -> Iterator[Problem]:
    """No two arms of a pool_set share patients; members from one study are not more than the study has."""
    package = context.package
    sets: dict[str, list[Arm]] = defaultdict(list)
    for arm in package.arms:
        if arm.pool_set:
            sets[arm.pool_set].append(arm)
    for name, members in sets.items():
        for a, b in combinations(members, 2):
            reason = shared_patients(package, a.arm_id, b.arm_id, documented_only=True)
            late = max((a, b), key=lambda x: (x.package == package.name, x.line))
            if reason and late.package == package.name:
                yield Problem(f"pool_set = {name!r}", context.at(late, "pool_set"), f"pools patients twice: {reason}")
        yield from _too_many(context, name, members)


def _too_many(context: Context, name: str, members: list[Arm]) -> Iterator[Problem]:
    by_parent: dict[str, list[Arm]] = defaultdict(list)
    for arm in members:
        if arm.parent_arm_id and arm.n is not None:
            by_parent[arm.parent_arm_id].append(arm)
    sizes = {arm.arm_id: arm.n for arm in context.package.arms}
    for parent, arms in by_parent.items():
        size, total = sizes.get(parent), sum(arm.n or 0 for arm in arms)
        if len(arms) > 1 and size is not None and total > size and arms[-1].package == context.package.name:
            rule = f"its arms from {parent} have {total} patients, but {parent} has {size}: they must share some"
            yield Problem(f"pool_set = {name!r}", context.at(arms[-1], "pool_set"), rule)


def check_duplicate_facts(context: Context) -> Iterator[Problem]:
    """One fact stands once, unless its rows share a conflict_group (outcomes) or a note says conflict (counts)."""
    package = context.package
    facts: dict[Hashable, list[Outcome]] = defaultdict(list)
    for row in package.outcomes:
        facts[row.arm_id, row.endpoint, row.time_years, row.time_origin, row.data_lock].append(row)
    for rows in facts.values():
        for row in rows[1:]:
            if row.package == package.name and not (row.conflict_group and row.conflict_group == rows[0].conflict_group):
                what = f"{row.arm_id} {row.endpoint} at the same time"
                cure = "Give both one conflict_group and prefer one"
                yield Problem(what, context.at(row, "estimate"), f"stands in {context.at(rows[0])} too", cure)
    for table, columns in (("counts", ("arm_id", "what", "source_id")), ("genetics", ("subtype", "lesion", "source_id"))):
        yield from _repeated(context, getattr(package, table), columns)
    yield from _repeated(context, package.agent_evidence, tuple(f.attribute for f in fields_of(RECORD_OF["agent_evidence"])))
    yield from _differing_counts(context)


def _differing_counts(context: Context) -> Iterator[Problem]:
    counted: dict[Hashable, list[Count]] = defaultdict(list)
    for count in context.package.counts:
        same = counted[count.arm_id, count.what]
        for other in same:
            differs = (count.events, count.n, count.printed_rate) != (other.events, other.n, other.printed_rate)
            said = any(word in note for note in (count.note, other.note) for word in ("conflict", "same figure"))
            if differs and not said and count.package == context.package.name:
                rule = f"differs from {context.at(other)}"
                yield Problem(f"{count.arm_id} {count.what}", context.at(count, "events"), rule, "Say 'conflict: ...' in a note")
        same.append(count)


def _repeated(context: Context, rows: Iterable[Row], columns: tuple[str, ...]) -> Iterator[Problem]:
    first: dict[Hashable, Row] = {}
    for row in rows:
        key = tuple(getattr(row, c) for c in columns)
        if key in first and row.package == context.package.name:
            yield Problem(" ".join(str(k) for k in key[:2]), context.at(row), f"stands in {context.at(first[key])} too")
        first.setdefault(key, row)


def check_conflict_groups(context: Context) -> Iterator[Problem]:
    """A conflict_group has two rows or more of one arm and endpoint, and exactly one of them is preferred."""
    package = context.package
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for row in package.outcomes:
        if row.conflict_group:
            groups[row.conflict_group].append(row)
        elif row.preferred is not None and row.package == package.name:
            yield Problem("preferred without a conflict_group", context.at(row, "preferred"), "must be empty")
    for name, rows in groups.items():
        last = rows[-1]
        if last.package != package.name:
            continue
        what, where = f"conflict_group {name!r}", context.at(last, "preferred")
        chosen = [row for row in rows if row.preferred]
        if len(rows) == 1:
            yield Problem(f"{what} has one row", context.at(last, "conflict_group"), "a conflict needs two")
        elif len(chosen) != 1:
            lines = ", ".join(context.at(row) for row in (chosen or rows))
            rule = f"exactly one row must say yes ({lines})"
            yield Problem(f"{what} has {len(chosen)} preferred rows", where, rule)
        if len({(row.arm_id, row.endpoint) for row in rows}) > 1:
            yield Problem(f"{what} mixes arms or endpoints", context.at(last, "conflict_group"), "its rows must print the same quantity")
        for row in rows:
            if row.preferred is None and row.package == package.name:
                yield Problem("preferred is empty", context.at(row, "preferred"), "must be yes or no in a conflict_group")


def check_comparisons(context: Context) -> Iterator[Problem]:
    """The two sides of a comparison are different arms, and an estimate says what it measures."""
    for row in context.own(context.package.comparisons):
        if row.treated_arm_id == row.control_arm_id:
            yield Problem(f"control_arm_id = {row.control_arm_id!r}", context.at(row, "control_arm_id"), "must not be the treated arm")
        if row.estimate is not None and not row.measure:
            yield Problem("measure is empty", context.at(row, "measure"), "must say what the estimate is")


def check_rules(context: Context) -> Iterator[Problem]:
    """Every risk-group rule can be read."""
    for row in context.own(context.package.risk_groups):
        try:
            parse_rule(row.rule)
        except DataError as error:
            for p in error.problems:
                yield Problem(p.what, f"{context.at(row, 'rule')}, {p.where}".rstrip(", "), p.rule, p.cure)


def _in_calendar(date: str) -> bool:
    if len(date) < 10:
        return True
    import datetime

    try:
        datetime.date.fromisoformat(date)
    except ValueError:
        return False
    return True


#: Every check, in the order of the report.
CHECKS: Final[tuple[Callable[[Context], Iterator[Problem]], ...]] = (
    check_primary_keys,
    check_unique_columns,
    check_foreign_keys,
    check_intervals,
    check_counts,
    check_dates,
    check_parents,
    check_pool_sets,
    check_duplicate_facts,
    check_conflict_groups,
    check_comparisons,
    check_rules,
)
