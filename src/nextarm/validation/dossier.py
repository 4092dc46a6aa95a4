"""The dossier of a verification: one HTML page and one JSON file that say what reproduced what, on which machine."""

from __future__ import annotations

import re
from pathlib import Path

from nextarm import __version__
from nextarm.core.errors import VerificationError
from nextarm.core.trail import Trail
from nextarm.report import (
    Block,
    DataTable,
    Definitions,
    Heading,
    Note,
    Report,
    RowGroup,
    Section,
    number,
    paragraph,
    render_html,
    say,
    slug,
    write_texts,
)
from nextarm.report.document import Parts, Row
from nextarm.validation.case import KINDS
from nextarm.validation.verify import Outcome, Verification

KIND_WORDS = {
    "published": "printed in a paper or by its authors",
    "other program": "computed by another program; script and versions are kept",
    "closed form": "follows from a formula on paper",
    "limit case": "a point at which the method must equal a known one",
    "second implementation": "a second, independent implementation of ours",
}


def dossier(found: Verification, *, made_on: str = "") -> Report:
    """The verification as a report document."""
    failed = [o for o in found.outcomes if not o.passed]
    trail = Trail(method="counted over the cases run")
    lead: Parts = say(
        number(sum(o.passed for o in found.outcomes), "count", name="passed", trail=trail), " of ",
        number(len(found.outcomes), "count", name="run", trail=trail), " cases reproduced their expected value; ",
        number(found.outside(), "count", name="outside", trail=trail), " of them have an expected value that this project did not make.",
    )  # fmt: skip
    rows: list[Row] = []
    for kind in KINDS:
        passed, run = found.counts().get(kind, (0, 0))
        key = slug(kind)
        rows.append(
            (
                kind,
                KIND_WORDS[kind],
                number(passed, "count", name=f"{key}.passed", trail=trail),
                number(run, "count", name=f"{key}.run", trail=trail),
            )
        )
    blocks: list[Block] = [
        DataTable(
            caption="Cases by the standing of their expected value",
            columns=("Kind", "Meaning", "Passed", "Run"),
            rows=tuple(rows),
            sortable=False,
        )
    ]
    if failed:
        blocks.insert(0, Note("caution", say(f"{len(failed)} cases failed: {', '.join(o.id for o in failed)}.")))
    if found.not_run:
        blocks.append(paragraph(f"{len(found.not_run)} slow cases were not run; nextarm verify --slow runs them."))
    return Report(
        title="nextarm: what was verified on this machine",
        subtitle="Each case is one method on one data set against one expected value",
        sections=(
            Section(id="summary", title="Does this installation reproduce what others found?", lead=lead, blocks=tuple(blocks)),
            Section(
                id="cases",
                title="The cases",
                lead=say("The worst difference of each case is given as a share of what its tolerance allows; above 1 it has failed."),
                blocks=_case_tables(found.outcomes),
            ),
            Section(
                id="environment",
                title="Environment",
                lead=say("What was installed where the cases ran."),
                blocks=(Definitions(tuple((name, say(value)) for name, value in found.environment.items())),),
            ),
        ),
        made_on=made_on,
        notes=(f"nextarm {__version__}",),
    )


def _case_tables(outcomes: tuple[Outcome, ...]) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for room in dict.fromkeys(o.room for o in outcomes):
        rows: list[Row | RowGroup] = []
        for kind in KINDS:
            group = [o for o in outcomes if o.room == room and o.kind == kind]
            if group:
                rows.append(RowGroup(kind))
                rows += [_case_row(o) for o in group]
        blocks += [
            Heading(room),
            DataTable(
                caption=f"Cases of the room {room}",
                columns=("Case", "Inputs", "Expected from", "Numbers", "Worst", "Result"),
                rows=tuple(rows),
                narrow="stack",
            ),
        ]
    return tuple(blocks)


def _case_row(o: Outcome) -> Row:
    name = "case." + re.sub(r"[^A-Za-z0-9._-]+", "-", o.id)
    trail = Trail(method=f"{o.id}: {o.title}", inputs=(o.inputs,), assumptions=(f"expected value: {o.source}",))
    worst = o.worst()
    return (
        o.title,
        o.inputs,
        o.source,
        number(len(o.checks), "count", name=f"{name}.numbers", trail=trail),
        number(worst, "decimal(3)", name=f"{name}.worst", trail=trail, missing="exact" if o.passed else "not computed"),
        "passed" if o.passed else f"FAILED {o.error or ''}".strip(),
    )


def write_dossier(found: Verification, out: str | Path, *, made_on: str = "") -> tuple[Path, Path]:
    """Write ``verify.html`` and ``verify.json`` to the folder ``out``, whole or not at all."""
    folder = Path(out)
    html, data = folder / "verify.html", folder / "verify.json"
    write_texts({html: render_html(dossier(found, made_on=made_on)), data: found.to_json(indent=2) + "\n"})
    return html, data


def require_passed(found: Verification) -> None:
    """Raise :class:`VerificationError` if any case failed, with what came out and what was expected."""
    failed = [o for o in found.outcomes if not o.passed]
    if not failed:
        return
    lines = []
    for o in failed:
        wrong = [f"{c.name} = {c.got}, expected {c.expected} within {c.allowed:g}" for c in o.checks if not c.passed]
        lines.append(f"{o.id}: {o.error or '; '.join(wrong)}")
    raise VerificationError(
        f"{len(failed)} of {len(found.outcomes)} cases failed", rule="; ".join(lines), cure="See the dossier; report it with the JSON file"
    )
