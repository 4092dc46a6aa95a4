"""The public verbs: the one door for notebooks, the command line and the web page.

Each verb takes plain values, paths, frames or earlier results and returns a record with its trail. The names are the
same in Python (``nextarm.pool``), on the command line (``nextarm pool``) and in the web page's addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextarm.designs.design import DesignResult
    from nextarm.designs.plan import Plan
    from nextarm.evidence import Classification, NewStudy, Package, Selection
    from nextarm.evidence.checks import PackageCheck
    from nextarm.simulation import OperatingCharacteristics
    from nextarm.validation.verify import Verification

Progress = Callable[[int, int], None]
Choice = str | Iterable[str] | None

__all__ = [
    "check_evidence",
    "classify",
    "design",
    "evidence",
    "new_study",
    "simulate",
    "verify",
]


def evidence(
    package: str | Path | Package = "infant-all",
    *,
    table: str = "outcomes",
    endpoint: Choice = None,
    subtype: Choice = None,
    era: str | tuple[float | None, float | None] | None = None,
    treatment_class: Choice = None,
    agent: Choice = None,
    protocol: Choice = None,
    setting: Choice = None,
    pool_set: Choice = None,
    arm: Choice = None,
) -> Selection:
    """Choose rows of published evidence; filters are joined by "and", each takes one value or several.

    ``table`` is ``outcomes`` or ``counts``; ``protocol`` a study's id or name. Raises :class:`CallError` for a value that
    no row has and when nothing fits, :class:`DataError` with all problems of a broken package.

    >>> rows = evidence(endpoint="EFS", pool_set="frontline-kmt2a-g")
    >>> len(rows.cells)
    6
    """
    from nextarm.evidence import select

    return select(
        _package(package),
        table=table,  # type: ignore[arg-type]  # checked there, with the message a user needs
        endpoint=endpoint,
        subtype=subtype,
        era=era,
        treatment_class=treatment_class,
        agent=agent,
        study=protocol,
        setting=setting,
        pool_set=pool_set,
        arm=arm,
    )


def _package(package: str | Path | Package) -> Package:
    from nextarm.evidence import load_package

    return load_package(package) if isinstance(package, str | Path) else package


def classify(patients: Any, *, protocol: str, package: str | Path | Package = "infant-all") -> Classification:
    """Put patients (CSV path or any frame) into the risk groups of ``protocol``, with the reason and what is missing."""
    from nextarm.evidence import classify as run

    return run(patients, protocol=protocol, package=_package(package))


def new_study(folder: str | Path) -> NewStudy:
    """Make a study folder with empty tables, an example plan and a README; an existing folder is refused."""
    from nextarm.evidence import new_study as run

    return run(folder)


def check_evidence(package: str | Path = "infant-all") -> PackageCheck:
    """Check a package and say what it holds; :class:`DataError` with every problem, each with file, line and column.

    >>> check_evidence("infant-all").rows["arms"]
    168
    """
    from nextarm.evidence.loading import check_evidence as run

    return run(package)


def design(plan: str | Path | Plan) -> DesignResult:
    """What the design of a plan can do: power, patients, events, duration, or what its ``[solve]`` asks for."""
    made = _plan(plan)
    result: DesignResult = made.design.evaluate(made)
    return result


def _plan(plan: str | Path | Plan) -> Plan:
    from nextarm.designs.plan import load_plan

    return load_plan(plan) if isinstance(plan, str | Path) else plan


def simulate(
    plan: str | Path | Plan, *, trials: int = 10_000, seed: int = 0, workers: int = 1, progress: Progress | None = None
) -> OperatingCharacteristics:
    """Simulate virtual trials of a plan under its own truth and every scenario; counts with Monte-Carlo errors."""
    from nextarm.simulation import simulate as run

    return run(_plan(plan), trials=trials, seed=seed, workers=workers, progress=progress)


def verify(*, slow: bool = False, room: str | None = None, progress: Progress | None = None) -> Verification:
    """Run the validation cases on this machine; ``slow`` adds those that take long."""
    from nextarm.validation.verify import verify as run

    return run(slow=slow, room=room, progress=progress)
