"""Put patients into a protocol's risk groups: the group, the reason, and the fields that are missing.

The rules come from ``risk_groups.csv``. A patient is in a group when its rule is true whatever the missing fields may be, and may be in
it while they decide (:func:`nextarm.evidence.rules.settle`). A rule that only adds conditions to another rule of the same
protocol is a subgroup of it. Rules marked ``as_printed_only`` are misprints kept for the record and are never used.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextarm.core.errors import CallError, DataError, Problem
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.evidence.loading import load_package
from nextarm.evidence.package import Package
from nextarm.evidence.reading import nearest, place, read_cells, read_number
from nextarm.evidence.rules import FIELD, AllOf, PatientField, Rule, Value, fields_in, parse_rule, settle
from nextarm.evidence.schema import RiskGroup

if TYPE_CHECKING:
    import polars as pl

#: Columns that :func:`classify` adds.
ADDED: tuple[str, ...] = ("risk_group", "risk_subgroups", "risk_possible", "risk_reason", "risk_missing")
#: What ``risk_group`` says when no group can be given.
UNDETERMINED, NO_GROUP = "undetermined", "none"
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@record
class PatientGroup:
    """The group of one patient.

    ``group`` is a group's name, ``undetermined`` (a missing field decides) or ``none`` (no rule holds); ``subgroups`` the
    finer rules that hold too; ``possible`` the groups and subgroups that missing fields leave open.
    """

    line: int
    group: str
    subgroups: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    reason: str = ""
    missing: tuple[str, ...] = ()


@record
class Classification(Result):
    """Patients with their risk groups: the cells as they were given, and one :class:`PatientGroup` each."""

    protocol: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    groups: tuple[PatientGroup, ...]

    def counts(self) -> dict[str, int]:
        """How many patients are in each group, in the order of first appearance."""
        found: dict[str, int] = {}
        for patient in self.groups:
            found[patient.group] = found.get(patient.group, 0) + 1
        return found

    def rows(self) -> list[dict[str, str]]:
        """The patients as given with the columns of :data:`ADDED`."""
        out = []
        for cells, g in zip(self.cells, self.groups, strict=True):
            added = (g.group, "; ".join(g.subgroups), "; ".join(g.possible), g.reason, "; ".join(g.missing))
            out.append(dict(zip((*self.columns, *ADDED), (*cells, *added), strict=True)))
        return out

    def table(self) -> pl.DataFrame:
        """The patients as given with the columns of :data:`ADDED`, all as text."""
        import polars as pl

        return pl.DataFrame(self.rows(), schema=dict.fromkeys((*self.columns, *ADDED), pl.String))

    def to_csv(self) -> str:
        """The same table as CSV."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow((*self.columns, *ADDED))
        writer.writerows(row.values() for row in self.rows())
        return out.getvalue()


@dataclass(frozen=True)
class ProtocolRules:
    """The usable rules of one protocol, parsed; ``refines`` names for a subgroup the group it belongs to."""

    protocol: str
    groups: tuple[tuple[RiskGroup, Rule], ...]
    refines: Mapping[str, str]

    def fields(self) -> tuple[str, ...]:
        """The fields that the rules ask about."""
        return tuple(dict.fromkeys(name for _, rule in self.groups for name in fields_in(rule)))


def protocols(package: Package | None = None) -> tuple[str, ...]:
    """The protocols whose risk groups can be used.

    >>> "Interfant-06" in protocols(), any("as printed" in p for p in protocols())
    (True, False)
    """
    return tuple(dict.fromkeys(row.protocol for row in (package or load_package()).risk_groups if not row.as_printed_only))


def protocol_rules(protocol: str, package: Package | None = None) -> ProtocolRules:
    """The parsed rules of ``protocol``; :class:`CallError` if it has none that may be used."""
    package = package or load_package()
    rows = [row for row in package.risk_groups if row.protocol == protocol]
    usable = [(row, parse_rule(row.rule)) for row in rows if not row.as_printed_only]
    if not usable:
        names = protocols(package)
        rule = "holds a misprint kept for the record and is not used to classify" if rows else "has no risk groups in the package"
        cure = " ".join(filter(None, (nearest(protocol, names), f"Protocols are {', '.join(names)}")))
        raise CallError(f"protocol = {protocol!r}", rule=rule, cure=cure)
    refines: dict[str, str] = {}
    for row, narrow in usable:
        wider = [other for other, r in usable if other is not row and _conjuncts(r) < _conjuncts(narrow)]
        if wider:
            refines[row.group] = wider[0].group
    return ProtocolRules(protocol, tuple(usable), refines)


def _conjuncts(rule: Rule) -> frozenset[Rule]:
    return frozenset(rule.parts) if isinstance(rule, AllOf) else frozenset((rule,))


def classify_patient(patient: Mapping[str, Value | None], rules: ProtocolRules, *, line: int = 0) -> PatientGroup:
    """Classify one patient: a mapping from field to value, where a missing field is absent or None.

    >>> rules = protocol_rules("Interfant-06")
    >>> classify_patient({"kmt2a_status": "germline"}, rules).group
    'LR'
    >>> classify_patient({"kmt2a_status": "rearranged", "age_days": 90.0}, rules).missing
    ('wbc_1e9_per_l', 'day8_prednisone_response')
    """
    verdicts = {row.group: settle(rule, patient) for row, rule in rules.groups}
    values = {group: verdict.value for group, verdict in verdicts.items()}
    base = [row.group for row, _ in rules.groups if row.group not in rules.refines]
    finer = [row.group for row, _ in rules.groups if row.group in rules.refines]
    true = [g for g in base if values[g]]
    open_ = [g for g in base if values[g] is None] if not true else []
    subgroups = tuple(g for g in finer if values[g] and rules.refines[g] in true)
    possible = (*open_, *(g for g in finer if values[g] is None and rules.refines[g] in (*true, *open_)))
    missing = tuple(dict.fromkeys(m for g in possible for m in verdicts[g].missing))
    if len(true) > 1:
        reason = f"the rules of {' and '.join(true)} both hold"
    elif true:
        reason = "; ".join(dict.fromkeys(b for g in (*true, *subgroups) for b in verdicts[g].because))
    elif open_:
        known = dict.fromkeys(b for g in open_ for b in verdicts[g].because)
        deciding = dict.fromkeys(m for g in open_ for m in verdicts[g].missing)
        reason = "; ".join(("missing: " + ", ".join(deciding), *known))
    else:
        reason = "no rule holds: " + "; ".join(dict.fromkeys(b for g in base for b in verdicts[g].because))
    group = " / ".join(true) if true else UNDETERMINED if open_ else NO_GROUP
    return PatientGroup(line=line, group=group, subgroups=subgroups, possible=possible, reason=reason, missing=missing)


def classify(patients: Any, *, protocol: str, package: Package | None = None) -> Classification:
    """Add the risk group of ``protocol`` and the reason to every patient.

    ``patients`` is the path of a CSV file or any frame that narwhals knows; columns named as in
    :data:`~nextarm.evidence.rules.FIELDS` are read, all others are carried along. An empty cell is a missing field; MRD is
    a proportion (1e-4, not 0.01 %).

    Raises :class:`CallError` for an unknown protocol, :class:`DataError` with every wrong cell at once.
    """
    package = package or load_package()
    rules = protocol_rules(protocol, package)
    columns, rows, name = _read_patients(patients)
    known = [c for c in columns if c in FIELD]
    if not known:
        cure = next(filter(None, (nearest(c, FIELD) for c in columns)), "") or f"Fields are {', '.join(FIELD)}"
        raise DataError("no column is a field of the rules", where=name, cure=cure)
    if taken := [c for c in columns if c in ADDED]:
        raise DataError(f"column {taken[0]!r}", where=name, rule="is a name this step adds", cure="Rename it")
    problems: list[Problem] = []
    groups = []
    for where, line, cells in rows:
        patient: dict[str, Value | None] = {}
        for column, text in zip(columns, cells, strict=True):
            if column in FIELD:
                patient[column], rule, cure = read_field(text, FIELD[column])
                if rule:
                    problems.append(Problem(f"{column} = {text!r}", f"{where}, column {column}", rule, cure))
        groups.append(classify_patient(patient, rules, line=line))
    if problems:
        raise DataError(problems=problems)
    if not groups:
        raise DataError("no patients", where=name, rule="must hold at least one row below the header")
    warnings = []
    for field in rules.fields():
        if field not in columns:
            near = nearest(field, [c for c in columns if c not in FIELD])
            warnings.append(f"{name} has no column {field}: it counts as missing for every patient." + (f" {near}" if near else ""))
    used = tuple(package.ref(row) for row, _ in rules.groups)
    trail = Trail(
        method=f"Risk groups of {protocol} by the rules of risk_groups.csv, in three-valued logic",
        rows=used,
        sources=tuple(package.source(s) for s in dict.fromkeys(r.source_id for r in used)),
        assumptions=tuple(f"{row.group}: {row.note}" for row, _ in rules.groups if row.note),
        inputs=(name,),
    )
    cells_given = tuple(tuple(cells) for _, _, cells in rows)
    return Classification(
        trail=trail, warnings=tuple(warnings), protocol=protocol, columns=tuple(columns), cells=cells_given, groups=tuple(groups)
    )


def read_field(text: str, field: PatientField) -> tuple[Value | None, str, str]:
    """Read a cell as a value of ``field``: the value (None if the cell is empty), the rule it breaks, the cure.

    >>> read_field("-3", FIELD["age_days"])[1]
    'must lie between 0 and 45000 days'
    """
    text = text.strip()
    if not text:
        return None, "", ""
    empty = "Leave the cell empty where it is not known"
    if field.kind == "yes/no":
        value = _YES_NO.get(text.lower())
        return value, "" if value is not None else "must be yes or no", "" if value is not None else empty
    if field.kind == "category":
        lower = text.lower()
        if lower in field.categories:
            return lower, "", ""
        return None, f"must be one of {', '.join(field.categories)}", nearest(lower, field.categories) or empty
    number = read_number(text)
    if number is None:
        return None, "must be a number", empty
    if not field.minimum <= number <= field.maximum:
        cure = "Give a proportion, not a percentage" if field.unit == "proportion" and number <= 100 else ""
        unit = "" if field.unit == "proportion" else f" {field.unit}"
        return None, f"must lie between {field.minimum:g} and {field.maximum:g}{unit}", cure
    return number, "", ""


def _read_patients(patients: Any) -> tuple[Sequence[str], list[tuple[str, int, Sequence[str]]], str]:
    """Columns, rows as (where, line, cells) and the name of the table, from a path or a frame."""
    if isinstance(patients, str | Path):
        return _read_file(Path(patients))
    import narwhals as nw

    try:
        frame = nw.from_native(patients, eager_only=True)
    except TypeError:
        raise CallError(f"patients is a {type(patients).__name__}", rule="must be a path or a data frame") from None
    name = "the frame"
    rows: list[tuple[str, int, Sequence[str]]] = [
        (f"{name} row {i + 1}", i + 1, [_cell(v) for v in row]) for i, row in enumerate(frame.rows())
    ]
    return [str(c) for c in frame.columns], rows, name


def _cell(value: object) -> str:
    if value is None or value != value:
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _read_file(path: Path) -> tuple[Sequence[str], list[tuple[str, int, Sequence[str]]], str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read", rule=error.strerror or str(error)) from None
    located, problems = read_cells(data, path.name)
    if located:
        header = located[0].cells
        problems += [Problem(f"column {c!r} stands twice", place(path.name, 1)) for c in dict.fromkeys(header) if header.count(c) > 1]
        for row in located[1:]:
            if len(row.cells) != len(header):
                rule = f"the header has {len(header)} columns"
                problems.append(Problem(f"{len(row.cells)} cells", place(path.name, row.line), rule))
    if problems:
        raise DataError(problems=problems)
    return located[0].cells, [(place(path.name, row.line), row.line, row.cells) for row in located[1:]], path.name
