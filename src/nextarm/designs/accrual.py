"""Accrual: how many patients have entered by a time, how they leave, when a number is reached.

The intensity of entry is piecewise linear (constant, ramp and step rates are cases of it), so the number entered is a
piecewise quadratic with closed-form inverse. Dropout is a hazard a year, independent of the event.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, require_positive


@record
class Accrual:
    """Entry of patients over calendar time, follow-up after the last one, and dropout.

    ``knots`` (m + 1,) are the ends of the pieces in years from the first patient (the first is 0, the last the accrual
    duration); ``rate_start`` and ``rate_end`` (m,) the patients a year at the start and end of each piece, linear in
    between; ``follow_up`` years after the last patient; ``dropout_hazards`` (one more than ``dropout_cuts``) a year, the
    cuts in years since a patient's own entry.

    >>> from nextarm.designs.accrual import constant_accrual
    >>> accrual = constant_accrual(rate=45.0, duration=3.0, follow_up=2.0)
    >>> accrual.total, accrual.study_duration, float(accrual.entered(1.0))
    (135.0, 5.0, 45.0)
    """

    knots: FloatArray
    rate_start: FloatArray
    rate_end: FloatArray
    follow_up: float
    dropout_hazards: tuple[float, ...] = (0.0,)
    dropout_cuts: tuple[float, ...] = ()

    @property
    def dropout_hazard(self) -> float:
        """The one dropout hazard a year; :class:`RefusedError` where it changes with time."""
        if self.dropout_cuts:
            raise RefusedError(
                f"dropout_hazards = {list(self.dropout_hazards)}",
                rule="dropout changes with time, what was asked for needs one hazard",
                cure="Give accrual.dropout_hazard",
            )
        return self.dropout_hazards[0]

    @property
    def duration(self) -> float:
        """Years from the first to the last patient."""
        return float(self.knots[-1])

    @property
    def study_duration(self) -> float:
        """Years from the first patient to the end of follow-up of the last."""
        return self.duration + self.follow_up

    @property
    def total(self) -> float:
        """Expected number of patients at the end of accrual."""
        return float(np.sum(0.5 * (self.rate_start + self.rate_end) * np.diff(self.knots)))

    def rate(self, time: FloatArray | float) -> FloatArray:
        """Patients a year at ``time`` (years from the first patient); 0 before the start and after the end."""
        t = np.asarray(time, np.float64)
        i = self._piece(t)
        share = (t - self.knots[i]) / np.diff(self.knots)[i]
        value = self.rate_start[i] + share * (self.rate_end[i] - self.rate_start[i])
        return np.where((t >= 0.0) & (t <= self.duration), value, 0.0)

    def entered(self, time: FloatArray | float) -> FloatArray:
        """Expected number of patients entered by ``time``: the integral of the rate from 0."""
        t = np.clip(np.asarray(time, np.float64), 0.0, self.duration)
        width = np.diff(self.knots)
        before = np.concatenate([[0.0], np.cumsum(0.5 * (self.rate_start + self.rate_end) * width)])
        i = self._piece(t)
        x = t - self.knots[i]
        value = before[i] + self.rate_start[i] * x + 0.5 * (self.rate_end[i] - self.rate_start[i]) / width[i] * x * x
        return np.asarray(value, np.float64)

    def probability_entered(self, time: FloatArray | float) -> FloatArray:
        """Probability that a patient of the trial has entered by ``time``."""
        return np.asarray(np.minimum(self.entered(time) / self.total, 1.0), np.float64)

    def entry_time(self, probability: FloatArray | float) -> FloatArray:
        """Quantile of the entry time: the inverse of :meth:`probability_entered` (used to draw entry times)."""
        target = np.asarray(probability, np.float64) * self.total
        width = np.diff(self.knots)
        before = np.concatenate([[0.0], np.cumsum(0.5 * (self.rate_start + self.rate_end) * width)])
        i = np.clip(np.searchsorted(before, target, side="right") - 1, 0, len(width) - 1)
        rest = np.maximum(target - before[i], 0.0)
        a, b = 0.5 * (self.rate_end[i] - self.rate_start[i]) / width[i], self.rate_start[i]
        root = np.sqrt(np.maximum(b * b + 4.0 * a * rest, 0.0))
        divisor = b + root  # stable form of the quadratic's root; 0 only where nothing is left to enter
        x = np.where(divisor > 0.0, 2.0 * rest / np.where(divisor > 0.0, divisor, 1.0), 0.0)
        return np.asarray(np.minimum(self.knots[i] + x, self.knots[i + 1]), np.float64)

    def still_in(self, time: FloatArray | float) -> FloatArray:
        """Probability of not having dropped out ``time`` years after entry."""
        return np.exp(-self._dropout_so_far(np.asarray(time, np.float64)))

    def dropout_rate(self, time: FloatArray | float) -> FloatArray:
        """Dropout hazard ``time`` years after entry."""
        t = np.asarray(time, np.float64)
        hazards = np.array(self.dropout_hazards)
        return np.asarray(hazards[np.searchsorted(np.array(self.dropout_cuts), t, side="right")], np.float64)

    def dropout_time(self, probability: FloatArray | float) -> FloatArray:
        """Quantile of the time to dropout; infinity where that is never (used to draw dropout)."""
        p = np.asarray(probability, np.float64)
        with np.errstate(divide="ignore"):
            need = -np.log1p(-p)
        starts = np.array([0.0, *self.dropout_cuts])
        hazards = np.array(self.dropout_hazards)
        before = self._dropout_so_far(starts)
        i = np.clip(np.searchsorted(before, need, side="right") - 1, 0, len(starts) - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            time = starts[i] + np.where(need > before[i], (need - before[i]) / hazards[i], 0.0)
        return np.asarray(np.where(need <= 0.0, 0.0 if self.dropout_hazards[0] > 0.0 else np.inf, time), np.float64)

    def _dropout_so_far(self, t: FloatArray) -> FloatArray:
        total = self.dropout_hazards[0] * t
        for cut, (before, after) in zip(self.dropout_cuts, itertools.pairwise(self.dropout_hazards), strict=True):
            total = total + (after - before) * np.maximum(t - cut, 0.0)
        return np.asarray(total, np.float64)

    def years_for(self, patients: float) -> float:
        """Years needed to enter ``patients``, the last rate going on after the planned end."""
        require_positive(patients, "patients")
        if patients <= self.total:
            return float(self.entry_time(patients / self.total))
        last = float(self.rate_end[-1])
        if last <= 0.0:
            raise CallError(f"patients = {patients:g}", rule=f"accrual ends at {self.total:g} patients with a rate of 0")
        return self.duration + (patients - self.total) / last

    def lasting(self, duration: float) -> Accrual:
        """The same rates, accrual cut or prolonged (at its last rate) to ``duration`` years."""
        require_positive(duration, "duration", "years")
        if duration > self.duration:
            knots = np.append(self.knots, duration)
            ends = np.append(self.rate_end, self.rate_end[-1])
            return self._with(knots, np.append(self.rate_start, self.rate_end[-1]), ends)
        keep = int(np.searchsorted(self.knots, duration, side="left"))
        ends = self.rate_end[:keep].copy()
        ends[-1] = float(self.rate(duration)) if duration < self.knots[keep] else ends[-1]
        return self._with(np.append(self.knots[:keep], duration), self.rate_start[:keep].copy(), ends)

    def times(self, factor: float) -> Accrual:
        """All rates multiplied by ``factor``; the duration unchanged."""
        require_positive(factor, "factor")
        return self._with(self.knots, self.rate_start * factor, self.rate_end * factor)

    def followed(self, follow_up: float) -> Accrual:
        """The same accrual with another ``follow_up`` after the last patient."""
        return replace(self, follow_up=follow_up)

    def dropping(self, hazards: tuple[float, ...], cuts: tuple[float, ...]) -> Accrual:
        """The same accrual with dropout at ``hazards[i]`` a year between ``cuts[i - 1]`` and ``cuts[i]`` years after entry."""
        if len(hazards) != len(cuts) + 1:
            raise CallError(f"dropout_hazards = {list(hazards)} with {len(cuts)} cuts", rule="there must be one hazard more than cuts")
        if not all(np.isfinite(h) and h >= 0.0 for h in hazards):
            raise CallError(f"dropout_hazards = {list(hazards)}", rule="must not be negative", cure="Give hazards a year, 0 for none")
        edges = (0.0, *cuts)
        if any(not np.isfinite(b) or b <= a for a, b in itertools.pairwise(edges)):
            raise CallError(f"dropout_cuts = {list(cuts)}", rule="must rise from above 0 years")
        return replace(self, dropout_hazards=tuple(hazards), dropout_cuts=tuple(cuts))

    def _piece(self, t: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        return np.clip(np.searchsorted(self.knots, t, side="right") - 1, 0, len(self.rate_start) - 1)

    def _with(self, knots: FloatArray, start: FloatArray, end: FloatArray) -> Accrual:
        return replace(self, knots=knots, rate_start=start, rate_end=end)


def constant_accrual(*, rate: float, duration: float, follow_up: float, dropout_hazard: float = 0.0) -> Accrual:
    """Accrual at ``rate`` patients a year for ``duration`` years."""
    return stepped_accrual(rates=(rate,), cuts=(), duration=duration, follow_up=follow_up, dropout_hazard=dropout_hazard)


def ramp_accrual(*, rate: float, ramp: float, duration: float, follow_up: float, dropout_hazard: float = 0.0) -> Accrual:
    """Accrual that rises in a straight line from 0 to ``rate`` over ``ramp`` years and then stays there."""
    require_positive(rate, "rate", "patients a year")
    require_positive(ramp, "ramp", "years")
    if ramp >= duration:
        raise CallError(f"ramp = {ramp:g}", rule=f"must be shorter than the accrual duration of {duration:g} years")
    _check_ends(duration, follow_up, dropout_hazard)
    return Accrual(
        knots=np.array([0.0, ramp, duration]),
        rate_start=np.array([0.0, rate]),
        rate_end=np.array([rate, rate]),
        follow_up=follow_up,
        dropout_hazards=(dropout_hazard,),
    )


def stepped_accrual(
    *, rates: tuple[float, ...], cuts: tuple[float, ...], duration: float, follow_up: float, dropout_hazard: float = 0.0
) -> Accrual:
    """Accrual at ``rates[i]`` between ``cuts[i - 1]`` and ``cuts[i]`` years (one more rate than cuts)."""
    if len(rates) != len(cuts) + 1:
        raise CallError(f"rates = {list(rates)} with {len(cuts)} cuts", rule="there must be one rate more than cuts")
    _check_ends(duration, follow_up, dropout_hazard)
    knots = np.array([0.0, *cuts, duration])
    if np.any(np.diff(knots) <= 0.0):
        raise CallError(f"cuts = {list(cuts)}", rule=f"must rise and lie between 0 and the duration of {duration:g} years")
    for value in rates:
        if not (np.isfinite(value) and value >= 0.0):
            raise CallError(f"rate = {value:g}", rule="must not be negative")
    if not sum(rates) > 0.0:
        raise CallError(f"rates = {list(rates)}", rule="must not all be 0")
    values = np.array(rates, np.float64)
    return Accrual(knots=knots, rate_start=values, rate_end=values.copy(), follow_up=follow_up, dropout_hazards=(dropout_hazard,))


def together(parts: tuple[tuple[float, Accrual], ...]) -> Accrual:
    """Accrual of several groups, each opening so many years after the first: ``parts`` are (opens, accrual from there on).

    All end together; follow-up and dropout are those of the first.

    >>> one, two = (constant_accrual(rate=10.0, duration=d, follow_up=1.0) for d in (3.0, 2.0))
    >>> together(((0.0, one), (1.0, two))).total
    50.0
    """
    ends = {round(opens + part.duration, 9) for opens, part in parts}
    if len(ends) != 1 or min(opens for opens, _ in parts) != 0.0:
        raise CallError(f"{len(parts)} groups", rule="the first must open at 0 years and all must end together")
    end = max(opens + part.duration for opens, part in parts)
    knots = np.unique([min(opens + float(k), end) for opens, part in parts for k in part.knots])
    knots = knots[np.append(True, np.diff(knots) > 1e-12)]
    middle = 0.5 * (knots[1:] + knots[:-1])
    start, stop = np.zeros(len(middle)), np.zeros(len(middle))
    for opens, part in parts:
        i = np.clip(np.searchsorted(part.knots + opens, middle, side="right") - 1, 0, len(part.rate_start) - 1)
        slope = ((part.rate_end - part.rate_start) / np.diff(part.knots))[i]
        for total, at in ((start, knots[:-1]), (stop, knots[1:])):
            total += np.where(middle > opens, part.rate_start[i] + slope * (at - opens - part.knots[i]), 0.0)
    return replace(parts[0][1], knots=knots, rate_start=np.maximum(start, 0.0), rate_end=np.maximum(stop, 0.0))


def _check_ends(duration: float, follow_up: float, dropout_hazard: float) -> None:
    require_positive(duration, "duration", "years")
    if not (np.isfinite(follow_up) and follow_up >= 0.0):
        raise CallError(f"follow_up = {follow_up:g}", rule="must not be negative")
    if not (np.isfinite(dropout_hazard) and dropout_hazard >= 0.0):
        raise CallError(f"dropout_hazard = {dropout_hazard:g}", rule="must not be negative", cure="Give a hazard a year, 0 for none")
