"""From what the kernel saw to the statistic a design decides on."""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.design import LookData, Schedule


def look_data(seen: FloatArray, schedule: Schedule, null: FloatArray | None = None) -> LookData:
    """Turn the kernel's output (trials, looks, 9) into z, events and which looks took place.

    ``log-rank``: as computed. ``milestone-one-arm`` on the plain scale z = (S - null) / sqrt(V + reference_se^2); on
    the cloglog scale z = (g(null) - g(S)) / sqrt(V / (S log S)^2 + (reference_se / (null log null))^2) with g(S) =
    log(-log S). ``milestone-difference``: z = (S1 - S0 - null) / sqrt(V0 + V1).

    Where Greenwood has no variance (nobody had an event, or everybody) the plain scale is used with the binomial
    variance under the null, null (1 - null) / n for one arm and margin (1 - margin) / n for two, n the patients
    entered; without a margin such a trial has z = 0.

    ``null`` (trials,) is what each trial is compared with where that is not the same for all (``draws.drawn_null``).
    """
    if schedule.statistic == "log-rank":
        z = seen[:, :, 0]
    elif schedule.statistic == "milestone-difference":
        difference, variance = seen[:, :, 5] - seen[:, :, 3] - schedule.null, seen[:, :, 4] + seen[:, :, 6]
        margin = abs(schedule.null)
        z = _ratio(difference, np.where(variance > 0.0, variance, margin * (1.0 - margin) / np.maximum(seen[:, :, 2], 1.0)))
    else:
        against = np.full(len(seen), schedule.null) if null is None else null
        z = _one_arm(seen[:, :, 5], seen[:, :, 6], np.maximum(seen[:, :, 2], 1.0), schedule, against[:, None])
    return LookData(z=np.ascontiguousarray(z), events=seen[:, :, 1].astype(np.int64), done=seen[:, :, 8] >= 0.0)


def _one_arm(s: FloatArray, v: FloatArray, entered: FloatArray, schedule: Schedule, null: FloatArray) -> FloatArray:
    se = schedule.reference_se
    usable = v > 0.0
    plain = _ratio(s - null, np.where(usable, v, null * (1.0 - null) / entered) + se * se)
    if schedule.scale == "plain":
        return plain
    logs = np.log(np.where(usable, s, 0.5))
    variance = v / np.where(usable, s * logs, 1.0) ** 2 + (se / (null * np.log(null))) ** 2
    return np.where(usable, _ratio(np.log(-np.log(null)) - np.log(-logs), variance), plain)


def _ratio(difference: FloatArray, variance: FloatArray) -> FloatArray:
    usable = variance > 0.0
    return np.where(usable, difference / np.sqrt(np.where(usable, variance, 1.0)), 0.0)
