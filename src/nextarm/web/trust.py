"""Trust: what is validated and against what; run it here."""

from __future__ import annotations

from typing import Any

from nextarm import verbs
from nextarm.report import Column, DataTable, KeyFigures, ListBlock, Note, Section, number, say, slug
from nextarm.report.document import Block, Row, RowGroup
from nextarm.verbs.loading import load_cases
from nextarm.web.address import Query, address
from nextarm.web.runs import Run, key_of
from nextarm.web.screen import Ask, Content, Field, Form, Step

ROOMS = ("evidence", "survival", "figures", "patients", "synthesis", "borrowing", "designs", "simulation")


def _key(room: str) -> str:
    return key_of("verify", {"room": room})


def forms(ask: Ask) -> tuple[Form, ...]:
    """Which cases to run."""
    room = Field("room", "Cases of", "select", ask.query.text("room"), choices=(("", "all rooms"), *((r, r) for r in ROOMS)))
    note = (
        "Each case is computed anew with the program installed here and compared "
        "with its expected value. Slow cases are left to the command line."
    )
    return (Form("verify", "Run the validation on this machine", (room,), "Run", action=ask.at("trust") + "/verify", note=note),)


def content(ask: Ask) -> Content:
    """The kinds of expected value, and what the last run said."""
    room = ask.query.choice("room", ("", *ROOMS), "")
    run = ask.runs.find(_key(room))
    run = None if run is None else run.as_it_is()
    sections: list[Section] = []
    if run is not None and run.result is not None:
        sections.append(_outcome(run.result))
    kinds = ListBlock(
        (
            say("Published: a number printed in a paper."),
            say(
                "Other program: what R survival, cmprsk, metafor, rpact, gsDesign, mvtnorm "
                "or lifelines gave; the scripts that made it are in the folder references."
            ),
            say("Closed form: a number that mathematics gives."),
            say("Limit case: a new method where it must equal a known one."),
            say("Second implementation: ours, and called ours; it does not count as outside."),
        )
    )
    sections.append(
        Section(
            "kinds",
            "What is validated, and against what",
            say("A case is one method on one data set against one expected value, and says whose value it is."),
            (kinds,),
        )
    )
    flag = f" --room {room}" if room else ""
    return Content(
        tuple(sections),
        python=f"import nextarm\nnextarm.verify({f'room={room!r}' if room else ''})",
        command=f"nextarm verify{flag} --out build/verify",
        run=run,
    )


def _outcome(found: Any) -> Section:
    trail = found.trail
    passed, run = sum(o.passed for o in found.outcomes), len(found.outcomes)
    figures = KeyFigures(
        (
            (number(passed, "count", name="passed", trail=trail), "cases passed"),
            (number(run, "count", name="run", trail=trail), "cases run"),
            (number(found.outside(), "count", name="outside", trail=trail), "with an expected value from outside"),
            (number(len(found.not_run), "count", name="not-run", trail=trail), "slow cases not run"),
        )
    )
    kinds: tuple[Row, ...] = tuple(
        (
            kind,
            number(ok, "count", name=f"kind.{slug(kind)}.passed", trail=trail),
            number(n, "count", name=f"kind.{slug(kind)}.run", trail=trail),
        )
        for kind, (ok, n) in found.counts().items()
    )
    rows: list[Row | RowGroup] = []
    groups = {"Not reproduced": [o for o in found.outcomes if not o.passed]}  # first, where a long table is not unfolded
    for o in found.outcomes:
        if o.passed:
            groups.setdefault(o.room, []).append(o)
    for title, outcomes in groups.items():
        if outcomes:
            rows.append(RowGroup(title))
        for o in outcomes:
            worst = o.worst()
            share = None if worst is None else number(float(worst), "decimal(3)", name=f"case.{slug(o.id)}-{len(rows)}", trail=trail)
            rows.append((o.title, o.kind, o.source, "passed" if o.passed else f"FAILED {o.error or ''}", share))
    columns = ("Case", "Kind", "Whose value", "Result", Column("Largest difference", unit="share of what is allowed", align="right"))
    blocks: list[Block] = [
        figures,
        DataTable(
            "By kind of expected value", ("Kind", Column("Passed", align="right"), Column("Run", align="right")), kinds, sortable=False
        ),
    ]
    blocks += [Note("caution", say(text)) for text in found.warnings]
    blocks.append(DataTable("Cases", columns, tuple(rows), sortable=False, narrow="stack"))
    words = (
        "Every case that was run reproduced its expected value."
        if passed == run
        else "1 case did not reproduce its expected value."
        if run - passed == 1
        else f"{run - passed} cases did not reproduce their expected value."
    )
    return Section("outcome", "What this machine gave", say(words), tuple(blocks))


def verify(ask: Ask, sent: Query) -> str:
    """Run the cases in the background."""
    room = sent.choice("room", ("", *ROOMS), "")

    def work(run: Run) -> Any:
        load_cases()
        return verbs.verify(room=room or None, progress=run.progress)

    key, where = _key(room), address(ask.at("trust"), {"room": room})
    found = ask.runs.find(key)
    if found is not None and found.state == "done":
        ask.runs.forget(key)
    return ask.runs.start(key, work, title=f"Validation, {room or 'all rooms'}", address=where).address


STEP = Step("trust", "Trust", "What is checked, and against whom", forms, content, actions={"verify": verify})
