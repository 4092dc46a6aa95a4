"""Published numbers beside what the rebuilt patients give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nextarm.patients.arm import ArmData
from nextarm.patients.curves import Table, curve_at, median_of
from nextarm.patients.record import ArmFit, CheckItem, Checks
from nextarm.patients.soft import Landmark, Printed, printed_half

#: Mean and largest distance of the rebuilt curve from its readings beyond which the reconstruction has failed.
MEAN_MISFIT, MAX_MISFIT = 0.05, 0.15


def fit_of(arm: ArmData, best: Table, versions: Sequence[Table], sd: float, *, estimated: bool) -> ArmFit:
    """The record of one arm: readings, rebuilt curve, residuals."""
    shift = 0.5 * arm.time_step * (1.0 + 1e-6) if arm.points == "corners" else 1e-12
    rebuilt = curve_at(*best, arm.time + shift)
    residual = np.where(arm.side == 0, np.abs(rebuilt - arm.survival), np.maximum(arm.survival - rebuilt, 0.0))
    fine = np.linspace(0.0, arm.end, 201)
    curves = np.array([curve_at(*v, fine) for v in versions])
    return ArmFit(
        arm=arm.name, n=arm.n, events=int(best[1].sum()), person_years=float(best[0].sum()), points=arm.points,
        reading_error=sd, reading_error_estimated=estimated, rounding=arm.half,
        mean_residual=float(residual.mean()), max_residual=float(residual.max()),
        at_risk_convention="after" if arm.risk_after else "before",
        time=arm.time, published=arm.survival, rebuilt=rebuilt, fine_time=fine, fine_survival=curve_at(*best, fine),
        fine_low=curves.min(axis=0), fine_high=curves.max(axis=0),
    )  # fmt: skip


def check_arm(
    arm: ArmData, fit: ArmFit, best: Table, versions: Sequence[Table], landmarks: tuple[Landmark, ...], median: Printed | None, scale: float
) -> list[CheckItem]:
    """The items of one arm."""
    items: list[CheckItem] = []

    def add(item: str, published: float, value: Any, allowed: float, hard: bool) -> None:
        rebuilt, spread = value(*best), [value(*v) for v in versions]
        known = [x for x in spread if x is not None]
        ok = rebuilt is not None and abs(rebuilt - published) <= allowed + 1e-9 and (not hard or all(x == published for x in spread))
        low, high = (float(min(known)), float(max(known))) if known else (None, None)
        items.append(
            CheckItem(
                arm=arm.name, item=item, published=float(published), rebuilt=None if rebuilt is None else float(rebuilt),
                low=low, high=high, allowed=float(allowed), hard=hard, ok=bool(ok),
            )
        )  # fmt: skip

    def count(at: float) -> Any:
        return lambda t, e: int(np.sum(t > at) if arm.risk_after else np.sum(t >= at))

    add("patients", arm.n, lambda t, e: t.size, 0.0, True)
    for at, size in zip(arm.risk_time, arm.risk, strict=True):
        add(f"at risk just {fit.at_risk_convention} {at / scale:g}", int(size), count(float(at)), 0.0, True)
    if arm.events is not None:
        add("events", arm.events, lambda t, e: int(e.sum()), 0.0, True)
    worst = 4.0 * fit.reading_error + arm.half + 1.0 / arm.n
    items.append(
        CheckItem(
            arm=arm.name, item="largest residual of the curve", published=None, rebuilt=fit.max_residual, low=None, high=None,
            allowed=worst, hard=False, ok=fit.max_residual <= worst,
        )
    )  # fmt: skip
    for mark in landmarks:
        at = np.array([mark.time * scale])
        add(
            f"survival at {mark.time:g}",
            mark.survival,
            lambda t, e, at=at: float(curve_at(t, e, at)[0]),
            1.5 * printed_half(mark.survival, 2),
            False,
        )
    if median is not None:
        add(
            "median",
            median.value,
            lambda t, e: median_of(t, e, scale),
            2.0 * printed_half(median.value, 1 if median.value < 10 else 0),
            False,
        )
    return items


def misfits(fits: Sequence[ArmFit]) -> list[str]:
    """What to say of arms whose rebuilt curve leaves the published one by more than any reading explains."""
    return [
        f"arm {f.arm}: the rebuilt curve leaves the published one: {f.mean_residual:.3f} off on average, {f.max_residual:.3f} at most"
        for f in fits
        if f.mean_residual > MEAN_MISFIT or f.max_residual > MAX_MISFIT
    ]


def graded(items: Sequence[CheckItem], fits: Sequence[ArmFit] = (), *, undetermined: bool = False, tableless: bool = False) -> Checks:
    """The grade of a list of items.

    D at the best where a curve of ``fits`` misses its readings (:func:`misfits`); C where ``undetermined``: an arm rests
    on one reading without an at-risk table, so that everything holding says little. B at the best where ``tableless``: an arm has no
    numbers at risk, so that nothing printed checks when its patients were censored.
    """
    hard, soft = [i.ok for i in items if i.hard], [i.ok for i in items if not i.hard]
    if not all(hard) or misfits(fits):
        grade = "D"
    elif undetermined:
        grade = "C"
    elif all(soft):
        grade = "B" if tableless else "A"
    else:
        grade = "B" if sum(soft) >= 0.9 * len(soft) else "C"
    return Checks(grade=grade, items=tuple(items))
