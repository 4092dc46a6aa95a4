"""Several hypotheses in one trial: the graphical procedure that keeps the family-wise error (Bretz et al. 2009).

Each hypothesis holds a share of alpha; when it is rejected, its share passes on along the arrows of a graph (rows of ``transitions`` add
up to at most 1) and the graph closes around it. So MRD may gate EFS and EFS gate OS, or two arms may hand their
alpha to each other. Every such graph is a shortcut of a closed weighted Bonferroni test, whatever the dependence of the p values.
doi 10.1002/sim.3495.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from nextarm.core.errors import CallError, Problem
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.designs.seam import BoolArray


@record
class GraphicalOutcome:
    """What was rejected, in order, and the adjusted p value of each hypothesis (the smallest alpha that would reject it)."""

    names: tuple[str, ...]
    rejected: tuple[str, ...]
    adjusted_p: dict[str, float]
    local_alpha: dict[str, float]


def graphical_test(
    p: Mapping[str, float], *, weights: Mapping[str, float], transitions: Mapping[str, Mapping[str, float]], alpha: float
) -> GraphicalOutcome:
    """Test the hypotheses with one-sided p values ``p`` at family-wise ``alpha``.

    ``weights`` share alpha out at the start (at most 1 in all; a missing name has 0); ``transitions[a][b]`` is the part
    of a's alpha that goes to b once a is rejected. Raises :class:`CallError` with all that is wrong with the graph.
    ``local_alpha`` is what each hypothesis not rejected holds at the end.

    >>> got = graphical_test(
    ...     {"MRD": 0.01, "EFS": 0.02, "OS": 0.2}, weights={"MRD": 1.0}, transitions={"MRD": {"EFS": 1.0}, "EFS": {"OS": 1.0}}, alpha=0.025
    ... )
    >>> got.rejected, got.local_alpha["OS"]
    (('MRD', 'EFS'), 0.025)
    """
    names = tuple(p)
    w, g = checked_graph(names, weights, transitions)
    if not 0.0 < alpha < 1.0:
        raise CallError(f"alpha = {alpha:g}", rule="must lie between 0 and 1")
    values = np.array([p[n] for n in names])
    if bad := [n for n in names if not 0.0 <= p[n] <= 1.0]:
        raise CallError(f"p of {', '.join(bad)}", rule="must be a probability")
    order, adjusted, shares = rejections(values, w, g)
    rejected = tuple(names[i] for i in order if adjusted[i] <= alpha)
    share_end = shares[len(rejected)]
    return GraphicalOutcome(
        names=names, rejected=rejected, adjusted_p={n: float(adjusted[i]) for i, n in enumerate(names)},
        local_alpha={n: 0.0 if n in rejected else float(alpha * share_end[i]) for i, n in enumerate(names)},
    )  # fmt: skip


def rejections(p: FloatArray, weights: FloatArray, transitions: FloatArray) -> tuple[list[int], FloatArray, list[FloatArray]]:
    """The order of rejection as alpha rises, the adjusted p values, and the shares of alpha before each step (and after all)."""
    w, g = weights.copy(), transitions.copy()
    left = list(range(len(p)))
    order: list[int] = []
    adjusted = np.ones(len(p))
    shares = [w.copy()]
    reached = 0.0
    while left:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = np.where(w[left] > 0.0, p[left] / w[left], np.inf)
        k = int(np.argmin(ratio))
        if not np.isfinite(ratio[k]):
            break
        j = left[k]
        reached = max(reached, float(ratio[k]))
        adjusted[j] = min(1.0, reached)
        order.append(j)
        left.remove(j)
        w, g = without(j, w, g, left)
        shares.append(w.copy())
    while len(shares) <= len(p):
        shares.append(shares[-1])
    return order, adjusted, shares


def without(j: int, w: FloatArray, g: FloatArray, left: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Weights and arrows once hypothesis ``j`` is rejected: its share is passed on, paths through it are closed."""
    made_w, made_g = w.copy(), np.zeros_like(g)
    for a in left:
        made_w[a] = w[a] + w[j] * g[j, a]
        for b in left:
            back = g[a, j] * g[j, a]
            if a != b and back < 1.0:
                made_g[a, b] = (g[a, b] + g[a, j] * g[j, b]) / (1.0 - back)
    made_w[j] = 0.0
    return made_w, made_g


def decide_many(p: FloatArray, *, weights: FloatArray, transitions: FloatArray, alpha: float) -> BoolArray:
    """Which hypotheses are rejected in many trials: p of shape (trials, hypotheses), the same shape back.

    By the closed test that the graph is a shortcut of: a hypothesis falls where every set that holds it has a p value below its
    share of alpha, the shares being those once all outside the set are rejected.
    """
    count = p.shape[1]
    made = np.ones(p.shape, np.bool_)
    for size in range(1, count + 1):
        for inside in itertools.combinations(range(count), size):
            w, g, left = weights, transitions, list(range(count))
            for j in sorted(set(left) - set(inside)):
                left.remove(j)
                w, g = without(j, w, g, left)
            held = [j for j in inside if w[j] > 0.0]  # without a share nothing falls, not even with a p below rounding
            falls: BoolArray = np.asarray(np.any(p[:, held] <= w[held] * alpha, axis=1))
            made[:, list(inside)] &= falls[:, None]
    return made


def checked_graph(
    names: Sequence[str], weights: Mapping[str, float], transitions: Mapping[str, Mapping[str, float]]
) -> tuple[FloatArray, FloatArray]:
    """The graph as arrays, or :class:`CallError` with every fault: unknown names, shares outside 0 to 1, sums above 1, loops to itself."""
    problems = [Problem(f"weights has {n!r}", "", f"must be one of {', '.join(names)}") for n in weights if n not in names]
    w, g = np.zeros(len(names)), np.zeros((len(names), len(names)))
    place = {n: i for i, n in enumerate(names)}
    for n, share in weights.items():
        if not 0.0 <= share <= 1.0:
            problems.append(Problem(f"weights.{n} = {share:g}", "", "must lie between 0 and 1"))
        elif n in place:
            w[place[n]] = share
    if w.sum() > 1.0 + 1e-9:
        problems.append(Problem(f"weights add up to {w.sum():g}", "", "must add up to at most 1"))
    for a, row in transitions.items():
        if a not in place:
            problems.append(Problem(f"transitions has {a!r}", "", f"must be one of {', '.join(names)}"))
            continue
        for b, share in row.items():
            if b not in place or b == a or not 0.0 <= share <= 1.0:
                rule = "must point to another hypothesis" if b not in place or b == a else "must lie between 0 and 1"
                problems.append(Problem(f"transitions.{a}.{b} = {share:g}", "", rule))
            else:
                g[place[a], place[b]] = share
        if g[place[a]].sum() > 1.0 + 1e-9:
            problems.append(Problem(f"transitions.{a} add up to {g[place[a]].sum():g}", "", "must add up to at most 1"))
    if problems:
        raise CallError(problems=problems)
    return w, g
