"""Arms of evidence rows compared, guarded: one endpoint, one time, one time origin, one data lock.

Two rows are of one analysis when they carry the same ``source_id`` and ``data_lock``: their authors set them side by side,
so they may be compared even where the origin of time was not printed, and the trail says so. Rows of different sources
need a stated and equal origin; otherwise the comparison is refused with the way to align it, unless the user says that
the origin may be assumed, which is recorded and shown. Different data locks of one study are never mixed.
"""

from __future__ import annotations

from dataclasses import dataclass

from nextarm.borrowing.landmark import LandmarkComparison, compare_landmarks
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.trail import LeftOut, Trail
from nextarm.evidence import Outcome, Package, preferred_outcomes, shared_patients
from nextarm.synthesis.estimates import StudyEstimate

UNSTATED = "not-stated"
#: Endpoints that are a probability of still being free of the event, which alone have S(t).
SURVIVAL_ENDPOINTS: tuple[str, ...] = ("EFS", "OS", "DFS", "RFS", "PFS")


@dataclass(frozen=True)
class Pairing:
    """A treated and a control row that may be compared, with what had to be assumed and what a reader must be warned of."""

    treated: Outcome
    control: Outcome
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def compare_arms(
    package: Package,
    *,
    treated: str = "blin",
    control: str = "interfant-06-histctrl",
    endpoint: str = "DFS",
    time: float = 4.0,
    data_lock: str | None = None,
    assume_origin: bool = False,
    level: float = 0.95,
) -> LandmarkComparison:
    """Compare the published S(t) of two arms of an evidence package.

    ``time`` in years must be reported by both arms for ``endpoint``. ``data_lock`` chooses an analysis where the arms
    share several. ``assume_origin`` allows rows of different sources of which one
    does not state its origin of time; two that state different ones are refused whatever is assumed.

    Raises :class:`CallError` for an unknown arm or endpoint, :class:`RefusedError` where the rows may not be compared.

    >>> from nextarm.evidence import load_package
    >>> found = compare_arms(load_package())
    >>> round(found.difference, 3), found.trail.assumptions[0]
    (0.393, 'time origin not stated: both rows come from one analysis (britt2026, long-term report (2026)) and are taken to share it')
    """
    one, two = package.arm(treated), package.arm(control)
    if endpoint not in SURVIVAL_ENDPOINTS:
        known = {row.endpoint for row in package.outcomes}
        if endpoint in known:
            raise RefusedError(
                f"endpoint = {endpoint!r}",
                rule=f"is an incidence, not a survival; only {', '.join(SURVIVAL_ENDPOINTS)} have S(t)",
                cure="Compare the endpoint free of all events, or show the incidences side by side",
            )
        raise CallError(f"endpoint = {endpoint!r}", rule=f"must be one of {', '.join(SURVIVAL_ENDPOINTS)}")
    if shared := shared_patients(package, treated, control, documented_only=True):
        raise RefusedError(f"{treated} and {control} cannot be compared", rule=shared, cure="Choose arms without shared patients")
    rows, left_out = _rows(package, (treated, control), endpoint, time)
    pairing = _pair(package, rows[treated], rows[control], data_lock=data_lock, assume_origin=assume_origin)
    unused = [row for arm in (treated, control) for row in rows[arm] if row not in (pairing.treated, pairing.control)]
    left_out += [LeftOut(package.ref(row), "another data lock or source was chosen") for row in unused]
    ids = dict.fromkeys((pairing.treated.source_id, pairing.control.source_id))
    base = Trail(
        method="",
        left_out=tuple(left_out),
        sources=tuple(package.source(i) for i in ids),
        inputs=(f"package {package.name}: {treated} against {control}, {endpoint} at {time:g} years",),
    )
    return compare_landmarks(
        _study(package, pairing.treated, one.label),
        _study(package, pairing.control, two.label),
        endpoint=endpoint,
        level=level,
        assumptions=pairing.assumptions,
        warnings=pairing.warnings,
        base=base,
    )


def comparable_landmarks(package: Package, *, treated: str, control: str) -> tuple[tuple[str, float, str], ...]:
    """The (endpoint, time, data lock) for which both arms have a row of one analysis, by endpoint and time.

    >>> from nextarm.evidence import load_package
    >>> [(e, t) for e, t, _ in comparable_landmarks(load_package(), treated="blin", control="interfant-06-histctrl")]
    [('DFS', 2.0), ('DFS', 4.0), ('OS', 2.0), ('OS', 4.0)]
    """
    package.arm(treated), package.arm(control)
    usable = [
        row
        for row in preferred_outcomes(package).chosen
        if row.endpoint in SURVIVAL_ENDPOINTS and row.time_years is not None and row.arm_id in (treated, control)
    ]
    first, second = (
        {(r.endpoint, r.time_years or 0.0, r.data_lock, r.source_id) for r in usable if r.arm_id == arm} for arm in (treated, control)
    )
    return tuple(sorted({(e, t, lock) for e, t, lock, _ in first & second}))


def pair_rows(treated: Outcome, control: Outcome, *, assume_origin: bool = False) -> Pairing:
    """Say whether two rows may be compared; :class:`RefusedError` with the reason and the cure where they may not."""
    if treated.endpoint != control.endpoint:
        raise RefusedError(
            f"{treated.endpoint} of {treated.arm_id} against {control.endpoint} of {control.arm_id}",
            rule="different endpoints count different events from different origins",
            cure="Choose one endpoint that both arms report",
        )
    if treated.time_years != control.time_years:
        raise RefusedError(
            f"{treated.arm_id} at {_years(treated)} against {control.arm_id} at {_years(control)}",
            rule="only estimates at one time can be compared",
            cure="Choose a time that both arms report",
        )
    one_source = treated.source_id == control.source_id
    if one_source and treated.data_lock != control.data_lock:
        raise RefusedError(
            f"{treated.arm_id} from {treated.data_lock or 'an unnamed data lock'} against {control.arm_id} from "
            f"{control.data_lock or 'an unnamed data lock'}",
            rule="different data locks of one source are kept apart",
            cure="Choose rows of one data lock",
        )
    origins = treated.time_origin, control.time_origin
    if UNSTATED not in origins and origins[0] == origins[1]:
        return Pairing(treated, control)
    if one_source and origins == (UNSTATED, UNSTATED):
        analysis = ", ".join(filter(None, (treated.source_id, treated.data_lock)))
        told = f"time origin not stated: both rows come from one analysis ({analysis}) and are taken to share it"
        return Pairing(treated, control, (told,), ("the source does not say where time starts",))
    said = f"{treated.arm_id} counts time from {_origin(origins[0])}, {control.arm_id} from {_origin(origins[1])}"
    if assume_origin and UNSTATED in origins:
        return Pairing(treated, control, (f"{said}: assumed equal on the user's word",), (f"{said}; they were assumed equal",))
    stated = next((o for o in origins if o != UNSTATED), "one event")
    raise RefusedError(
        said,
        rule="rows of different or unstated time origin are not compared unless they come from one analysis of one source",
        cure=(
            f"Align them: find both arms' {treated.endpoint} from {stated} (patients who had the event before a later origin "
            "are missing there)" + (", or take unstated origins to be the same (--assume-origin)" if UNSTATED in origins else "")
        ),
    )


def _rows(package: Package, arms: tuple[str, str], endpoint: str, time: float) -> tuple[dict[str, list[Outcome]], list[LeftOut]]:
    """The preferred rows of each arm for the endpoint at the time, and those a conflict set aside."""
    split = preferred_outcomes(package, [r for r in package.outcomes if r.arm_id in arms and r.endpoint == endpoint])
    out = [r.left_out for r in split.rejected if r.outcome.time_years is not None and abs(r.outcome.time_years - time) < 1e-9]
    rows: dict[str, list[Outcome]] = {}
    for arm in arms:
        own = [r for r in split.chosen if r.arm_id == arm]
        rows[arm] = [r for r in own if r.time_years is not None and abs(r.time_years - time) < 1e-9]
        if not rows[arm]:
            times = sorted({r.time_years for r in own if r.time_years is not None})
            has = f"{arm} reports {endpoint} at {', '.join(f'{t:g}' for t in times)} years" if times else f"{arm} reports no {endpoint}"
            raise RefusedError(
                f"{arm} has no {endpoint} at {time:g} years", rule="both arms must report the endpoint at the time", cure=has
            )
    return rows, out


def _pair(package: Package, treated: list[Outcome], control: list[Outcome], *, data_lock: str | None, assume_origin: bool) -> Pairing:
    """Choose the rows: of one analysis where there are such, else the only pair of sources."""
    if data_lock is not None:
        locks = sorted({r.data_lock for r in (*treated, *control) if r.data_lock})
        treated, control = ([r for r in rows if r.data_lock == data_lock] for rows in (treated, control))
        if not treated or not control:
            raise CallError(f"data_lock = {data_lock!r}", rule=f"must be a lock of both arms; known: {', '.join(locks) or '(none)'}")
    pairs = [(t, c) for t in treated for c in control]
    same = [(t, c) for t, c in pairs if t.source_id == c.source_id and t.data_lock == c.data_lock]
    chosen = same or pairs
    if len(chosen) > 1:
        refs = "; ".join(f"{package.ref(t).key} with {package.ref(c).key}" for t, c in chosen)
        raise RefusedError(
            f"{len(chosen)} pairs of rows could be compared", rule="exactly one must remain", cure=f"Say which data lock: {refs}"
        )
    return pair_rows(*chosen[0], assume_origin=assume_origin)


def _study(package: Package, row: Outcome, label: str) -> StudyEstimate:
    return StudyEstimate(
        label=label or row.arm_id,
        estimate=row.estimate,
        se=row.se,
        ci_low=row.ci_low,
        ci_high=row.ci_high,
        n=row.n,
        events=row.events,
        time=row.time_years,
        year=package.study_of(row.arm_id).mid_enrolment,
        row=package.ref(row),
    )


def _years(row: Outcome) -> str:
    return "a time not stated" if row.time_years is None else f"{row.time_years:g} years"


def _origin(origin: str) -> str:
    return "an origin not stated" if origin == UNSTATED else origin
