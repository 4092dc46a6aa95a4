"""Predictive priors with study-level covariates and with several between-study sds (differential discounting).

``theta_i = x_i b + u_i``, ``u_i ~ N(0, tau_s(i)^2)``: each study belongs to a stratum (an era, a near and a far end point) with
its own tau, so that studies less like the next one can be given a prior with a larger tau and count for less (the same as
``tau.strata`` of RBesT; Roychoudhury & Neuenschwander, doi 10.48550/arXiv.1908.07265). The next study has stated covariates
and a stratum.

Normal estimates: quadrature over the taus, all else analytically (:mod:`nextarm.borrowing.hierarchy`). Counts: importance
sampling with scrambled Sobol' points over taus and coefficients, each study's own effect by adaptive Gauss-Hermite; the
error stated is the spread of eight scrambles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nextarm.borrowing.hierarchy import History, history_posterior
from nextarm.borrowing.map_prior import Coefficient, MapPrior, check_mean_prior, grid_of, natural_moments, prior_result
from nextarm.borrowing.normal_mixture import NormalMixture
from nextarm.borrowing.study_likelihood import smoothed_log_likelihood
from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.synthesis import TauPrior, half_normal

_SCRAMBLES, _POINTS, _MOST_POINTS = 8, 2048, 32_768
#: Below this many effective points importance sampling is refused.
LEAST_POINTS = 400.0
DISCOUNTING = "10.48550/arXiv.1908.07265"


@dataclass(frozen=True, eq=False)
class _Setting:
    """Design (k, p) with the intercept first, names, the next study's row, strata of the studies, their names and priors."""

    x: FloatArray
    names: tuple[str, ...]
    x_new: FloatArray
    new_values: tuple[float, ...]
    stratum: IntArray
    strata: tuple[str, ...]
    taus: tuple[TauPrior, ...]
    new: int


def map_prior_covariates(
    estimates: Sequence[float] | FloatArray,
    ses: Sequence[float] | FloatArray,
    *,
    covariates: Mapping[str, Sequence[float]] | None = None,
    new: Mapping[str, float] | None = None,
    strata: Sequence[str] | None = None,
    new_stratum: str = "",
    tau: TauPrior | Mapping[str, TauPrior] | None = None,
    measure: str = "identity",
    mean_prior: tuple[float, float] | None = None,
    slope_sd: float | None = None,
    level: float = 0.95,
    base: Trail | None = None,
) -> MapPrior:
    """Predictive prior from normal ``estimates`` on the scale ``measure``, with ``covariates`` and ``strata`` of the studies.

    ``new`` gives the covariates of the next study (the studies' count from it, so ``mean_prior`` is that of the next study's
    mean), ``new_stratum`` its stratum. ``tau`` is one prior for all strata or one for
    each by name (half-normal(0.5) where not given). ``slope_sd`` is the sd of a normal prior around 0 of every slope;
    mean and slopes are flat where not given.

    >>> era = {"decade": [-1.5, -0.5, 0.0, 0.6]}
    >>> found = map_prior_covariates([0.1, 0.2, 0.25, 0.4], [0.2] * 4, covariates=era, new={"decade": 1.0}, tau=half_normal(0.2))
    >>> [c.name for c in found.coefficients], round(found.theta_mean, 2)
    (['mean', 'decade'], 0.42)
    """
    y, e = np.asarray(estimates, np.float64), np.asarray(ses, np.float64)
    if y.ndim != 1 or y.shape != e.shape or y.size == 0:
        raise CallError("estimates, ses", rule="must be one number a study each, and at least one study")
    if not (np.isfinite(y).all() and np.isfinite(e).all() and (e > 0.0).all()):
        raise DataError("estimates, ses", rule="must be finite, standard errors above 0")
    at = _setting(y.size, covariates or {}, new or {}, strata, new_stratum, tau)
    p = at.x.shape[1]
    prior = None
    if mean_prior is not None or slope_sd is not None:
        if p > 1 and (mean_prior is None or slope_sd is None):
            raise CallError("mean_prior, slope_sd", rule="give both or neither: a prior flat in part is not offered")
        prior = _coefficient_prior(mean_prior or (0.0, 1.0), slope_sd or 1.0, p)
    history = History(y[:, None], (e * e)[:, None, None], at.x[:, None, :], at.stratum[:, None], at.x_new[None, :], np.array([at.new]))
    got = history_posterior(history, taus=at.taus, mean_prior=prior)
    mixture = got.predictive.marginal(0)
    mu = mixture.means
    mu_mean = float(got.weights @ mu)
    mu_variance = float(got.weights @ (mixture.sds**2 - got.taus[:, at.new] ** 2 + (mu - mu_mean) ** 2))
    tail = min(t.tail + int((at.stratum == s).sum()) - (p if prior is None else 0) for s, t in enumerate(at.taus))
    return _made(
        at, mixture, got.weights, got.taus, (mu_mean, math.sqrt(max(0.0, mu_variance))), got.moments_of_b(), tail=tail, likelihood="normal",
        measure=measure, level=level, base=base, mean_prior=mean_prior, error=got.error,
    )  # fmt: skip


def map_prior_counts_covariates(
    events: Sequence[int],
    sizes: Sequence[float],
    *,
    likelihood: str = "binomial",
    covariates: Mapping[str, Sequence[float]] | None = None,
    new: Mapping[str, float] | None = None,
    strata: Sequence[str] | None = None,
    new_stratum: str = "",
    tau: TauPrior | Mapping[str, TauPrior] | None = None,
    mean_prior: tuple[float, float] = (0.0, 2.0),
    slope_sd: float = 1.0,
    level: float = 0.95,
    seed: int = 0,
    points: int = _POINTS,
    base: Trail | None = None,
) -> MapPrior:
    """Predictive prior from ``events`` of n (``binomial``) or in years (``poisson``, ``exponential``), with covariates and strata.

    ``points`` (a power of 2) are drawn in each of eight scrambles, four times as many (up to 32,768) while fewer than 400 are
    effective. Raises :class:`RefusedError` where that is not enough.
    """
    r, size = np.asarray(events, np.float64), np.asarray(sizes, np.float64)
    binomial = likelihood == "binomial"
    if likelihood not in ("binomial", "poisson", "exponential"):
        raise CallError(f"likelihood = {likelihood!r}", rule="must be binomial, poisson or exponential")
    if r.ndim != 1 or r.shape != size.shape or r.size == 0:
        raise CallError("events, sizes", rule="must be one number a study each, and at least one study")
    good = np.isfinite(r) & np.isfinite(size) & (r >= 0.0) & (r == np.floor(r)) & (size > 0.0)
    if not (good & (~np.bool_(binomial) | ((r <= size) & (size == np.floor(size))))).all():
        raise DataError("events, sizes", rule="events must be whole and not negative, sizes above 0 (and not below events for a binomial)")
    check_mean_prior(mean_prior)
    at = _setting(r.size, covariates or {}, new or {}, strata, new_stratum, tau)
    if any(not math.isfinite(t.scale) for t in at.taus):
        raise RefusedError("an improper prior on tau", rule="cannot be sampled from", cure="Give it a bound, or use half-normal")
    while True:
        runs = [_sample(r, size, at, binomial, mean_prior, slope_sd, seed + i, points) for i in range(_SCRAMBLES)]
        log_w = np.concatenate([w for w, _, _ in runs])
        w = np.exp(log_w - log_w.max())
        w /= w.sum()
        held = float(1.0 / (w @ w))
        if held >= LEAST_POINTS or points >= _MOST_POINTS:
            break
        points *= 4
    if held < LEAST_POINTS:
        raise RefusedError(
            f"importance sampling reaches {held:.0f} effective points of {w.size}",
            rule=f"at least {LEAST_POINTS:.0f} are needed",
            cure="Tighten the prior of tau or of the slopes, or use likelihood='normal'",
        )
    b, taus = np.concatenate([c for _, c, _ in runs]), np.concatenate([t for _, _, t in runs])
    mu = b @ at.x_new
    mu_mean, own = float(w @ mu), taus[:, at.new]
    mu_sd = math.sqrt(float(w @ (mu - mu_mean) ** 2))
    # Points become normals a tenth of the sd wide and move towards the mean, so that mean and variance stay as they are.
    mixture = NormalMixture(weights=w, means=mu_mean + math.sqrt(0.99) * (mu - mu_mean), sds=np.sqrt(own**2 + (0.1 * mu_sd) ** 2))
    each = []
    for run_w, run_b, _ in runs:
        v = np.exp(run_w - run_w.max())
        each.append(float(v @ (run_b @ at.x_new)) / float(v.sum()))
    error = float(np.std(each, ddof=1)) / math.sqrt(_SCRAMBLES) / mixture.sd()
    mean_b = w @ b
    tail = min(t.tail for t in at.taus) + 2.0
    found = _made(
        at, mixture, w, taus, (mu_mean, mu_sd), (mean_b, np.sqrt(w @ (b - mean_b) ** 2)), tail=tail, likelihood=likelihood,
        measure="logit" if binomial else "log", level=level, base=base, mean_prior=mean_prior, error=error,
    )  # fmt: skip
    said = f"importance sampling: {held:.0f} effective points, standard error of the mean {error:.1g} predictive sds"
    return replace(found, warnings=(*found.warnings, said), trail=replace(found.trail, seed=seed))


def _setting(
    k: int,
    covariates: Mapping[str, Sequence[float]],
    new: Mapping[str, float],
    strata: Sequence[str] | None,
    new_stratum: str,
    tau: TauPrior | Mapping[str, TauPrior] | None,
) -> _Setting:
    if set(covariates) != set(new):
        odd = sorted(set(covariates) ^ set(new))[0]
        raise CallError(f"covariate {odd!r}", rule="must be given for the studies and for the next one", cure="Name it in both")
    columns = [np.ones(k)]
    for name, values in covariates.items():
        column = np.asarray(values, np.float64)
        if column.shape != (k,) or not np.isfinite(column).all() or not math.isfinite(new[name]):
            raise DataError(f"covariate {name!r}", rule=f"must be {k} finite numbers, and one for the next study")
        columns.append(column - new[name])
    x = np.column_stack(columns)
    if np.linalg.matrix_rank(x) < x.shape[1] and k >= x.shape[1]:
        raise DataError(f"covariates {', '.join(covariates)}", rule="must differ between studies and not be sums of one another")
    labels = list(strata) if strata is not None else [""] * k
    if len(labels) != k:
        raise CallError(f"{len(labels)} strata", rule=f"must be one for each of {k} studies")
    names = tuple(dict.fromkeys(labels))
    if strata is not None and new_stratum not in names and not (isinstance(tau, Mapping) and new_stratum in tau):
        raise CallError(f"new_stratum = {new_stratum!r}", rule=f"must be one of {', '.join(names)}, or have a prior of its own tau")
    names = names if new_stratum in names or strata is None else (*names, new_stratum)
    given = tau if isinstance(tau, Mapping) else dict.fromkeys(names, tau or half_normal(0.5))
    if missing := [n for n in names if n not in given]:
        raise CallError(f"tau of stratum {missing[0]!r}", rule="is not given", cure="Give a prior of tau for every stratum, or one for all")
    return _Setting(
        x,
        ("mean", *covariates),
        np.array([1.0, *[0.0] * len(covariates)]),
        tuple(float(new[n]) for n in covariates),
        np.array([names.index(s) for s in labels]),
        names,
        tuple(given[n] for n in names),
        names.index(new_stratum) if strata is not None else 0,
    )


def _coefficient_prior(mean_prior: tuple[float, float], slope_sd: float, p: int) -> tuple[FloatArray, FloatArray]:
    check_mean_prior(mean_prior)
    if not (math.isfinite(slope_sd) and slope_sd > 0.0):
        raise CallError(f"slope_sd = {slope_sd}", rule="must be above 0")
    return np.array([mean_prior[0], *[0.0] * (p - 1)]), np.diag([mean_prior[1] ** 2, *[slope_sd**2] * (p - 1)])


def _sample(
    r: FloatArray, size: FloatArray, at: _Setting, binomial: bool, mean_prior: tuple[float, float], slope_sd: float, seed: int, points: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log weights (n,), coefficients (n, p) and taus (n, s) of one scramble."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    p, s = at.x.shape[1], len(at.taus)
    u = np.clip(qmc.Sobol(s + p + 1, seed=seed).random(points), 1e-12, 1.0 - 1e-12)
    taus = np.column_stack([_prior_quantile(prior, u[:, j]) for j, prior in enumerate(at.taus)])
    if binomial:
        share = (r + 0.5) / (size + 1.0)
        y, v = np.log(share / (1.0 - share)), 1.0 / (size * share * (1.0 - share))
    else:
        y, v = np.log((r + 0.5) / size), 1.0 / (r + 0.5)
    spread = taus[:, at.stratum]
    w = 1.0 / (v + spread**2)
    m, c = _coefficient_prior(mean_prior, slope_sd, p)
    prior_precision = np.linalg.inv(c)
    precision = np.einsum("nk,ki,kj->nij", w, at.x, at.x) + prior_precision
    centre = np.linalg.solve(precision, (np.einsum("nk,ki->ni", w * y, at.x) + prior_precision @ m)[..., None])[..., 0]
    root = 1.3 * np.linalg.cholesky(np.linalg.inv(precision))
    # Half of the points come from a normal a little wider than the likelihood's, half from the prior, which still serves where
    # the counts are so few that no normal does; each is weighed by the density of both together.
    wide = np.sqrt(np.diagonal(c))
    z = ndtri(u[:, s : s + p])
    own = u[:, -1] < 0.5
    b = np.where(own[:, None], centre + np.einsum("nij,nj->ni", root, z), m + wide * z)
    first = np.linalg.solve(root, (b - centre)[..., None])[..., 0]
    log_q = np.logaddexp(
        -0.5 * (first**2).sum(axis=1) - np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1),
        -0.5 * (((b - m) / wide) ** 2).sum(axis=1) - float(np.log(wide).sum()),
    )
    off = b - m
    log_prior = -0.5 * np.einsum("ni,ij,nj->n", off, prior_precision, off)
    log_l = smoothed_log_likelihood(r, size, b @ at.x.T, spread, binomial=binomial).sum(axis=1)
    return log_prior + log_l - log_q, b, taus


def _prior_quantile(prior: TauPrior, u: FloatArray) -> FloatArray:
    from scipy.special import ndtri

    if prior.name == "half-normal":
        return np.asarray(prior.scale * ndtri(0.5 + u / 2.0), np.float64)
    if prior.name == "half-cauchy":
        return np.asarray(prior.scale * np.tan(math.pi * u / 2.0), np.float64)
    if prior.name == "uniform":
        return np.asarray(prior.scale * u, np.float64)
    raise CallError(f"a {prior.name} prior on tau", rule="must be half-normal, half-cauchy or uniform to be sampled from")


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    """The median of weighted points, monotone between the middles of their steps."""
    from scipy.interpolate import PchipInterpolator

    order = np.argsort(values)
    x, w = values[order], weights[order]
    x, first = np.unique(x, return_index=True)
    w = np.add.reduceat(w, first)
    middle = np.cumsum(w) - w / 2.0
    held = np.concatenate([[True], np.diff(middle) > 1e-15])
    return float(PchipInterpolator(middle[held], x[held])(0.5)) if held.sum() > 1 else float(x[0])


def _made(
    at: _Setting, mixture: NormalMixture, weights: FloatArray, taus: FloatArray, mu: tuple[float, float], b: tuple[FloatArray, FloatArray],
    *, tail: float, likelihood: str, measure: str, level: float, base: Trail | None, mean_prior: tuple[float, float] | None, error: float,
) -> MapPrior:  # fmt: skip
    own = taus[:, at.new]
    tau_mean = float(weights @ own)
    tau_sd = math.sqrt(max(0.0, float(weights @ (own - tau_mean) ** 2)))
    exist = tail > 2.0, tail > 3.0
    found = prior_result(
        grid_of(mixture),
        likelihood=likelihood,
        measure=measure,
        k=int(at.x.shape[0]),
        level=level,
        tau_prior=at.taus[at.new],
        mean_prior=mean_prior,
        base=base,
        natural=natural_moments(mixture, measure, exist),
        mu=(mu[0] if exist[0] else None, mu[1] if exist[1] else None),
        tau=(tau_mean if exist[0] else None, tau_sd if exist[1] else None, _weighted_median(own, weights)),
        theta=(mu[0] if exist[0] else None, mixture.sd() if exist[1] else None),
    )
    words = [f"{name}: tau ~ {t.words()}" for name, t in zip(at.strata, at.taus, strict=True) if name]
    told: tuple[str, ...] = ()
    if words:
        told = (f"between-study sds by stratum ({'; '.join(words)}); the next study is of stratum {at.strata[at.new]}",)
    slopes = [f"{n} = {v:g}" for n, v in zip(at.names[1:], at.new_values, strict=True)]
    told += (f"the next study has {', '.join(slopes)}",) if slopes else ()
    method = found.trail.method if likelihood == "normal" else found.trail.method.replace("by quadrature", "by importance sampling")
    return replace(
        found,
        trail=replace(
            found.trail,
            method=method,
            reference=DISCOUNTING if words else found.trail.reference,
            assumptions=(*found.trail.assumptions, *told),
        ),
        coefficients=tuple(Coefficient(name=n, mean=float(m), sd=float(s)) for n, m, s in zip(at.names, b[0], b[1], strict=True)),
        strata={name: float(weights @ taus[:, j]) for j, name in enumerate(at.strata) if name},
        error=error,
    )
