"""Printed numbers beside the curve: median, landmarks, hazard ratio, log-rank p; used within their rounding and interval.

Median and landmarks become readings of the chain. Interval widths, hazard ratio and p value weigh the draws afterwards.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, IntArray
from nextarm.patients.arm import AT_LEAST, AT_MOST, Reading
from nextarm.patients.curves import survival_and_greenwood

#: Standard error of a printed bound that is not exactly the bound (the time of a median lies on a drawn step).
_EDGE = 0.003
_Z = 1.959963984540054


@record
class Landmark:
    """A printed survival with its standard error or interval (level ``level``), at ``time`` in the curve's unit."""

    time: float
    survival: float
    se: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95


@record
class Printed:
    """A printed estimate (median, hazard ratio) with its interval where given."""

    value: float
    low: float | None = None
    high: float | None = None


def printed_half(value: float, least_places: int, most_places: int = 6) -> float:
    """Half the last place of a printed number: 0.62 -> 0.005. Trailing zeros are lost, so ``least_places`` are assumed.

    >>> printed_half(0.62, 2), printed_half(18.0, 0)
    (0.005, 0.5)
    """
    text = f"{value:.{most_places}f}".rstrip("0")
    places = len(text.split(".")[1]) if "." in text else 0
    return 0.5 * 10.0 ** -max(places, least_places)


def as_landmarks(value: Any, arm: str) -> tuple[Landmark, ...]:
    """Landmarks from records, dicts, or tuples (time, survival[, low, high])."""
    if value is None:
        return ()
    items = [value] if isinstance(value, Landmark | dict) else list(value)
    if items and all(isinstance(v, int | float) for v in items):
        items = [tuple(items)]
    out = []
    for item in items:
        if isinstance(item, Landmark):
            mark = item
        elif isinstance(item, dict):
            known = {"time", "survival", "se", "low", "high", "level"}
            if unknown := sorted(set(item) - known):
                raise CallError(f"landmark has {unknown[0]!r}", where=f"arm {arm}", rule=f"knows {', '.join(sorted(known))}")
            mark = Landmark(**item)
        else:
            parts = [float(v) for v in item]
            if len(parts) not in (2, 4):
                raise CallError(f"landmark = {item!r}", where=f"arm {arm}", rule="must be (time, survival) or (time, survival, low, high)")
            mark = Landmark(
                time=parts[0], survival=parts[1], low=parts[2] if len(parts) == 4 else None, high=parts[3] if len(parts) == 4 else None
            )
        values = [v for v in (mark.survival, mark.low, mark.high) if v is not None]
        if not all(0.0 <= v <= 1.0 for v in values):
            raise CallError(
                f"landmark {mark.survival:g} at {mark.time:g}", where=f"arm {arm}", rule="must lie between 0 and 1", cure="Give proportions"
            )
        if mark.time <= 0.0 or (mark.se is not None and mark.se <= 0.0):
            raise CallError(f"landmark at {mark.time:g}", where=f"arm {arm}", rule="time and standard error must be above 0")
        if mark.low is not None and mark.high is not None and not mark.low <= mark.survival <= mark.high:
            raise CallError(
                f"landmark {mark.survival:g} ({mark.low:g} to {mark.high:g})", where=f"arm {arm}", rule="must lie in its interval"
            )
        out.append(mark)
    return tuple(out)


def as_printed(value: Any, name: str) -> Printed | None:
    """A printed estimate from a number or (value, low, high); must be above 0."""
    if value is None or isinstance(value, Printed):
        return value
    parts = [float(value)] if isinstance(value, int | float) else [float(v) for v in value]
    if len(parts) not in (1, 3) or not all(math.isfinite(v) and v > 0.0 for v in parts):
        raise CallError(f"{name} = {value!r}", rule="must be a number above 0, or (value, low, high)")
    if len(parts) == 3 and not parts[1] <= parts[0] <= parts[2]:
        raise CallError(f"{name} = {value!r}", rule="the value must lie in its interval")
    return Printed(value=parts[0], low=parts[1] if len(parts) == 3 else None, high=parts[2] if len(parts) == 3 else None)


def readings_of(landmarks: tuple[Landmark, ...], median: Printed | None, scale: float) -> tuple[Reading, ...]:
    """The extra readings of an arm, times in years."""
    out = []
    for mark in landmarks:
        half = printed_half(mark.survival, 2)
        out.append(Reading(mark.time * scale, mark.survival, half, 0.5 * half, label=f"S({mark.time:g})"))
    if median is not None:
        half = printed_half(median.value, 1 if median.value < 10 else 0)
        out.append(Reading(max(median.value - half, 1e-6) * scale, 0.5, 0.0, _EDGE, AT_LEAST, "median"))
        out.append(Reading((median.value + half) * scale, 0.5, 0.0, _EDGE, AT_MOST, "median"))
    return tuple(out)


def width_weights(landmarks: tuple[Landmark, ...], scale: float, draws: list[tuple[FloatArray, IntArray]]) -> FloatArray:
    """Log weights of the draws by how well Greenwood's interval at each landmark has the printed width.

    The width tells the effective number at risk. Which interval was printed is not known: plain, log and log-log are
    tried and the one that fits best on the whole is taken.
    """
    logs = np.zeros(len(draws))
    for mark in landmarks:
        if mark.se is None and (mark.low is None or mark.high is None):
            continue
        z = _Z if mark.level == 0.95 else _normal_quantile(mark.level)
        s, v = (np.array(x) for x in zip(*(survival_and_greenwood(t, e, mark.time * scale) for t, e in draws), strict=True))
        inside = (s > 0.0) & (s < 1.0)
        s, v = np.where(inside, s, 0.5), np.where(inside, v, 0.0)
        if mark.se is not None:
            half = printed_half(mark.se, 3)
            misses = [s * np.sqrt(v) - mark.se]
        else:
            low, high = float(mark.low or 0.0), float(mark.high or 1.0)
            half = math.sqrt(printed_half(low, 2) ** 2 + printed_half(high, 2) ** 2)
            root = np.sqrt(v)
            k = z * root / np.log(s)
            misses = [
                np.minimum(s + z * s * root, 1.0) - np.maximum(s - z * s * root, 0.0) - (high - low),
                np.minimum(s * np.exp(z * root), 1.0) - s * np.exp(-z * root) - (high - low),
                s ** np.exp(k) - s ** np.exp(-k) - (high - low),
            ]
        miss = min(misses, key=lambda m: float(np.mean(np.abs(m))))
        spread = half / math.sqrt(3.0) + 0.02 * float(np.mean(np.abs(miss)) + half)
        logs += np.where(inside, -0.5 * (miss / spread) ** 2, -50.0)
    return np.maximum(logs, -200.0)


def _normal_quantile(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + 0.5 * level))
