"""The command read-figure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nextarm.cli.options import Json, read_by_arm
from nextarm.cli.show import cell, grid, write_file


def read_figure(
    file: Annotated[Path, typer.Argument(help="PNG, JPEG, TIFF, WebP, SVG or PDF.")],
    out: Annotated[Path, typer.Option(help="Folder for curves.csv, ticks.csv, at_risk.csv, about.json, figure.json and overlay.png.")],
    page: Annotated[int | None, typer.Option(help="Page of a PDF, from 1.")] = None,
    panel: Annotated[int | None, typer.Option(help="Panel of the page, from 1, left to right and down.")] = None,
    marks: Annotated[Path | None, typer.Option(help="JSON of what was marked by hand; a refusal writes one to fill.")] = None,
    reconstruct: Annotated[bool, typer.Option("--reconstruct", help="Go on to patients: patients.csv and versions.csv.")] = False,
    unit: Annotated[str | None, typer.Option(help="Time unit of the axis, where it does not say: years, months, weeks or days.")] = None,
    n: Annotated[list[str] | None, typer.Option(help="For --reconstruct: patients, 100 or arm=100, where no table says.")] = None,
    events: Annotated[list[str] | None, typer.Option(help="For --reconstruct: total events, 62 or arm=62.")] = None,
    seed: Annotated[int, typer.Option(help="For --reconstruct: root of the random numbers.")] = 0,
    json: Json = False,
) -> None:
    """Read a published Kaplan-Meier figure; exit code 0 when read, 8 when refused (then marks.json can be filled).

    Example: nextarm read-figure figure2.pdf --page 1 --out read --reconstruct
    """
    from nextarm import verbs
    from nextarm.core.errors import NextarmError

    try:
        found = verbs.read_figure(file, page=page, panel=panel, marks=marks, out=out)
    except NextarmError as refusal:
        for text in getattr(refusal, "found", ()):
            print(f"found: {text}", file=sys.stderr)
        if getattr(refusal, "marks", None) is not None:
            print(f"written: {out / 'marks.json'} (fill it, read positions off rulers.png, give it back with --marks)", file=sys.stderr)
        raise
    print(f"written: {out} (look at overlay.png before the numbers are used)", file=sys.stderr)
    if json:
        print(found.to_json(indent=2))
    else:
        frame = found.table()
        print("\n".join(grid(list(frame.columns), [[cell(v) for v in row.values()] for row in frame.to_dicts()])))
        print(
            f"grade {found.grade}; time in {found.time_unit or 'a unit the figure does not name'}"
            + ("; drawn upward" if found.upward else "")
        )
        for text in (*found.warnings, *(f"{c.arm}: {w}" for c in found.curves for w in c.warnings)):
            print(f"warning: {text}")
    if reconstruct:
        options = {"unit": unit, "n": read_by_arm(n, "n", whole=True), "events": read_by_arm(events, "events", whole=True)}
        made = verbs.reconstruct(found, seed=seed, **{k: v for k, v in options.items() if v is not None})
        shown = unit or found.time_unit or "years"
        for name, table in (("patients.csv", made.patients), ("versions.csv", made.versions)):
            write_file(out / name, table.to_frame(shown).write_csv())
        write_file(out / "reconstruction.json", made.to_json(indent=1))
        print(
            f"written: {out / 'patients.csv'} ({made.patients.n} patients, times in {shown}), versions.csv, reconstruction.json",
            file=sys.stderr,
        )
        if not json:
            for arm in made.arms:
                print(f"{arm.arm}: {arm.n} patients, {arm.events} events; curve within {arm.mean_residual:.4f} on average")
            print(f"patients: grade {made.checks.grade}")
            for text in made.warnings:
                print(f"warning: {text}")
