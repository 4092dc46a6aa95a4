"""The rows of named arms as studies of one history: one endpoint, one time, one origin, one class of treatment."""

from __future__ import annotations

from collections.abc import Iterable

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.trail import LeftOut, Trail
from nextarm.evidence import Outcome, Package, preferred_outcomes, shared_patients
from nextarm.synthesis.estimates import StudyEstimate


def studies_of_arms(
    package: Package, arms: Iterable[str], *, endpoint: str, time: float, mixed_treatment: bool = False
) -> tuple[tuple[StudyEstimate, ...], Trail]:
    """Return the preferred row of each arm for ``endpoint`` at ``time`` years, and the start of a trail.

    Arms of different classes of treatment are refused unless ``mixed_treatment``: chemotherapy alone says nothing of a
    backbone with immunotherapy. So are arms that share patients, and rows of different time origins (an origin that
    none states is allowed and recorded).

    Raises :class:`CallError` for an unknown arm or none, :class:`RefusedError` with the reason where they do not fit.

    >>> from nextarm.evidence import load_package
    >>> studies, trail = studies_of_arms(load_package(), ["blin"], endpoint="DFS", time=4)
    >>> studies[0].estimate, trail.assumptions
    (0.833, ('time origin not stated in any row: taken to be the same',))
    """
    names = tuple(dict.fromkeys(arms))
    if not names:
        raise CallError("no arms", rule="name at least one arm")
    rows = [_row(package, name, endpoint, time) for name in names]
    classes = {package.arm(name).treatment_class for name in names}
    if len(classes) > 1 and not mixed_treatment:
        raise RefusedError(
            f"arms of different treatment: {'; '.join(sorted(classes))}",
            rule="one history holds one class of treatment",
            cure="Choose arms that were treated as the new arm will be",
        )
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            if shared := shared_patients(package, first, second):
                raise RefusedError(f"{first} and {second}", rule=shared, cure="Choose one of them")
    origins = {row.time_origin for row in rows}
    if len(origins) > 1:
        listed = ", ".join(f"{row.arm_id}: {row.time_origin}" for row in rows)
        raise RefusedError(
            f"time origins differ ({listed})", rule="one history has one time origin", cure="Choose arms that count from the same"
        )
    assumed = ("time origin not stated in any row: taken to be the same",) if origins == {"not-stated"} else ()
    chosen = {id(row) for row in rows}
    others = [o for o in package.outcomes if o.arm_id in names and o.endpoint == endpoint and id(o) not in chosen]
    base = Trail(
        method="rows of named arms",
        left_out=tuple(LeftOut(package.ref(o), "another time, data lock or a conflict's other row") for o in others),
        sources=tuple(package.source(i) for i in dict.fromkeys(row.source_id for row in rows)),
        assumptions=assumed,
        inputs=(f"package {package.name}: {', '.join(names)}, {endpoint} at {time:g} years",),
    )
    return tuple(_study(package, row) for row in rows), base


def _row(package: Package, arm: str, endpoint: str, time: float) -> Outcome:
    package.arm(arm)
    own = [o for o in package.outcomes if o.arm_id == arm]
    usable = [o for o in preferred_outcomes(package, own).chosen if o.endpoint == endpoint]
    found = [o for o in usable if o.time_years is not None and abs(o.time_years - time) < 1e-9]
    if len(found) != 1:
        times = sorted({o.time_years for o in usable if o.time_years is not None})
        has = f"it reports {endpoint} at {', '.join(f'{t:g}' for t in times)} years" if times else f"it reports no {endpoint}"
        raise RefusedError(f"{arm} has {len(found)} rows of {endpoint} at {time:g} years", rule="exactly one is needed", cure=has)
    return found[0]


def _study(package: Package, row: Outcome) -> StudyEstimate:
    study = package.study_of(row.arm_id)
    return StudyEstimate(
        label=study.name,
        estimate=row.estimate,
        se=row.se,
        ci_low=row.ci_low,
        ci_high=row.ci_high,
        n=row.n,
        events=row.events,
        time=row.time_years,
        year=study.mid_enrolment,
        group=study.cooperative_group,
        row=package.ref(row),
    )
