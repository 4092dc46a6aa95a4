"""Choose rows: outcomes or counts by subtype, endpoint, era, treatment, agent, study, setting or pool set.

Each filter takes one value or several (any of them fits); filters are joined by "and". A value that no row has is an error
that names the values there are. The result keeps its rows' marks, notes and sources.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from nextarm.core.errors import CallError, NoRowError
from nextarm.core.result import Result, record
from nextarm.core.trail import LeftOut, Trail
from nextarm.evidence.bibtex import bibtex
from nextarm.evidence.columns import Row, fields_of
from nextarm.evidence.loading import load_package
from nextarm.evidence.package import Package
from nextarm.evidence.reading import nearest
from nextarm.evidence.schema import RECORD_OF, Arm, Count, Outcome
from nextarm.evidence.setting import SETTING_NAMES, setting_of

if TYPE_CHECKING:
    import polars as pl

Choice = str | Iterable[str] | None
Cell = str | int | float | bool | None

#: Columns of a selection that come from the arm and study of a row, before the row's own.
CONTEXT: Final = (
    "study_id", "study", "label", "subtype", "stratum", "treatment_class", "agents", "setting", "pool_set", "enrol_start", "enrol_end",
)  # fmt: skip
#: Columns after the row's own: what a reader must know, and where the row stands.
AFTER: Final = ("marks", "package", "line")

_FILTERS: Final[dict[str, Callable[[Package, Arm], tuple[str, ...]]]] = {
    "subtype": lambda package, arm: (arm.subtype,),
    "treatment_class": lambda package, arm: (arm.treatment_class,),
    "agent": lambda package, arm: _agents_of(package, arm),
    "study": lambda package, arm: (arm.study_id, package.study_of(arm).name),
    "setting": lambda package, arm: (setting_of(arm),),
    "pool_set": lambda package, arm: (arm.pool_set,) if arm.pool_set else (),
    "arm": lambda package, arm: (arm.arm_id,),
}


@record
class Selection(Result):
    """Rows chosen from ``table``: named columns and their cells, with trail, marks and notes."""

    table_name: str
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    filters: dict[str, str]

    def rows(self) -> list[dict[str, Cell]]:
        """The rows as dicts."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.cells]

    def table(self) -> pl.DataFrame:
        """The rows as a polars frame; an empty cell is null."""
        import polars as pl

        columns = {name: [row[i] for row in self.cells] for i, name in enumerate(self.columns)}
        return pl.DataFrame(columns, strict=False, infer_schema_length=None)

    def to_csv(self) -> str:
        """The rows as CSV; yes and no as in the tables."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([("yes" if c else "no") if isinstance(c, bool) else c for c in row] for row in self.cells)
        return out.getvalue()

    def bibtex(self) -> str:
        """The sources of the rows as BibTeX."""
        return bibtex(self.trail.sources)


def select(
    package: Package | None = None,
    *,
    table: Literal["outcomes", "counts"] = "outcomes",
    subtype: Choice = None,
    endpoint: Choice = None,
    era: str | tuple[float | None, float | None] | None = None,
    treatment_class: Choice = None,
    agent: Choice = None,
    study: Choice = None,
    setting: Choice = None,
    pool_set: Choice = None,
    arm: Choice = None,
) -> Selection:
    """Return the rows of ``table`` that fit every filter given.

    Args:
        package: a loaded package; the bundled one if not given.
        table: ``outcomes``, or ``counts`` (whose ``endpoint`` is what was counted).
        era: ``(from, to)`` in years or text such as ``"1999-2005"``, ``"2006-"``: studies whose enrolment overlaps it.
            A study without enrolment dates cannot be placed: its rows are left out, and said so in the trail.
        agent: an agent's id, or a name as it stands in the arms.
        study: a study's id or name (the protocol).
        setting: see :data:`nextarm.evidence.setting.SETTINGS`.

    Raises :class:`CallError` for an unknown value and when nothing fits.

    >>> found = select(subtype="KMT2A-r", endpoint="EFS", pool_set="frontline-kmt2a-r")
    >>> len(found.cells), found.rows()[0]["marks"]
    (10, 'derived; conflict')
    """
    package = package or load_package()
    if table not in ("outcomes", "counts"):
        raise CallError(f"table = {table!r}", rule="must be outcomes or counts", cure=nearest(table, ("outcomes", "counts")))
    given = {"subtype": subtype, "treatment_class": treatment_class, "agent": agent, "study": study, "setting": setting}
    asked = {k: _several(v) for k, v in (given | {"pool_set": pool_set, "arm": arm, "endpoint": endpoint}).items() if v is not None}
    valid = values_of(package, table=table)
    wanted = {name: _resolve(package, name, values, valid) for name, values in asked.items()}
    years = _read_era(era)
    chosen: list[Outcome | Count] = []
    left: list[LeftOut] = []
    rows: tuple[Outcome | Count, ...] = package.outcomes if table == "outcomes" else package.counts
    fits = {a.arm_id: _fits(package, a, wanted) for a in package.arms}
    in_era = {s.study_id: _in_era(s.enrol_start, s.enrol_end, years) for s in package.studies}
    for row in rows:
        kind = row.endpoint if isinstance(row, Outcome) else row.what
        if not fits[row.arm_id] or ("endpoint" in wanted and kind not in wanted["endpoint"]):
            continue
        placed = in_era[package.arm(row.arm_id).study_id]
        if placed:
            chosen.append(row)
        elif placed is None:
            left.append(LeftOut(package.ref(row), "its study's enrolment years are not known"))
    shown = {name: ", ".join(values) for name, values in asked.items()} | ({"era": _write_era(years)} if years else {})
    if not chosen:
        raise _nothing(package, table, shown, wanted, len(left))
    return _selection(package, table, chosen, left, shown)


def values_of(package: Package | None = None, *, table: str = "outcomes") -> dict[str, tuple[str, ...]]:
    """The values that each filter of :func:`select` knows, sorted; for help texts and forms.

    >>> values_of()["subtype"]
    ('KMT2A-g', 'KMT2A-r', 'any')
    """
    package = package or load_package()
    found: dict[str, set[str]] = {name: set() for name in _FILTERS}
    for name, read in _FILTERS.items():
        for arm in package.arms:
            found[name].update(read(package, arm))
    found["setting"] = set(SETTING_NAMES)
    found["agent"] |= {a.agent_id for a in package.agents if a.name in found["agent"]}
    found["endpoint"] = {r.endpoint for r in package.outcomes} if table == "outcomes" else {r.what for r in package.counts}
    return {name: tuple(sorted(values)) for name, values in found.items()}


def _agents_of(package: Package, arm: Arm) -> tuple[str, ...]:
    """The agents of an arm by the names it prints and, where the agents table knows them, by their name there."""
    names = arm.agent_names
    return (*names, *(a.name for a in package.agents if a.name not in names and _same_agent(a.name, names)))


def agent_choices(package: Package) -> tuple[str, ...]:
    """Each agent of the arms once, to choose from: by its name in the agents table where it is there, else as printed.

    The ids and the other printed names of an agent are understood by :func:`select` too; they choose no row that its name does not.

    >>> from nextarm.evidence import load_package
    >>> [name for name in agent_choices(load_package()) if name.startswith(("dara", "pino", "ven"))]
    ['daratumumab', 'pinometostat (EPZ-5676)', 'venetoclax']
    """
    found: set[str] = set()
    for arm in package.arms:
        for printed in arm.agent_names:
            known = [a.name for a in package.agents if a.name == printed or _same_agent(a.name, (printed,))]
            found.update(known or [printed])
    return tuple(sorted(found, key=str.lower))


def _same_agent(name: str, printed: tuple[str, ...]) -> bool:
    parts = {part.strip().lower() for part in re.split(r"[/()]", name) if part.strip()}
    return any(p.lower() in parts for p in printed)


def _several(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _resolve(package: Package, name: str, values: tuple[str, ...], valid: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    known = {v.lower(): v for v in valid[name]}
    ids = {a.agent_id: a.name for a in package.agents} if name == "agent" else {}
    found = set()
    for value in values:
        if value.lower() not in known:
            listed = ", ".join(valid[name]) or "none in this package"
            cure = " ".join(filter(None, (nearest(value, valid[name]), f"Values are {listed}")))
            raise CallError(f"{name} = {value!r}", rule="is not in the package", cure=cure)
        exact = known[value.lower()]
        found.add(ids.get(exact, exact))
    return frozenset(found)


def _fits(package: Package, arm: Arm, wanted: Mapping[str, frozenset[str]]) -> bool:
    return all(wanted[name].intersection(read(package, arm)) for name, read in _FILTERS.items() if name in wanted)


def _read_era(era: str | tuple[float | None, float | None] | None) -> tuple[float | None, float | None] | None:
    if era is None:
        return None
    if isinstance(era, str):
        found = re.fullmatch(r"\s*(\d{4})?\s*(-)?\s*(\d{4})?\s*", era)
        if not found or not (found[1] or found[3]) or (found[1] and found[3] and not found[2]):
            raise CallError(f"era = {era!r}", rule="must be years such as 1999-2005, 2006-, -1998 or 2004")
        start, end = found[1], found[3] if found[2] else found[1]
        era = (float(start) if start else None, float(end) if end else None)
    start_year, end_year = era
    if start_year is not None and end_year is not None and end_year < start_year:
        raise CallError(f"era = {_write_era(era)}", rule="must not end before it starts")
    return era


def _write_era(era: tuple[float | None, float | None]) -> str:
    return "-".join("" if year is None else f"{year:g}" for year in era)


def _in_era(start: str, end: str, era: tuple[float | None, float | None] | None) -> bool | None:
    """Whether enrolment overlaps ``era``; None where the dates known do not say."""
    if era is None:
        return True
    first, last = (int(start[:4]) if start else None), (int(end[:4]) if end else None)
    # One known date can already put a study outside; only both can put it inside.
    if era[1] is not None and first is not None and first > era[1]:
        return False
    if era[0] is not None and last is not None and last < era[0]:
        return False
    starts_in_time = era[1] is None or first is not None
    ends_in_time = era[0] is None or last is not None
    return True if starts_in_time and ends_in_time and (first is not None or last is not None) else None


def _nothing(package: Package, table: str, shown: dict[str, str], wanted: Mapping[str, frozenset[str]], undated: int) -> NoRowError:
    asked = ", ".join(f"{name} {value}" for name, value in shown.items())
    cure = f"{undated} rows would fit but their studies have no enrolment years" if undated else ""
    if not cure and len(wanted) > 1:
        rows: tuple[Outcome | Count, ...] = package.outcomes if table == "outcomes" else package.counts
        for name in wanted:
            rest = {k: v for k, v in wanted.items() if k != name}
            arms = {a.arm_id for a in package.arms if _fits(package, a, rest)}
            kinds = rest.get("endpoint")
            n = sum(r.arm_id in arms and (kinds is None or (r.endpoint if isinstance(r, Outcome) else r.what) in kinds) for r in rows)
            if n:
                cure = f"Without {name} there are {n}"
                break
    if not (package.outcomes if table == "outcomes" else package.counts):
        cure = f"The package has none yet: fill its {table}.csv (sources, studies and arms first), or save a row on the Evidence screen"
    return NoRowError(f"no row of {table} fits {asked or 'the package'}", cure=cure)


def list_table(package: Package | None = None, *, table: str) -> Selection:
    """Return a whole table of the package, whichever it is, in the same form as :func:`select`.

    >>> len(list_table(table="risk_groups").cells)
    31
    """
    package = package or load_package()
    if table not in RECORD_OF:
        cure = nearest(table, RECORD_OF) or f"Tables are {', '.join(RECORD_OF)}"
        raise CallError(f"table = {table!r}", rule="is not a table of a package", cure=cure)
    return _selection(package, table, list(getattr(package, table)), [], {})


def _selection(package: Package, table: str, rows: Sequence[Row], left: list[LeftOut], shown: dict[str, str]) -> Selection:
    own = fields_of(RECORD_OF[table])
    with_arm = RECORD_OF[table] in (Outcome, Count)
    cells: list[tuple[Cell, ...]] = []
    refs = tuple(package.ref(row) for row in rows)
    for row, ref in zip(rows, refs, strict=True):
        context = _context(package, package.arm(row.arm_id)) if isinstance(row, Outcome | Count) else ()
        values: list[Cell] = [getattr(row, f.attribute) for f in own]
        after = ("; ".join(ref.marks), row.package, row.line)
        cells.append(tuple(None if v == "" else v for v in (*context, *values, *after)))
    notes = [f"{len(left)} more rows fit but cannot be placed in the era: their studies have no enrolment years."] if left else []
    conflicts = sum("conflict" in ref.marks for ref in refs)
    if conflicts:
        notes.append(f"{conflicts} rows are in conflict with another source; see their marks and notes.")
    trail = Trail(
        method=f"Rows of {table}.csv of package {package.name} chosen by " + (", ".join(shown) or "no filter"),
        rows=refs,
        left_out=tuple(left),
        sources=tuple(package.source(s) for s in dict.fromkeys(ref.source_id for ref in refs) if s),
        inputs=(package.name,),
    )
    columns = (*(CONTEXT if with_arm else ()), *(f.header for f in own), *AFTER)
    return Selection(trail=trail, warnings=tuple(notes), table_name=table, columns=columns, cells=tuple(cells), filters=shown)


def _context(package: Package, arm: Arm) -> tuple[Cell, ...]:
    study = package.study_of(arm)
    about = (study.study_id, study.name, arm.label, arm.subtype, arm.stratum, arm.treatment_class, arm.agents)
    return (*about, setting_of(arm), arm.pool_set, study.enrol_start, study.enrol_end)
