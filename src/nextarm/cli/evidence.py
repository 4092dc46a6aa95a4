"""The commands evidence and new."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nextarm.cli.options import Json, Out, Package
from nextarm.cli.show import emit, show
from nextarm.core.errors import CallError, DataError

#: What the screen shows of a row; CSV and JSON hold all columns.
EVIDENCE_COLUMNS = ("arm_id", "endpoint", "what", "time_years", "estimate", "se", "ci_low", "ci_high", "events", "n", "source_id", "marks")


def evidence(
    context: typer.Context,
    package: Package = "infant-all",
    table: Annotated[str, typer.Option(help="outcomes or counts.")] = "outcomes",
    endpoint: Annotated[list[str] | None, typer.Option(help="EFS, OS, DFS, ...; for counts, what was counted.")] = None,
    subtype: Annotated[list[str] | None, typer.Option(help="Disease subtype, such as KMT2A-r.")] = None,
    era: Annotated[str | None, typer.Option(help="Years of enrolment: 1999-2005, 2006-, -1998.")] = None,
    treatment_class: Annotated[list[str] | None, typer.Option(help="Class of treatment.")] = None,
    agent: Annotated[list[str] | None, typer.Option(help="An agent, by id or name.")] = None,
    protocol: Annotated[list[str] | None, typer.Option(help="A study or protocol, by id or name.")] = None,
    setting: Annotated[list[str] | None, typer.Option(help="Frontline, relapsed, ...")] = None,
    pool_set: Annotated[list[str] | None, typer.Option(help="A named set of arms fit for pooling.")] = None,
    arm: Annotated[list[str] | None, typer.Option(help="An arm, by id.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Check the package: every problem with file, line and column.")] = False,
    format: Annotated[str, typer.Option(help="table, csv, json or bibtex.")] = "table",
    json: Json = False,
    out: Out = None,
) -> None:
    """Published facts with their sources: query, check, classify.

    Example: nextarm evidence --endpoint EFS --subtype KMT2A-r --format csv
    """
    if context.invoked_subcommand:
        return
    from nextarm import verbs

    if check:
        as_json = json or format == "json"
        try:
            found = verbs.check_evidence(package)
        except DataError as error:
            if as_json:
                emit(problems_json(package, error), out)
            raise
        show(found, json=as_json, out=out)
        return
    chosen = verbs.evidence(
        package,
        table=table,
        endpoint=endpoint,
        subtype=subtype,
        era=era,
        treatment_class=treatment_class,
        agent=agent,
        protocol=protocol,
        setting=setting,
        pool_set=pool_set,
        arm=arm,
    )
    kind = "json" if json else format
    if kind == "csv":
        emit(chosen.to_csv(), out)
    elif kind == "bibtex":
        emit(chosen.bibtex(), out)
    elif kind in ("json", "table"):
        show(chosen, json=kind == "json", out=out, columns=EVIDENCE_COLUMNS)
    else:
        raise CallError(f"format = {format!r}", rule="must be table, csv, json or bibtex")


def problems_json(package: str, error: DataError) -> str:
    """The problems of a broken package as JSON; the exit code still says that it is broken."""
    from dataclasses import asdict
    from json import dumps

    return dumps({"package": package, "problems": [asdict(p) for p in error.problems]}, indent=2, ensure_ascii=False)


def classify(
    patients: Annotated[Path, typer.Argument(help="CSV with one row a patient and the protocol's fields as columns.")],
    protocol: Annotated[str, typer.Option(help="The protocol whose risk groups are used.")],
    package: Package = "infant-all",
    json: Json = False,
    out: Out = None,
) -> None:
    """Put patients into a protocol's risk groups, with the reason and what is missing.

    Example: nextarm evidence classify --protocol Interfant-06 patients.csv
    """
    from nextarm import verbs

    found = verbs.classify(patients, protocol=protocol, package=package)
    emit(found.to_json(indent=2) if json else found.to_csv(), out)


def new(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    empty: Annotated[bool, typer.Option("--empty", help="Stand alone, without the bundled evidence on infant ALL.")] = False,
) -> None:
    """Make a study folder: tables for rows of your own beside the bundled evidence (or --empty), an example plan, a README.

    Example: nextarm new my-study
    """
    from nextarm import verbs

    made = verbs.new_study(folder, empty=empty)
    print(f"{made.folder}: {', '.join(made.files)}")
