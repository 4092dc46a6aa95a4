"""The root of a function between two points where its sign differs, by Brent's method.

Secant or inverse quadratic steps where they shrink the bracket fast enough, bisection otherwise (Brent, Algorithms for
Minimization without Derivatives, 1973, chapter 4; the variant with hyperbolic extrapolation of Bus and Dekker 1975,
doi:10.1145/355656.355659, that scipy.optimize.brentq takes, step for step). Of our own because scipy.optimize takes longer
to load than most results that need one root.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def brentq(
    function: Callable[[float], float], low: float, high: float, *, xtol: float = 2e-12, rtol: float = 2.0**-50, maxiter: int = 100
) -> float:
    """A root of ``function`` between ``low`` and ``high``, to ``xtol`` + ``rtol`` of itself.

    :class:`ValueError` where both ends have one sign or a value is NaN, :class:`RuntimeError` after ``maxiter`` steps.

    >>> round(brentq(lambda x: x * x - 2.0, 0.0, 2.0), 12)
    1.414213562373
    """
    last, best = float(low), float(high)
    f_last, f_best = _value(function, last), _value(function, best)
    if f_last == 0.0:
        return last
    if f_best == 0.0:
        return best
    if (f_last < 0.0) == (f_best < 0.0):
        raise ValueError("the function has the same sign at both ends")
    other = f_other = before = step = 0.0
    for _ in range(maxiter):
        if f_last != 0.0 and (f_last < 0.0) != (f_best < 0.0):
            other, f_other = last, f_last
            before = step = best - last
        if abs(f_other) < abs(f_best):
            last, best, other = best, other, best
            f_last, f_best, f_other = f_best, f_other, f_best
        near = (xtol + rtol * abs(best)) / 2.0
        half = (other - best) / 2.0
        if f_best == 0.0 or abs(half) < near:
            return best
        tried = math.inf
        if abs(before) > near and abs(f_best) < abs(f_last):
            tried = _tried(last, f_last, best, f_best, other, f_other)
        if 2.0 * abs(tried) < min(abs(before), 3.0 * abs(half) - near):
            before, step = step, tried
        else:
            before = step = half
        last, f_last = best, f_best
        best += step if abs(step) > near else math.copysign(near, half)
        f_best = _value(function, best)
    raise RuntimeError(f"no root to the wished precision after {maxiter} steps")


def _tried(last: float, f_last: float, best: float, f_best: float, other: float, f_other: float) -> float:
    """The step by the secant, or by extrapolation where three points are known; infinite where it is not to be computed."""
    if last == other:
        return -f_best * (best - last) / (f_best - f_last)
    slope, other_slope = (f_last - f_best) / (last - best), (f_other - f_best) / (other - best)
    below = other_slope * slope * (f_other - f_last)
    return -f_best * (f_other * other_slope - f_last * slope) / below if below else math.inf


def _value(function: Callable[[float], float], x: float) -> float:
    value = float(function(x))
    if value != value:
        raise ValueError(f"the function is not a number at {x}")
    return value
