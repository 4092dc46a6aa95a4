"""Scales on which studies are pooled: complementary log-log, logit, log and identity.

A scale is a smooth monotone function g of the natural quantity; a standard error travels by the delta method,
``se(g(s)) = |g'(s)| se(s)`` (Casella & Berger 2002, section 5.5.4). The complementary log-log here is
``g(S) = log(-log S)``, the log cumulative hazard: it falls as S rises.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from nextarm.core.errors import CallError

Measure = Literal["cloglog", "logit", "log", "identity"]
MEASURES: tuple[str, ...] = get_args(Measure)


@dataclass(frozen=True)
class Scale:
    """A monotone scale: ``forward`` natural -> scale, ``back`` its inverse, ``slope`` the derivative of ``forward``.

    ``low`` and ``high`` bound the open domain of ``forward``; ``rising`` says whether it grows with its argument.
    """

    name: str
    forward: Callable[[float], float]
    back: Callable[[float], float]
    slope: Callable[[float], float]
    low: float
    high: float
    rising: bool

    def holds(self, value: float) -> bool:
        """Say whether ``value`` lies in the open domain, so that it can be transformed."""
        return math.isfinite(value) and self.low < value < self.high

    def natural_interval(self, low: float, high: float) -> tuple[float, float]:
        """Return the natural limits, lower first, of an interval on this scale."""
        ends = self.back(low), self.back(high)
        return ends if self.rising else (ends[1], ends[0])


def _expit(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


def _cloglog_back(x: float) -> float:
    return math.exp(-math.exp(min(x, 700.0)))


def _exp(x: float) -> float:
    return math.exp(min(x, 700.0))


SCALES: tuple[Scale, ...] = (
    Scale("cloglog", lambda s: math.log(-math.log(s)), _cloglog_back, lambda s: 1.0 / (s * math.log(s)), 0.0, 1.0, False),
    Scale("logit", lambda s: math.log(s / (1.0 - s)), _expit, lambda s: 1.0 / (s * (1.0 - s)), 0.0, 1.0, True),
    Scale("log", math.log, _exp, lambda s: 1.0 / s, 0.0, math.inf, True),
    Scale("identity", lambda s: s, lambda x: x, lambda s: 1.0, -math.inf, math.inf, True),
)


def scale(measure: str) -> Scale:
    """Return the scale named ``measure``; :class:`CallError` for an unknown name.

    >>> round(scale("cloglog").back(scale("cloglog").forward(0.42)), 12)
    0.42
    """
    for known in SCALES:
        if known.name == measure:
            return known
    raise CallError(f"measure = {measure!r}", rule=f"must be one of {', '.join(MEASURES)}")
