"""The commands report, verify and serve."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nextarm.cli.options import Json, Quiet
from nextarm.cli.show import progress_bar


def report(
    study: Annotated[str, typer.Argument(help="A bundled study.")] = "infant-all",
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("build/infant-all"),
    json: Annotated[bool, typer.Option("--json", help="Print results.json on standard output as well.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a study's report: one HTML file that opens offline, and every number as JSON.

    Example: nextarm report infant-all --out build/infant-all
    """
    from nextarm import verbs

    with progress_bar("sections", quiet=quiet) as progress:
        written = verbs.report(study, out=out, progress=progress)
    if json:
        print(written.results.read_text(encoding="utf-8"), end="")
        return
    print(f"The report is at {written.html} ({written.numbers} numbers, {len(written.charts)} charts).")
    print(f"Every number with its trail: {written.results}")


def verify(
    slow: Annotated[bool, typer.Option("--slow", help="Run the cases that take long as well.")] = False,
    room: Annotated[str | None, typer.Option(help="Only the cases of one room.")] = None,
    out: Annotated[Path, typer.Option(help="The folder for verify.html and verify.json.")] = Path("build/verify"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the validation cases on this machine and write what reproduced what; exit code 7 if any fails.

    Example: nextarm verify --out build/verify
    """
    from nextarm import verbs

    with progress_bar("cases", quiet=quiet) as progress:
        found = verbs.verify(slow=slow, room=room, out=out, progress=progress)
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
    folder: Annotated[Path, typer.Argument(help="A folder that nextarm report wrote.")] = Path("build/infant-all"),
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1.")] = 8765,
) -> None:
    """Show a report in the browser, on this machine only; Ctrl-C ends it.

    Example: nextarm serve build/infant-all
    """
    from nextarm.web.app import serve as run

    print(f"The report is at http://127.0.0.1:{port}/ (Ctrl-C ends)", file=sys.stderr)
    run(folder, port=port)
