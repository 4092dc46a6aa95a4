"""From what was measured at the looks to the statistic a design decides on."""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.seam import LookData, Schedule, Seen


def look_data(seen: Seen, schedule: Schedule, errors: FloatArray | None = None) -> LookData:
    """Turn what was seen into z, events and which looks took place.

    ``log-rank``: z = -U / sqrt(V), ``max-combo`` the largest over the weights. ``milestone-one-arm`` on the plain scale
    z = (S - null) / sqrt(V + reference_se^2); on the cloglog scale z = (g(null) - g(S)) / sqrt(V / (S log S)^2 +
    (reference_se / (null log null))^2) with g(S) = log(-log S). ``milestone-difference``: z = (S1 - S0 - null) / sqrt(V0 +
    V1), ``rmst-difference`` the same with restricted means. ``one-sample-log-rank``: z = (E - O) / sqrt(E + (E tau)^2).

    Where Greenwood has no variance (nobody had an event, or everybody) the plain scale is used with the binomial
    variance under the null, null (1 - null) / n for one arm and margin (1 - margin) / n for two, n the patients
    entered; without a margin such a trial has z = 0.

    ``errors`` (trials,) are standard normals where the reference is an estimate: each trial meets the estimate that was
    so many standard errors off.
    """
    events = seen.events.sum(axis=2)
    return LookData(z=np.ascontiguousarray(_z(seen, schedule, errors)), events=events, done=seen.took >= 0, seen=seen)


def _z(seen: Seen, schedule: Schedule, errors: FloatArray | None) -> FloatArray:
    entered = np.maximum(seen.entered.sum(axis=2), 1)
    match schedule.statistic:
        case "log-rank":
            return _ratio(-seen.score[:, :, 0, 0], seen.covariance[:, :, 0, 0, 0])
        case "max-combo":
            variance = np.diagonal(seen.covariance[:, :, 0], axis1=2, axis2=3)
            return np.asarray(_ratio(-seen.score[:, :, 0], variance).max(axis=2), np.float64)
        case "milestone-difference":
            s, v, margin = seen.survival[..., 0], seen.variance[..., 0].sum(axis=2), abs(schedule.null)
            return _ratio(s[:, :, 1] - s[:, :, 0] - schedule.null, np.where(v > 0.0, v, margin * (1.0 - margin) / entered))
        case "rmst-difference":
            return _ratio(seen.rmst[:, :, 1] - seen.rmst[:, :, 0] - schedule.null, seen.rmst_variance.sum(axis=2))
        case "milestone-one-arm":
            null = np.full(len(seen.time), schedule.null)
            if errors is not None:
                null = np.clip(null + schedule.reference_se * errors, 1e-6, 1.0 - 1e-6)
            return _one_arm(seen.survival[:, :, 0, 0], seen.variance[:, :, 0, 0], entered, schedule, null[:, None])
        case "one-sample-log-rank":
            tau = np.array(schedule.reference_errors or np.zeros(seen.time.shape[1]))
            expected = seen.expected[:, :, 0] * (1.0 if errors is None else np.exp(tau * errors[:, None]))
            return _ratio(expected - seen.events[:, :, 0], expected + (expected * tau) ** 2)
        case "none":
            return np.zeros(seen.time.shape)


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
