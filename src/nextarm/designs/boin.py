"""BOIN: the dose for the next cohort from the share of toxicities at the present one.

Liu & Yuan 2015; Yan et al. 2020, doi 10.18637/jss.v094.i13.

Escalate when the observed share is at most lambda_e, de-escalate when it is at least lambda_d, else stay; with
lambda_e = log((1 - s) / (1 - t)) / log(t (1 - s) / (s (1 - t))) for the target t and the highest rate s that is still too low, and
lambda_d alike with the lowest rate that is too high. A dose whose rate exceeds the target with posterior probability above ``eliminate``
(uniform prior, from 3 patients on) is closed, and all above it.
"""

from __future__ import annotations

import math

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record


@record
class BoinTable:
    """What to do with each number of patients at the present dose (``sizes``).

    Escalate at ``escalate`` or fewer toxicities, de-escalate at ``deescalate`` or more, close the dose at ``close`` or more
    (None: not with so few patients).
    """

    lambda_e: float
    lambda_d: float
    sizes: tuple[int, ...]
    escalate: tuple[int, ...]
    deescalate: tuple[int, ...]
    close: tuple[int | None, ...]


def boin_table(
    sizes: tuple[int, ...], *, target: float, too_low: float | None = None, too_high: float | None = None, eliminate: float = 0.95
) -> BoinTable:
    """The decision table; ``too_low`` and ``too_high`` are 0.6 and 1.4 times the target unless given.

    >>> got = boin_table((3, 6, 9, 12), target=0.3)
    >>> round(got.lambda_e, 3), round(got.lambda_d, 3), got.escalate, got.deescalate, got.close
    (0.236, 0.359, (0, 1, 2, 2), (2, 3, 4, 5), (3, 4, 5, 7))
    """
    from scipy.special import betainc

    low = 0.6 * target if too_low is None else too_low
    high = 1.4 * target if too_high is None else too_high
    if not 0.0 < low < target < high < 1.0:
        cure = f"Give a proportion, not a percentage: {target / 100:g}" if 1.0 < target <= 100.0 else ""
        raise CallError(f"too_low = {low:g}, target = {target:g}, too_high = {high:g}", rule="must increase between 0 and 1", cure=cure)
    if not 0.5 <= eliminate < 1.0:
        raise CallError(f"eliminate = {eliminate:g}", rule="must be at least 0.5 and below 1")
    if not sizes or min(sizes) < 1:
        raise CallError(f"sizes = {list(sizes)}", rule="must be whole numbers from 1 up")
    up, down = _between(low, target), _between(target, high)
    close: list[int | None] = []
    for n in sizes:
        over = 1.0 - betainc(np.arange(n + 1) + 1.0, n - np.arange(n + 1) + 1.0, target) > eliminate
        close.append(int(np.argmax(over)) if n >= 3 and over.any() else None)
    shut = [math.ceil(down * n - 1e-12) for n in sizes]
    return BoinTable(
        lambda_e=up, lambda_d=down, sizes=tuple(sizes), escalate=tuple(math.floor(up * n + 1e-12) for n in sizes),
        deescalate=tuple(d if c is None else min(d, c) for d, c in zip(shut, close, strict=True)), close=tuple(close),
    )  # fmt: skip


def _between(low: float, high: float) -> float:
    """The observed share at which two rates are equally likely."""
    return math.log((1.0 - low) / (1.0 - high)) / math.log(high * (1.0 - low) / (low * (1.0 - high)))
