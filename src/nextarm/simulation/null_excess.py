"""Scenarios in which the null is true and that are rejected more often than alpha: told beside the rates, once more trials say so too.

The asymptotic law of a test statistic is only nearly right where events are few or the arms unequal (see
:mod:`nextarm.simulation.finite_sample`), and a Bayesian rule holds no alpha of itself. But chance alone puts one run in 40 above alpha by
more than its Monte-Carlo interval: the example of a group-sequential log-rank test rejects in 2.87 % of 20,000 trials with seed 1, and in
2.49 % of 200,000. So such a scenario is run on, in trials that did not raise the question: if they agree with alpha, it was chance.

What a null is, each design says (:meth:`~nextarm.designs.design.DesignTable.error_allowed`); dose finding has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import lru_cache, partial
from statistics import NormalDist
from typing import Any

from nextarm.core.errors import NextarmError
from nextarm.core.random import BLOCK_TRIALS
from nextarm.designs.plan import Plan, plan_from_toml
from nextarm.designs.true_null import better_arms
from nextarm.simulation.characteristics import Rate, rate_of
from nextarm.simulation.counted import BlockCounts
from nextarm.simulation.gated_block import GatedPrepared
from nextarm.simulation.platform_block import PlatformPrepared
from nextarm.simulation.ready import Ready
from nextarm.simulation.totals import Totals
from nextarm.simulation.true_error import KINDS

_Z = NormalDist().inv_cdf(0.975)
#: Standard errors above alpha beyond which nobody asks whether it was chance, and the fewest trials of which it is asked.
_SURE, _FEWEST = 4.5, 10_000
#: Trials run on: so many times as many, up to so many blocks.
_TIMES, _MOST_BLOCKS = 4, 98


@lru_cache(maxsize=32)
def _by_formula(text: str) -> tuple[tuple[str, float], ...]:
    found = []
    for name, plan in plan_from_toml(text).scenarios():
        with suppress(NextarmError):  # a scenario that the formula refuses has none
            found.append((name, plan.evaluate().power))
    return tuple(found)


def rejections_by_formula(plan: Plan) -> dict[str, float]:
    """The probability of rejection by the design's formula for each scenario by name; empty where no formula has all looks in it."""
    return dict(_by_formula(plan.to_toml())) if plan.design.formula_is_whole else {}


@dataclass(frozen=True)
class Watched:
    """A rate that should not exceed ``allowed``: of which scenario, what it is called, how a block counts it."""

    scenario: int
    name: str
    allowed: float
    hits: Callable[[BlockCounts], float]


def allowed_errors(made: Ready) -> tuple[float | None, ...]:
    """For each scenario of ``made`` (cells of a grid too) how often the design may reject; None where its null is not true.

    Of a platform: where none of its arms works.
    """
    if isinstance(made, GatedPrepared):
        return tuple(made.design.alpha if truth.nulls else None for truth in made.truths)
    return tuple(plan.design.error_allowed(plan) for plan in _plans(made.plan))


def _plans(plan: Plan) -> list[Plan]:
    return [*(scenario for _, scenario in plan.scenarios()), *(cell for _, cell in plan.grid_cells())]


def watched(made: Ready) -> list[Watched]:
    """The rates of ``made`` that are errors."""
    names = [truth.name for truth in made.truths]
    if isinstance(made, PlatformPrepared):
        found = []
        for s, plan in enumerate(_plans(made.plan)):
            better = better_arms(plan)
            found += [
                Watched(s, f"{names[s]}, {arm}", plan.design.alpha, partial(_of_arm, arm=k))
                for k, arm in enumerate(made.arms[1:])
                if arm not in better
            ]
        return found
    hits = partial(_of_row, row=3 + made.rates.index("false_rejection")) if isinstance(made, GatedPrepared) else _rejected
    return [Watched(s, names[s], allowed, hits) for s, allowed in enumerate(allowed_errors(made)) if allowed is not None]


def _rejected(block: BlockCounts) -> float:
    return float(block.rejected_by_look.sum())


def _of_arm(block: BlockCounts, *, arm: int) -> float:
    return float(block.rejected_by_look[arm])


def _of_row(block: BlockCounts, *, row: int) -> float:
    return float(block.sums[row, 0])


def excess(made: Ready, totals: Totals, *, seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sentences on the rates of ``totals``, run with ``seed``, that lie above what is allowed: cautions, and those that are by chance.

    From 10,000 trials on, before that only where it is beyond doubt: the interval of a few thousand says enough.
    """
    cautions, chance = [], []
    for w in watched(made):
        rate = rate_of(round(w.hits(totals.block_of(w.scenario))), totals.trials)
        if rate.value - _Z * rate.se <= w.allowed:
            continue
        told, kept = f"{w.name}: {_share(rate, 'of virtual trials reject')} although {_null(made)}", f"alpha = {w.allowed:g}"
        if rate.value - _SURE * rate.se > w.allowed:
            cautions.append(f"{told}, more than {kept}: {_why(made)}")
            continue
        if totals.trials < _FEWEST:
            continue
        further, number = _further(made, w, seed=seed, first=math.ceil(totals.trials / BLOCK_TRIALS), trials=totals.trials)
        again = _share(further, f"of {number:,} further trials do")
        if further.value - _Z * further.se > w.allowed:
            cautions.append(f"{told}, more than {kept}, and {again}: {_why(made)}")
        else:
            every = (rate.value * totals.trials + further.value * number) / (totals.trials + number)
            chance.append(
                f"{told}. Further trials do not bear that out: {again}, in line with {kept}; of all together {100 * every:.3g} % do"
            )
    return tuple(cautions), tuple(chance)


def _further(made: Ready, w: Watched, *, seed: int, first: int, trials: int) -> tuple[Rate, int]:
    """The rate in blocks from the ``first`` on that no result is made of, and how many trials they are."""
    one: Any = made
    place = w.scenario
    if any(f.name == "truths" for f in fields(made)):  # the others need not be run
        one, place = replace(one, truths=(one.truths[w.scenario],)), 0
    blocks = min(_TIMES * math.ceil(trials / BLOCK_TRIALS), _MOST_BLOCKS)
    hits = sum(w.hits(one.block(seed=seed, block=b, trials=BLOCK_TRIALS)[place]) for b in range(first, first + blocks))
    return rate_of(round(hits), blocks * BLOCK_TRIALS), blocks * BLOCK_TRIALS


def _share(rate: Rate, words: str) -> str:
    low, high = max(rate.value - _Z * rate.se, 0.0), rate.value + _Z * rate.se
    return f"{100 * rate.value:.2f} % {words} (95 % interval {100 * low:.2f} to {100 * high:.2f} %)"


def _null(made: Ready) -> str:
    return "an end point has no effect there" if isinstance(made, GatedPrepared) else "the null is true there"


def _why(made: Ready) -> str:
    if made.plan.design.kind in KINDS:
        cure = (
            "`nextarm design` simulates this error at its own size and, where it is more than a tenth above alpha, finds the nominal alpha"
        )
        return f"the normal law of the log-rank z is only nearly right where events are few or the arms unequal; {cure} that keeps it"
    return "the rule of this design keeps alpha only as nearly as its approximation, or its prior, is right"
