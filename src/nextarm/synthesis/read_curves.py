"""Read survival curves of several studies from CSV files, one a study, and bring them to common times.

A file holds ``time`` and ``survival`` (a digitised curve, any number of points, or a few printed times) and what is known of
the precision: ``at_risk`` (patients at risk at that time, as under a figure; empty where not printed), or ``at_risk_before``
(at the beginning of the interval that ends there, as metaSurvival's NbRisk), or ``se`` of the survival, or ``n``, the patients
at the start. One file with a column ``study`` may hold all of them.

Patients at risk at the start of an interval: printed; else ``(1 - c) / (c (v2 - v1))`` from standard errors, with ``c`` the
conditional survival and v the variance of log S (Greenwood's formula turned round); else ``n S``, as if nobody had been censored,
which is marked, because it makes the curve look more precise than it is.

A study of at most :data:`FEW_TIMES` points, or whose times are all quarters of years, reports those times and no other; any
other is a digitised curve, read as a step function at any time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nextarm.core.errors import CallError, DataError, Problem
from nextarm.core.trail import RowRef, Trail
from nextarm.core.units import FloatArray, years_in
from nextarm.synthesis.curve import PooledCurve, StudyCurve, pooled_curve
from nextarm.synthesis.estimates import StudyEstimate
from nextarm.synthesis.increments import IncrementCurve, pool_increments
from nextarm.synthesis.pool import check_choice
from nextarm.synthesis.read import parse_number, read_rows
from nextarm.synthesis.several_times import SeveralTimes, pool_several_times

#: Mark of a study whose numbers at risk were not printed.
NO_CENSORING = "at risk taken as n S (no censoring)"
COLUMNS: tuple[str, ...] = ("study", "time", "survival", "at_risk", "at_risk_before", "se", "n")
FEW_TIMES = 12
#: Follow-up beyond this many years is taken for a wrong unit.
LONGEST = 50.0
_ALIASES = {"nbrisk": "at_risk_before", "n_at_risk": "at_risk", "n.risk": "at_risk", "surv": "survival", "std.err": "se"}


@dataclass(frozen=True, eq=False)
class ReadCurve:
    """One study's curve as read: all arrays equally long, NaN where a cell is empty, times in years and rising."""

    label: str
    file: str
    time: FloatArray
    survival: FloatArray
    at_risk: FloatArray
    before: FloatArray
    se: FloatArray
    n: float

    @property
    def few(self) -> bool:
        """Whether the study reports a few times only, between which nothing is known."""
        quarters = 4.0 * self.time
        return int((self.time > 0.0).sum()) <= FEW_TIMES or bool((np.abs(quarters - np.round(quarters)) < 1e-6).all())

    def at(self, time: float) -> int:
        """The last point at or before ``time``; -1 before the first."""
        return int(np.searchsorted(self.time, time + 1e-9, side="right")) - 1


def read_curves(
    source: str | Path | Iterable[str | Path], *, unit: str = "years", percent: bool = False, times: Sequence[float] | None = None
) -> tuple[StudyCurve, ...]:
    """Read the curves of ``source`` (a folder of CSV files, one CSV file, or several) at ``times`` in years.

    Without ``times``: the times that the files share where every study reports few of them, else whole years as far as two
    studies reach. Raises :class:`DataError` with every problem of every file, each with file and row.
    """
    factor = years_in(unit)
    files = _files(source)
    problems: list[Problem] = []
    read: list[ReadCurve] = []
    for path in files:
        try:
            read += _read(path, factor, percent)
        except DataError as error:
            problems += error.problems
    names = [c.label for c in read]
    problems += [Problem(f"study {n!r}", "curves", "stands in two files") for n in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        raise DataError(problems=problems)
    if percent and all(float(c.survival.max()) <= 0.01 for c in read if c.survival.size):
        rule = "no survival is above 1, so they look like proportions"
        raise DataError("--percent given", where="curves", rule=rule, cure="Leave --percent out")
    grid = _grid(read, times)
    made = tuple(c for c in (_curve(one, grid) for one in read) if c is not None)
    if not made:
        raise DataError(f"no curve reaches {grid[0]:g} years", where="curves", rule="give earlier times")
    return made


#: How curves are pooled: name, what the trail says of it.
CURVE_MODELS: tuple[str, ...] = ("combescure", "multivariate", "increments")


def pool_curves(
    source: str | Path | Iterable[str | Path],
    *,
    model: str = "combescure",
    times: Iterable[float] | None = None,
    unit: str = "years",
    percent: bool = False,
    level: float = 0.95,
    method: str = "reml",
) -> PooledCurve | SeveralTimes | IncrementCurve:
    """Read curves (:func:`read_curves`) and pool them.

    ``model``: ``combescure`` (distribution-free, cannot rise; the one to report), ``multivariate`` (log(-log S) at all times
    together, ``method`` reml or ml) or ``increments`` (cannot rise, with a prediction band). Raises as the reader and the
    models do.
    """
    check_choice(model, "curve model", CURVE_MODELS)
    wanted = None if times is None else list(times)
    read = read_curves(source, unit=unit, percent=percent, times=wanted)
    named = source if isinstance(source, str | Path) else "files"
    assumed = [c.label for c in read if c.row is not None and NO_CENSORING in c.row.marks]
    words = (f"numbers at risk not printed, taken as n S: {', '.join(assumed)}",) if assumed else ()
    base = Trail(method="", assumptions=words, inputs=(f"curves of {len(read)} studies from {Path(str(named)).name}",))
    if model == "combescure":
        return pooled_curve(read, level=level, base=base)
    if model == "multivariate":
        return pool_several_times(curve_estimates(read), method=method, level=level, base=base)
    return pool_increments(curve_estimates(read), level=level, base=base)


def curve_estimates(curves: Iterable[StudyCurve]) -> tuple[StudyEstimate, ...]:
    """The curves as estimates at several times with Greenwood standard errors: for the models on log(-log S) and on increments.

    ``var log S(t_j) = sum (1 - c) / (c n)`` over the intervals up to t_j. Times at which S is 0 or still 1 have none and are
    left out.
    """
    found = []
    for c in curves:
        before, variance = 1.0, 0.0
        for t, s, n in zip(c.times.tolist(), c.survival.tolist(), c.at_risk.tolist(), strict=True):
            share = s / before if before > 0.0 else 0.0
            if share <= 0.0:
                break
            variance += (1.0 - share) / (share * n)
            before = s
            if s < 1.0:
                found.append(StudyEstimate(label=c.label, estimate=s, se=s * math.sqrt(variance), time=t, group=c.group, row=c.row))
    return tuple(found)


def _files(source: str | Path | Iterable[str | Path]) -> list[Path]:
    if not isinstance(source, str | Path):
        return [Path(p) for p in source]
    path = Path(source)
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix.lower() == ".csv")
        if not found:
            raise DataError(f"{path} holds no CSV file", rule="one file a study is expected", cure="Give a folder of curve files")
        return found
    if not path.exists():
        raise DataError(f"{path} is missing", cure="Check the path")
    return [path]


def _read(path: Path, factor: float, percent: bool) -> list[ReadCurve]:
    """The curves of one file."""
    name, header, rows = read_rows(path)
    columns = [_ALIASES.get(c, c) for c in header]
    problems = [Problem(f"column {c!r}", name, "is not known", f"Known: {', '.join(COLUMNS)}") for c in columns if c not in COLUMNS]
    problems += [Problem(f"column {c!r}", name, "stands twice") for c in sorted({c for c in columns if columns.count(c) > 1})]
    problems += [Problem(f"column {c!r} is missing", name) for c in ("time", "survival") if c not in columns]
    if not {"at_risk", "at_risk_before", "se", "n"} & set(columns):
        problems.append(Problem("no precision", name, "needs one of the columns at_risk, at_risk_before, se, n"))
    if problems:
        raise DataError(problems=problems)
    if not rows:
        raise DataError("no points", where=name, rule="must hold at least one row below the header")
    by_study: dict[str, list[tuple[int, dict[str, float]]]] = {}
    for number, row in rows:
        values: dict[str, float] = {}
        for column, cell in zip(columns, row.values(), strict=True):
            if column == "study":
                continue
            value, problem = parse_number(cell, column, f"{name} row {number}")
            problems += [problem] if problem else []
            values[column] = math.nan if value is None else value / 100.0 if percent and column in ("survival", "se") else value
        label = next((str(c).strip() for k, c in zip(columns, row.values(), strict=True) if k == "study"), "") or path.stem
        by_study.setdefault(label, []).append((number, values))
    for label, points in by_study.items():
        problems += _wrong(name, label, points)
    if problems:
        raise DataError(problems=problems)
    long = max(p["time"] for points in by_study.values() for _, p in points) * factor
    if long > LONGEST:
        raise DataError(f"follow-up of {long:g} years", where=name, rule=f"is above {LONGEST:g}", cure="Months or days? Use --unit")
    return [_arrange(label, name, points, factor) for label, points in by_study.items()]


def _wrong(name: str, label: str, points: list[tuple[int, dict[str, float]]]) -> list[Problem]:
    found: list[Problem] = []
    last_time, last = -math.inf, 1.0
    for number, p in points:
        where = f"{name} row {number}"
        time, s = p["time"], p["survival"]
        if not time >= 0.0:
            found.append(Problem(f"time = {time:g}" if time == time else "time is empty", where, "must be 0 or more"))
        elif time <= last_time:
            found.append(Problem(f"time = {time:g}", where, f"must be above the time before ({last_time:g}) in {label}"))
        if not 0.0 <= s <= 1.0:
            cure = "Use --percent" if 1.0 < s <= 100.0 else ""
            found.append(Problem(f"survival = {s:g}" if s == s else "survival is empty", where, "must lie between 0 and 1", cure))
        elif s > last + 1e-9:
            found.append(Problem(f"survival = {s:g}", where, f"must not rise (it was {last:g})", "Run clean-up on the digitised curve"))
        below = [c for c in ("at_risk", "at_risk_before", "n") if p.get(c, 1.0) < 0.0 or (c == "n" and p.get(c) == 0.0)]
        found += [Problem(f"{column} = {p[column]:g}", where, "must be above 0") for column in below]
        if p.get("se", 0.0) < 0.0:
            found.append(Problem(f"se = {p['se']:g}", where, "must not be below 0"))
        last_time = time if time == time else last_time
        last = s if 0.0 <= s <= 1.0 else last
    return found


def _arrange(label: str, file: str, points: list[tuple[int, dict[str, float]]], factor: float) -> ReadCurve:
    def column(name: str) -> FloatArray:
        return np.array([p.get(name, math.nan) for _, p in points], float)

    n = column("n")
    known = n[np.isfinite(n)]
    time, at_risk = column("time") * factor, column("at_risk")
    start = float(known[0]) if known.size else math.nan
    if not math.isfinite(start) and time[0] == 0.0 and math.isfinite(at_risk[0]):
        start = float(at_risk[0])
    return ReadCurve(label, file, time, np.minimum(column("survival"), 1.0), at_risk, column("at_risk_before"), column("se"), start)


def _grid(read: Sequence[ReadCurve], times: Sequence[float] | None) -> FloatArray:
    if times is not None:
        given = np.unique(np.array(list(times), float))
        if not given.size or not (np.isfinite(given).all() and (given > 0.0).all()):
            raise CallError(f"times = {list(times)}", rule="must be numbers of years above 0")
        return given
    positive = [c.time[c.time > 0.0] for c in read]
    if any(not p.size for p in positive):
        label = next(c.label for c, p in zip(read, positive, strict=True) if not p.size)
        raise DataError(f"{label} has no time above 0", rule="a curve needs at least one")
    if all(c.few for c in read):
        # A time of a single study would end every other one there: only those that two report (all, with one study).
        every = np.concatenate(positive)
        unique, counts = np.unique(every.round(9), return_counts=True)
        shared = np.asarray(unique[counts >= min(2, len(read))], np.float64)
        if shared.size:
            return shared
    ends = sorted((float(p[-1]) for p in positive), reverse=True)
    reach = ends[min(1, len(ends) - 1)]
    whole = np.arange(1.0, math.floor(reach + 1e-9) + 1.0)
    return whole if whole.size else np.array([reach])


def _curve(c: ReadCurve, grid: FloatArray) -> StudyCurve | None:
    """One study on the grid, as far as it reaches."""
    times, survival, at_risk = [], [], []
    before, start, v_before = 1.0, 0.0, 0.0
    assumed = False
    for t in grid.tolist():
        if t > c.time[-1] + 1e-9 or before <= 0.0:
            break
        j = c.at(t)
        if c.few and (j < 0 or abs(float(c.time[j]) - t) > 1e-6):
            continue
        s = float(c.survival[j]) if j >= 0 else 1.0
        share = s / before
        v = (float(c.se[j]) / s) ** 2 if j >= 0 and s > 0.0 and math.isfinite(c.se[j]) else math.nan
        risk, counted = _at_risk(c, start, j, share, v - v_before, before)
        if not risk > 0.0:
            break
        assumed = assumed or not counted
        times.append(t)
        survival.append(s)
        at_risk.append(risk)
        before, start = s, t
        v_before = v if math.isfinite(v) else v_before
    if not times:
        if c.time[-1] < grid[0] - 1e-9 or c.few:
            return None
        raise DataError(f"{c.label}: nothing tells the patients at risk", where=c.file, rule="give n, or at_risk from time 0 on")
    row = RowRef(c.file, 0, c.label, marks=(NO_CENSORING,) if assumed else ())
    return StudyCurve(label=c.label, times=np.array(times), survival=np.array(survival), at_risk=np.array(at_risk), row=row)


def _at_risk(c: ReadCurve, start: float, j: int, share: float, grown: float, before: float) -> tuple[float, bool]:
    """Patients at risk at the beginning of the interval that ends at point ``j``, and whether they were printed or derived."""
    first = c.at(start)
    inside = c.before[first + 1 : j + 1]
    inside = inside[np.isfinite(inside)]
    if inside.size:
        return float(inside[0]), True
    if first >= 0 and c.time[first] >= start - 1e-6 and math.isfinite(c.at_risk[first]):
        return float(c.at_risk[first]), True
    if math.isfinite(grown) and grown > 1e-12 and 0.0 < share < 1.0:
        return (1.0 - share) / (share * grown), True
    printed = np.flatnonzero(np.isfinite(c.at_risk) & (c.time <= start + 1e-9))
    if printed.size:
        # Between printed numbers at risk the losses so far are those of the curve.
        last = int(printed[-1])
        known = float(c.survival[last])
        return float(c.at_risk[last]) * (before / known if known > 0.0 else 0.0), False
    if math.isfinite(c.n):
        return c.n * before, False
    return 0.0, False
