"""Bayesian normal-normal random effects by quadrature over tau: posterior of mean, tau and a new study.

``y_i ~ N(X_i b, v_i + tau^2)`` with a flat or (one column) normal prior on ``b`` and a prior on tau. Given tau, ``b`` is
normal; its marginal likelihood of tau is the restricted likelihood (times the prior's part), so every posterior is a
mixture of normals over tau (Roever 2020, doi 10.18637/jss.v093.i06). The half-line is mapped to (0, 1) by
``tau = s u / (1 - u)`` and integrated with Gauss-Legendre panels; no chance is involved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival.gauss import legendre_nodes
from nextarm.survival.roots import brentq
from nextarm.synthesis.estimates import StudyEstimate, extend, scale_all
from nextarm.synthesis.scales import scale

_PANELS, _ORDER = 60, 12


@dataclass(frozen=True)
class TauPrior:
    """A prior on tau: ``half-normal`` or ``half-cauchy`` with a scale, ``uniform`` (improper without a bound), or given.

    ``tail`` is the power at which the density falls for large tau (0 flat, 2 half-Cauchy, infinity half-normal): it
    decides which posterior moments exist. ``density`` need not be normalised and must take an array.
    """

    name: str
    scale: float
    density: Callable[[FloatArray], FloatArray]
    tail: float

    def words(self) -> str:
        """The prior in words."""
        return f"{self.name}({self.scale:g})" if math.isfinite(self.scale) else self.name


def half_normal(scale: float) -> TauPrior:
    """Half-normal prior with standard deviation ``scale`` of the unfolded normal."""
    s = _positive(scale)
    return TauPrior("half-normal", s, lambda t: np.exp(-0.5 * (t / s) ** 2), math.inf)


def half_cauchy(scale: float) -> TauPrior:
    """Half-Cauchy prior, median ``scale``."""
    s = _positive(scale)
    return TauPrior("half-cauchy", s, lambda t: 1.0 / (1.0 + (t / s) ** 2), 2.0)


def uniform(bound: float = math.inf) -> TauPrior:
    """Uniform prior on [0, ``bound``]; without a bound it is improper and needs at least three studies."""
    if bound <= 0.0:
        raise CallError(f"bound = {bound}", rule="must be above 0")
    return TauPrior("uniform", bound, lambda t: (t <= bound).astype(float), 0.0 if math.isinf(bound) else math.inf)


def _positive(value: float) -> float:
    if not (math.isfinite(value) and value > 0.0):
        raise CallError(f"scale of the prior on tau = {value}", rule="must be above 0")
    return float(value)


@dataclass(frozen=True, eq=False)
class Mixture:
    """Normals over the nodes of tau: ``weights`` (m, sum 1), ``taus`` (m), ``means`` (m, p), ``covariances`` (m, p, p).

    ``edges`` are the panel edges in ``u = tau / (unit + tau)``.
    """

    weights: FloatArray
    taus: FloatArray
    means: FloatArray
    covariances: FloatArray
    edges: FloatArray
    unit: float

    def cdf(self, x: float, *, column: int = 0, new_study: bool = False) -> float:
        """Posterior probability that coefficient ``column`` (or a new study's true value) is at most ``x``."""
        from scipy.special import ndtr

        sd = np.sqrt(self.covariances[:, column, column] + (self.taus**2 if new_study else 0.0))
        return float(self.weights @ ndtr((x - self.means[:, column]) / sd))

    def quantile(self, p: float, *, column: int = 0, new_study: bool = False) -> float:
        """Posterior quantile of coefficient ``column`` or of a new study's true value."""
        sd = np.sqrt(self.covariances[:, column, column] + (self.taus**2 if new_study else 0.0))
        heavy = self.weights > 1e-14
        reach = 10.0 * float(sd[heavy].max())
        low, high = float(self.means[heavy, column].min()) - reach, float(self.means[heavy, column].max()) + reach
        found: float = brentq(lambda x: self.cdf(x, column=column, new_study=new_study) - p, low, high, xtol=1e-13, rtol=1e-14)
        return found

    def mean(self, *, column: int = 0) -> float:
        """Posterior mean of coefficient ``column``."""
        return float(self.weights @ self.means[:, column])

    def sd(self, *, column: int = 0, new_study: bool = False) -> float:
        """Posterior standard deviation of coefficient ``column`` or of a new study's true value."""
        m = self.mean(column=column)
        inside = self.covariances[:, column, column] + (self.taus**2 if new_study else 0.0)
        return math.sqrt(float(self.weights @ (inside + (self.means[:, column] - m) ** 2)))

    def tau_quantile(self, p: float) -> float:
        """Posterior quantile of tau: the density in u is a polynomial on each panel, integrated exactly."""
        from numpy.polynomial import legendre

        nodes, gauss = legendre_nodes(_ORDER)
        panels = self.weights.reshape(-1, _ORDER)
        total = np.concatenate([[0.0], np.cumsum(panels.sum(axis=1))])
        i = min(int(np.searchsorted(total, p, side="right")) - 1, len(panels) - 1)
        inside = legendre.legint(legendre.legfit(nodes, panels[i] / gauss, _ORDER - 1), lbnd=-1)

        def missing(x: float) -> float:
            return float(legendre.legval(x, inside)) - (p - float(total[i]))

        x = 1.0 if missing(1.0) <= 0.0 else float(brentq(missing, -1.0, 1.0, xtol=1e-14))
        u = self.edges[i] + (self.edges[i + 1] - self.edges[i]) * (x + 1.0) / 2.0
        return float(self.unit * u / (1.0 - u))


def tau_mixture(
    y: FloatArray, v: FloatArray, *, prior: TauPrior, X: FloatArray | None = None, mean_prior: tuple[float, float] | None = None
) -> Mixture:
    """Integrate tau out: nodes of tau with their posterior weights and the normals given tau.

    ``mean_prior`` = (mean, sd) of a normal prior on a single mean; None is flat. :class:`RefusedError` where the
    posterior of tau does not exist.
    """
    k = y.size
    X = np.ones((k, 1)) if X is None else X
    p = X.shape[1]
    free = k - (p if mean_prior is None else 0)
    if free < 1 or free - 1 + prior.tail <= 0.0 or (math.isinf(prior.scale) and free < 2):
        raise RefusedError(f"{k} studies", rule=f"are too few for a {prior.words()} prior on tau", cure="Use a half-normal prior")
    if mean_prior is not None and (p != 1 or mean_prior[1] <= 0.0):
        raise CallError("mean_prior", rule="must be (mean, sd > 0) of a single mean")
    spread = math.sqrt(float(np.median(v))) + float(np.std(y))
    unit = min(spread, prior.scale) if math.isfinite(prior.scale) else spread
    edges = np.linspace(0.0, 1.0, _PANELS + 1)
    if prior.name == "uniform" and math.isfinite(prior.scale):
        edges = np.linspace(0.0, prior.scale / (unit + prior.scale), _PANELS + 1)
    nodes, gauss = legendre_nodes(_ORDER)
    half = np.diff(edges)[:, None] / 2.0
    u = (edges[:-1, None] + half * (nodes + 1.0)).ravel()
    taus = unit * u / (1.0 - u)
    jacobian: FloatArray = (half * gauss).ravel() * unit / (1.0 - u) ** 2
    w = 1.0 / (v + taus[:, None] ** 2)
    precision = (X.T * w[:, None, :]) @ X
    right = (X.T * w[:, None, :]) @ y
    if mean_prior is not None:
        precision = precision + 1.0 / mean_prior[1] ** 2
        right = right + mean_prior[0] / mean_prior[1] ** 2
    covariances = np.asarray(np.linalg.inv(precision), np.float64)
    means: FloatArray = np.einsum("tpq,tq->tp", covariances, right)
    r = y - means @ X.T
    quadratic = (w * r * r).sum(axis=1)
    if mean_prior is not None:
        quadratic = quadratic + ((means[:, 0] - mean_prior[0]) / mean_prior[1]) ** 2
    log_weight = 0.5 * (np.log(w).sum(axis=1) - np.linalg.slogdet(precision)[1] - quadratic)
    weights = np.exp(log_weight - log_weight.max()) * prior.density(taus) * jacobian
    return Mixture(weights / weights.sum(), taus, means, covariances, edges, unit)


@record
class BayesianPooled(Result):
    """Posterior of the mean, tau and a new study's true value; ``mu`` and ``theta_new`` on the scale of pooling.

    ``estimate``, ``ci`` and ``prediction`` are the posterior median and central credible intervals on the natural
    scale. A mean or standard deviation that does not exist under the prior is None.
    """

    measure: str
    prior: str
    level: float
    k: int
    estimate: float
    ci: Interval
    prediction: Interval
    mu_median: float
    mu_mean: float | None
    mu_sd: float | None
    mu_ci: Interval
    tau_median: float
    tau_mean: float | None
    tau_sd: float | None
    tau_ci: Interval
    theta_new_median: float
    theta_new_sd: float | None
    theta_new_ci: Interval


def pool_bayes(
    studies: Iterable[StudyEstimate],
    *,
    measure: str = "cloglog",
    prior: TauPrior | None = None,
    mean_prior: tuple[float, float] | None = None,
    level: float = 0.95,
    probability: bool = True,
    binomial: bool = True,
    base: Trail | None = None,
) -> BayesianPooled:
    """Pool by the Bayesian normal-normal model; ``prior`` on tau defaults to half-normal(0.5).

    ``mean_prior`` = (mean, sd) on the scale of pooling, flat when None. Raises :class:`RefusedError` where the
    studies are too few for the prior.

    >>> two = [StudyEstimate(label="A", estimate=0.40, se=0.05), StudyEstimate(label="B", estimate=0.50, se=0.05)]
    >>> round(pool_bayes(two, measure="logit").estimate, 3)
    0.451
    """
    used, refused = scale_all(studies, measure=measure, binomial=binomial, probability=probability)
    chosen = prior or half_normal(0.5)
    if not used:
        raise RefusedError("no study can be pooled", rule="at least one usable estimate is needed")
    mix = tau_mixture(np.array([u.y for u in used]), np.array([u.v for u in used]), prior=chosen, mean_prior=mean_prior)
    k = len(used)
    # Moment m of tau is finite iff tau^m times tau^-(k-1) (flat mean; tau^-k with a normal one) times the prior's tail is.
    finite = k - 2.0 + chosen.tail + (mean_prior is not None)
    tails = (1.0 - level) / 2.0, (1.0 + level) / 2.0
    on = scale(measure)

    def interval(*, new_study: bool) -> tuple[Interval, Interval]:
        low, high = (mix.quantile(p, new_study=new_study) for p in tails)
        a, b = on.natural_interval(low, high)
        if probability:
            a, b = max(a, 0.0), min(b, 1.0)
        kind = "posterior predictive" if new_study else "credible"
        return Interval(low=low, high=high, level=level, kind=kind), Interval(low=a, high=b, level=level, kind=kind)

    mu_ci, ci = interval(new_study=False)
    new_ci, prediction = interval(new_study=True)
    median = mix.quantile(0.5)
    tau_mean = float(mix.weights @ mix.taus)
    estimate = on.back(median)
    words = "flat mean" if mean_prior is None else f"mean ~ N({mean_prior[0]:g}, {mean_prior[1]:g})"
    return BayesianPooled(
        trail=extend(
            base,
            method=f"Bayesian normal-normal model on the {measure} scale by quadrature, tau ~ {chosen.words()}, {words}",
            reference="10.18637/jss.v093.i06",
            used=used,
            refused=refused,
        ),
        warnings=tuple(f"{o.row.key} is not pooled: {o.reason}" for o in refused),
        measure=measure,
        prior=f"tau ~ {chosen.words()}, {words}",
        level=level,
        k=k,
        estimate=min(max(estimate, 0.0), 1.0) if probability else estimate,
        ci=ci,
        prediction=prediction,
        mu_median=median,
        mu_mean=mix.mean() if finite > 1 else None,
        mu_sd=mix.sd() if finite > 2 else None,
        mu_ci=mu_ci,
        tau_median=mix.tau_quantile(0.5),
        tau_mean=tau_mean if finite > 1 else None,
        tau_sd=math.sqrt(max(0.0, float(mix.weights @ mix.taus**2) - tau_mean**2)) if finite > 2 else None,
        tau_ci=Interval(low=mix.tau_quantile(tails[0]), high=mix.tau_quantile(tails[1]), level=level, kind="credible"),
        theta_new_median=mix.quantile(0.5, new_study=True),
        theta_new_sd=mix.sd(new_study=True) if finite > 2 else None,
        theta_new_ci=new_ci,
    )
