"""Covariates of patients beside their times, and a published baseline table to match them to.

A patients file may carry further columns; those named are read here as numbers, one a patient. A baseline table has one row a
covariate: ``covariate, mean`` (the proportion for a 0/1 covariate), and where printed ``sd`` and ``n``. Every slip in it is
listed at once; nothing is imputed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nextarm.core.errors import CallError, DataError, Problem, unreadable
from nextarm.core.result import record
from nextarm.core.units import FloatArray

#: Columns of a patients file that are not covariates.
RESERVED = frozenset({"time", "event", "arm", "cause", "entry", "weight", "stratum", "version", "origin"})
_EMPTY = frozenset({"", "na", "nan", "n/a", "null", "none", "."})


@record
class Covariates:
    """Numbers of each patient: ``values`` (n, p) with one column a name of ``names``."""

    names: tuple[str, ...]
    values: FloatArray

    @property
    def n(self) -> int:
        """Number of patients."""
        return int(self.values.shape[0])

    def column(self, name: str) -> FloatArray:
        """The values (n,) of one covariate; :class:`CallError` lists those there are."""
        if name not in self.names:
            raise CallError(f"covariate {name!r}", rule=f"must be one of {', '.join(self.names) or '(none)'}")
        column: FloatArray = self.values[:, self.names.index(name)]
        return column

    def where(self, keep: Any) -> Covariates:
        """The patients at the boolean mask or indices ``keep``."""
        return Covariates(names=self.names, values=self.values[keep])

    def binary(self, name: str) -> bool:
        """Whether a covariate holds 0 and 1 only."""
        return bool(np.isin(self.column(name), (0.0, 1.0)).all())


@record
class Baseline:
    """One row of a published baseline table. ``sd`` is None for a proportion or where it was not printed."""

    covariate: str
    mean: float
    sd: float | None = None
    n: int | None = None


def make_covariates(columns: Mapping[str, Any]) -> Covariates:
    """Check and stack columns of numbers; :class:`DataError` names each value that is none.

    >>> make_covariates({"age": [1.0, 2.0], "cns": [0, 1]}).values.tolist()
    [[1.0, 0.0], [2.0, 1.0]]
    """
    if not columns:
        raise CallError("no covariates", rule="at least one is needed", cure="Name columns of the patients file")
    problems: list[Problem] = []
    made = []
    for name, values in columns.items():
        numbers = [_number(v) for v in (values.tolist() if isinstance(values, np.ndarray) else list(values))]
        empty = [i for i, v in enumerate(numbers) if v is None]
        text = [i for i, v in enumerate(numbers) if v is not None and not np.isfinite(v)]
        if empty:
            cure = "Leave these patients out or impute first: nothing is filled in here"
            problems.append(Problem(f"{name} is missing", f"patient {_some(empty)}", "every patient needs a value", cure))
        if text:
            rule, cure = "must be numbers", "Code a category as 0/1 columns"
            problems.append(Problem(f"{name} is not a number", f"patient {_some(text)}", rule, cure))
        made.append([np.nan if v is None else v for v in numbers])
    if problems:
        raise DataError(problems=problems)
    if len({len(v) for v in made}) > 1:
        raise DataError("covariates differ in length", rule="must have one value a patient")
    return Covariates(names=tuple(columns), values=np.array(made, float).T)


def read_covariates(source: Any, names: Iterable[str] | None = None) -> Covariates:
    """Read covariates from a CSV file or any frame: those named, else every column that the patients table does not know.

    Names are compared without regard to case, as the columns of the patients table are.
    """
    columns = columns_of(source)
    where = Path(source).name if isinstance(source, str | Path) else "the table"
    own = [c for c in columns if c.lower() not in RESERVED]
    by_lower = {c.lower(): c for c in own}
    wanted = tuple(names) if names is not None else tuple(own)
    if reserved := [c for c in wanted if c.lower() in RESERVED]:
        raise CallError(f"covariate {reserved[0]!r}", rule="is a column of the patients table, not a covariate")
    if repeated := sorted({c for c in wanted if wanted.count(c) > 1}):
        raise CallError(f"covariate {repeated[0]!r}", rule="is named twice")
    if unknown := [c for c in wanted if c.lower() not in by_lower]:
        have = f"it has {', '.join(own)}" if own else "it has no covariate columns"
        raise DataError(
            problems=[Problem(f"covariate {c!r} is missing", where, f"must be a column of the patients file; {have}") for c in unknown]
        )
    try:
        return make_covariates({c: columns[by_lower[c.lower()]] for c in wanted})
    except DataError as error:
        raise DataError(problems=[Problem(p.what, f"{where} {p.where}".strip(), p.rule, p.cure) for p in error.problems]) from None


def read_baseline(source: Any) -> tuple[Baseline, ...]:
    """Read a baseline table from a CSV file or any frame: ``covariate``, ``mean`` (or ``proportion``), ``sd``, ``n``."""
    where = Path(source).name if isinstance(source, str | Path) else "baseline table"
    columns = {c.strip().lower(): v for c, v in columns_of(source).items()}
    if "mean" not in columns and "proportion" in columns:
        columns["mean"] = columns.pop("proportion")
    elif "proportion" in columns:
        given = zip(columns["mean"], columns.pop("proportion"), strict=True)
        columns["mean"] = [p if _number(m) is None else m for m, p in given]
    if missing := [c for c in ("covariate", "mean") if c not in columns]:
        rule = "the columns covariate and mean (or proportion) are needed, sd and n where printed"
        raise DataError(
            problems=[Problem(f"column {c!r} is missing", where, f"{rule}; found {', '.join(columns) or 'nothing'}") for c in missing]
        )
    problems: list[Problem] = []
    rows: list[Baseline] = []
    for i, name in enumerate(columns["covariate"]):
        place, label = f"{where} row {i + 2}", str(name).strip()
        values = {c: _number(columns[c][i]) if c in columns else None for c in ("mean", "sd", "n")}
        if not label:
            problems.append(Problem("covariate is empty", place, "must name a column of the patients file"))
        if label in {r.covariate for r in rows}:
            problems.append(Problem(f"covariate {label!r} appears twice", place, "must have one row"))
        if (mean := values["mean"]) is None or not np.isfinite(mean):
            problems.append(
                Problem(f"mean of {label!r} is not a number", place, "must be a number", "Leave the row out if it was not printed")
            )
            continue
        if (sd := values["sd"]) is not None and not (np.isfinite(sd) and sd > 0.0):
            cure = "A standard deviation of 0 cannot be matched: leave it empty where it was not printed"
            problems.append(Problem(f"sd of {label!r} = {columns['sd'][i]}", place, "must be a number above 0", cure))
        if (n := values["n"]) is not None and not (n >= 1 and n == int(n)):
            problems.append(Problem(f"n of {label!r} = {columns['n'][i]}", place, "must be a whole number, at least 1"))
        rows.append(Baseline(covariate=label, mean=mean, sd=sd, n=None if n is None or not np.isfinite(n) else int(n)))
    if problems:
        raise DataError(problems=problems)
    if not rows:
        raise DataError("the baseline table holds no rows", where=where, rule="must hold at least one covariate")
    return tuple(rows)


def check_baseline(rows: tuple[Baseline, ...], patients: Covariates) -> None:
    """Hold a baseline table against the patients: proportions in 0 to 1, means inside what was observed.

    Raises :class:`DataError` with every problem: a percentage given for a 0/1 covariate, a mean that no weighting reaches.
    """
    problems = []
    for r in rows:
        x = patients.column(r.covariate)
        if patients.binary(r.covariate) and not 0.0 <= r.mean <= 1.0:
            cure = f"Write {r.mean / 100.0:g} for {r.mean:g} %" if 1.0 < r.mean <= 100.0 else ""
            problems.append(Problem(f"proportion of {r.covariate!r} = {r.mean:g}", "the baseline table", "must lie between 0 and 1", cure))
        elif not x.min() <= r.mean <= x.max():
            percent = 0.0 < r.mean < 1.0 and x.max() > 1.0 and np.isin(x, (0.0, 100.0)).all()
            rule = f"lies outside the patients' {x.min():g} to {x.max():g}: no weights reach it"
            cure = "Code the patients' column 0/1" if percent else "Are both in the same unit? Else the populations do not overlap"
            problems.append(Problem(f"mean of {r.covariate!r} = {r.mean:g}", "the baseline table", rule, cure))
    if problems:
        raise DataError(problems=problems)


def columns_of(source: Any) -> dict[str, list[Any]]:
    """The columns of a CSV file or frame as lists."""
    if isinstance(source, str | Path):
        import csv

        path = Path(source)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise DataError(f"{path} is missing", cure="Check the path") from None
        except (OSError, UnicodeDecodeError) as error:
            raise unreadable(path, error) from None
        if not text.strip() or "\0" in text:
            raise DataError(f"{path.name} is empty or no CSV file", rule="must hold a header and at least one row")
        rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
        header = [h.strip() for h in rows[0]]
        lower = [h.lower() for h in header]
        if repeated := sorted({h for h in lower if lower.count(h) > 1}):
            raise DataError(f"column {repeated[0]!r} appears twice", where=f"{path.name} row 1", rule="column names must differ")
        if short := [i for i, row in enumerate(rows[1:], start=2) if len(row) != len(header)]:
            raise DataError(
                f"{len(rows[short[0] - 1])} values", where=f"{path.name} row {short[0]}", rule=f"must have {len(header)} like the header"
            )
        return {h: [row[j].strip() for row in rows[1:]] for j, h in enumerate(header)}
    if isinstance(source, Mapping):
        return {str(k): list(v) for k, v in source.items()}
    import narwhals as nw

    try:
        frame = nw.from_native(source, eager_only=True)
    except TypeError:
        raise DataError(f"{type(source).__name__} given", rule="must be the path of a CSV file or a data frame") from None
    return {str(c): frame[c].to_list() for c in frame.columns}


def _number(value: Any) -> float | None:
    """A number; None where empty; NaN where it is text."""
    if value is None or (isinstance(value, str) and value.strip().lower() in _EMPTY) or value != value:
        return None
    try:
        made = float(value)
    except (TypeError, ValueError):
        return float("nan")
    return made


def _some(indices: list[int]) -> str:
    shown = ", ".join(str(i + 1) for i in indices[:5])
    return f"{shown} and {len(indices) - 5} more" if len(indices) > 5 else shown
