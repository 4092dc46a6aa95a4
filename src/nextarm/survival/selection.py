"""Which patients an estimator takes: one arm or all, one version; and what to warn about."""

from __future__ import annotations

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray
from nextarm.survival.risk_table import RiskTable
from nextarm.survival.table import Patients, long_times, one_version


def chosen(patients: Patients, arm: str | None) -> tuple[Patients, str, tuple[str, ...]]:
    """The patients of ``arm`` (None: all), the name to show, and warnings."""
    patients = one_version(patients)
    said = long_times(patients)
    if arm is not None:
        return patients.for_arm(arm), arm, said
    if len(patients.arms) > 1:
        return patients, "all arms", (f"the {len(patients.arms)} arms are taken together; name one with --arm NAME", *said)
    return patients, patients.arms[0], said


def two_arms(patients: Patients, arms: tuple[str, str] | None) -> tuple[str, str]:
    """The two arms to compare, (reference, new); all there are when ``arms`` is None and there are two."""
    names = arms if arms is not None else patients.arms
    if len(names) != 2 or names[0] == names[1]:
        raise CallError(f"{len(names)} arms", rule="two different arms are compared", cure='Name them: arms=("control", "new")')
    for name in names:
        if not np.any(patients.arm == patients.arm_index(name)):
            raise CallError(f"arm {name!r} has no patients", rule="must have at least one")
    return names[0], names[1]


def require_level(level: float) -> float:
    """Return a confidence level strictly between 0 and 1, or raise :class:`CallError`."""
    if not 0.0 < level < 1.0:
        raise CallError(f"level = {level}", rule="must lie between 0 and 1", cure="Give 0.95, not 95" if 1 < level < 100 else "")
    return float(level)


def require_times(times: FloatArray | float, name: str = "times") -> FloatArray:
    """Times as an array of finite numbers, 0 or above, or :class:`CallError`."""
    array = np.atleast_1d(np.asarray(times, float))
    if not np.all((array >= 0.0) & (array < np.inf)):
        raise CallError(f"{name} = {array.tolist()}", rule="must be numbers of years, 0 or above")
    return array


def truncation_warnings(table: RiskTable, patients: Patients) -> tuple[str, ...]:
    """Warn where under delayed entry the risk set empties (S falls to 0 for good) or holds a single patient early."""
    if patients.entry is None or not np.any(patients.entry > 0.0):
        return ()
    risk, falls = table.at_risk[:, 0], table.falls[:, 0]
    made = []
    gone = np.flatnonzero((falls > 0) & (falls >= risk))
    if gone.size and gone[0] < table.time.size - 1:
        made.append(
            f"delayed entry: all at risk at {table.time[gone[0]]:.6g} years fell then, so the estimate stays at 0 although patients "
            "enter later; start the clock later or condition on surviving an early time"
        )
    first = np.flatnonzero(falls > 0)
    if first.size:
        weight = 1.0 if patients.weight is None else float(patients.weight.mean())
        small = risk[first[0]] / weight
        if small < 5 and patients.n > 20 and not made:
            made.append(f"delayed entry: only {small:.0f} at risk at the first event ({table.time[first[0]]:.6g} years)")
    return tuple(made)
