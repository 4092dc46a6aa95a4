"""The questions of a study's report (``report.toml``): kept from other screens, taken out again, its title and trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError, DataError
from nextarm.web import borrowing, patients, synthesis
from nextarm.web.address import Query
from nextarm.web.screen import Ask, Field, Form


def _plain(record: dict[str, object]) -> dict[str, object]:
    """A record as report.toml holds it: lists for tuples, nothing for None."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in record.items() if v is not None}


def _pool(ask: Ask) -> tuple[str, dict[str, object]]:
    return "pool", asdict(synthesis.question(ask))


def _curve(ask: Ask) -> tuple[str, dict[str, object]]:
    """The curve of the Patients screen, with its unit and models."""
    q = ask.query
    n = q.whole("n", 0, low=0, high=100_000)
    name = patients.chosen(ask)
    made: dict[str, object] = {"name": name, "unit": q.text("unit") or patients.unit_of(ask, name), "models": list(q.many("model")[:3])}
    return "curve", made | ({"n": n} if n else {})


#: What each screen keeps: the question of its address as a table of report.toml and a record of it.
KEEPERS: dict[str, Callable[[Ask], tuple[str, dict[str, object]]]] = {
    "synthesis": _pool,
    "borrowing": borrowing.kept,
    "patients": _curve,
}
TABLES = {"pool": "Synthesis", "prior": "Borrowing", "comparison": "Borrowing", "curve": "Patients"}
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
    if isinstance(row.get("treated"), dict):
        one, two = (", ".join(filter(None, (g.get("curve") or g.get("patients"), g["arm"]))) for g in (row["treated"], row["control"]))
        years = ", ".join(f"{t:g}" for t in row["times"])
        return f"{one} against {two}: {row['endpoint']} at {years} years"
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
    other = Ask(ask.study, Query.read(sent.text("question")), ask.home, ask.runs, ask.at(step))
    asked = verbs.report_questions(ask.study.package)
    table, found = KEEPERS[step](other)
    row = _plain(found)
    said = verbs.report_questions_text({table: [row]})
    others = [r for r in asked.get(table, ()) if verbs.report_questions_text({table: [r]}) != said]
    rows = [r for r in others if table != "curve" or r["name"] != row["name"]]
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
