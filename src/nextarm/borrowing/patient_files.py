"""Files of patients compared or weighted: reading, choosing arms, aligning by landmarks, then the comparison.

What a person gives on one line: one file with two arms (one analysis), or two files (two sources, whose origins must be stated).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nextarm.borrowing.adjustment import Adjustment
from nextarm.borrowing.alignment import UNSTATED, from_landmark, kept_at_landmark, require_landmark
from nextarm.borrowing.covariates import Covariates, read_baseline, read_covariates
from nextarm.borrowing.patient_comparison import CURE_MODEL, PatientComparison, compare_patients
from nextarm.borrowing.weighting import LEAST_SIZE, METHODS, Weighting, match_groups, match_to_baseline
from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.survival import Patients, read_patients
from nextarm.survival.table import replaced


@dataclass(frozen=True)
class Group:
    """One group as read: its patients, their covariates where asked for, and what it is called."""

    patients: Patients
    covariates: Covariates | None
    label: str


def compare_files(
    treated: Any,
    control: Any = None,
    *,
    arm: str | None = None,
    control_arm: str | None = None,
    unit: str = "years",
    control_unit: str | None = None,
    treated_origin: str = UNSTATED,
    control_origin: str = UNSTATED,
    landmark_treated: float | None = None,
    landmark_control: float | None = None,
    adjust: Sequence[str] = (),
    baseline: Any = None,
    method: str = "entropy",
    estimand: str = "att",
    standard_deviations: bool = False,
    least_size: float = LEAST_SIZE,
    milestones: Sequence[float] = (),
    tau: float | None = None,
    cure_model: str | None = CURE_MODEL,
    endpoint: str = "",
    assume_origin: bool = False,
    one_analysis: bool | None = None,
    replicates: int = 0,
    seed: int = 1,
    level: float = 0.95,
    inputs: Sequence[str] = (),
) -> PatientComparison:
    """Compare patients of ``treated`` with those of ``control``: CSV paths, frames or ``Patients``.

    Without ``control`` both arms are in ``treated``, named by ``arm`` and ``control_arm``, and count as one analysis (so do two tables
    of one source where ``one_analysis`` says so). ``adjust`` names
    covariate columns of both; ``baseline`` is a published table of the control instead (MAIC). A landmark (years) keeps those of a
    group still free of the event then and starts their clock there; it aligns a group that starts earlier with the other's origin.
    ``unit`` is that of both files unless ``control_unit`` says another for the control's; ``inputs`` are named in the trail.
    """
    for name, value in (("landmark_treated", landmark_treated), ("landmark_control", landmark_control)):
        require_landmark(value, name)
    if adjust and baseline is not None:
        raise CallError(
            "both adjust and baseline", rule="the control gives either patients' covariates or a published table", cure="Give one"
        )
    if not adjust and baseline is None and method != "entropy":
        rule = "weights on covariates, and none were named"
        raise CallError(f"method = {method!r}", rule=rule, cure="Name them: --adjust age,wbc, or give --baseline")
    rows = read_baseline(baseline) if baseline is not None else ()
    names: tuple[str, ...] = tuple(adjust) or tuple(r.covariate for r in rows)
    if control is None:
        if control_unit is not None:
            raise CallError(f"control_unit = {control_unit!r}", rule="is of a second file", cure="Both arms of one file have its unit")
        if not (arm and control_arm):
            raise CallError("one file of patients", rule="name its two arms: --arm and --control, or give a second file")
        if arm == control_arm:
            raise CallError(f"arm = {arm!r}", rule="is compared with itself", cure="Name two arms")
        one = _group(treated, arm, unit, treated_origin, names, "treated")
        two = _group(
            treated, control_arm, unit, treated_origin if control_origin == UNSTATED else control_origin, names if adjust else (), "control"
        )
    else:
        if isinstance(treated, str | Path) and isinstance(control, str | Path) and Path(treated).resolve() == Path(control).resolve():
            rule = "is compared with itself"
            raise CallError(
                f"{Path(treated).name} given twice", rule=rule, cure="Two arms of one file: give it once, with --arm and --control"
            )
        one = _group(treated, arm, unit, treated_origin, names, "treated")
        two = _group(control, control_arm, control_unit or unit, control_origin, names if adjust else (), "external control")
    together = control is None if one_analysis is None else one_analysis
    one, said_one = _aligned(one, landmark_treated, two.patients.time_origin)
    two, said_two = _aligned(two, landmark_control, one.patients.time_origin)
    recipe = None
    if names:
        assert one.covariates is not None
        recipe = Adjustment(
            treated=one.covariates, control=two.covariates, baseline=rows, method=method, estimand=estimand,
            standard_deviations=standard_deviations, least_size=least_size,
        )  # fmt: skip
    return compare_patients(
        one.patients, two.patients, milestones=milestones, tau=tau, cure_model=cure_model, adjust=recipe, endpoint=endpoint,
        labels=(one.label, two.label), one_analysis=together, assume_origin=assume_origin, replicates=replicates, seed=seed,
        level=level, base=Trail(method="", assumptions=(*said_one, *said_two), inputs=tuple(inputs)),
    )  # fmt: skip


def match_files(
    patients: Any,
    *,
    control: Any = None,
    baseline: Any = None,
    method: str | None = None,
    estimand: str = "att",
    covariates: Sequence[str] = (),
    standard_deviations: bool = False,
    least_size: float = LEAST_SIZE,
) -> Weighting:
    """Weights for the patients of a file: to a published ``baseline`` table (MAIC), or against ``control`` patients.

    ``covariates`` default to those of the baseline table, or to every covariate column both files share. ``method``: ``maic`` or
    ``entropy`` with a baseline table (they are one), ``entropy`` or ``propensity`` with control patients.
    """
    if (control is None) == (baseline is None):
        raise CallError(
            "what to match to", rule="give either a baseline table or a file of control patients", cure="--baseline or --control"
        )
    if method is not None and method not in METHODS:
        raise CallError(f"method = {method!r}", rule=f"must be one of {', '.join(METHODS)}")
    if not (math.isfinite(least_size) and least_size >= 1.0):
        raise CallError(f"least_size = {least_size:g}", rule="must be at least 1 patient")
    if isinstance(patients, str | Path) and isinstance(control, str | Path) and Path(patients).resolve() == Path(control).resolve():
        raise CallError(f"{Path(patients).name} given twice", rule="patients are not matched to themselves", cure="Give another file")
    if baseline is not None:
        if method == "propensity":
            raise CallError("method = 'propensity'", rule="needs patients on both sides", cure="Give --control, or use maic")
        rows = read_baseline(baseline)
        if unknown := [c for c in covariates if c not in {r.covariate for r in rows}]:
            raise CallError(f"covariate {unknown[0]!r}", rule=f"is not in the baseline table: {', '.join(r.covariate for r in rows)}")
        rows = tuple(r for r in rows if not covariates or r.covariate in covariates)
        table = read_covariates(patients, [r.covariate for r in rows])
        return match_to_baseline(table, rows, standard_deviations=standard_deviations, least_size=least_size)
    names = tuple(covariates)
    if not names:
        own, other = read_header(patients), read_header(control)
        names = tuple(n for n in own if n in other)
        if not names:
            raise CallError("no covariates", rule="the two files share no covariate columns", cure="Name them: --covariates age,wbc")
    if method == "maic":
        raise CallError(
            "method = 'maic'", rule="is for a published baseline table", cure="With control patients use entropy, the same weights"
        )
    return match_groups(
        read_covariates(patients, names), read_covariates(control, names), method=method or "entropy", estimand=estimand,
        standard_deviations=standard_deviations, least_size=least_size,
    )  # fmt: skip


def read_header(source: Any) -> tuple[str, ...]:
    """The covariate columns of a file or frame, those that the patients table does not know."""
    from nextarm.borrowing.covariates import RESERVED, columns_of

    return tuple(c for c in columns_of(source) if c.lower() not in RESERVED)


def _group(source: Any, arm: str | None, unit: str, origin: str, names: Sequence[str], side: str) -> Group:
    table = source if isinstance(source, Patients) else read_patients(source, unit=unit, time_origin=origin)
    if isinstance(source, Patients) and origin != UNSTATED and table.time_origin == UNSTATED:
        table = replaced(table, time_origin=origin)
    if names and isinstance(source, Patients):
        raise CallError(
            "covariates", rule="come with a file or a frame; a Patients table has none", cure="Use compare_patients with an Adjustment"
        )
    covariates = read_covariates(source, names) if names else None
    label = Path(source).stem if isinstance(source, str | Path) else side
    if arm is not None:
        keep = table.arm == table.arm_index(arm)
        if not keep.any():
            raise CallError(f"arm {arm!r} has no patients", rule="must have at least one")
        table, covariates, label = table.for_arm(arm), None if covariates is None else covariates.where(keep), arm
    elif len(set(table.arm.tolist())) > 1:
        option = "--arm" if side == "treated" else "--control"
        held = ", ".join(map(repr, table.arms))
        raise CallError(f"{label} holds the arms {held}", rule="one group is compared on each side", cure=f"Name one: {option}")
    return Group(table, covariates, label)


def _aligned(group: Group, at: float | None, other_origin: str) -> tuple[Group, tuple[str, ...]]:
    """The group from its landmark on, now counted from the other's origin; what was assumed in doing so."""
    if at is None:
        return group, ()
    before = group.patients
    keep = np.flatnonzero(kept_at_landmark(before, at))
    made = from_landmark(before, at, origin=other_origin if other_origin not in (UNSTATED, before.time_origin) else "")
    start = "its own origin, not stated" if before.time_origin == UNSTATED else before.time_origin
    gone = before.n - made.n
    told = (
        f"{group.label}: landmark at {at:g} years after {start}, taken as {made.time_origin}; {gone} of {before.n} rows with an event or "
        "censored by then are left out"
    )
    covariates = None if group.covariates is None else group.covariates.where(keep)
    return Group(made, covariates, group.label), (told,)
