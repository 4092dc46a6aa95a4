"""The commands report, verify and serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nextarm.cli.options import Json, Quiet
from nextarm.cli.show import progress_bar


def report(
    study: Annotated[str, typer.Argument(help="A bundled study, or a study folder.")] = "infant-all",
    out: Annotated[Path | None, typer.Option(help="The folder to write to; build/STUDY if not given.")] = None,
    sections: Annotated[str | None, typer.Option(help="Only these, by comma: plateau,methods; 'list' shows which there are.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that make the sections; the report does not depend on it.")] = 1,
    site: Annotated[bool, typer.Option("--site", help="A whole site to share: evidence pages, tables, plans, sources, versions.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print results.json on standard output as well.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a study's report: one HTML file that opens offline, and every number as JSON.

    A study folder's report is on its own rows, curves and plans, and on the questions of its report.toml.

    Example: nextarm report infant-all --out build/infant-all
    """
    from nextarm import verbs

    if sections == "list":
        for part in verbs.report_parts(study):
            print(f"{part.id:<18}{part.title}{'' if part.usual else ' (if asked for)'}")
        return
    named = None if sections is None else [s.strip() for s in sections.split(",") if s.strip()]
    folder = out or Path("build") / Path(study).resolve().name
    with progress_bar("sections", quiet=quiet) as progress:
        written = verbs.report(study, out=folder, sections=named, site=site, workers=workers, progress=progress)
    if json:
        print(written.results.read_text(encoding="utf-8"), end="")
        return
    print(f"The report is at {written.html} ({written.numbers} numbers, {len(written.charts)} charts).")
    print(f"Every number with its trail: {written.results}")
    if site:
        print(f"To share: the folder {folder}; its first page is {folder / 'index.html'}, and it needs no server.")


def verify(
    slow: Annotated[bool, typer.Option("--slow", help="Run the cases that take long as well.")] = False,
    room: Annotated[str | None, typer.Option(help="Only the cases of one room.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that share the cases.")] = 1,
    out: Annotated[Path, typer.Option(help="The folder for verify.html and verify.json.")] = Path("build/verify"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the validation cases on this machine and write what reproduced what; exit code 7 if any fails.

    Example: nextarm verify --out build/verify
    """
    from nextarm import verbs

    with progress_bar("cases", quiet=quiet) as progress:
        found = verbs.verify(slow=slow, room=room, workers=workers, out=out, progress=progress)
    if json:
        print(found.to_json(indent=2))
    else:
        for kind, (passed, run) in found.counts().items():
            print(f"{kind:<30}{passed:>5} of {run} passed")
        left = f"; {len(found.not_run)} slow cases not run" if found.not_run else ""
        print(f"{len(found.outcomes)} cases, {found.outside()} with an expected value from outside{left}")
        print(f"The dossier is at {out / 'verify.html'}")
    verbs.require_passed(found)


def serve(
    folder: Annotated[Path, typer.Argument(help="The folder of studies (each a sub-folder), or one that nextarm report wrote.")] = Path(
        "studies"
    ),
    port: Annotated[int, typer.Option(help="The port.")] = 8765,
    host: Annotated[
        str, typer.Option(help="The address to bind; another than this machine's own needs the token that is printed.")
    ] = "127.0.0.1",
    name: Annotated[list[str] | None, typer.Option(help="A host name it also answers to, with --host.")] = None,
) -> None:
    """Open the web page: from evidence to a designed trial, on this machine only; Ctrl-C ends it.

    Example: nextarm serve studies
    """
    from nextarm.web.app import serve as run

    run(folder, port=port, host=host, names=tuple(name or ()))
