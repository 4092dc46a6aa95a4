"""Comparisons of two arms as evidence about their patients: printed hazard ratio and log-rank p."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nextarm.core.errors import NextarmError
from nextarm.core.units import FloatArray
from nextarm.patients.arm import ArmData
from nextarm.patients.curves import Table
from nextarm.patients.record import CheckItem
from nextarm.patients.soft import Printed, printed_half
from nextarm.survival.cox import cox
from nextarm.survival.log_rank import log_rank_arrays
from nextarm.survival.table import Patients

#: The log hazard ratio is not determined beyond this by ties and by the exact model the paper used.
_MODEL = 0.005


def log_hazard_ratio(first: Table, second: Table) -> tuple[float, float] | None:
    """Log hazard ratio of the second arm to the first with its standard error (Cox, Efron); None where it does not exist."""
    time, event = np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
    arm = np.repeat(np.array([0, 1]), [first[0].size, second[0].size])
    try:
        fit = cox(Patients(time=time, event=event, arm=arm, arms=("first", "second")))
    except NextarmError:
        return None
    value, se = float(fit.coefficient[0]), float(fit.standard_error[0])
    return (value, se) if math.isfinite(value) and math.isfinite(se) else None


def log_rank_p(first: Table, second: Table) -> float:
    """Two-sided log-rank p."""
    time, event = np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
    arm = np.repeat(np.array([0, 1]), [first[0].size, second[0].size])
    u, v = log_rank_arrays(time, event, arm)
    return math.erfc(abs(u) / math.sqrt(2.0 * v)) if v > 0.0 else 1.0


def _z(p: float) -> float:
    from scipy.special import ndtri

    return float(-ndtri(max(p, 1e-300) / 2.0))


def comparison_weights(drawn: Sequence[Sequence[Table]], ratio: Printed | None, p_value: float | None) -> FloatArray:
    """Log weights of paired draws of two arms by the printed hazard ratio (with interval) and p value."""
    size = len(drawn[0])
    logs = np.zeros(size)
    for i in range(size if ratio is not None or p_value is not None else 0):
        first, second = drawn[0][i], drawn[1][i]
        if ratio is not None:
            fit = log_hazard_ratio(first, second)
            if fit is None:
                logs[i] = -200.0
                continue
            spread = math.hypot(printed_half(ratio.value, 2) / ratio.value / math.sqrt(3.0), _MODEL)
            logs[i] -= 0.5 * ((fit[0] - math.log(ratio.value)) / spread) ** 2
            if ratio.low is not None and ratio.high is not None:
                se = math.log(ratio.high / ratio.low) / (2.0 * 1.959963984540054)
                blur = math.hypot(printed_half(ratio.low, 2) / ratio.low, printed_half(ratio.high, 2) / ratio.high) / (2.0 * 1.96)
                logs[i] -= 0.5 * ((fit[1] - se) / math.hypot(blur, 0.01 * se)) ** 2
        if p_value is not None:
            half = printed_half(p_value, 2)
            blur = max(abs(_z(max(p_value - half, 1e-12)) - _z(min(p_value + half, 1.0))) / math.sqrt(12.0), 0.02)
            logs[i] -= 0.5 * ((_z(log_rank_p(first, second)) - _z(p_value)) / blur) ** 2
    return np.maximum(logs, -200.0)


def comparison_items(
    best: Sequence[Table], spread: Sequence[Sequence[Table]], arms: Sequence[ArmData], ratio: Printed | None, p_value: float | None
) -> list[CheckItem]:
    """Printed hazard ratio and p beside the rebuilt ones."""
    items: list[CheckItem] = []
    both = " v. ".join(a.name for a in reversed(arms))
    if ratio is not None:
        fit = log_hazard_ratio(best[0], best[1])
        each = [f for f in (log_hazard_ratio(a, b) for a, b in zip(spread[0], spread[1], strict=True)) if f is not None]
        rebuilt = None if fit is None else math.exp(fit[0])
        allowed = printed_half(ratio.value, 2) + 0.02 * ratio.value
        items.append(
            CheckItem(
                arm=both, item="hazard ratio", published=ratio.value, rebuilt=rebuilt, allowed=allowed, hard=False,
                low=math.exp(min(f[0] for f in each)) if each else None, high=math.exp(max(f[0] for f in each)) if each else None,
                ok=rebuilt is not None and abs(rebuilt - ratio.value) <= allowed,
            )
        )  # fmt: skip
    if p_value is not None:
        p = log_rank_p(best[0], best[1])
        each_p = [log_rank_p(a, b) for a, b in zip(spread[0], spread[1], strict=True)]
        allowed = max(printed_half(p_value, 2), 0.2 * p_value)
        items.append(
            CheckItem(
                arm=both, item="log-rank p", published=p_value, rebuilt=p, allowed=allowed, hard=False, low=min(each_p), high=max(each_p),
                ok=abs(p - p_value) <= allowed,
            )
        )  # fmt: skip
    return items
