"""One proportion against a fixed one: the exact binomial test and its size.

Reject H0: p <= p0 when at least r of n respond, r the smallest count with P(X >= r | p0) <= alpha. Because counts are
whole the type I error is below alpha and the power is a saw: a larger n can have less of it. ``smallest`` is the first n
that reaches the power, ``sustained`` the first from which it is never lost again (A'Hern 2001 tabulates the first).
"""

from __future__ import annotations

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import record
from nextarm.designs.binomial_paths import upper_tail

#: The largest size looked at.
MOST_PATIENTS = 5_000


@record
class ExactBinomial:
    """An exact one-stage design: reject when at least ``r`` of ``n`` respond."""

    n: int
    r: int
    type1_error: float
    power: float


def exact_binomial(n: int, *, p0: float, p1: float, alpha: float) -> ExactBinomial:
    """The exact test of ``p0`` with ``n`` patients and its power at ``p1``.

    >>> got = exact_binomial(25, p0=0.1, p1=0.3, alpha=0.05)
    >>> got.r, round(got.type1_error, 4), round(got.power, 4)
    (6, 0.0334, 0.8065)
    """
    check_rates(p0, p1)
    if n < 1:
        raise CallError(f"n = {n}", rule="must be at least 1 patient")
    r = smallest_rejecting(n, p0, alpha)
    return ExactBinomial(n=n, r=r, type1_error=upper_tail(r, n, p0), power=upper_tail(r, n, p1))


def exact_binomial_size(*, p0: float, p1: float, alpha: float, power: float, sustained: bool = False) -> ExactBinomial:
    """The smallest exact design with ``power``; ``sustained``: from which on no larger n has less.

    Raises :class:`RefusedError` where more than 5,000 patients would be needed.

    >>> got = exact_binomial_size(p0=0.1, p1=0.3, alpha=0.05, power=0.8)
    >>> got.n, got.r
    (25, 6)
    """
    check_rates(p0, p1)
    found: ExactBinomial | None = None
    n, good = 1, 0
    while n <= MOST_PATIENTS:
        made = exact_binomial(n, p0=p0, p1=p1, alpha=alpha)
        if made.power >= power:
            found = found or made
            if not sustained:
                return made
            good += 1
            if good >= 60 + n // 2:  # the saw's teeth shrink like 1 / sqrt(n): none this long after can reach back
                return found
        elif found is not None:
            found, good = None, 0
        n += 1
    raise RefusedError(
        f"power {power:g} for {p0:g} against {p1:g}",
        rule=f"needs more than {MOST_PATIENTS:,} patients",
        cure="Choose a larger difference",
    )


def smallest_rejecting(n: int, p0: float, alpha: float) -> int:
    """The smallest count r with P(X >= r | n, p0) <= alpha; n + 1 where none has."""
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        if upper_tail(middle, n, p0) <= alpha:
            high = middle
        else:
            low = middle + 1
    return low


def check_rates(p0: float, p1: float) -> None:
    """Both must be proportions, the one hoped for above the one to rule out."""
    for name, value in (("p0", p0), ("p1", p1)):
        if not 0.0 < value < 1.0:
            cure = f"Give a proportion, not a percentage: {value / 100:g}" if 1.0 < value <= 100.0 else ""
            raise CallError(f"{name} = {value:g}", rule="must be above 0 and below 1", cure=cure)
    if p1 <= p0:
        raise CallError(f"p1 = {p1:g} with p0 = {p0:g}", rule="p1 must be above p0")
