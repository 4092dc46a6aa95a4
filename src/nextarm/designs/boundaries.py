"""Exact group-sequential bounds: efficacy by shape or by spending, futility by beta spending.

Shapes: c_k = C t_k ** (delta - 1/2) (Wang and Tsiatis 1987, doi 10.2307/2531959), with delta = 0 O'Brien and Fleming
(doi 10.2307/2530245) and delta = 1/2 Pocock (doi 10.1093/biomet/64.2.191); C makes the one-sided type I error exact.
A bound z / sqrt(t), which some programs print as O'Brien-Fleming, is not one: it ignores the repeated looks.
Spending: each look's bound uses up what the spending function allows by its information fraction.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.expected_events import find_root
from nextarm.designs.spending import SPENDING, parameter_rule, spent
from nextarm.designs.walk import Walk, above, advance, below, crossing, start

Family = Literal[
    "obrien-fleming", "pocock", "wang-tsiatis", "lan-demets-obrien-fleming", "lan-demets-pocock", "hwang-shih-decani", "kim-demets", "none"
]
FAMILIES: tuple[str, ...] = get_args(Family)
#: Largest |z| looked at: a bound never reached in practice.
_FAR = 12.0


@record
class Boundaries(Result):
    """Bounds of a group-sequential design on the Z scale; arrays of shape (looks,).

    ``futility`` is NaN where there is no such bound. ``alpha_spent`` is cumulative under the null (futility ignored
    when non-binding); ``beta_spent`` cumulative under ``drift``, the mean of Z at full information that gives the power
    1 - beta; ``inflation`` the factor by which information exceeds that of a fixed design with this power.
    ``information_h0`` and ``information_h1`` are expected shares of the full information when the trial stops.
    """

    fractions: FloatArray
    efficacy: FloatArray
    futility: FloatArray
    binding: bool
    alpha: float
    beta: float | None
    alpha_spent: FloatArray
    beta_spent: FloatArray
    drift: float | None
    inflation: float | None
    information_h0: float | None
    information_h1: float | None


#: Looks nearer to each other than this share of the information are one look: the recursion cannot tell them apart.
NEAREST = 1e-4


def check_fractions(fractions: FloatArray) -> FloatArray:
    """Return ``fractions`` as an array; :class:`CallError` unless they rise from above 0 to 1, by at least 0.0001."""
    t = np.asarray(fractions, np.float64)
    if t.ndim != 1 or len(t) == 0 or not np.all(np.isfinite(t)) or t[0] <= 0.0 or np.any(np.diff(t) <= 0.0) or abs(t[-1] - 1.0) > 1e-9:
        raise CallError(f"fractions = {np.array2string(t, separator=', ')}", rule="must rise from above 0 to 1")
    if np.any(np.diff(np.append(0.0, t)) < NEAREST):
        raise CallError(f"fractions = {np.array2string(t, separator=', ')}", rule=f"must rise by at least {NEAREST:g} each")
    return t


def efficacy_bounds(
    fractions: FloatArray, *, alpha: float = 0.025, family: str = "lan-demets-obrien-fleming", parameter: float | None = None
) -> FloatArray:
    """One-sided efficacy bounds on the Z scale with exact type I error ``alpha``, futility ignored.

    ``parameter`` is delta of wang-tsiatis, gamma of hwang-shih-decani, rho of kim-demets.

    >>> [round(float(z), 3) for z in efficacy_bounds(np.array([0.5, 1.0]), family="obrien-fleming")]
    [2.797, 1.977]
    """
    t = check_fractions(fractions)
    shape = _shape(family, parameter)
    if shape is not None:
        curve = t ** (shape - 0.5)
        none = np.full(len(t), -np.inf)
        zero = np.zeros(len(t))

        def excess(c: float) -> float:
            return float(np.sum(crossing(t, upper=c * curve, lower=none, mean_z=zero)[0])) - alpha

        return np.asarray(find_root(excess, 0.05, _FAR) * curve, np.float64)
    if family == "none":
        return np.concatenate([np.full(len(t) - 1, _FAR), [_z(alpha)]])
    return bounds_from_spending(t, np.asarray(spent(family, t, total=alpha, parameter=parameter)))


def bounds_from_spending(fractions: FloatArray, cumulative: FloatArray) -> FloatArray:
    """Efficacy bounds that use up ``cumulative`` (looks,) type I error by the information ``fractions`` (any scale)."""
    t = np.asarray(fractions, np.float64)
    sds = np.sqrt(np.diff(np.concatenate([[0.0], t])))
    walk, bounds, before = start(), [], 0.0
    for k, total in enumerate(cumulative):
        bound = _upper_bound(walk, float(t[k]), float(total) - before)
        bounds.append(bound)
        before = float(total)
        if k < len(t) - 1:
            high = bound * np.sqrt(t[k])
            walk = advance(walk, t=float(t[k]), mean=0.0, low=-np.inf, high=float(high), step=float(min(sds[k], sds[k + 1])))
    return np.array(bounds)


def boundaries(
    fractions: FloatArray,
    *,
    alpha: float = 0.025,
    family: str = "lan-demets-obrien-fleming",
    parameter: float | None = None,
    beta: float | None = None,
    futility: str | None = None,
    futility_parameter: float | None = None,
    binding: bool = False,
) -> Boundaries:
    """Bounds of a design; with ``beta`` also its drift and inflation, with ``futility`` (a spending function) both bounds.

    Non-binding futility leaves the efficacy bounds as they are without it; binding futility lowers them, and the type I
    error then holds only if the futility bound is obeyed. Raises :class:`CallError` where no such bounds exist.
    """
    t = check_fractions(fractions)
    if not 0.0 < alpha < 0.5:
        raise CallError(f"alpha = {alpha:g}", rule="must lie between 0 and 0.5")
    if futility is not None and beta is None:
        raise CallError("futility without beta", rule="beta spending needs the beta to spend")
    if beta is not None and not 0.0 < beta < 1.0 - alpha:
        raise CallError(f"beta = {beta:g}", rule="must lie between 0 and 1 - alpha")
    upper = efficacy_bounds(t, alpha=alpha, family=family, parameter=parameter)
    lower = np.full(len(t), -np.inf)
    drift = None
    if beta is not None and futility is None:
        fixed = _z(alpha) + _z(beta)
        drift = find_root(lambda d: _power(t, upper, lower, d) - (1.0 - beta), 0.2 * fixed, 4.0 * fixed + 1.0)
    elif beta is not None and futility is not None:
        if binding and _shape(family, parameter) is not None:
            raise CallError(f"family = {family!r} with binding futility", rule="is offered for spending functions only")
        spend_beta = np.asarray(spent(futility, t, total=beta, parameter=futility_parameter))
        spend_alpha = np.asarray(spent(family, t, total=alpha, parameter=parameter)) if binding and family != "none" else None
        drift, upper, lower = _two_bounds(t, upper, spend_alpha, spend_beta, alpha, beta)
    null = np.zeros(len(t))
    used = crossing(t, upper=upper, lower=lower if binding else np.full(len(t), -np.inf), mean_z=null)[0]
    result_beta = np.full(len(t), np.nan)
    inflation = information_h0 = information_h1 = None
    if drift is not None and beta is not None:
        mean = drift * np.sqrt(t)
        up1, down1 = crossing(t, upper=upper, lower=lower, mean_z=mean)
        up0, down0 = crossing(t, upper=upper, lower=lower, mean_z=null)
        result_beta = np.cumsum(down1)
        if futility is None:
            result_beta[-1] = 1.0 - float(np.sum(up1))
        inflation = (drift / (_z(alpha) + _z(beta))) ** 2
        information_h0, information_h1 = expected_information(t, up0 + down0), expected_information(t, up1 + down1)
    return Boundaries(
        trail=Trail(
            method=f"exact bounds by recursive numerical integration, {family}, one-sided alpha {alpha:g}"
            + (f", {'binding' if binding else 'non-binding'} futility spending beta by {futility}" if futility else ""),
            reference="10.2307/2343787",
        ),
        fractions=t,
        efficacy=upper,
        futility=np.where(np.isfinite(lower), lower, np.nan),
        binding=binding,
        alpha=alpha,
        beta=beta,
        alpha_spent=np.cumsum(used),
        beta_spent=result_beta,
        drift=drift,
        inflation=inflation,
        information_h0=information_h0,
        information_h1=information_h1,
    )


def expected_information(fractions: FloatArray, stopping: FloatArray) -> float:
    """Expected information fraction at the end, from the probabilities of stopping at each look before the last."""
    early = np.asarray(stopping, np.float64)[:-1]
    t = np.asarray(fractions, np.float64)
    return float(early @ t[:-1] + (1.0 - early.sum()) * t[-1])


def _two_bounds(
    t: FloatArray, upper: FloatArray, spend_alpha: FloatArray | None, spend_beta: FloatArray, alpha: float, beta: float
) -> tuple[float, FloatArray, FloatArray]:
    """Find the drift at which the futility bound that spends beta meets the efficacy bound at the last look."""
    fixed = _z(alpha) + _z(beta)

    def gap(drift: float) -> float:
        high, low = _bounds_at(t, upper, spend_alpha, spend_beta, drift)
        return float(low[-1] - high[-1])

    top = 1.5 * fixed
    while gap(top) < 0.0 and top < 20.0 * fixed:
        top *= 1.5
    if gap(0.3 * fixed) > 0.0 or gap(top) < 0.0:
        raise CallError(
            f"alpha = {alpha:g}, beta = {beta:g}", rule="no drift makes these efficacy and futility bounds meet at the last look"
        )
    drift = find_root(gap, 0.3 * fixed, top)
    high, low = _bounds_at(t, upper, spend_alpha, spend_beta, drift)
    low[-1] = high[-1]
    return drift, high, low


def _bounds_at(
    t: FloatArray, upper: FloatArray, spend_alpha: FloatArray | None, spend_beta: FloatArray, drift: float
) -> tuple[FloatArray, FloatArray]:
    """Bounds look by look at a given ``drift``; ``spend_alpha`` given: binding, the efficacy bound is found anew."""
    sds = np.sqrt(np.diff(np.concatenate([[0.0], t])))
    under_h0, under_h1 = start(), start()
    high, low = upper.copy(), np.empty(len(t))
    before_alpha = before_beta = 0.0
    for k in range(len(t)):
        now, root = float(t[k]), float(np.sqrt(t[k]))
        mean = drift * now
        if spend_alpha is not None:
            high[k] = _upper_bound(under_h0, now, float(spend_alpha[k]) - before_alpha)
            before_alpha = float(spend_alpha[k])
        want = float(spend_beta[k]) - before_beta
        before_beta = float(spend_beta[k])
        low[k] = _lower_bound(under_h1, now, mean, want)
        if k < len(t) - 1:
            low[k] = min(low[k], high[k])
            step = float(min(sds[k], sds[k + 1]))
            under_h1 = advance(under_h1, t=now, mean=mean, low=low[k] * root, high=high[k] * root, step=step)
            if spend_alpha is not None:
                under_h0 = advance(under_h0, t=now, mean=0.0, low=low[k] * root, high=high[k] * root, step=step)
    return high, low


def _upper_bound(walk: Walk, t: float, want: float) -> float:
    """The bound on the Z scale above which a share ``want`` of all paths lies at ``t`` for the first time."""
    root = float(np.sqrt(t))
    if want <= 1e-15 or above(walk, t=t, mean=0.0, bound=_FAR * root) >= want:
        return _FAR
    if above(walk, t=t, mean=0.0, bound=-_FAR * root) <= want:
        return -_FAR
    return find_root(lambda z: above(walk, t=t, mean=0.0, bound=z * root) - want, -_FAR, _FAR)


def _lower_bound(walk: Walk, t: float, mean: float, want: float) -> float:
    root = float(np.sqrt(t))
    if want <= 1e-15 or below(walk, t=t, mean=mean, bound=-_FAR * root) >= want:
        return -_FAR
    far = _FAR + max(mean / root, 0.0)
    if below(walk, t=t, mean=mean, bound=far * root) <= want:
        return far
    return find_root(lambda z: below(walk, t=t, mean=mean, bound=z * root) - want, -_FAR, far)


def _power(t: FloatArray, upper: FloatArray, lower: FloatArray, drift: float) -> float:
    return float(np.sum(crossing(t, upper=upper, lower=lower, mean_z=drift * np.sqrt(t))[0]))


def _shape(family: str, parameter: float | None) -> float | None:
    """The exponent of a Wang-Tsiatis shape, None for the spending families."""
    if family not in FAMILIES:
        raise CallError(f"family = {family!r}", rule=f"must be one of {', '.join(FAMILIES)}")
    rule = parameter_rule(family, parameter)
    if rule and parameter is not None:
        raise CallError(f"parameter = {parameter:g}", rule=rule)
    if family == "wang-tsiatis":
        return 0.25 if parameter is None else parameter
    assert family in ("obrien-fleming", "pocock", "none") or any(family == n for n, _, _ in SPENDING)
    return {"obrien-fleming": 0.0, "pocock": 0.5}.get(family)


def _z(tail: float) -> float:
    from scipy.special import ndtri

    return -float(ndtri(tail))
