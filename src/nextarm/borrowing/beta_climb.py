"""Expectation-maximisation of a beta mixture on fixed points, compiled.

A fit takes up to thousands of steps on a few hundred points. The equations of one step, for each component,
``psi(a) - psi(a + b) = E log x`` and ``psi(b) - psi(a + b) = E log(1 - x)``, are solved by Newton's method, first from the
solution of the moments, then from the last step's.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from nextarm.core.units import FloatArray

#: Coefficients of the asymptotic series of psi (in x^-2, x^-4, ..) and of psi' (in x^-3, x^-5, ..): Bernoulli numbers B(2n),
#: divided by 2n for the former (Abramowitz & Stegun 6.3.18 and 6.4.12).
_BERNOULLI = np.array([1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0])


@njit(cache=True, error_model="numpy")
def digamma_trigamma(x: float) -> tuple[float, float]:
    """psi(x) and psi'(x) for x above 0: the recurrence up to 12, then the series."""
    first = second = 0.0
    while x < 12.0:
        first -= 1.0 / x
        second += 1.0 / (x * x)
        x += 1.0
    over = 1.0 / (x * x)
    power = over
    first += math.log(x) - 0.5 / x
    second += 1.0 / x + 0.5 * over
    for n in range(_BERNOULLI.size):
        first -= _BERNOULLI[n] / (2.0 * (n + 1)) * power
        second += _BERNOULLI[n] * power / x
        power *= over
    return first, second


@njit(cache=True, error_model="numpy")
def _shapes(want_a: float, want_b: float, a: float, b: float) -> tuple[float, float]:
    """Shapes whose means of log x and log(1 - x) are these, from ``a`` and ``b``."""
    for _ in range(8):
        psi_a, slope_a = digamma_trigamma(a)
        psi_b, slope_b = digamma_trigamma(b)
        psi_sum, slope = digamma_trigamma(a + b)
        gap_a, gap_b = psi_a - psi_sum - want_a, psi_b - psi_sum - want_b
        own_a, own_b = slope_a - slope, slope_b - slope
        divisor = own_a * own_b - slope * slope
        step_a, step_b = (own_b * gap_a + slope * gap_b) / divisor, (own_a * gap_b + slope * gap_a) / divisor
        a, b = max(a - step_a, a / 4.0), max(b - step_b, b / 4.0)
        if max(abs(step_a / a), abs(step_b / b)) < 1e-7:  # the error left is of the order of its square
            break
    return a, b


@njit(cache=True, error_model="numpy")
def climb_beta(
    x: FloatArray, mass: FloatArray, share: FloatArray, at_least_one: bool, steps: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights, a and b of the components, from the first ``share`` (components, points) until the log likelihood stands still.

    ``x`` (points,) inside (0, 1), ``mass`` their probabilities. ``at_least_one`` keeps a and b at 1 or above.
    """
    k, n = share.shape
    middle = x.mean()
    log_x, log_y = np.log(x), np.log1p(-x)
    totals = np.zeros((k, 5))  # of 1, log x, log(1 - x), x - middle, (x - middle)^2
    for i in range(k):
        for j in range(n):
            held, away = share[i, j] * mass[j], x[j] - middle
            totals[i, 0] += held
            totals[i, 1] += held * log_x[j]
            totals[i, 2] += held * log_y[j]
            totals[i, 3] += held * away
            totals[i, 4] += held * away * away
    weights, a, b = np.empty(k), np.empty(k), np.empty(k)
    free_a, free_b = np.empty(k), np.empty(k)
    base, density = np.empty(k), np.empty(k)
    last = -np.inf
    for step in range(steps):
        for i in range(k):
            weights[i] = max(totals[i, 0], 1e-12)
            want_a, want_b = totals[i, 1] / weights[i], totals[i, 2] / weights[i]
            if step == 0:
                off = totals[i, 3] / weights[i]
                mean = middle + off
                variance = max(totals[i, 4] / weights[i] - off * off, 1e-14 * max(mean * mean, 1e-8))
                size = max(mean * (1.0 - mean) / variance - 1.0, 0.02)
                free_a[i], free_b[i] = mean * size, (1.0 - mean) * size
            free_a[i], free_b[i] = _shapes(want_a, want_b, free_a[i], free_b[i])
            a[i], b[i] = free_a[i], free_b[i]
            if at_least_one:  # with one parameter held at 1 the other has a closed form
                if b[i] < 1.0 <= a[i]:
                    a[i] = -1.0 / want_a
                elif a[i] < 1.0 <= b[i]:
                    b[i] = -1.0 / want_b
                a[i], b[i] = max(a[i], 1.0), max(b[i], 1.0)
        weights /= weights.sum()
        for i in range(k):
            base[i] = math.log(weights[i]) + math.lgamma(a[i] + b[i]) - math.lgamma(a[i]) - math.lgamma(b[i])
        totals[:] = 0.0
        log_likelihood = 0.0
        for j in range(n):
            top = -np.inf
            for i in range(k):
                density[i] = base[i] + (a[i] - 1.0) * log_x[j] + (b[i] - 1.0) * log_y[j]
                top = max(top, density[i])
            total = 0.0
            for i in range(k):
                density[i] = math.exp(density[i] - top)
                total += density[i]
            log_likelihood += mass[j] * (top + math.log(total))
            for i in range(k):
                held = density[i] / total * mass[j]
                totals[i, 0] += held
                totals[i, 1] += held * log_x[j]
                totals[i, 2] += held * log_y[j]
        if log_likelihood - last < 1e-9:
            break
        last = log_likelihood
    return weights, a, b
