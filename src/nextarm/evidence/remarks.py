"""What a careful reader would ask about a sound package: remarks, not errors.

Nothing here stops a package from loading. Each remark names a row and says what looks odd in it beside the other rows;
whether it is wrong is for a person with the paper to decide.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from nextarm.core.trail import RowRef
from nextarm.evidence.package import Package
from nextarm.evidence.schema import Arm, Count, Outcome

#: A standard error beyond these multiples of the binomial one (for the n of the row or arm) is remarked on.
SE_LOW, SE_HIGH = 0.85, 1.3
_EVENT_FREE: Final = ("EFS", "DFS", "RFS", "OS")


@dataclass(frozen=True)
class Remark:
    """One thing to look at: the row, the kind of remark, what is odd."""

    row: RowRef
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.row.table}.csv line {self.row.line} ({self.row.key}): {self.text}"


def remarks(package: Package) -> tuple[Remark, ...]:
    """Every remark of :data:`READERS` on the package's own rows.

    >>> from nextarm.evidence import load_package
    >>> {r.kind for r in remarks(load_package())} >= {"survival rises", "source not used"}
    True
    """
    found = (remark for read in READERS for remark in read(package))
    return tuple(r for r in found if not package.extends or r.row.table.startswith(f"{package.name}/"))


def unused_sources(package: Package) -> Iterator[Remark]:
    """Sources that no row names (a note may still speak of them)."""
    used = {getattr(row, "source_id", "") for name, rows in package.tables() if name != "sources" for row in rows}
    for source in package.sources:
        if source.source_id not in used:
            yield Remark(package.ref(source), "source not used", "no row names this source")


def repeated_sources(package: Package) -> Iterator[Remark]:
    """Sources with one DOI, PubMed number or address: one publication under several keys; addresses that are none."""
    for column in ("doi", "pmid", "url"):
        first: dict[str, str] = {}
        for source in package.sources:
            value = getattr(source, column)
            if value and value in first:
                yield Remark(package.ref(source), "source repeated", f"has the {column} of {first[value]}")
            first.setdefault(value, source.source_id)
    for source in package.sources:
        if source.url and not source.url.startswith(("https://", "http://")):
            yield Remark(package.ref(source), "no address", f"its url is no address: {source.url!r}")


def arms_without_facts(package: Package) -> Iterator[Remark]:
    """Arms without outcome, count, comparison or child, and studies without arms."""
    used = {row.arm_id for row in package.outcomes} | {row.arm_id for row in package.counts}
    used |= {arm.parent_arm_id for arm in package.arms}
    used |= {arm for row in package.comparisons for arm in (row.treated_arm_id, row.control_arm_id)}
    for arm in package.arms:
        if arm.arm_id not in used:
            yield Remark(package.ref(arm), "no facts", "no outcome, count or comparison is about this arm")
    with_arms = {arm.study_id for arm in package.arms}
    for study in package.studies:
        if study.study_id not in with_arms:
            yield Remark(package.ref(study), "no facts", "the study has no arm")


def sizes(package: Package) -> Iterator[Remark]:
    """Denominators that do not agree: outcome and arm, arm and study, count and arm."""
    rows: tuple[Outcome | Count, ...] = (*package.outcomes, *package.counts)
    for row in rows:
        size = package.arm(row.arm_id).n
        differs = isinstance(row, Outcome) and row.n != size
        if row.n is not None and size is not None and (differs or row.n > size):
            yield Remark(package.ref(row), "n differs", f"n = {row.n}, the arm has {size}")
    for arm in package.arms:
        total = package.study_of(arm).n_total
        if arm.n is not None and total is not None and arm.n > total:
            yield Remark(package.ref(arm), "n differs", f"n = {arm.n}, the whole study has {total}")


def parents(package: Package) -> Iterator[Remark]:
    """Arms with a wider subtype than their parent, and arms of a subtype that lie beside the arm of that whole subtype."""
    pooled: dict[tuple[str, str], list[Arm]] = defaultdict(list)
    for arm in package.arms:
        if arm.pool_set and arm.subtype != "any":
            pooled[arm.study_id, arm.subtype].append(arm)
    whole = {key: arms[0] for key, arms in pooled.items() if len(arms) == 1}
    for arm in package.arms:
        parent = package.arm(arm.parent_arm_id) if arm.parent_arm_id else None
        if parent is not None and parent.subtype not in ("any", arm.subtype):
            yield Remark(package.ref(arm), "parent", f"subtype {arm.subtype} inside {parent.arm_id} of subtype {parent.subtype}")
        cohort = whole.get((arm.study_id, arm.subtype))
        if cohort is not None and not arm.pool_set and cohort.arm_id not in package.ancestors(arm):
            text = f"is {arm.subtype} of {arm.study_id} but not recorded as part of {cohort.arm_id}"
            yield Remark(package.ref(arm), "parent", text)


def standard_errors(package: Package) -> Iterator[Remark]:
    """Standard errors far from the binomial one: not an SE, a smaller n at risk, or a misprint."""
    for row in package.outcomes:
        n = row.n or package.arm(row.arm_id).n
        if row.se is not None and n and 0.0 < row.estimate < 1.0:
            ratio = row.se / math.sqrt(row.estimate * (1.0 - row.estimate) / n)
            if not SE_LOW <= ratio <= SE_HIGH:
                yield Remark(package.ref(row), "standard error", f"se = {row.se:g} is {ratio:.2f} times the binomial SE for n = {n}")


def order(package: Package) -> Iterator[Remark]:
    """Survival that rises with time, and event-free survival above overall survival, of one arm."""
    by_arm: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for row in package.outcomes:
        if row.endpoint in _EVENT_FREE and row.time_years is not None and row.preferred is not False:
            by_arm[row.arm_id, row.endpoint].append(row)
    for (arm, endpoint), rows in by_arm.items():
        ordered = sorted(rows, key=lambda r: r.time_years or 0.0)
        for a, b in pairwise(ordered):
            if a.time_years != b.time_years and b.estimate > a.estimate:
                text = f"{b.estimate:g} at {b.time_years:g} years lies above {a.estimate:g} at {a.time_years:g} (line {a.line})"
                yield Remark(package.ref(b), "survival rises", text)
        for row in rows if endpoint != "OS" else ():
            for alive in by_arm.get((arm, "OS"), []):
                if alive.time_years == row.time_years and row.estimate > alive.estimate:
                    text = f"{endpoint} {row.estimate:g} lies above OS {alive.estimate:g} at the same time (line {alive.line})"
                    yield Remark(package.ref(row), "event-free above alive", text)


def time_origins(package: Package) -> Iterator[Remark]:
    """Arms of one study whose rows of one endpoint and source start their time differently."""
    groups: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for row in package.outcomes:
        groups[package.arm(row.arm_id).study_id, row.endpoint, row.source_id].append(row)
    for (study, endpoint, source), rows in groups.items():
        origins = list(dict.fromkeys(row.time_origin for row in rows))
        if len(origins) > 1:
            odd = next(row for row in rows if row.time_origin == origins[1])
            text = f"{endpoint} of {study} in {source} starts at {', '.join(origins)}"
            yield Remark(package.ref(odd), "time origin", text)
    for row in package.outcomes:
        if row.time_origin not in ("not-stated", "diagnosis") and row.time_origin_basis == "not-stated":
            yield Remark(package.ref(row), "time origin", f"origin {row.time_origin}, but its basis is not stated")
        if row.time_origin == "transplant" and package.arm(row.arm_id).treatment_class == "chemotherapy":
            yield Remark(package.ref(row), "time origin", "starts at transplant, but the arm had chemotherapy")


def mixtures(package: Package) -> Iterator[Remark]:
    """A whole that is not the mean, weighted by n, of two parts that make it up (by more than 0.02)."""
    for whole in package.outcomes:
        arm = package.arm(whole.arm_id)
        parts = [
            (row, row.n or package.arm(row.arm_id).n or 0)
            for row in package.outcomes
            if package.arm(row.arm_id).parent_arm_id == arm.arm_id and row.preferred is not False
            and (row.endpoint, row.time_years) == (whole.endpoint, whole.time_years)
        ]  # fmt: skip
        n = arm.n
        if whole.preferred is not False and len(parts) == 2 and n and sum(size for _, size in parts) == n:
            mean = sum(row.estimate * size for row, size in parts) / n
            if abs(mean - whole.estimate) > 0.02:
                text = f"{whole.estimate:g}, but its parts average {mean:.3f}"
                yield Remark(package.ref(whole), "parts and whole", text)


def frequencies(package: Package) -> Iterator[Remark]:
    """A printed frequency that is not its count over its denominator (by more than 0.01)."""
    for row in package.genetics:
        if row.events is not None and row.n is not None and row.frequency is not None and abs(row.events / row.n - row.frequency) > 0.01:
            yield Remark(
                package.ref(row), "frequency", f"{row.frequency:g} is printed, {row.events} of {row.n} is {row.events / row.n:.3f}"
            )


#: Every reader, in the order of the remarks.
READERS: Final[tuple[Callable[[Package], Iterator[Remark]], ...]] = (
    unused_sources,
    repeated_sources,
    arms_without_facts,
    sizes,
    parents,
    standard_errors,
    order,
    time_origins,
    mixtures,
    frequencies,
)
