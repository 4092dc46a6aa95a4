"""Run the validation cases on this machine and say what reproduced what.

``nextarm verify`` calls :func:`verify`; each case is computed anew with the installed program and compared with its
expected value. A case that raises has failed: the message is kept. Nothing is skipped in silence: slow cases that were
not asked for are counted as not run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail, environment
from nextarm.validation.case import KINDS, OUTSIDE, Case

if TYPE_CHECKING:
    import polars as pl


@record
class Check:
    """One number of a case: what came out, what was expected, how far apart they may be."""

    name: str
    got: float | None
    expected: float
    allowed: float
    passed: bool


@record
class Outcome:
    """What a case gave on this machine."""

    id: str
    title: str
    room: str
    kind: str
    source: str
    inputs: str
    reference: str
    passed: bool
    checks: tuple[Check, ...]
    seconds: float
    error: str | None = None

    def worst(self) -> float | None:
        """The largest difference as a share of what is allowed; above 1 the case has failed."""
        shares = [abs(c.got - c.expected) / c.allowed for c in self.checks if c.got is not None and c.allowed > 0]
        return max(shares) if shares else None


@record
class Verification(Result):
    """All outcomes, with the environment they were made in."""

    outcomes: tuple[Outcome, ...]
    not_run: tuple[str, ...]
    environment: dict[str, str]

    @property
    def passed(self) -> bool:
        """True when every case that was run reproduced its expected value."""
        return all(outcome.passed for outcome in self.outcomes)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Cases passed and run, by kind of expected value; kinds without a case are left out."""
        by_kind = {kind: [o for o in self.outcomes if o.kind == kind] for kind in KINDS}
        return {kind: (sum(o.passed for o in found), len(found)) for kind, found in by_kind.items() if found}

    def outside(self) -> int:
        """How many of the cases run have an expected value that was not made by this project."""
        return sum(o.kind in OUTSIDE for o in self.outcomes)

    def table(self) -> pl.DataFrame:
        """One row a case."""
        import polars as pl

        columns = ("id", "room", "kind", "passed", "source", "title", "seconds")
        rows = [{c: getattr(o, c) for c in columns} | {"numbers": len(o.checks), "worst": o.worst()} for o in self.outcomes]
        return pl.DataFrame(rows, infer_schema_length=None)


def run_case(case: Case) -> Outcome:
    """Compute one case and compare every expected number; an exception is an outcome, not a crash."""
    start, error = time.perf_counter(), None
    got: dict[str, float] = {}
    try:
        got = {name: float(value) for name, value in case.compute().items()}
    except Exception as problem:  # whatever a case raises is its outcome
        error = f"{type(problem).__name__}: {problem}"
    checks = []
    for name, want in case.expected.items():
        value, allowed = got.get(name), case.allowed(name)
        ok = value is not None and math.isfinite(value) and abs(value - want) <= allowed
        shown = value if value is not None and math.isfinite(value) else None
        checks.append(Check(name=name, got=shown, expected=float(want), allowed=float(allowed), passed=ok))
    return Outcome(
        id=case.id,
        title=case.title,
        room=case.room,
        kind=case.kind,
        source=case.source,
        inputs=case.inputs,
        reference=case.reference,
        passed=error is None and bool(checks) and all(c.passed for c in checks),
        checks=tuple(checks),
        seconds=round(time.perf_counter() - start, 4),
        error=error,
    )


def _in_processes(ids: Sequence[str], workers: int) -> Iterator[Outcome]:
    """The outcomes of the bundled cases ``ids``, in their order, from processes that end with this one."""
    import signal
    from multiprocessing import get_context

    with get_context("spawn").Pool(workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        yield from pool.imap(_run_named, ids)


def _run_named(id: str) -> Outcome:
    from nextarm.validation.cases import all_cases

    return run_case(next(case for case in all_cases() if case.id == id))


def verify(
    cases: Sequence[Case] | None = None,
    *,
    slow: bool = False,
    room: str | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Run ``cases`` (default: all of them) and return every outcome, in the order of the cases.

    ``slow`` adds the cases that take long; ``room`` keeps the cases of one room; ``workers`` processes share the bundled cases;
    ``progress(done, total)`` is called after each case. Raises :class:`CallError` for a room without cases, for less than one
    worker, and for ``cases`` of one's own with more than one.
    """
    if workers < 1 or (workers > 1 and cases is not None):
        raise CallError(f"workers = {workers}", rule="must be at least 1, and 1 for cases of one's own")
    if cases is None:
        from nextarm.validation.cases import all_cases

        cases = all_cases()
    if room is not None:
        rooms = sorted({case.room for case in cases})
        if room not in rooms:
            raise CallError(f"room = {room!r}", rule=f"must be one of {', '.join(rooms)}")
        cases = [case for case in cases if case.room == room]
    chosen = [case for case in cases if slow or not case.slow]
    outcomes = []
    for done, outcome in enumerate(map(run_case, chosen) if workers == 1 else _in_processes([case.id for case in chosen], workers), 1):
        outcomes.append(outcome)
        if progress:
            progress(done, len(chosen))
    left = tuple(case.id for case in cases if case not in chosen)
    failed = [o.id for o in outcomes if not o.passed]
    return Verification(
        trail=Trail(method="Each case computed anew with the installed program and compared with its expected value"),
        warnings=(f"{len(failed)} cases failed: {', '.join(failed)}",) if failed else (),
        outcomes=tuple(outcomes),
        not_run=left,
        environment=environment(),
    )
