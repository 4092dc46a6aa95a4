"""Meta-analytic predictive prior: what earlier studies say of the next one, by quadrature and not by sampling.

Each study's true value is ``theta_i ~ N(mu, tau^2)`` on a scale; the prior of the next control arm is the posterior
distribution of a new ``theta*`` (Neuenschwander et al. 2010, doi 10.1177/1740774509356002; Schmidli et al. 2014, doi
10.1111/biom.12242). Likelihoods:

- binomial, Poisson, exponential: counts on the logit or log scale, exact (:mod:`nextarm.borrowing.count_history`);
- normal: an estimate with its standard error on any scale of :mod:`nextarm.synthesis.scales`; given tau all is normal, so
  the prior is a mixture of normals over tau.

With one study the between-study distance cannot be seen: it rests on the prior of tau alone, and the result says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from functools import cache
from typing import ClassVar

import numpy as np

from nextarm.borrowing.count_history import CountPosterior, binomial_counts, count_posterior, poisson_counts
from nextarm.borrowing.gridded import Gridded
from nextarm.borrowing.normal_mixture import NormalMixture
from nextarm.borrowing.tau_nodes import tau_nodes
from nextarm.core.errors import CallError, DataError, Problem, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.synthesis import StudyEstimate, TauPrior, half_normal, scale
from nextarm.synthesis.estimates import FROM_COUNTS, extend, row_of, scale_all

_REFERENCE = "10.1111/biom.12242"
_GRID = 257
#: Mean and standard deviation of the log rate a year, where nothing is said: 95 % from one event in 360 years to one a day.
RATE_MEAN = (0.0, 3.0)
ONE_STUDY = "one study: how far the next may lie from it rests on the prior of tau alone"


@record
class Coefficient:
    """Posterior of one coefficient of a prior with covariates, on the scale of the prior."""

    name: str
    mean: float
    sd: float


@record
class MapPrior(Result):
    """The predictive distribution of a new study's true value, and the posterior of mean and between-study sd.

    ``mean``, ``sd``, ``median`` and ``ci`` are on the natural scale; ``mu_*``, ``tau_*``, ``theta_*`` and the grid
    ``predictive`` on the scale ``measure``. A moment that does not exist under the priors is None. ``coefficients`` and
    ``strata`` belong to priors with covariates or several taus; there ``mu_*`` is the mean for the next study and ``tau_*`` its
    stratum's. ``error`` is the largest error of a predictive mean or sd, in predictive sds, where one was measured.
    """

    likelihood: str
    measure: str
    k: int
    level: float
    tau_prior: str
    mean_prior: str
    mean: float | None
    sd: float | None
    median: float
    ci: Interval
    mu_mean: float | None
    mu_sd: float | None
    tau_mean: float | None
    tau_sd: float | None
    tau_median: float
    theta_mean: float | None
    theta_sd: float | None
    predictive: Gridded
    coefficients: tuple[Coefficient, ...] = ()
    strata: dict[str, float] = field(default_factory=dict)
    error: float | None = None

    shown: ClassVar[tuple[str, ...]] = (
        "mean", "sd", "median", "ci_low", "ci_high", "k", "likelihood", "measure", "tau_mean", "tau_median", "tau_prior", "mean_prior",
    )  # fmt: skip

    def cdf(self, x: float) -> float:
        """Probability that a new study's true value is at most ``x`` (natural scale)."""
        on = scale(self.measure)
        if x <= on.low or x >= on.high:
            return 0.0 if x <= on.low else 1.0
        below = float(self.predictive.cdf(on.forward(x)))
        return below if on.rising else 1.0 - below

    def quantile(self, p: float) -> float:
        """The value (natural scale) below which a new study's true value lies with probability ``p``."""
        on = scale(self.measure)
        return on.back(self.predictive.quantile(p if on.rising else 1.0 - p))

    def points(self) -> tuple[FloatArray, FloatArray]:
        """Points on the natural scale, rising, with probabilities that sum to 1: what a mixture is fitted to."""
        on = scale(self.measure)
        x, mass = self.predictive.masses()
        natural = np.array([on.back(v) for v in x.tolist()])
        order = slice(None) if on.rising else slice(None, None, -1)
        return natural[order], mass[order] / mass.sum()

    def edges(self) -> tuple[FloatArray, FloatArray]:
        """Edges of the grid's steps on the natural scale, rising, and the probability of each step (one fewer)."""
        on = scale(self.measure)
        natural = np.array([on.back(v) for v in self.predictive.x.tolist()])
        _, mass = self.predictive.masses()
        return (natural, mass / mass.sum()) if on.rising else (natural[::-1], mass[::-1] / mass.sum())


def map_prior(
    studies: Iterable[StudyEstimate],
    *,
    likelihood: str = "binomial",
    measure: str = "cloglog",
    tau: TauPrior | None = None,
    mean_prior: tuple[float, float] | None = None,
    level: float = 0.95,
    base: Trail | None = None,
) -> MapPrior:
    """Predictive prior of a new arm from studies of S(t) or of any proportion.

    ``likelihood="normal"`` puts each estimate on the scale ``measure`` with its printed precision; ``"binomial"`` takes
    ``estimate * n``, rounded, as a count of n, which ignores censoring (labelled). ``tau`` defaults to half-normal(1) for
    counts (logit scale), half-normal(0.5) else; ``mean_prior`` = (mean, sd) to (0, 2) for counts and to flat else.

    Raises :class:`RefusedError` where no study can be used or the studies are too few for the priors.

    >>> control = [StudyEstimate(label="blinatumomab", estimate=0.833, ci_low=0.645, ci_high=0.927, n=30)]
    >>> found = map_prior(control, likelihood="normal", tau=half_normal(0.3))
    >>> round(found.median, 3), found.warnings[0] == ONE_STUDY
    (0.833, True)
    """
    given = tuple(studies)
    if likelihood == "binomial":
        problems = [Problem(f"{s.label} has no n", rule="a count needs n", cure="Use likelihood='normal'") for s in given if s.n is None]
        outside = [s for s in given if not 0.0 <= s.estimate <= 1.0]
        problems += [Problem(f"estimate = {s.estimate:g}", s.label, "must lie between 0 and 1") for s in outside]
        if problems:
            raise DataError(problems=problems)
        counts = [round(s.estimate * (s.n or 0)) for s in given]
        found = map_prior_binomial(
            counts,
            [s.n or 0 for s in given],
            tau=tau,
            mean_prior=mean_prior or (0.0, 2.0),
            level=level,
            base=replace(base or Trail(method=""), rows=tuple(row_of(s) for s in given)),
        )
        if all(FROM_COUNTS in row_of(s).marks for s in given):
            return found
        return replace(found, warnings=(*found.warnings, "counts are estimate times n, rounded: censoring is ignored"))
    if likelihood != "normal":
        raise CallError(f"likelihood = {likelihood!r}", rule="must be binomial or normal")
    used, refused = scale_all(given, measure=measure, probability=measure != "identity")
    if not used:
        raise RefusedError("no study can be used", rule="; ".join(o.reason for o in refused) or "at least one is needed")
    found = map_prior_normal(
        [u.y for u in used],
        [math.sqrt(u.v) for u in used],
        measure=measure,
        tau=tau,
        mean_prior=mean_prior,
        level=level,
        base=extend(base, method="", used=used, refused=refused),
    )
    return replace(found, warnings=(*found.warnings, *(f"{o.row.key} is not used: {o.reason}" for o in refused)))


def map_prior_binomial(
    events: Sequence[int],
    n: Sequence[int],
    *,
    tau: TauPrior | None = None,
    mean_prior: tuple[float, float] = (0.0, 2.0),
    level: float = 0.95,
    base: Trail | None = None,
) -> MapPrior:
    """Predictive prior of a probability from ``events`` of ``n`` in each study, exact on the logit scale.

    Raises :class:`DataError` for counts outside 0..n, :class:`CallError` for a prior of the mean without spread,
    :class:`RefusedError` where an improper prior of tau meets too few studies.

    >>> found = map_prior_binomial([23, 12, 19, 9, 39, 6, 9, 10], [107, 44, 51, 39, 139, 20, 78, 35])
    >>> round(found.mean, 3), round(found.ci.low, 3), round(found.ci.high, 3)
    (0.258, 0.111, 0.471)
    """
    chosen = tau or half_normal(1.0)
    r, size = np.asarray(events, np.float64), np.asarray(n, np.float64)
    if r.ndim != 1 or r.shape != size.shape or r.size == 0:
        raise CallError("events, n", rule="must be one number a study each, and at least one study")
    whole = (r >= 0.0) & (r <= size) & (size >= 1.0) & (r == np.floor(r)) & (size == np.floor(size))
    wrong = [
        Problem(f"events = {r[i]:g} of n = {size[i]:g}", f"study {i + 1}", "must be whole, 0 <= events <= n, n at least 1")
        for i in np.flatnonzero(~whole).tolist()
    ]
    if wrong:
        raise DataError(problems=wrong)
    check_mean_prior(mean_prior)
    informative = int(((r > 0) & (r < size)).sum())  # a study of all or none does not bound tau
    tail = chosen.tail + informative
    if tail <= 1.0:
        raise RefusedError(f"{r.size} studies", rule=f"are too few for a {chosen.words()} prior on tau", cure="Use a half-normal prior")
    got = count_posterior(binomial_counts(r, size), prior=chosen, mean_prior=mean_prior)
    p = 1.0 / (1.0 + np.exp(-got.theta))
    above = 1.0 - float(got.below[-1])
    weights = got.density * (got.theta[1] - got.theta[0])
    inside = float(weights.sum())
    weights = weights * ((1.0 - above - float(got.below[0])) / inside)
    mean = float(weights @ p) + above
    variance = float(weights @ (p - mean) ** 2) + above * (1.0 - mean) ** 2 + float(got.below[0]) * mean**2
    return _of_counts(
        got,
        likelihood="binomial",
        measure="logit",
        k=int(r.size),
        level=level,
        tau_prior=chosen,
        tail=tail,
        mean_prior=mean_prior,
        base=base,
        natural=(mean, math.sqrt(variance)),
        said=f"{got.lost:.2%} of the prior has a between-study sd beyond 64 logits and is put at 0 and 1, half each",
    )


def map_prior_poisson(
    events: Sequence[int],
    years: Sequence[float],
    *,
    tau: TauPrior | None = None,
    mean_prior: tuple[float, float] = RATE_MEAN,
    likelihood: str = "poisson",
    level: float = 0.95,
    base: Trail | None = None,
) -> MapPrior:
    """Predictive prior of a rate a year from ``events`` in ``years`` of follow-up of each study, exact on the log scale.

    Exponential times with d events in T years have the same likelihood (``likelihood="exponential"`` only changes the
    words). ``tau`` defaults to half-normal(0.5), ``mean_prior`` of the log rate a year to N(0, 3^2). The mean of a
    rate is not given: under these priors it may not exist; the median and all quantiles do.

    Raises :class:`DataError` for events that are not whole or years not above 0, :class:`RefusedError` where an improper
    prior of tau meets too few studies.

    >>> found = map_prior_poisson([8, 3, 12], [40.0, 22.0, 51.5])
    >>> round(found.median, 3)
    0.197
    """
    chosen = tau or half_normal(0.5)
    d, t = np.asarray(events, np.float64), np.asarray(years, np.float64)
    if d.ndim != 1 or d.shape != t.shape or d.size == 0:
        raise CallError("events, years", rule="must be one number a study each, and at least one study")
    fine = np.isfinite(d) & (d >= 0.0) & (d == np.floor(d)) & np.isfinite(t) & (t > 0.0)
    wrong = [
        Problem(f"events = {d[i]:g} in {t[i]:g} years", f"study {i + 1}", "events must be whole, not negative, years above 0")
        for i in np.flatnonzero(~fine).tolist()
    ]
    if wrong:
        raise DataError(problems=wrong)
    check_mean_prior(mean_prior)
    tail = chosen.tail + int((d > 0).sum())
    if tail <= 1.0:
        raise RefusedError(f"{d.size} studies", rule=f"are too few for a {chosen.words()} prior on tau", cure="Use a half-normal prior")
    got = count_posterior(poisson_counts(d, t), prior=chosen, mean_prior=mean_prior)
    none = f"no event in {t.sum():g} years: the lower end of the rate rests on the prior of the mean alone"
    return _of_counts(
        got,
        likelihood=likelihood,
        measure="log",
        k=int(d.size),
        level=level,
        tau_prior=chosen,
        tail=tail,
        mean_prior=mean_prior,
        base=base,
        natural=(None, None),
        said=f"{got.lost:.2%} of the prior has a between-study sd beyond 64 on the log scale and is put at 0 and infinity, half each",
        warnings=(none,) if not d.any() else (),
    )


def _of_counts(
    got: CountPosterior, *, tail: float, tau_prior: TauPrior, mean_prior: tuple[float, float], said: str, warnings: tuple[str, ...] = (),
    likelihood: str, measure: str, k: int, level: float, base: Trail | None, natural: tuple[float | None, float | None],
) -> MapPrior:  # fmt: skip
    taus, masses = got.nodes.taus, got.masses
    tau_mean = float(masses @ taus)
    tau_variance = max(0.0, float(masses @ taus**2) - tau_mean**2)
    theta_sd = math.sqrt(got.mu_sd**2 + tau_mean**2 + tau_variance)
    return prior_result(
        Gridded(x=got.theta, density=got.density, below=got.below),
        likelihood=likelihood,
        measure=measure,
        k=k,
        level=level,
        tau_prior=tau_prior,
        mean_prior=mean_prior,
        base=base,
        natural=natural,
        mu=(got.mu_mean, got.mu_sd),
        tau=(tau_mean if tail > 2.0 else None, math.sqrt(tau_variance) if tail > 3.0 else None, got.nodes.quantile(masses, 0.5)),
        theta=(got.mu_mean, theta_sd if tail > 3.0 else None),
        warnings=((said,) if got.lost > 1e-4 else ()) + warnings,
    )


def map_prior_normal(
    estimates: Sequence[float] | FloatArray,
    ses: Sequence[float] | FloatArray,
    *,
    measure: str = "identity",
    tau: TauPrior | None = None,
    mean_prior: tuple[float, float] | None = None,
    level: float = 0.95,
    base: Trail | None = None,
) -> MapPrior:
    """Predictive prior from ``estimates`` with standard errors ``ses``, both already on the scale ``measure``.

    >>> schools = map_prior_normal([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18], tau=half_normal(5.0))
    >>> round(schools.mean, 2), round(schools.theta_sd, 2)
    (7.79, 6.02)
    """
    chosen = tau or half_normal(0.5)
    y, e = np.asarray(estimates, np.float64), np.asarray(ses, np.float64)
    if y.ndim != 1 or y.shape != e.shape or y.size == 0:
        raise CallError("estimates, ses", rule="must be one number a study each, and at least one study")
    if not (np.isfinite(y).all() and np.isfinite(e).all() and (e > 0.0).all()):
        raise DataError("estimates, ses", rule="must be finite, standard errors above 0")
    if mean_prior is not None:
        check_mean_prior(mean_prior)
    tail = chosen.tail + y.size - (mean_prior is None)
    if tail <= 1.0:
        raise RefusedError(f"{y.size} studies", rule=f"are too few for a {chosen.words()} prior on tau", cure="Use a half-normal prior")
    nodes = tau_nodes(chosen, float(e.min()))
    w = 1.0 / (e * e + nodes.taus[:, None] ** 2)
    precision, right = w.sum(axis=1), w @ y
    prior_part = 0.0
    if mean_prior is not None:
        precision, right = precision + mean_prior[1] ** -2, right + mean_prior[0] * mean_prior[1] ** -2
    mu = right / precision
    if mean_prior is not None:
        prior_part = ((mu - mean_prior[0]) / mean_prior[1]) ** 2
    log_l = 0.5 * (np.log(w).sum(axis=1) - np.log(precision) - (w * (y - mu[:, None]) ** 2).sum(axis=1) - prior_part)
    masses = nodes.weights * np.exp(log_l - log_l.max())
    masses = masses / masses.sum()
    variances = 1.0 / precision
    mu_mean = float(masses @ mu)
    mu_variance = float(masses @ (variances + (mu - mu_mean) ** 2))
    tau_mean, tau_square = float(masses @ nodes.taus), float(masses @ nodes.taus**2)
    heavy = masses > 1e-10
    mixture = NormalMixture(weights=masses[heavy] / masses[heavy].sum(), means=mu[heavy], sds=np.sqrt(variances + nodes.taus**2)[heavy])
    theta_sd = math.sqrt(mu_variance + tau_square)
    exist = tail > 2.0, tail > 3.0
    return prior_result(
        grid_of(mixture),
        likelihood="normal",
        measure=measure,
        k=int(y.size),
        level=level,
        tau_prior=chosen,
        mean_prior=mean_prior,
        base=base,
        natural=natural_moments(mixture, measure, exist),
        mu=(mu_mean if exist[0] else None, math.sqrt(mu_variance) if exist[1] else None),
        tau=(
            tau_mean if exist[0] else None,
            math.sqrt(max(0.0, tau_square - tau_mean**2)) if exist[1] else None,
            nodes.quantile(masses, 0.5),
        ),
        theta=(mu_mean if exist[0] else None, theta_sd if exist[1] else None),
    )


def grid_of(mixture: NormalMixture) -> Gridded:
    """The mixture on points that lie close where it is high and reach as far as its widest part matters."""
    middle = float(mixture.weights @ mixture.means)
    core = float(mixture.sds.min())
    felt = mixture.weights > 1e-8
    reach = float((np.abs(mixture.means - middle) + 7.0 * mixture.sds)[felt].max()) / core
    u = np.linspace(-1.0, 1.0, _GRID) * math.asinh(reach)
    x = middle + core * np.sinh(u)
    z = (x[:, None] - mixture.means) / mixture.sds
    from scipy.special import ndtr

    density = np.exp(-0.5 * z * z) @ (mixture.weights / mixture.sds) / math.sqrt(2.0 * math.pi)
    return Gridded(x=x, density=density, below=np.clip(ndtr(z) @ mixture.weights, 0.0, 1.0))


@cache
def _hermite() -> tuple[FloatArray, FloatArray]:
    """Gauss-Hermite nodes and weights of a standard normal."""
    z, w = np.polynomial.hermite_e.hermegauss(40)
    return np.asarray(z, np.float64), np.asarray(w / w.sum(), np.float64)


def natural_moments(mixture: NormalMixture, measure: str, exist: tuple[bool, bool]) -> tuple[float | None, float | None]:
    """Mean and sd on the natural scale: exact on the identity, by Gauss-Hermite for probabilities, none on the log scale."""
    if measure == "identity":
        return (mixture.mean() if exist[0] else None), (mixture.sd() if exist[1] else None)
    if measure not in ("logit", "cloglog"):
        return None, None
    z, inner = _hermite()
    theta = mixture.means[:, None] + mixture.sds[:, None] * z
    value = 1.0 / (1.0 + np.exp(-theta)) if measure == "logit" else np.exp(-np.exp(np.minimum(theta, 700.0)))
    mean = float(mixture.weights @ (value @ inner))
    return mean, math.sqrt(max(0.0, float(mixture.weights @ ((value - mean) ** 2 @ inner))))


def prior_result(
    grid: Gridded,
    *,
    likelihood: str,
    measure: str,
    k: int,
    level: float,
    tau_prior: TauPrior,
    mean_prior: tuple[float, float] | None,
    base: Trail | None,
    natural: tuple[float | None, float | None],
    mu: tuple[float | None, float | None],
    tau: tuple[float | None, float | None, float],
    theta: tuple[float | None, float | None],
    warnings: tuple[str, ...] = (),
) -> MapPrior:
    """Put the parts of a predictive prior together with their words and warnings."""
    on = scale(measure)
    inside = grid.interval(level)
    low, high = on.natural_interval(inside.low, inside.high)
    words = "flat" if mean_prior is None else f"N({mean_prior[0]:g}, {mean_prior[1]:g}^2)"
    tau_words = f"tau ~ {tau_prior.words()}"
    assumption = f"the next study is exchangeable with the {k} used ({tau_words}, mean {words} on the {measure} scale)"
    before = base or Trail(method="")
    return MapPrior(
        trail=replace(
            before,
            method=f"meta-analytic predictive prior by quadrature, {likelihood} likelihood on the {measure} scale",
            reference=_REFERENCE,
            assumptions=(*before.assumptions, assumption),
        ),
        warnings=((ONE_STUDY,) if k == 1 else ()) + warnings,
        likelihood=likelihood,
        measure=measure,
        k=k,
        level=level,
        tau_prior=tau_words,
        mean_prior=f"mean ~ {words}",
        mean=natural[0],
        sd=natural[1],
        median=on.back(grid.quantile(0.5)),
        ci=Interval(low=low, high=high, level=level, kind="predictive"),
        mu_mean=mu[0],
        mu_sd=mu[1],
        tau_mean=tau[0],
        tau_sd=tau[1],
        tau_median=tau[2],
        theta_mean=theta[0],
        theta_sd=theta[1],
        predictive=grid,
    )


def check_mean_prior(mean_prior: tuple[float, float]) -> None:
    """Raise :class:`CallError` unless ``mean_prior`` is a mean and a standard deviation above 0."""
    if not (math.isfinite(mean_prior[0]) and math.isfinite(mean_prior[1]) and mean_prior[1] > 0.0):
        raise CallError(f"mean_prior = {mean_prior}", rule="must be a mean and a standard deviation above 0")
