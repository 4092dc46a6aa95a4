"""The commands reconstruct and fit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nextarm.cli.options import Json, Out, read_by_arm, read_numbers
from nextarm.cli.show import cell, show, write_file


def reconstruct(
    curve: Annotated[Path, typer.Argument(help="CSV: time, survival[, arm]; a saved curve is taken with the files beside it.")],
    at_risk: Annotated[Path | None, typer.Option(help="CSV: time, at_risk[, arm]. Holds exactly.")] = None,
    ticks: Annotated[Path | None, typer.Option(help="CSV of censoring marks: time[, arm].")] = None,
    n: Annotated[list[str] | None, typer.Option(help="Patients: 100, or arm=100 for each arm.")] = None,
    events: Annotated[list[str] | None, typer.Option(help="Total events: 62, or arm=62 for each arm.")] = None,
    median: Annotated[list[str] | None, typer.Option(help="Printed median: 12.5 or arm=12.5.")] = None,
    hazard_ratio: Annotated[str | None, typer.Option(help="Printed ratio of the second arm to the first: 0.68 or 0.68,0.52,0.89.")] = None,
    p_value: Annotated[float | None, typer.Option(help="Printed two-sided log-rank p.")] = None,
    unit: Annotated[str | None, typer.Option(help="years, months, weeks or days. [default: that of a saved curve, else years]")] = None,
    percent: Annotated[bool, typer.Option("--percent", help="Survival is in percent.")] = False,
    versions: Annotated[int, typer.Option(help="Number of plausible versions.")] = 20,
    seed: Annotated[int, typer.Option(help="Root of the random numbers.")] = 0,
    method: Annotated[str, typer.Option(help="dp, or guyot for comparison.")] = "dp",
    allow_rising_at_risk: Annotated[bool, typer.Option("--allow-rising-at-risk", help="Leave out rows of a table that rises.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the patients (single best version) to this CSV.")] = None,
    versions_out: Annotated[Path | None, typer.Option(help="Write all versions to this CSV, with a version column.")] = None,
    json: Json = False,
) -> None:
    """Rebuild patients from a published Kaplan-Meier curve and what is printed beside it.

    A curve saved by the Figure screen (NAME.curve.csv) or by read-figure (curves.csv) knows its unit, its table, its marks and how finely
    it was read from the files beside it, and gives the patients that the figure gave; what is given here counts more.

    Example: nextarm reconstruct curve.csv --at-risk nar.csv --unit months --out patients.csv
    """
    from nextarm import verbs

    ratio = read_numbers(hazard_ratio, "hazard-ratio")
    given = {
        "at_risk": at_risk,
        "ticks": ticks,
        "n": read_by_arm(n, "n", whole=True),
        "events": read_by_arm(events, "events", whole=True),
        "median": read_by_arm(median, "median"),
        "hazard_ratio": None if ratio is None else ratio[0] if len(ratio) == 1 else tuple(ratio),
        "p_value": p_value,
        "unit": unit,
    }
    made = verbs.reconstruct(
        curve,
        percent=percent,
        versions=versions,
        seed=seed,
        method=method,
        allow_rising_at_risk=allow_rising_at_risk,
        **{name: value for name, value in given.items() if value is not None},
    )
    shown = made.patients.unit
    for path, table in ((out, made.patients), (versions_out, made.versions)):
        if path is not None:
            write_file(path, table.to_frame(shown).write_csv())
            print(f"written: {path} ({table.n} rows, times in {shown})", file=sys.stderr)
    if json:
        print(made.to_json(indent=2))
        return
    for arm in made.arms:
        error = f"reading error {arm.reading_error:.4f}{' (estimated)' if arm.reading_error_estimated else ''}"
        fit = f"curve within {arm.mean_residual:.4f} on average, {arm.max_residual:.4f} at most"
        print(f"{arm.arm}: {arm.n} patients, {arm.events} events, {arm.person_years:.1f} years at risk; {error}; {fit}")
    for repair in made.repairs:
        print(f"repaired: {repair.arm}: {repair.what} ({repair.count})")
    for arm in made.arms:
        if arm.counted:
            print(f"{arm.arm}: {arm.counted}")
    print(f"grade {made.checks.grade}" + ("" if all(item.ok for item in made.checks.items) else "; not met:"))
    for item in made.checks.items:
        if not item.ok:
            print(f"  {item.arm}: {item.item}: {item.beside}{cell(item.rebuilt)}")
    for text in made.warnings:
        print(f"warning: {text}")


def fit(
    patients: Annotated[Path, typer.Argument(help="CSV: time, event[, arm, entry, weight, version].")],
    model: Annotated[
        str, typer.Option(help="kaplan-meier, weibull, mixture-cure:weibull, promotion-cure:log-normal, ...")
    ] = "kaplan-meier",
    unit: Annotated[str, typer.Option(help="years, months, weeks or days.")] = "years",
    arm: Annotated[str | None, typer.Option(help="The arm to fit, where there are several.")] = None,
    version: Annotated[int | None, typer.Option(help="One version of a reconstruction.")] = None,
    cuts: Annotated[str | None, typer.Option(help="Cuts of piecewise-exponential, in years: 0.5,1,2.")] = None,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    json: Json = False,
    out: Out = None,
) -> None:
    """Estimate survival: the Kaplan-Meier curve, or a model with or without cure.

    Example: nextarm fit patients.csv --unit months --model mixture-cure:weibull
    """
    from nextarm import verbs

    found = verbs.fit(patients, model=model, unit=unit, arm=arm, version=version, cuts=read_numbers(cuts, "cuts") or (), level=level)
    show(found, json=json, out=out)
    if not json and out is None:
        print(f"times in years, read from a file in {unit}; limits at {level:.4g}")
