"""Expected events under accrual, dropout and a cure fraction, by numerical integration.

A patient who enters at u and is analysed at T has an observed event if it comes before T - u and before dropout.
With G(v) the patients entered by v and dropout hazard eta, the expected number of events of an arm at T is

    E(T) = integral_0^T G(T - s) exp(-eta s) f(s) ds,

with f = -dS/dt, which a cure fraction makes integrate to less than 1. Integration by parts leaves only S(t).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from nextarm.core.errors import RefusedError
from nextarm.designs.accrual import Accrual
from nextarm.designs.quadrature import follow_up_nodes
from nextarm.designs.truths import Distribution, break_points
from nextarm.survival.roots import brentq

#: A time by which everybody who will ever have the event has had it.
_FOREVER = 1e6


def integration_breaks(models: Iterable[Distribution], accrual: Accrual, time: float) -> list[float]:
    """Follow-up times at which an integrand over time since entry, analysed at ``time``, is not smooth."""
    return [*(time - float(k) for k in accrual.knots), *accrual.dropout_cuts, *(b for m in models for b in break_points(m))]


def expected_events(model: Distribution, *, accrual: Accrual, time: float, share: float = 1.0) -> float:
    """Expected number of observed events at ``time`` years after the first patient, in an arm with ``share`` of them.

    Check: 100 patients uniformly over 2 years, exponential latency with median half a year, cure fraction .3, analysed
    2 years after the last: P(event) = .685207 (closed form in the tests).
    """
    if time <= 0.0:
        return 0.0
    s, w = follow_up_nodes(time, integration_breaks((model,), accrual, time))
    leaving = accrual.rate(time - s) + accrual.dropout_rate(s) * accrual.entered(time - s)
    event_free = float(w @ (accrual.still_in(s) * np.asarray(model.survival(s)) * leaving))
    value = float(accrual.entered(time)) - event_free
    return share * min(max(value, 0.0), float(accrual.entered(time)))


def expected_events_by_arm(
    models: Mapping[str, Distribution], *, shares: Mapping[str, float], accrual: Accrual, time: float
) -> dict[str, float]:
    """Expected events of each arm at ``time``."""
    return {name: expected_events(model, accrual=accrual, time=time, share=shares[name]) for name, model in models.items()}


def probability_of_event_ever(model: Distribution, *, accrual: Accrual | None = None) -> float:
    """Probability that a patient's event is ever observed: not if cured, not if lost before it (by the dropout of ``accrual``)."""
    never = float(model.survival(np.asarray(_FOREVER)))
    if accrual is None or not any(accrual.dropout_hazards):
        return 1.0 - never
    last = accrual.dropout_hazards[-1]
    end = min((accrual.dropout_cuts or (0.0,))[-1] + (45.0 / last if last > 0.0 else 0.0), _FOREVER)
    s, w = follow_up_nodes(end, (*break_points(model), *accrual.dropout_cuts))
    lost = float(w @ (accrual.dropout_rate(s) * accrual.still_in(s) * np.asarray(model.survival(s))))
    free = float(accrual.still_in(end)) * (float(model.survival(np.asarray(end))) if last > 0.0 else never)
    return min(max(1.0 - lost - free, 0.0), 1.0)


def maximum_events(models: Mapping[str, Distribution], *, shares: Mapping[str, float], accrual: Accrual) -> float:
    """Expected events if everybody were followed for ever: no event count above this can be planned."""
    return accrual.total * sum(shares[n] * probability_of_event_ever(m, accrual=accrual) for n, m in models.items())


def time_of_events(
    models: Mapping[str, Distribution], *, shares: Mapping[str, float], accrual: Accrual, events: float, longest: float = 200.0
) -> float | None:
    """Years from the first patient at which ``events`` are expected; None if never (or not within ``longest`` years)."""

    def seen(time: float) -> float:
        return sum(expected_events_by_arm(models, shares=shares, accrual=accrual, time=time).values())

    if events <= 0.0:
        return 0.0
    if events >= maximum_events(models, shares=shares, accrual=accrual) or seen(longest) < events:
        return None
    high = accrual.study_duration
    while seen(high) < events:
        high = min(2.0 * high, longest)
    return find_root(lambda t: seen(t) - events, 0.0, high)


def find_root(function: Callable[[float], float], low: float, high: float) -> float:
    """The root of a ``function`` that changes sign once between ``low`` and ``high`` (Brent's method), to 1e-12 + 1e-13 of itself.

    :class:`RefusedError` where it has none there, or is no number: assumptions under which next to nothing is seen.

    >>> round(find_root(lambda x: x**3 - 2.0, 0.0, 2.0) ** 3, 12)
    2.0
    """
    try:
        return float(brentq(function, low, high, xtol=1e-12, rtol=1e-13))
    except ValueError:
        rule, cure = (
            "is not to be found under these assumptions",
            "Look at the survival truths, the dropout and the times: is anything seen?",
        )
        raise RefusedError("a bound, a time or a size that the design needs", rule=rule, cure=cure) from None
