"""The patient table: one row a patient, times in years, every array checked once at the door.

A :class:`Patients` record is what the reconstruction, the simulator and the reader of files hand to every estimator of
this room. Entry 0 means "watched from the origin"; an entry above 0 is delayed entry (left truncation) and the patient
is at risk on ``entry < t <= time``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nextarm.core.errors import CallError, DataError, Problem
from nextarm.core.result import record
from nextarm.core.units import FloatArray, IntArray, years_in

if TYPE_CHECKING:
    import polars as pl

Origin = Literal["observed", "reconstructed", "simulated"]

#: Years beyond which a longest time looks like months.
LONG = 30.0
#: Name of the arm when a table has no arm column.
ONLY_ARM = "all"


@record
class Patients:
    """Patients of one or more arms.

    ``time`` (years from the origin) and ``event`` (0 censored, k the k-th of ``causes``) have one value a patient;
    ``arm`` indexes ``arms``. ``entry`` (years), ``weight`` (above 0), ``stratum`` and ``version`` (integers) are None
    where not given. ``version`` numbers plausible reconstructions; an estimator takes one version at a time.
    ``unit`` is the unit of the file; the numbers here are years. Raises :class:`DataError` listing all that is wrong.

    >>> p = make_patients([1.0, 2.0, 2.5], [1, 0, 1], arm=["new", "new", "old"])
    >>> p.arms, p.for_arm("new").n, p.for_arm("new").events
    (('new', 'old'), 2, 1)
    """

    time: FloatArray
    event: IntArray
    arm: IntArray
    arms: tuple[str, ...]
    causes: tuple[str, ...] = ("event",)
    entry: FloatArray | None = None
    weight: FloatArray | None = None
    stratum: IntArray | None = None
    version: IntArray | None = None
    origin: Origin = "observed"
    time_origin: str = "not-stated"
    unit: str = "years"

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise DataError(problems=problems)

    @property
    def n(self) -> int:
        """Number of patients (rows)."""
        return int(self.time.size)

    @property
    def events(self) -> int:
        """Number of events of any cause."""
        return int(np.count_nonzero(self.event))

    @property
    def versions(self) -> tuple[int, ...]:
        """The version numbers in the table, ascending; empty where there is no version column."""
        return () if self.version is None else tuple(int(v) for v in np.unique(self.version))

    def where(self, keep: Any) -> Patients:
        """The patients at the boolean mask or the indices ``keep``; all names stay. Empty selections are refused."""
        index = np.flatnonzero(keep) if np.asarray(keep).dtype == bool else np.asarray(keep, np.int64)
        if index.size == 0:
            raise CallError("the selection holds no patients", rule="must hold at least one")

        def part(a: Any) -> Any:
            return None if a is None else a[index]

        return Patients(
            time=self.time[index],
            event=self.event[index],
            arm=self.arm[index],
            arms=self.arms,
            causes=self.causes,
            entry=part(self.entry),
            weight=part(self.weight),
            stratum=part(self.stratum),
            version=part(self.version),
            origin=self.origin,
            time_origin=self.time_origin,
            unit=self.unit,
        )

    def arm_index(self, name: str) -> int:
        """The index of the arm ``name``; :class:`CallError` lists the arms there are."""
        if name not in self.arms:
            raise CallError(f"arm = {name!r}", rule=f"must be one of {', '.join(map(repr, self.arms))}")
        return self.arms.index(name)

    def for_arm(self, name: str) -> Patients:
        """The patients of one arm, as a table with that arm only."""
        chosen = self.where(self.arm == self.arm_index(name))
        return replaced(chosen, arm=np.zeros(chosen.n, np.int64), arms=(name,))

    def for_version(self, version: int) -> Patients:
        """One version, as a table without a version column."""
        if self.version is None or version not in self.versions:
            have = ", ".join(map(str, self.versions)) or "none (the table has no version column)"
            raise CallError(f"version = {version}", rule=f"must be one of: {have}")
        return replaced(self.where(self.version == version), version=None)

    def to_frame(self, unit: str = "years") -> pl.DataFrame:
        """The table as a polars frame with the columns of the patients CSV, times in ``unit``."""
        import polars as pl

        scale = years_in(unit)
        columns: dict[str, Any] = {
            "time": self.time / scale,
            "event": (self.event > 0).astype(np.int64),
            "arm": [self.arms[a] for a in self.arm],
        }
        if self.causes != ("event",):
            columns["cause"] = [self.causes[e - 1] if e else None for e in self.event]
        if self.entry is not None:
            columns["entry"] = self.entry / scale
        columns |= {k: v for k in ("weight", "stratum", "version") if (v := getattr(self, k)) is not None}
        if self.origin != "observed":
            columns["origin"] = [self.origin] * self.n
        return pl.DataFrame(columns)


def long_times(patients: Patients) -> tuple[str, ...]:
    """Ask whether times that were read as years are months: no trial or registry watches much longer than :data:`LONG` years."""
    longest = float(patients.time.max())
    if patients.unit != "years" or longest <= LONG:
        return ()
    return (f"times are read as years, and the longest is {longest:.4g}: if the file is in months, give the unit (months)",)


def replaced(patients: Patients, **changes: Any) -> Patients:
    """A copy of ``patients`` with some fields changed, checked again."""
    from dataclasses import fields

    return Patients(**({f.name: getattr(patients, f.name) for f in fields(patients)} | changes))


def one_version(patients: Patients) -> Patients:
    """Return ``patients`` if it holds at most one version; several stacked versions would count patients twice."""
    if patients.version is not None and len(versions := patients.versions) > 1:
        raise CallError(f"the table holds {len(versions)} versions", rule="an estimator takes one version", cure="Choose one: --version K")
    return patients


def make_patients(
    time: Sequence[float] | FloatArray,
    event: Sequence[int] | IntArray,
    *,
    arm: Sequence[Any] | np.ndarray[Any, Any] | None = None,
    arms: tuple[str, ...] | None = None,
    causes: tuple[str, ...] = ("event",),
    entry: Sequence[float] | FloatArray | None = None,
    weight: Sequence[float] | FloatArray | None = None,
    stratum: Sequence[int] | IntArray | None = None,
    version: Sequence[int] | IntArray | None = None,
    unit: str = "years",
    origin: Origin = "observed",
    time_origin: str = "not-stated",
) -> Patients:
    """Make a table from plain sequences; times in ``unit``.

    ``arm`` holds names (any values; ``arms`` fixes their order, otherwise the order in which they first appear) and is
    one arm called "all" when left out. Raises :class:`DataError` for values that cannot be.
    """
    scale = years_in(unit)
    times = np.asarray(time, float) * scale
    if arm is None:
        names, codes = (arms or (ONLY_ARM,))[:1], np.zeros(times.size, np.int64)
    else:
        labels = [str(a) for a in np.asarray(arm).tolist()]
        names = arms or tuple(dict.fromkeys(labels))
        if unknown := sorted(set(labels) - set(names)):
            raise CallError(f"arm = {unknown[0]!r}", rule=f"must be one of {', '.join(map(repr, names))}")
        place = {name: i for i, name in enumerate(names)}
        codes = np.array([place[a] for a in labels], np.int64)
    return Patients(
        time=times,
        event=_whole(event, "event"),
        arm=codes,
        arms=names or (ONLY_ARM,),
        causes=causes,
        entry=None if entry is None else np.asarray(entry, float) * scale,
        weight=None if weight is None else np.asarray(weight, float),
        stratum=None if stratum is None else _whole(stratum, "stratum"),
        version=None if version is None else _whole(version, "version"),
        origin=origin,
        time_origin=time_origin,
        unit=unit,
    )


def _whole(values: Any, name: str) -> IntArray:
    array = np.asarray(values)
    if array.dtype.kind in "iub":
        return array.astype(np.int64)
    numbers = array.astype(float)
    bad = np.flatnonzero(~(np.isfinite(numbers) & (numbers == np.floor(numbers))))
    if bad.size:
        raise DataError(f"{name} = {array[bad[0]]}", where=f"patient {bad[0] + 1}", rule="must be a whole number")
    return numbers.astype(np.int64)


def _problems(p: Patients) -> list[Problem]:
    """Everything that is wrong with a table; patients are counted from 1."""
    n = p.time.size
    if n == 0:
        return [Problem("the table holds no patients", rule="must hold at least one")]
    columns = {"event": p.event, "arm": p.arm, "entry": p.entry, "weight": p.weight, "stratum": p.stratum, "version": p.version}
    if p.time.ndim != 1:
        return [Problem("time is not a single column")]
    if wrong_size := [k for k, v in columns.items() if v is not None and v.shape != (n,)]:
        return [Problem(f"{k} has another length", rule=f"must have one value for each of {n} patients") for k in wrong_size]
    checks: list[tuple[str, Any, Any, str]] = [
        ("time", p.time, ~((p.time >= 0.0) & (p.time < np.inf)), "must be a number, 0 or above"),
        ("event", p.event, (p.event < 0) | (p.event > len(p.causes)), f"must be 0 (censored) or 1 to {len(p.causes)}"),
        ("arm", p.arm, (p.arm < 0) | (p.arm >= len(p.arms)), f"must index one of {len(p.arms)} arms"),
    ]
    if p.weight is not None:
        checks.append(("weight", p.weight, ~((p.weight > 0.0) & (p.weight < np.inf)), "must be a number above 0"))
    if p.entry is not None:
        late = ~((p.entry == 0.0) | ((p.entry > 0.0) & (p.entry < p.time)))
        checks.append(("entry", p.entry, late, "must be 0 or above and before the patient's time"))
    return [
        Problem(f"{name} = {values[np.flatnonzero(bad)[0]]:g}", f"patient {np.flatnonzero(bad)[0] + 1}", rule)
        for name, values, bad, rule in checks
        if bad.any()
    ]


def read_patients(
    source: Any,
    unit: str = "years",
    *,
    origin: Origin | None = None,
    time_origin: str = "not-stated",
    arms: tuple[str, ...] | None = None,
) -> Patients:
    """Read patients from a CSV file or from any frame narwhals knows (pandas, polars, pyarrow).

    Columns: ``time``, ``event`` (1 event, 0 censored) and, where there are any, ``arm``, ``cause`` (a name for every
    event), ``entry``, ``weight``, ``stratum``, ``version``, ``origin``
    (observed, reconstructed or simulated: one
    value a file; an ``origin`` given here goes before it). Times in ``unit`` (years, months, weeks, days). Arms and
    causes keep the order in which they first appear unless ``arms`` says otherwise. Raises :class:`DataError` naming
    row and column of each problem (the first ten).
    """
    from nextarm.survival.reader import columns_of

    scale = years_in(unit)
    where = str(source) if isinstance(source, str | Path) else ""
    columns = columns_of(source, arms)
    try:
        return Patients(
            time=columns.time * scale,
            event=columns.event,
            arm=columns.arm,
            arms=columns.arms,
            causes=columns.causes,
            entry=None if columns.entry is None else columns.entry * scale,
            weight=columns.weight,
            stratum=columns.stratum,
            version=columns.version,
            origin=origin or columns.origin or "observed",
            time_origin=time_origin,
            unit=unit,
        )
    except DataError as error:
        raise DataError(problems=[Problem(p.what, where or p.where, p.rule, p.cure) for p in error.problems]) from None
