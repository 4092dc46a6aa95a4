"""Sizes for two proportions: Farrington and Manning's formula, and the exact search around it.

n1 = ((z_alpha sd_null + z_beta sd_true) / (p1 - p0 + margin))^2, the standard deviations per root patient: under the null at the
limits of the restricted estimates, under the truth at (p0, p1); ``ratio`` experimental patients for one of control.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nextarm.core.errors import RefusedError
from nextarm.designs.two_proportions_exact import MOST_IN_ARM, restricted_control


def farrington_manning_size(*, p0: float, p1: float, alpha: float, power: float, margin: float = 0.0, ratio: float = 1.0) -> float:
    """Patients in all (a real number) by the formula.

    Raises :class:`RefusedError` where the truth is no better than the null.

    >>> round(farrington_manning_size(p0=0.41, p1=0.57, alpha=0.025, power=0.8), 1)
    304.1
    """
    from scipy.special import ndtri

    gain = p1 - p0 + margin
    if gain <= 0.0:
        raise RefusedError(
            f"proportions {p0:g} and {p1:g}", rule=f"are no better than the null (margin {margin:g})", cure="Take a larger effect or margin"
        )
    huge = 10**9  # the restricted estimates' limits: expected counts of an endless trial
    n0, n1 = huge, round(huge * ratio)
    q0 = float(restricted_control(np.asarray(p0 * n0), np.asarray(p1 * n1), n0, n1, margin))
    q1 = q0 - margin
    null = math.sqrt(q0 * (1.0 - q0) * ratio + q1 * (1.0 - q1))
    true = math.sqrt(p0 * (1.0 - p0) * ratio + p1 * (1.0 - p1))
    experimental = ((-float(ndtri(alpha)) * null + float(ndtri(power)) * true) / gain) ** 2
    return experimental * (1.0 + 1.0 / ratio)


def exact_size(power_of: Callable[[int], float], *, start: int, step: int, power: float) -> int:
    """The smallest total near the formula's from which three steps in a row have the power; ``power_of`` is a saw.

    ``step`` is the smallest step of the total that keeps the allocation. Raises :class:`RefusedError` beyond the largest
    size that can be summed.
    """
    n = max(step * 2, (start // step) * step)
    while n > 2 * step and power_of(n - step) >= power:  # the formula was generous
        n -= step
    while n <= 2 * MOST_IN_ARM:
        if all(power_of(n + k * step) >= power for k in range(3)):
            return n
        n += step
    raise RefusedError(f"power {power:g}", rule=f"needs more than {2 * MOST_IN_ARM:,} patients", cure="Take a larger difference or margin")
