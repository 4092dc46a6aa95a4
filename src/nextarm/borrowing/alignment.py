"""One time origin for both groups, or a refusal; landmarks, which start both clocks at a common event.

Time that a patient must survive to be counted as treated is immortal (Suissa 2008, doi 10.1093/aje/kwm324): it favours the treated
group whatever the treatment does. Three ways out: count both groups from one origin; give the time from origin to treatment as
delayed entry (``entry``); or a landmark: keep those still free of the event then, in both groups, and start there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.units import FloatArray, require_positive
from nextarm.survival import Patients, kaplan_meier
from nextarm.survival.table import replaced

UNSTATED = "not-stated"
#: Chance of the treated group's first event being this late under the control's curve below which a warning is due.
UNLIKELY = 0.01


@dataclass(frozen=True)
class OneOrigin:
    """What had to be assumed so that two groups count from one origin, and what a reader must be warned of."""

    origin: str
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def require_one_origin(treated: str, control: str, *, one_analysis: bool = False, assume_origin: bool = False) -> OneOrigin:
    """Say from where both groups count time; :class:`RefusedError` with the ways to align them where they do not.

    ``one_analysis``: both groups come from one analysis, whose authors set them side by side; then the origin may be unstated.

    >>> require_one_origin("diagnosis", "diagnosis").origin
    'diagnosis'
    """
    if UNSTATED not in (treated, control) and treated == control:
        return OneOrigin(treated)
    said = f"the treated count time from {_words(treated)}, the control from {_words(control)}"
    if one_analysis and treated == control:
        told = "time origin not stated: both groups come from one source and are taken to share it"
        return OneOrigin(UNSTATED, (told,), ("the source does not say where time starts",))
    if assume_origin and UNSTATED in (treated, control):
        return OneOrigin(UNSTATED, (f"{said}: assumed equal on the user's word",), (f"{said}; they were assumed equal",))
    if UNSTATED in (treated, control):
        raise RefusedError(
            said,
            rule="groups of different sources are compared only from one stated origin",
            cure="State from where time counts in both (--origin, or --treated-origin and --control-origin), or take the "
            "origins to be the same (--assume-origin)",
        )
    raise RefusedError(
        said,
        rule="a later origin holds only those who came that far: the comparison would favour them whatever the treatment does",
        cure=(
            f"Align them: count both from {treated} or both from {control}; or take a landmark in the group that starts earlier "
            "(--landmark-treated or --landmark-control with the years to the later origin); or give the years to treatment as a column "
            "entry"
        ),
    )


def from_landmark(patients: Patients, at: float, *, origin: str = "") -> Patients:
    """Those still under observation and free of the event ``at`` years, with time counted from there.

    Patients with an event or censored by then are left out; later entries stay late. ``origin`` names the new origin.
    :class:`RefusedError` where nobody is left.

    >>> from nextarm.survival import make_patients
    >>> from_landmark(make_patients([0.5, 2.0], [1, 1]), 1.0).time.tolist()
    [1.0]
    """
    require_positive(at, "landmark", "years")
    keep = patients.time > at
    if not keep.any():
        raise RefusedError(f"landmark = {at:g} years", rule="nobody is under observation then", cure="Choose an earlier landmark")
    kept = patients.where(keep)
    entry = None if kept.entry is None else np.maximum(kept.entry - at, 0.0)
    named = origin or f"{at:g} years after {_words(patients.time_origin)}"
    return replaced(kept, time=kept.time - at, entry=entry, time_origin=named)


def kept_at_landmark(patients: Patients, at: float) -> FloatArray:
    """The mask (n,) of patients that :func:`from_landmark` keeps."""
    return np.asarray(patients.time > at)


def immortal_time_warnings(treated: Patients, control: Patients) -> tuple[str, ...]:
    """Warn where no treated patient has an event for so long that the control's curve makes it unlikely.

    The chance that n treated patients all pass the time of their first event is ``S0(t)^n`` under the control's curve.
    """
    if treated.entry is not None and np.any(treated.entry > 0.0):
        return ()
    happened = treated.time[treated.event > 0]
    first = float(happened.min()) if happened.size else float(treated.time.min())
    if first <= 0.0:
        return ()
    s = kaplan_meier(replaced(control, arm=np.zeros(control.n, np.int64), arms=("control",)))
    grid = np.concatenate([[1.0], s.survival])
    before = float(grid[int(np.searchsorted(s.time, first, side="left"))])
    n = int((treated.time >= first).sum())
    chance = math.exp(n * math.log(before)) if before > 0.0 else 0.0
    if chance >= UNLIKELY:
        return ()
    return (
        f"no treated patient has an event in the first {first:.3g} years, by when {1.0 - before:.0%} of the control have one "
        f"(chance {chance:.1g} if the groups were alike): is this time immortal? Give the years to treatment as entry, or a landmark",
    )


def require_landmark(value: float | None, name: str) -> None:
    """A landmark must be above 0 where it is given."""
    if value is not None and not (math.isfinite(value) and value > 0.0):
        raise CallError(f"{name} = {value}", rule="must be above 0 years")


def _words(origin: str) -> str:
    return "an origin not stated" if origin == UNSTATED else origin
