"""The questions of a study's report (``report.toml``): kept from other screens, taken out again, its title and trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nextarm import verbs
from nextarm.core.errors import CallError, DataError
from nextarm.web import borrowing, patients, synthesis
from nextarm.web.address import Query
from nextarm.web.screen import Ask, Field, Form

if TYPE_CHECKING:
    from nextarm.report.pooled import PoolQuestion
    from nextarm.web.borrowing import PriorQuestion


def _record(question: PoolQuestion | PriorQuestion) -> dict[str, object]:
    """The question of another screen as a record of report.toml."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(question).items() if v is not None}


def _pool(ask: Ask) -> dict[str, object]:
    return _record(synthesis.question(ask))


def _prior(ask: Ask) -> dict[str, object]:
    return _record(borrowing.question(ask))


def _curve(ask: Ask) -> dict[str, object]:
    """The curve of the Patients screen, with its unit and models."""
    q = ask.query
    n = q.whole("n", 0, low=0, high=100_000)
    name = patients.chosen(ask)
    made: dict[str, object] = {"name": name, "unit": q.text("unit") or patients.unit_of(ask, name), "models": list(q.many("model")[:3])}
    return made | ({"n": n} if n else {})


#: What each screen keeps: a table of report.toml, and the question of its address as a record of it.
KEEPERS: dict[str, tuple[str, Callable[[Ask], dict[str, object]]]] = {
    "synthesis": ("pool", _pool),
    "borrowing": ("prior", _prior),
    "patients": ("curve", _curve),
}
TABLES = {"pool": "Synthesis", "prior": "Borrowing", "curve": "Patients"}
FILE = "report.toml"


def forms(ask: Ask) -> tuple[Form, ...]:
    """Title, trials, and the questions kept."""
    try:
        asked = verbs.report_questions(ask.study.package)
    except DataError:
        asked = {}
    kept = [(f"{table}.{i}", f"{TABLES[table]}: {_said(row)}") for table in TABLES for i, row in enumerate(asked.get(table, ()))]
    fields = [
        Field("title", "Title", value=ask.query.text("title") or str(asked.get("title", ""))),
        Field("trials", "Virtual trials of each plan", "number", ask.query.text("trials") or str(asked.get("trials", 20_000))),
    ]
    if kept:
        ticked = tuple(k for k, _ in kept)
        fields.append(Field("kept", "Questions", "many", values=ticked, choices=tuple(kept), help="Take a tick away to leave one out"))
    note = "Kept in report.toml of your study. " + (
        "Other screens add questions at their foot: Keep in the report."
        if kept
        else "None is kept yet, so your own rows, curves and plans decide. Synthesis, Patients and Borrowing have at their foot: "
        "Keep in the report."
    )
    return (Form("asked", "What the report answers", tuple(fields), "Save", action=ask.at("report") + "/ask", note=note, folded=not kept),)


def _said(row: dict[str, Any]) -> str:
    """A question in words."""
    name = row.get("pool_set") or row.get("name") or ", ".join(map(str, row.get("arms", ())))
    rest = [str(row[k]) for k in ("endpoint",) if row.get(k)]
    rest += [f"at {row['time']:g} years"] if isinstance(row.get("time"), int | float) else []
    rest += [f"without {', '.join(row['without'])}"] if row.get("without") else []
    rest += [f"against {row['control']}"] if row.get("control") else []
    rest += [f"in {row['unit']}"] if row.get("unit") else []
    return " ".join((str(name), *rest))


def keep(ask: Ask, sent: Query) -> str:
    """Keep the question of another screen."""
    step = sent.choice("step", tuple(KEEPERS), "")
    table, question = KEEPERS[step]
    other = Ask(ask.study, Query.read(sent.text("question")), ask.home, ask.runs, ask.at(step))
    asked = verbs.report_questions(ask.study.package)
    row = question(other)
    rows = [r for r in asked.get(table, ()) if r != row and (table != "curve" or r["name"] != row["name"])]
    _write(ask, asked | {table: [*rows, row]})
    return ask.at("report")


def save(ask: Ask, sent: Query) -> str:
    """Title, trials, and which questions stay."""
    asked = verbs.report_questions(ask.study.package)
    stay = sent.many("kept")
    rows = {table: [row for i, row in enumerate(asked.get(table, ())) if f"{table}.{i}" in stay] for table in TABLES}
    trials = sent.whole("trials", 20_000, low=100, high=1_000_000)
    title = sent.text("title")
    if len(title) > 200:
        raise CallError("title", rule="must be at most 200 signs")
    _write(ask, asked | rows | {"title": title, "trials": trials})
    return ask.at("report")


def _write(ask: Ask, asked: dict[str, object]) -> None:
    ask.study.write({(FILE,): verbs.report_questions_text(asked)})
