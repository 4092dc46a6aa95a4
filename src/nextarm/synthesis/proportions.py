"""Proportions (remission, toxicity, toxic death) pooled by their exact binomial likelihood; counts of 0 and n as they are.

- ``binomial-normal``: ``x_i ~ Bin(n_i, expit(theta_i))``, ``theta_i ~ N(mu, tau^2)``, maximum likelihood by adaptive
  quadrature (Stijnen 2010, doi 10.1002/sim.4040). ``estimate`` = expit(mu) is the median proportion of studies;
  ``mean_proportion`` their average.
- ``beta-binomial``: ``x_i ~ Bin(n_i, p_i)``, ``p_i ~ Beta(m / r, (1 - m) / r)``, closed form; ``estimate`` = m is the
  average. ``rho = r / (1 + r)`` is the correlation of two patients of a study (Griffiths 1973, doi 10.2307/2529131).

Nothing is added to zeros, and there is no double arcsine: back-transformed over studies of unlike size it can leave the
range of its own data (Schwarzer 2019, doi 10.1002/jrsm.1348).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nextarm.core.errors import DataError, Problem, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import LeftOut, Trail
from nextarm.core.units import FloatArray
from nextarm.survival.roots import brentq
from nextarm.synthesis.adaptive import NODES, binomial_normal
from nextarm.synthesis.estimates import StudyEstimate, cautions_of, row_of, two_sided_z
from nextarm.synthesis.pool import check_choice, t_quantile
from nextarm.synthesis.scales import scale

if TYPE_CHECKING:
    import polars as pl

#: tau is not sought above this: on the logit scale it means studies in which all or none have the event.
TOP = 10.0
MODELS: tuple[str, ...] = ("binomial-normal", "beta-binomial")
PROPORTION_INTERVALS: tuple[str, ...] = ("profile", "wald")
_REFERENCES = {"binomial-normal": "10.1002/sim.4040", "beta-binomial": "10.2307/2529131"}


@record
class PooledProportion(Result):
    """A pooled proportion: ``estimate`` and ``ci`` on the natural scale, ``mu`` and ``mu_se`` on the logit scale.

    ``tau2`` (binomial-normal) or ``rho`` (beta-binomial) is the heterogeneity; the other is None. ``mu``, ``mu_se`` and
    the heterogeneity are None where no patient, or every one, had the event. ``quadrature_error`` is the change of the
    log-likelihood when the nodes are doubled. ``heterogeneity_p`` is the likelihood-ratio test against none (half a
    chi-square on 1, because 0 is the edge).
    """

    model: str
    interval: str
    level: float
    k: int
    events: int
    patients: int
    estimate: float
    ci: Interval
    mean_proportion: float
    prediction: Interval | None
    mu: float | None
    mu_se: float | None
    tau2: float | None
    rho: float | None
    log_likelihood: float
    heterogeneity_p: float | None
    quadrature_error: float
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    sizes: tuple[int, ...]

    shown: ClassVar[tuple[str, ...]] = ("estimate", "ci_low", "ci_high", "events", "patients", "k", "model", "tau2", "rho")

    def table(self) -> pl.DataFrame:
        """One row a study with its exact (Clopper-Pearson) interval, then the pooled proportion."""
        import polars as pl

        rows = []
        for label, x, n in zip(self.labels, self.counts, self.sizes, strict=True):
            low, high = clopper_pearson(x, n, level=self.level)
            rows.append({"study": label, "events": x, "n": n, "estimate": x / n, "ci_low": low, "ci_high": high})
        pooled = {"study": "pooled", "events": self.events, "n": self.patients, "estimate": self.estimate}
        return pl.DataFrame([*rows, pooled | {"ci_low": self.ci.low, "ci_high": self.ci.high}])


def clopper_pearson(events: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Exact limits of a proportion (Clopper & Pearson 1934, doi 10.1093/biomet/26.4.404).

    >>> low, high = clopper_pearson(0, 10)
    >>> low, round(high, 6)
    (0.0, 0.308497)
    """
    from scipy.special import betaincinv

    tail = (1.0 - level) / 2.0
    low = 0.0 if events == 0 else float(betaincinv(events, n - events + 1, tail))
    return low, 1.0 if events == n else float(betaincinv(events + 1, n - events, 1.0 - tail))


def pool_proportions(
    studies: Iterable[StudyEstimate],
    *,
    model: str = "binomial-normal",
    interval: str = "profile",
    level: float = 0.95,
    base: Trail | None = None,
) -> PooledProportion:
    """Pool ``events`` of ``n`` by their exact likelihood; studies without both are left out, with the reason.

    ``interval`` is ``profile`` (profile likelihood) or ``wald`` (normal on the logit scale). Where no patient at all, or
    every one, had the event, the estimate is 0 or 1 with the exact limit of the summed counts. :class:`DataError` for
    counts outside 0 to n, :class:`RefusedError` where no study has counts.

    >>> trials = [StudyEstimate(label=f"trial {i}", estimate=x / n, events=x, n=n) for i, (x, n) in enumerate([(0, 20), (3, 30), (9, 40)])]
    >>> round(pool_proportions(trials).estimate, 3)
    0.098
    """
    check_choice(model, "model", MODELS)
    check_choice(interval, "interval", PROPORTION_INTERVALS)
    two_sided_z(level)
    used, out = _counted(studies)
    if not used:
        reasons = "; ".join(f"{o.row.key}: {o.reason}" for o in out[:5])
        raise RefusedError("no study can be pooled", rule="events and n must be known", cure=reasons or "Give at least one study")
    x = np.array([s.events for s in used], float)
    n = np.array([s.n for s in used], float)
    warnings = [f"{o.row.key} is not pooled: {o.reason}" for o in out]
    warnings += cautions_of(used)
    if x.sum() in (0.0, n.sum()):
        warnings.append("no patient had the event" if x.sum() == 0.0 else "every patient had the event")
        warnings.append("heterogeneity cannot be seen; the limit is the exact one of the summed counts, as of one study")
        fit = _degenerate(x, n, level)
    elif len(used) == 1:
        warnings.append("only one study: its own estimate and exact interval are returned, heterogeneity cannot be seen")
        fit = _degenerate(x, n, level)
    else:
        fit = _binomial_normal(x, n, interval, level) if model == "binomial-normal" else _beta_binomial(x, n, interval, level)
        if fit["tau2"] is not None and fit["tau2"] >= TOP**2:
            warnings.append(f"studies have the event in all patients or in none: tau has no maximum and stands at its bound of {TOP:g}")
        if len(used) < 5:
            warnings.append(f"{len(used)} studies: maximum likelihood takes heterogeneity for too small, and the interval with it")
    before = base or Trail(method="")
    return PooledProportion(
        trail=Trail(
            method=f"{model} model of counts by maximum likelihood, {interval} interval",
            reference=_REFERENCES[model],
            rows=tuple(row_of(s) for s in used),
            left_out=(*before.left_out, *out),
            sources=before.sources,
            assumptions=before.assumptions,
            inputs=before.inputs,
            of_row=len(used) == 1,
        ),
        warnings=tuple(warnings),
        model=model,
        interval=interval,
        level=level,
        k=len(used),
        events=int(x.sum()),
        patients=int(n.sum()),
        labels=tuple(s.label for s in used),
        counts=tuple(int(e) for e in x),
        sizes=tuple(int(e) for e in n),
        **fit,
    )


def _counted(studies: Iterable[StudyEstimate]) -> tuple[list[StudyEstimate], list[LeftOut]]:
    used, out, problems = [], [], []
    for s in studies:
        if s.events is None or s.n is None:
            out.append(LeftOut(row_of(s), "events and n are not both reported"))
        elif s.n < 1 or not 0 <= s.events <= s.n:
            problems.append(Problem(f"events = {s.events} of n = {s.n}", s.label, "must be 0 to n, and n at least 1"))
        else:
            used.append(s)
    if problems:
        raise DataError(problems=problems)
    return used, out


def _logit(p: float) -> float:
    return math.log(p / (1.0 - p))


def _binomial_loglik(x: FloatArray, n: FloatArray) -> float:
    """Log-likelihood of one common proportion at its maximum."""
    from scipy.special import gammaln, xlog1py, xlogy

    p = float(x.sum() / n.sum())
    return float((gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1) + xlogy(x, p) + xlog1py(n - x, -p)).sum())


def _degenerate(x: FloatArray, n: FloatArray, level: float) -> dict[str, Any]:
    p = float(x.sum() / n.sum())
    low, high = clopper_pearson(int(x.sum()), int(n.sum()), level=level)
    inside = 0.0 < p < 1.0
    return {
        "estimate": p,
        "ci": Interval(low=low, high=high, level=level),
        "mean_proportion": p,
        "prediction": None,
        "mu": _logit(p) if inside else None,
        "mu_se": 1.0 / math.sqrt(float(n.sum()) * p * (1.0 - p)) if inside else None,
        "tau2": None,
        "rho": None,
        "log_likelihood": _binomial_loglik(x, n),
        "heterogeneity_p": None,
        "quadrature_error": 0.0,
    }


def _ratio_p(full: float, none: float) -> float:
    from scipy.special import chdtrc

    ratio = max(0.0, 2.0 * (full - none))
    return 0.5 * float(chdtrc(1, ratio)) if ratio > 0.0 else 1.0


def climb(at: Callable[[FloatArray], tuple[float, FloatArray, FloatArray]], start: FloatArray, *, bound: float = math.inf) -> FloatArray:
    """Maximise by Newton with the exact Hessian, shortened until the value rises, turned uphill where it is not concave.

    Stops, outside, once the last coordinate has left ``[-bound, bound]``.
    """
    here = start
    value, gradient, hessian = at(here)
    for _ in range(200):
        values, vectors = np.linalg.eigh(-hessian)
        step = vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(values), 1e-8))
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        for _ in range(40):
            new = at(here + step)
            if new[0] >= value - 1e-12 * (1.0 + abs(value)):
                break
            step = step / 2.0
        here = here + step
        value, gradient, hessian = new
        if np.abs(step).max() < 1e-8 or abs(here[-1]) > bound:
            break
    return here


def _at_top(at: Callable[[FloatArray], tuple[float, FloatArray, FloatArray]], start: FloatArray) -> FloatArray:
    """The best mu where tau stands at its bound."""

    def fixed(b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, gradient, hessian = at(np.array([b[0], TOP]))
        return value, gradient[:1], hessian[:1, :1]

    return np.array([climb(fixed, start[:1])[0], TOP])


def _binomial_normal(x: FloatArray, n: FloatArray, interval: str, level: float) -> dict[str, Any]:
    from scipy.special import expit

    pooled = float(x.sum() / n.sum())

    def at(b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        f = binomial_normal(x, n, float(b[0]), float(b[1]))
        return f.value, f.gradient, f.hessian

    # The score of tau^2 at 0 can be negative although a maximum lies further out, so several starts are tried.
    tops = [climb(at, np.array([_logit(pooled), tau]), bound=TOP) for tau in (0.0, 0.3, 1.5)]
    best = max((t if abs(t[1]) <= TOP else _at_top(at, t) for t in tops), key=lambda b: at(b)[0])
    value, _, hessian = at(best)
    mu, tau = float(best[0]), abs(float(best[1]))
    flat = _binomial_loglik(x, n)
    if tau < 1e-5 or value <= flat:
        mu, tau, value = _logit(pooled), 0.0, flat
        hessian = at(np.array([mu, 0.0]))[2]
    # At tau = 0 mu and tau are orthogonal (the likelihood is even in tau), so the same entry serves.
    covariance = np.linalg.inv(-hessian) if 0.0 < tau < TOP else np.array([[-1.0 / hessian[0, 0]]])
    se = math.sqrt(float(covariance[0, 0]))

    def profile(m: float) -> float:
        def inner(b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
            f = binomial_normal(x, n, m, float(b[0]))
            return f.value, f.gradient[1:], f.hessian[1:, 1:]

        peaks = [climb(inner, np.array([t]), bound=TOP) for t in (0.0, max(tau, 0.3))]
        return max(inner(np.clip(peak, -TOP, TOP))[0] for peak in peaks)

    low, high = _limits(profile, mu, se, value, interval, level)
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    mean = float(weights @ expit(mu + tau * nodes) / math.sqrt(2.0 * math.pi))
    back = scale("logit").back
    prediction = None
    if x.size > 2:
        reach = t_quantile(x.size - 2.0, level) * math.hypot(se, tau)
        prediction = Interval(low=back(mu - reach), high=back(mu + reach), level=level, kind="prediction")
    finer = binomial_normal(x, n, mu, tau, nodes=2 * NODES).value
    return {
        "estimate": back(mu),
        "ci": Interval(low=back(low), high=back(high), level=level),
        "mean_proportion": mean,
        "prediction": prediction,
        "mu": mu,
        "mu_se": se,
        "tau2": tau * tau,
        "rho": None,
        "log_likelihood": value,
        "heterogeneity_p": _ratio_p(value, flat),
        "quadrature_error": abs(finer - value),
    }


def _limits(profile: Callable[[float], float], mu: float, se: float, value: float, interval: str, level: float) -> tuple[float, float]:
    """Limits of mu: Wald, or where the profile has fallen by half a chi-square on 1."""
    from scipy.special import chdtri

    z = two_sided_z(level)
    if interval == "wald":
        return mu - z * se, mu + z * se
    floor = value - float(chdtri(1, 1.0 - level)) / 2.0
    ends = []
    for sign in (-1.0, 1.0):
        reach = z * se
        while profile(mu + sign * reach) > floor and reach < 60.0:
            reach *= 1.6

        def above(r: float, sign: float = sign) -> float:
            return profile(mu + sign * r) - floor

        ends.append(brentq(above, 0.0, reach, xtol=1e-10) if reach < 60.0 else reach)
    return mu - ends[0], mu + ends[1]


def _beta_binomial(x: FloatArray, n: FloatArray, interval: str, level: float) -> dict[str, Any]:
    from scipy.optimize import minimize, minimize_scalar

    flat = _binomial_loglik(x, n)

    def value_at(mu: float, log_size: float) -> float:
        return beta_binomial_loglik(x, n, 1.0 / (1.0 + math.exp(-mu)), math.exp(log_size))

    def loss(b: FloatArray) -> float:
        return -value_at(float(b[0]), float(b[1]))

    pooled = _logit(float(x.sum() / n.sum()))
    best = None
    for start in (0.5, 3.0, 6.0):
        found = minimize(loss, np.array([pooled, start]), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13})
        if best is None or found.fun < best.fun:
            best = found
    assert best is not None
    mu, log_size, value = float(best.x[0]), float(best.x[1]), -float(best.fun)
    edge = log_size > 13.0 or value <= flat + 1e-9
    if edge:
        mu, value, log_size = pooled, flat, math.inf
        p = float(x.sum() / n.sum())
        se = 1.0 / math.sqrt(float(n.sum()) * p * (1.0 - p))
    else:
        mu, log_size, covariance = _polish(value_at, mu, log_size)
        if not (math.isfinite(mu) and covariance[0, 0] > 0.0):
            rule = "the beta-binomial likelihood has no usable curvature for counts this large and this different"
            raise RefusedError("no standard error can be had", rule=rule, cure="Use binomial-normal, or check the counts")
        value, se = value_at(mu, log_size), math.sqrt(float(covariance[0, 0]))

    def profile(m: float) -> float:
        # Beyond 13 the beta is a point: the binomial limit itself is one of the candidates.
        inner = minimize_scalar(lambda s: -value_at(m, float(s)), bounds=(-6.0, 13.0), method="bounded", options={"xatol": 1e-8})
        return max(-float(inner.fun), value_at(m, 13.0))

    low, high = _limits(profile, mu, se, value, interval, level)
    back = scale("logit").back
    size = math.exp(log_size) if not edge else math.inf
    prediction = None
    if not edge:
        from scipy.special import betaincinv

        m, tail = back(mu), (1.0 - level) / 2.0
        ends = [float(betaincinv(m * size, (1.0 - m) * size, q)) for q in (tail, 1.0 - tail)]
        prediction = Interval(low=ends[0], high=ends[1], level=level, kind="prediction, parameters taken as known")
    return {
        "estimate": back(mu),
        "ci": Interval(low=back(low), high=back(high), level=level),
        "mean_proportion": back(mu),
        "prediction": prediction,
        "mu": mu,
        "mu_se": se,
        "tau2": None,
        "rho": 0.0 if edge else 1.0 / (1.0 + size),
        "log_likelihood": value,
        "heterogeneity_p": _ratio_p(value, flat),
        "quadrature_error": 0.0,
    }


def beta_binomial_loglik(x: FloatArray, n: FloatArray, mean: float, size: float) -> float:
    """Log-likelihood of counts under Beta(mean size, (1 - mean) size), closed form.

    >>> round(math.exp(beta_binomial_loglik(np.array([1.0]), np.array([2.0]), 0.5, 2.0)), 12)  # uniform: each count 1/3
    0.333333333333
    """
    from scipy.special import betaln, gammaln

    a, b = mean * size, (1.0 - mean) * size
    return float((gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1) + betaln(x + a, n - x + b) - betaln(a, b)).sum())


def _polish(value_at: Callable[[float, float], float], mu: float, log_size: float) -> tuple[float, float, FloatArray]:
    """Two Newton steps on fourth-order differences: coordinates to about 1e-8 and their covariance."""
    b, h = np.array([mu, log_size]), 2e-3
    weights = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))
    second = ((-2, -1 / 12), (-1, 16 / 12), (0, -30 / 12), (1, 16 / 12), (2, -1 / 12))
    for _ in range(3):
        gradient = np.array([sum(c * value_at(*(b + i * h * e)) for i, c in weights) / h for e in np.eye(2)])
        diagonal = [sum(c * value_at(*(b + i * h * e)) for i, c in second) / h**2 for e in np.eye(2)]
        cross = sum(ci * cj * value_at(b[0] + i * h, b[1] + j * h) for i, ci in weights for j, cj in weights) / h**2
        hessian = np.array([[diagonal[0], cross], [cross, diagonal[1]]])
        b = b - np.linalg.solve(hessian, gradient)
    covariance: FloatArray = np.linalg.inv(-hessian)
    return float(b[0]), float(b[1]), covariance
