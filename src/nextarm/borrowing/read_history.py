"""Read a history from a user's file: counts in follow-up, or patients with one arm a study.

Exposure files have the columns ``study``, ``events``, ``years`` (and ``piece`` = 1, 2, .. for piecewise hazards, ``group`` and named
moderators). A file with the columns ``time`` and ``event`` holds patients: each arm is a study.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nextarm.borrowing.cure_prior import CureEstimate, cure_estimate
from nextarm.borrowing.piecewise_prior import exposure
from nextarm.core.errors import CallError, DataError, NextarmError, Problem
from nextarm.core.trail import RowRef
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival import Patients, read_patients
from nextarm.synthesis.read import read_rows


@dataclass(frozen=True, eq=False)
class ExposureHistory:
    """``labels`` (k,), ``events`` and ``years`` (k, pieces), ``groups``, ``moderators`` by name, and the rows they stand in."""

    labels: tuple[str, ...]
    events: IntArray
    years: FloatArray
    groups: tuple[str, ...]
    moderators: dict[str, tuple[float, ...]]
    rows: tuple[RowRef, ...]
    time_origin: str = "not-stated"


def is_patients(source: Any) -> bool:
    """Whether ``source`` is a table of patients (columns time and event) and not of studies."""
    if isinstance(source, Patients):
        return True
    _, columns, _ = read_rows(source)
    return {"time", "event"} <= set(columns)


def read_exposure(
    source: Any, *, cuts: Sequence[float] = (), moderators: Sequence[str] = (), unit: str = "years", arm: str | None = None
) -> ExposureHistory:
    """Read events and follow-up; all problems at once as :class:`DataError`."""
    if is_patients(source):
        patients = source if isinstance(source, Patients) else read_patients(source, unit=unit)
        if moderators:
            raise CallError(f"--moderator {moderators[0]}", rule="belongs to a table of studies, not of patients")
        names = tuple(patients.arms) if arm is None else (arm,)
        made = [exposure(patients, cuts, arm=name) for name in names]
        rows = tuple(RowRef("patients", 0, f"{n}: {int(d.sum())} events") for n, (d, _) in zip(names, made, strict=True))
        events, years = np.array([d for d, _ in made]), np.array([t for _, t in made])
        return ExposureHistory(names, events, years, ("",) * len(names), {}, rows, patients.time_origin)
    name, columns, lines = read_rows(source)
    pieces = len(cuts) + 1
    needed = ("study", "events", "years", *(("piece",) if pieces > 1 else ()), *moderators)
    problems = [Problem(f"column {c!r} is missing", name, f"found {', '.join(columns) or 'nothing'}") for c in needed if c not in columns]
    problems += [Problem(f"column {c!r}", name, "is not known") for c in columns if c not in {*needed, "piece", "group", "n"}]
    if problems:
        raise DataError(problems=problems)
    if not lines:
        raise DataError("no studies", where=name, rule="must hold at least one row below the header")
    labels = list(dict.fromkeys(str(row["study"] or "").strip() for _, row in lines))
    counts, years_of = np.zeros((len(labels), pieces)), np.zeros((len(labels), pieces))
    groups, values, seen = [""] * len(labels), {m: [math.nan] * len(labels) for m in moderators}, set()
    for number, row in lines:
        where = f"{name} row {number}"
        label = str(row["study"] or "").strip()
        if not label:
            problems.append(Problem("study is empty", where, "every study needs a name"))
        i = labels.index(label)
        d, t = _number(row["events"], "events", where, problems), _number(row["years"], "years", where, problems)
        piece = _number(row.get("piece") or 1, "piece", where, problems) if pieces > 1 else 1.0
        if not (piece == int(piece) and 1 <= piece <= pieces):
            problems.append(Problem(f"piece = {piece:g}", where, f"must be a whole number from 1 to {pieces}"))
            continue
        if (label, piece) in seen:
            problems.append(Problem(f"{label} stands twice", where, "one row a study" + (" and piece" if pieces > 1 else "")))
        seen.add((label, piece))
        if d < 0.0 or d != int(d):
            problems.append(Problem(f"events = {d:g}", where, "must be whole and not negative"))
        if t < 0.0 or (t == 0.0 and (d > 0.0 or pieces == 1)):
            problems.append(Problem(f"years = {t:g}", where, "must be above 0 where there are events"))
        counts[i, int(piece) - 1], years_of[i, int(piece) - 1] = d, t
        groups[i] = str(row.get("group") or "").strip()
        for m in moderators:
            values[m][i] = _number(row[m], m, where, problems)
    if problems:
        raise DataError(problems=problems)
    return ExposureHistory(
        tuple(labels), counts.astype(np.int64), years_of, tuple(groups), {m: tuple(v) for m, v in values.items()},
        tuple(RowRef(name, 0, f"{label}: {int(counts[i].sum())} events in {years_of[i].sum():g} years") for i, label in enumerate(labels)),
    )  # fmt: skip


def read_cures(source: Any, *, model: str, unit: str = "years") -> tuple[tuple[CureEstimate, ...], tuple[str, ...], str]:
    """Fit ``model`` to every arm of a patients table; (estimates, why arms were left out, origin of time)."""
    from nextarm.survival.fit import fit_model

    if not isinstance(source, Patients) and not is_patients(source):
        raise DataError("the file", rule="must hold patients (columns time, event, arm) for a mixture-cure prior")
    patients = source if isinstance(source, Patients) else read_patients(source, unit=unit)
    made, left = [], []
    for name in patients.arms:
        try:
            made.append(cure_estimate(fit_model(patients, model=model, arm=name), label=name))
        except NextarmError as error:
            left.append(f"{name} is not used: {error}")
    if not made:
        raise DataError(problems=[Problem(text.rstrip(".")) for text in left])
    return tuple(made), tuple(left), patients.time_origin


def _number(value: Any, column: str, where: str, problems: list[Problem]) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        problems.append(Problem(f"{column} = {value!r}", where, "must be a number"))
        return 1.0
    return number


def source_name(source: Any) -> str:
    """The name of a file for a trail."""
    return Path(source).name if isinstance(source, str | Path) else "data"
