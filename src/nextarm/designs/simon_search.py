"""Two-stage designs for one proportion by full enumeration: optimal, minimax and admissible (Simon 1989; Jung 2004).

Stage 1 has n1 patients; at most r1 responses end the trial. Else n - n1 more enter, and more than r responses in all reject
H0: p <= p0. Among all (r1, n1, r, n) with type I error <= alpha and power as asked, *minimax* has the smallest n and, of
those, the smallest expected size under p0; *optimal* the smallest expected size of all; *admissible* designs are those on
the lower convex hull of (n, expected size): best for some weight between the two (Simon, Controlled Clinical Trials 10:1-10; Jung et al.,
Statistics in Medicine 23:561-569).
"""

from __future__ import annotations

import itertools

import numba
import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.designs.binomial_paths import binomial_mass, path_probabilities
from nextarm.designs.exact_binomial import check_rates, exact_binomial_size

#: The largest total looked at.
MOST_PATIENTS = 400


@record
class TwoStage:
    """A two-stage design: stop for futility at ``r1`` or fewer of ``n1``, reject at more than ``r`` of ``n``.

    ``expected_n`` and ``stop_early`` under p0, ``expected_n_p1`` under p1; ``weights`` the range of weights on n for
    which it is best, where it is admissible.
    """

    r1: int
    n1: int
    r: int
    n: int
    type1_error: float
    power: float
    expected_n: float
    stop_early: float
    expected_n_p1: float
    weights: tuple[float, float] | None = None


def two_stage_designs(*, p0: float, p1: float, alpha: float, power: float) -> tuple[TwoStage, ...]:
    """All admissible two-stage designs, from minimax (smallest n) to optimal (smallest expected n under ``p0``).

    >>> minimax, *_, optimal = two_stage_designs(p0=0.1, p1=0.3, alpha=0.05, power=0.8)
    >>> (minimax.r1, minimax.n1, minimax.r, minimax.n), (optimal.r1, optimal.n1, optimal.r, optimal.n)
    ((1, 15, 5, 25), (1, 10, 5, 29))
    """
    check_rates(p0, p1)
    if not 0.0 < alpha < 0.5 or not 0.0 < power < 1.0:
        raise CallError(f"alpha = {alpha:g}, power = {power:g}", rule="alpha must lie between 0 and 0.5, power between 0 and 1")
    single = exact_binomial_size(p0=p0, p1=p1, alpha=alpha, power=power)
    # The optimal design is never much above the one-stage size: twice it bounds the search; the hull stops earlier.
    top = min(MOST_PATIENTS, max(2 * single.n, single.n + 20))
    if single.n > MOST_PATIENTS // 2:
        raise RefusedError(
            f"a two-stage design for {p0:g} against {p1:g}",
            rule=f"one stage already needs {single.n} patients, beyond what is enumerated",
            cure="Choose a larger difference or a one-stage design",
        )
    best: list[tuple[int, int, int, int, float]] = []
    mass0, mass1 = _masses(top, p0), _masses(top, p1)
    least = np.inf
    for n in range(max(2, single.n // 2), top + 1):
        r1, n1, r, expected = _best_of_size(n, mass0, mass1, alpha, power)
        if n1 > 0 and expected < least:
            least = expected
            best.append((r1, n1, r, n, expected))
    if not best:
        raise RefusedError(f"a two-stage design for {p0:g} against {p1:g}", rule=f"none exists up to {top} patients")
    return tuple(_described(best[i], p0, p1, w) for i, w in _hull(best))


def _masses(top: int, p: float) -> FloatArray:
    made = np.zeros((top + 1, top + 1))
    for n in range(top + 1):
        made[n, : n + 1] = binomial_mass(n, p)
    return made


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def _best_of_size(n: int, mass0: FloatArray, mass1: FloatArray, alpha: float, power: float) -> tuple[int, int, int, float]:
    """The design of total size n with the smallest expected size under p0; n1 = 0 where none fits."""
    best_r1, best_n1, best_r, best = -1, 0, -1, 1e18
    for n1 in range(1, n):
        n2 = n - n1
        tail0, tail1 = np.zeros(n2 + 2), np.zeros(n2 + 2)  # P(Y >= y) of stage 2
        for y in range(n2, -1, -1):
            tail0[y] = tail0[y + 1] + mass0[n2, y]
            tail1[y] = tail1[y + 1] + mass1[n2, y]
        stop0, stop1 = 0.0, 0.0
        for r1 in range(n1):
            stop0 += mass0[n1, r1]
            stop1 += mass1[n1, r1]
            if 1.0 - stop1 < power:
                break
            expected = n1 + (1.0 - stop0) * n2
            if expected >= best:
                continue
            low, high = r1, n  # smallest r with type I error <= alpha: it falls with r
            while low < high:
                r = (low + high) // 2
                error = 0.0
                for x in range(r1 + 1, n1 + 1):
                    error += mass0[n1, x] * tail0[min(max(r + 1 - x, 0), n2 + 1)]
                if error <= alpha:
                    high = r
                else:
                    low = r + 1
            reached = 0.0
            for x in range(r1 + 1, n1 + 1):
                reached += mass1[n1, x] * tail1[min(max(low + 1 - x, 0), n2 + 1)]
            if reached >= power:
                best_r1, best_n1, best_r, best = r1, n1, low, expected
    return best_r1, best_n1, best_r, best


def _hull(points: list[tuple[int, int, int, int, float]]) -> list[tuple[int, tuple[float, float]]]:
    """The lower convex hull of (n, expected n), each with its range of weights q in q n + (1 - q) E."""
    kept: list[int] = []
    for i in range(len(points)):
        while len(kept) >= 2 and _turn(points[kept[-2]], points[kept[-1]], points[i]) <= 0.0:
            kept.pop()
        kept.append(i)
    slopes = [(points[a][4] - points[b][4]) / (points[b][3] - points[a][3]) for a, b in itertools.pairwise(kept)]
    edges = [1.0, *(s / (1.0 + s) for s in slopes), 0.0]
    return [(i, (edges[k + 1], edges[k])) for k, i in enumerate(kept)]


def _turn(a: tuple[int, int, int, int, float], b: tuple[int, int, int, int, float], c: tuple[int, int, int, int, float]) -> float:
    return (b[3] - a[3]) * (c[4] - a[4]) - (b[4] - a[4]) * (c[3] - a[3])


def _described(found: tuple[int, int, int, int, float], p0: float, p1: float, weights: tuple[float, float]) -> TwoStage:
    r1, n1, r, n, expected = found
    sizes, low, high = (n1, n), (r1, r), (n1 + 1, r + 1)
    null, other = (path_probabilities(p, sizes=sizes, low=low, high=high) for p in (p0, p1))
    return TwoStage(
        r1=r1, n1=n1, r=r, n=n, type1_error=float(null.stop_high.sum()), power=float(other.stop_high.sum()), expected_n=expected,
        stop_early=float(null.stop_low[0]), expected_n_p1=other.expected_n, weights=weights,
    )  # fmt: skip
