"""Rubin's rules: one estimate from several plausible versions of the data.

With m versions, estimates q_k and variances u_k: q = mean(q_k), within W = mean(u_k), between B = var(q_k), total
T = W + (1 + 1/m) B, limits on t with (m - 1)(1 + W / ((1 + 1/m) B))^2 degrees of freedom (Rubin 1987, Multiple Imputation
for Nonresponse in Surveys).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.errors import CallError
from nextarm.core.result import Interval, record


@record
class Combined:
    """The combined estimate: total standard error and limits, with the parts within and between versions."""

    estimate: float
    standard_error: float
    ci: Interval
    within_se: float
    between_sd: float
    versions: int
    df: float | None


def combine_versions(estimates: ArrayLike, variances: ArrayLike, *, level: float = 0.95) -> Combined:
    """Combine the ``estimates`` of m >= 2 versions with their ``variances`` (both of shape (m,)).

    ``df`` is None where the versions agree exactly (normal limits). Raises :class:`CallError` for fewer than two versions,
    unequal lengths, numbers that are not finite, or a negative variance.

    >>> combine_versions([0.0, 1.0, 2.0], [1.0, 1.0, 1.0]).standard_error ** 2
    2.333333333333333
    """
    q, u = np.asarray(estimates, np.float64), np.asarray(variances, np.float64)
    if q.ndim != 1 or q.shape != u.shape or q.size < 2:
        raise CallError(f"{q.size} versions", rule="at least two are needed, each with an estimate and a variance")
    if not (np.isfinite(q).all() and np.isfinite(u).all() and (u >= 0.0).all()):
        raise CallError("estimates or variances", rule="must be finite, variances not negative")
    if not 0.0 < level < 1.0:
        raise CallError(f"level = {level}", rule="must lie between 0 and 1, both excluded")
    from scipy.special import ndtri, stdtrit

    m = q.size
    within, between = float(u.mean()), float(q.var(ddof=1))
    inflated = (1.0 + 1.0 / m) * between
    total = within + inflated
    df = (m - 1) * (1.0 + within / inflated) ** 2 if inflated > 0.0 else None
    tail = 0.5 + level / 2.0
    reach = (float(ndtri(tail)) if df is None else float(stdtrit(df, tail))) * math.sqrt(total)
    mean = float(q.mean())
    return Combined(
        estimate=mean,
        standard_error=math.sqrt(total),
        ci=Interval(low=mean - reach, high=mean + reach, level=level),
        within_se=math.sqrt(within),
        between_sd=math.sqrt(between),
        versions=m,
        df=df,
    )
