"""Predictive prior of a curve with a cure fraction: cure fraction exchangeable between studies, latency common or nearly so.

Each study gives the three parameters of a mixture-cure fit on its estimation scale (logit of the cure fraction, log shape
and log scale of the latency; two with an exponential latency) as a normal estimate with covariance. The cure fractions
differ by ``tau_cure`` on the logit scale; the latency is the same everywhere, or differs by one ``tau_latency``. The means
are integrated analytically, the taus by quadrature: one or two dimensions, three with ``latency="separate"``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nextarm.borrowing.hierarchy import History, history_posterior
from nextarm.borrowing.map_prior import ONE_STUDY
from nextarm.borrowing.multinormal import MultinormalMixture, checked_estimate
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import RowRef, Trail
from nextarm.core.units import FloatArray
from nextarm.synthesis import TauPrior, half_normal

if TYPE_CHECKING:
    import polars as pl

    from nextarm.survival.fit_result import Fit

LATENCY = ("common", "one-tau", "separate")
MODELS: Mapping[str, tuple[str, ...]] = {
    "mixture-cure:exponential": ("logit(cure_fraction)", "log(rate)"),
    "mixture-cure:weibull": ("logit(cure_fraction)", "log(shape)", "log(scale)"),
}
_REFERENCE = "10.1111/biom.12242"


@dataclass(frozen=True, eq=False)
class CureEstimate:
    """One study: parameters of ``model`` in the order of ``MODELS`` on the estimation scale, with their covariance."""

    label: str
    estimate: FloatArray
    covariance: FloatArray
    model: str = "mixture-cure:weibull"
    n: int | None = None
    events: int | None = None


@record
class CurePrior(Result):
    """Predictive distribution of a new study's mixture-cure parameters, on the estimation scale of ``names``.

    ``cure_fraction_*`` are on the probability scale; ``tau_*`` on the estimation scale; ``error`` is what the quadrature over
    the taus may miss, in predictive standard deviations.
    """

    model: str
    names: tuple[str, ...]
    k: int
    level: float
    latency: str
    tau_prior: str
    cure_fraction_mean: float
    cure_fraction_sd: float
    cure_fraction_median: float
    cure_fraction_ci: Interval
    tau_cure_mean: float
    tau_cure_sd: float
    tau_latency_mean: float | None
    means: tuple[float, ...]
    sds: tuple[float, ...]
    predictive: MultinormalMixture
    error: float

    shown: ClassVar[tuple[str, ...]] = (
        "cure_fraction_mean", "cure_fraction_sd", "cure_fraction_median", "cure_fraction_ci_low", "cure_fraction_ci_high", "k", "model",
        "latency", "tau_cure_mean", "tau_latency_mean", "tau_prior", "error",
    )  # fmt: skip

    def survival(self, times: Sequence[float] | FloatArray, *, level: float | None = None, draws: int = 4096) -> pl.DataFrame:
        """Predictive S(t): mean and limits at ``times`` (years), by ``draws`` scrambled Sobol' points with a fixed seed.

        ``error`` is the standard error of the mean from eight independent scrambles.
        """
        import polars as pl

        t = np.asarray(times, np.float64)
        if t.ndim != 1 or not np.isfinite(t).all() or (t < 0.0).any():
            raise CallError("times", rule="must be numbers of years, not below 0")
        held = level or self.level
        parts = [self._survival_of(_sobol(self.predictive, draws // 8, seed), t) for seed in range(8)]
        means = np.array([p.mean(axis=0) for p in parts])
        low, high = np.quantile(np.concatenate(parts), [(1.0 - held) / 2.0, (1.0 + held) / 2.0], axis=0)
        return pl.DataFrame(
            {"time": t, "mean": means.mean(axis=0), "low": low, "high": high, "error": means.std(axis=0, ddof=1) / math.sqrt(8)}
        )

    def _survival_of(self, theta: FloatArray, t: FloatArray) -> FloatArray:
        """S(t) for each row of parameters, (n, times)."""
        cured = 1.0 / (1.0 + np.exp(-theta[:, 0]))[:, None]
        if self.model.endswith("exponential"):
            inner = np.exp(-np.exp(theta[:, 1])[:, None] * t)
        else:
            inner = np.exp(-((t / np.exp(theta[:, 2])[:, None]) ** np.exp(theta[:, 1])[:, None]))
        return np.asarray(cured + (1.0 - cured) * inner, np.float64)


def cure_estimate(fit: Fit, *, label: str = "") -> CureEstimate:
    """A study's parameters from a mixture-cure fit of one arm without covariates; :class:`RefusedError` at a boundary."""
    if fit.model not in MODELS or fit.coefficient_names != MODELS[fit.model]:
        raise CallError(f"a fit of {fit.model}", rule=f"must be one arm of {' or '.join(MODELS)} with the logit link")
    if fit.covariance is None or fit.fixed:
        raise RefusedError(
            f"the fit of {label or fit.arm or 'the study'} has no covariance of all parameters",
            rule="a study enters with a normal likelihood of all of them",
            cure="The data do not determine the cure fraction or its latency: use a prior of S(t), or an exponential latency",
        )
    return CureEstimate(label or fit.arm, fit.coefficients, fit.covariance, fit.model, fit.n, fit.events)


def map_prior_cure(
    studies: Sequence[CureEstimate],
    *,
    tau_cure: TauPrior | None = None,
    tau_latency: TauPrior | None = None,
    latency: str = "common",
    mean_prior: tuple[Sequence[float], Sequence[float]] | None = None,
    level: float = 0.95,
    base: Trail | None = None,
) -> CurePrior:
    """Predictive prior of the mixture-cure parameters of a new study.

    ``tau_cure`` defaults to half-normal(0.5), ``tau_latency`` (with ``latency="one-tau"`` or ``"separate"``) to half-normal(0.25);
    ``mean_prior`` = (means, sds) of independent normal priors on the estimation scale, flat where not given.

    Raises :class:`CallError` for studies of different models, :class:`DataError` for a covariance that is none,
    :class:`RefusedError` where the studies are too few for the priors.

    >>> v = np.diag([0.09, 0.04, 0.04])
    >>> some = [CureEstimate("a", np.array([0.2, 0.3, -0.1]), v), CureEstimate("b", np.array([-0.1, 0.2, 0.0]), v)]
    >>> found = map_prior_cure(some)
    >>> round(found.cure_fraction_median, 3), found.error < 1e-4
    (0.512, True)
    """
    if latency not in LATENCY:
        raise CallError(f"latency = {latency!r}", rule=f"must be one of {', '.join(LATENCY)}")
    if not studies:
        raise CallError("no studies", rule="at least one is needed")
    models = sorted({s.model for s in studies})
    if len(models) > 1 or models[0] not in MODELS:
        raise CallError(f"models {', '.join(models)}", rule=f"must be one of {', '.join(MODELS)}, the same for all studies")
    names = MODELS[models[0]]
    q, k = len(names), len(studies)
    made = [checked_estimate(s.estimate, s.covariance, q) for s in studies]
    cure, late = tau_cure or half_normal(0.5), tau_latency or half_normal(0.25)
    inner = {"common": [-1] * (q - 1), "one-tau": [1] * (q - 1), "separate": list(range(1, q))}[latency]
    taus = (cure, *[late] * (max(inner) if latency != "common" else 0))
    stratum = np.array([0, *inner])
    prior = None
    if mean_prior is not None:
        centre, spread = (np.asarray(part, np.float64) for part in mean_prior)
        if centre.shape != (q,) or spread.shape != (q,) or not (np.isfinite(centre).all() and (spread > 0.0).all()):
            raise CallError("mean_prior", rule=f"must be {q} means and {q} standard deviations above 0")
        prior = centre, np.diag(spread**2)
    history = History(
        y=np.array([y for y, _ in made]),
        v=np.array([v for _, v in made]),
        x=np.broadcast_to(np.eye(q), (k, q, q)),
        stratum=np.broadcast_to(stratum, (k, q)),
        x_new=np.eye(q),
        stratum_new=stratum,
    )
    got = history_posterior(history, taus=taus, mean_prior=prior)
    theta = got.predictive.marginal(0)
    from scipy.special import expit

    z, w = np.polynomial.hermite_e.hermegauss(40)
    value = expit(theta.means[:, None] + theta.sds[:, None] * z)
    w = w / w.sum()
    mean = float(theta.weights @ (value @ w))
    sd = math.sqrt(float(theta.weights @ ((value - mean) ** 2 @ w)))
    inside = theta.interval(level)
    tau_mean, tau_sd = got.moments_of_tau()
    words = f"tau of the cure fraction ~ {cure.words()}"
    words += {"common": ", latency common", "one-tau": f", one tau of the latency ~ {late.words()}"}.get(
        latency, f", tau of each latency parameter ~ {late.words()}"
    )
    before = base or Trail(method="")
    rows = before.rows or tuple(RowRef("studies", 0, s.label) for s in studies)
    said = () if latency != "common" else ("the latency is taken to be the same in every study and in the next",)
    return CurePrior(
        trail=replace(
            before,
            method=f"meta-analytic predictive prior of {models[0]}, normal likelihood of its {q} parameters, by quadrature",
            reference=_REFERENCE,
            rows=rows,
            assumptions=(*before.assumptions, f"the next study is exchangeable with the {k} used ({words})", *said),
        ),
        warnings=((ONE_STUDY,) if k == 1 else ()),
        model=models[0],
        names=names,
        k=k,
        level=level,
        latency=latency,
        tau_prior=words,
        cure_fraction_mean=mean,
        cure_fraction_sd=sd,
        cure_fraction_median=1.0 / (1.0 + math.exp(-theta.quantile(0.5))),
        cure_fraction_ci=Interval(
            low=1.0 / (1.0 + math.exp(-inside.low)), high=1.0 / (1.0 + math.exp(-inside.high)), level=level, kind="predictive"
        ),
        tau_cure_mean=float(tau_mean[0]),
        tau_cure_sd=float(tau_sd[0]),
        tau_latency_mean=float(tau_mean[1]) if latency == "one-tau" else None,
        means=tuple(got.predictive.means_of().tolist()),
        sds=tuple(got.predictive.sds().tolist()),
        predictive=got.predictive,
        error=got.error,
    )


def _sobol(mixture: MultinormalMixture, n: int, seed: int) -> FloatArray:
    """``n`` scrambled Sobol' points of the mixture, (n, q)."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    u = qmc.Sobol(mixture.means.shape[1] + 1, seed=seed).random(n)
    which = np.minimum(np.searchsorted(np.cumsum(mixture.weights), u[:, 0]), mixture.components - 1)
    z = ndtri(np.clip(u[:, 1:], 1e-12, 1.0 - 1e-12))
    return np.asarray(mixture.means[which] + np.einsum("nij,nj->ni", np.linalg.cholesky(mixture.covariances)[which], z), np.float64)
