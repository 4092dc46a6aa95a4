"""Which traced curve is which named arm.

The tracer matches by colour and dash. What it leaves open is settled by the numbers at risk where they can settle it: the
share at risk n(t) / N never exceeds S(t), whatever the censoring.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
from scipy.optimize import linear_sum_assignment

from nextarm.core.result import record
from nextarm.figures.raster.legend import colour_distance
from nextarm.figures.raster.panel import ArmHint, Floats, TracedPanel
from nextarm.figures.raster.risk_table import RiskRow
from nextarm.figures.reading import CurveReading

SAME_COLOUR = 90.0  # largest difference of a channel between a curve and its key
CLEAR = 0.02  # sum of violations that separates one order of names from the next
FEWER = 0.15  # of those of the next order: a curve that is a little off at a hidden start does not make its name uncertain


@record
class Matched:
    """For each curve the position of its arm, or None."""

    hints: tuple[int | None, ...]
    warnings: tuple[str, ...]


def agreement(survival: Callable[[Floats], Floats], times: Floats, at_risk: Floats) -> float:
    """Largest amount by which the share at risk exceeds the survival curve; 0 where it never does.

    A patient counts as at risk at t until t is over, so the curve just before t is compared.
    """
    if at_risk.size < 2 or np.isnan(at_risk[0]) or at_risk[0] <= 0:
        return 0.0
    before = np.maximum(times - 1e-3 * max(1e-9, float(np.ptp(times))), 0.0)
    s = survival(before)
    share = at_risk / at_risk[0]
    known = ~np.isnan(share) & ~np.isnan(s)
    return float(np.maximum(share[known] - s[known] - 0.5 / at_risk[0], 0).max()) if known.any() else 0.0


def _violation(curve: CurveReading, row: RiskRow | None, times: tuple[float, ...]) -> float:
    if row is None:
        return 0.0
    return agreement(curve.survival_at, np.array(times), np.array([np.nan if v is None else float(v) for v in row.cells]))


def by_colour(traced: TracedPanel, hints: tuple[ArmHint, ...], given: list[int | None], seen: set[int]) -> None:
    """Give curves without an arm the arms without a curve whose colour, and failing that whose dash, is theirs alone."""
    curves, arms = [k for k, h in enumerate(given) if h is None], [i for i in range(len(hints)) if i not in seen]
    if not curves or not arms:
        return
    cost = np.full((len(curves), len(arms)), 1000.0)
    for a, k in enumerate(curves):
        for b, i in enumerate(arms):
            far = colour_distance(traced.curves[k].colour, hints[i].colour)
            other = hints[i].dash is not None and hints[i].dash != traced.curves[k].dash
            if far <= SAME_COLOUR:
                cost[a, b] = far + (30.0 if other else 0.0)
    for a, b in zip(*(v.tolist() for v in linear_sum_assignment(cost)), strict=True):
        rival = min(
            [float(v) for q, v in enumerate(cost[a]) if q != b] + [float(v) for q, v in enumerate(cost[:, b]) if q != a], default=1000.0
        )
        if cost[a, b] < 1000 and rival - cost[a, b] > 15:
            given[curves[a]] = arms[b]
            seen.add(arms[b])


def match_arms(
    traced: TracedPanel, hints: tuple[ArmHint, ...], rows: tuple[RiskRow | None, ...], curves: list[CurveReading], times: tuple[float, ...]
) -> Matched:
    """Arms of the traced curves.

    Args:
        traced: The curves in pixels, each with the hint it was matched to or None.
        hints: Named arms.
        rows: Their rows of the at-risk table.
        curves: The curves in the figure's units.
        times: Times of the at-risk table.
    """
    given: list[int | None] = [c.hint for c in traced.curves]
    seen: set[int] = set()
    for k, hint in enumerate(given):  # one arm, one curve
        if hint is not None and hint in seen:
            given[k] = None
        elif hint is not None:
            seen.add(hint)
    by_colour(traced, hints, given, seen)
    open_curves = [k for k, h in enumerate(given) if h is None]
    open_hints = [i for i in range(len(hints)) if i not in seen]
    warnings: list[str] = []
    if len(open_curves) == 1 and len(open_hints) == 1:
        given[open_curves[0]] = open_hints[0]
    elif open_curves and len(open_curves) == len(open_hints) <= 4:
        costs = []
        for order in permutations(open_hints):
            pairs = list(zip(open_curves, order, strict=True))
            costs.append((sum(_violation(curves[k], rows[i] if i < len(rows) else None, times) for k, i in pairs), order))
        costs.sort(key=lambda c: c[0])
        if costs[1][0] - costs[0][0] > CLEAR and costs[0][0] < max(CLEAR, FEWER * costs[1][0]):
            for k, i in zip(open_curves, costs[0][1], strict=True):
                given[k] = i
            warnings.append("names were given to curves by the numbers at risk, because neither colour nor line style tells")
        else:
            warnings.append(f"which curve is {' or '.join(repr(hints[i].name) for i in open_hints)} is not certain")
    for c, mine in zip(traced.curves, given, strict=True):  # the pale edge of a band, say
        key = None if mine is None else hints[mine]
        if key is not None and key.colour is not None and colour_distance(c.colour, key.colour) > SAME_COLOUR:
            warnings.append(f"the line read as {key.name!r} has not the colour of its key: whether it is the curve is not certain")
    return Matched(hints=tuple(given), warnings=tuple(warnings))
