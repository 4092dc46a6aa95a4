"""Two other readings of a trend over eras: one step instead of a line, and a line shrunk towards no change.

- Step: ``y = a + b 1(year > c) + u``, tau2 by ML, every split with at least two cohorts on each side; the best by likelihood. Its
  p is that of the largest |t| of all splits under permutation of the years (all orderings up to eight cohorts), so that
  searching for the split is paid for. AICc sets the step (its split counted as a parameter) beside the line and no change.
- Shrunken: slope ``~ N(0, s^2)``, s so that a change of ``margin`` a decade is one standard deviation; posterior by quadrature over
  tau. The flat-slope posterior is a mixture of normals over tau, so the prior is multiplied in exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.random import block_stream
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival.roots import brentq
from nextarm.synthesis.bayes import TauPrior, half_normal, tau_mixture
from nextarm.synthesis.estimates import StudyEstimate, extend, scale_all, two_sided_z
from nextarm.synthesis.many import Batch, statistic
from nextarm.synthesis.scales import scale
from nextarm.synthesis.tau import Model, ml
from nextarm.synthesis.trend import change_per_decade, slope_at

LEAST_ON_A_SIDE, ALL_ORDERS, DRAWS = 2, 8, 9_999


@record
class TrendAlternatives(Result):
    """The best step, the shrunken line, and the three models side by side (``aicc`` lower is better, None where not defined).

    ``after`` and ``before`` are the fitted natural levels around ``split`` (a year between two cohorts); ``step_p`` allows for the
    search. ``shrunken_change`` is the posterior median change a decade on the natural scale.
    """

    k: int
    split: float
    before: float
    after: float
    step: float
    step_ci: Interval
    step_p: float
    orders: int
    best: Literal["no change", "line", "step"]
    aicc: dict[str, float | None]
    shrunken_change: float
    shrunken_ci: Interval
    prior_sd: float


def _fit(y: FloatArray, v: FloatArray, X: FloatArray, extra: int) -> tuple[FloatArray, FloatArray, float, float | None]:
    """ML coefficients, covariance, log-likelihood and AICc (``extra`` parameters besides the coefficients and tau2)."""
    model = Model(y, v, X)
    tau2 = ml(model)
    beta, covariance = model.beta(tau2)
    value = model.log_likelihood(tau2, restricted=False) - 0.5 * y.size * math.log(2.0 * math.pi)
    m = X.shape[1] + 1 + extra
    room = y.size - m - 1
    return beta, covariance, value, 2.0 * m - 2.0 * value + 2.0 * m * (m + 1) / room if room > 0 else None


def _steps(year: FloatArray, splits: FloatArray) -> FloatArray:
    return (year[None, :] > splits[:, None]).astype(float)


def trend_alternatives(
    studies: Iterable[StudyEstimate],
    *,
    margin: float = 0.05,
    measure: str = "cloglog",
    prior: TauPrior | None = None,
    level: float = 0.95,
    seed: int = 1,
    binomial: bool = True,
    base: Trail | None = None,
) -> TrendAlternatives:
    """Fit the step and the shrunken line beside the straight one.

    ``margin`` is a natural change a decade, as in :func:`~nextarm.synthesis.trend.era_trend`. Raises :class:`RefusedError` for fewer
    than four dated cohorts or no split with two on each side.

    >>> levels = (0.30, 0.31, 0.30, 0.45, 0.46, 0.44)
    >>> rows = [StudyEstimate(label=str(i), estimate=s, se=0.03, year=1990 + 3 * i) for i, s in enumerate(levels)]
    >>> found = trend_alternatives(rows)
    >>> found.split, round(found.step, 2)
    (1997.5, 0.15)
    """
    if not 0.0 < margin < 1.0:
        raise CallError(f"margin = {margin}", rule="must lie between 0 and 1")
    on, z = scale(measure), two_sided_z(level)
    given = [s for s in studies if s.year is not None]
    used, refused = scale_all(given, measure=measure, binomial=binomial)
    year = np.array([u.study.year for u in used], float)
    cuts = np.unique(year)
    splits = (cuts[1:] + cuts[:-1]) / 2.0
    splits = splits[[LEAST_ON_A_SIDE <= int((year > c).sum()) <= year.size - LEAST_ON_A_SIDE for c in splits]] if splits.size else splits
    if not splits.size:
        raise RefusedError(f"{len(used)} dated cohorts", rule="need at least two before and two after some year for a change-point")
    y, v = np.array([u.y for u in used]), np.array([u.v for u in used])
    ones = np.ones(y.size)
    centred = (year - year.mean()) / 10.0
    flat, line = _fit(y, v, ones[:, None], 0), _fit(y, v, np.column_stack([ones, centred]), 0)
    fits = [_fit(y, v, np.column_stack([ones, s]), 1) for s in _steps(year, splits)]
    at = int(np.argmax([f[2] for f in fits]))
    beta, covariance, _, step_aicc = fits[at]
    p, orders = _search_p(y, v, year, splits, seed)
    before, after = on.back(float(beta[0])), on.back(float(beta[0] + beta[1]))
    # Delta method on the natural difference of the two levels.
    slope = np.array([1.0 / on.slope(after) - 1.0 / on.slope(before), 1.0 / on.slope(after)])
    half = z * math.sqrt(float(slope @ covariance @ slope))
    aicc = {"no change": flat[3], "line": line[3], "step": step_aicc}
    known = {name: value for name, value in aicc.items() if value is not None}
    middle = float(line[0][0])
    shrunken, ci, sd = _shrunken(y, v, centred, middle, margin, measure, prior or half_normal(0.5), level)
    names: dict[str, Literal["no change", "line", "step"]] = {"no change": "no change", "line": "line", "step": "step"}
    return TrendAlternatives(
        trail=extend(
            base,
            method="step over all splits with a searched permutation p; slope shrunk by N(0, margin)",
            used=used,
            refused=refused,
            seed=seed,
        ),
        warnings=() if len(known) == 3 else ("too few cohorts for AICc of every model",),
        k=y.size,
        split=float(splits[at]),
        before=before,
        after=after,
        step=after - before,
        step_ci=Interval(low=max(after - before - half, -1.0), high=min(after - before + half, 1.0), level=level),
        step_p=p,
        orders=orders,
        best=names[min(known, key=lambda n: known[n])] if known else "no change",
        aicc=aicc,
        shrunken_change=shrunken,
        shrunken_ci=ci,
        prior_sd=sd,
    )


def _search_p(y: FloatArray, v: FloatArray, year: FloatArray, splits: FloatArray, seed: int) -> tuple[float, int]:
    """Permutation p of the largest |t| over all splits, and the number of orderings."""
    import itertools

    k = y.size
    if k <= ALL_ORDERS:
        orders = np.array(list(itertools.permutations(range(k))), np.intp)
    else:
        random = block_stream(seed, 0)
        orders = np.argsort(random.random((DRAWS + 1, k)), axis=1)
        orders[0] = np.arange(k)
    largest = np.zeros(orders.shape[0])
    Y, V = np.broadcast_to(y, orders.shape), np.broadcast_to(v, orders.shape)
    for step in _steps(year, splits):
        batch = Batch(Y, V, (np.ones((1, k)), step[orders]), restricted=False)
        b, se = statistic(batch, batch.tau2("ml"), "wald")
        largest = np.maximum(largest, np.abs(b) / se)
    # The first ordering is the one observed; ties up to rounding count.
    return float((largest >= largest[0] - 1e-8 * max(largest[0], 1.0)).mean()), int(orders.shape[0])


def _shrunken(
    y: FloatArray, v: FloatArray, centred: FloatArray, middle: float, margin: float, measure: str, prior: TauPrior, level: float
) -> tuple[float, Interval, float]:
    from scipy.special import ndtr

    on = scale(measure)
    sd = abs(slope_at(on, middle, margin))
    mix = tau_mixture(y, v, prior=prior, X=np.column_stack([np.ones(y.size), centred]))
    mean, variance = mix.means[:, 1], mix.covariances[:, 1, 1]
    total = variance + sd * sd
    log_weight = np.log(np.maximum(mix.weights, 1e-300)) - 0.5 * (np.log(total) + mean * mean / total)
    weight = np.exp(log_weight - log_weight.max())
    weight = weight / weight.sum()
    post_mean, post_sd = mean * sd * sd / total, np.sqrt(variance * sd * sd / total)

    def quantile(p: float) -> float:
        return float(brentq(lambda x: float(weight @ ndtr((x - post_mean) / post_sd)) - p, -12.0 * sd, 12.0 * sd, xtol=1e-12))

    def natural(p: float) -> float:
        return change_per_decade(on, middle, quantile(p))

    ends = sorted((natural((1.0 - level) / 2.0), natural((1.0 + level) / 2.0)))
    return natural(0.5), Interval(low=ends[0], high=ends[1], level=level, kind="credible"), sd
