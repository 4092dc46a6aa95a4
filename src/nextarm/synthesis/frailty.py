"""One stage from patients: a Cox model whose trials share a baseline up to a random factor, the shared frailty.

The hazard of a patient of trial i is ``z_i h0(t) exp(x'b)``, ``z_i`` gamma with mean 1 and variance theta, or log-normal with
``var log z_i = theta``. For given theta the coefficients and the ``w_i = log z_i`` maximise the partial likelihood less a
penalty, ``sum (exp w - w) / theta`` (gamma) or ``sum w^2 / (2 theta)`` (log-normal). theta maximises the integrated likelihood
(gamma) or solves the REML equation ``theta = (w'w + tr H22) / q`` (log-normal), with H22 the trials' block of the inverse
penalised information. Therneau, Grambsch & Pankratz 2003, doi 10.1198/1061860031365; the same fits as R's
``coxph(frailty(trial, sparse = FALSE))``. A stratified baseline (:func:`~nextarm.synthesis.from_patients.stratified_cox`)
assumes less and says nothing about a further trial; this assumes proportional trials and does.

Several versions of the patients are fitted one by one: coefficients are combined by Rubin's rules, theta is averaged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival import Patients, combine_versions
from nextarm.survival.cox_design import CoxData, cox_data
from nextarm.survival.roots import brentq
from nextarm.synthesis.estimates import two_sided_z
from nextarm.synthesis.pool import check_choice

if TYPE_CHECKING:
    import polars as pl

Distribution = Literal["gamma", "log-normal"]
DISTRIBUTIONS: tuple[str, ...] = get_args(Distribution)
#: theta is sought up to here: a variance of 20 between trials is no frailty model any more.
LARGEST_THETA = 20.0
_SMALLEST_THETA = 1e-7


@record
class FrailtyFit(Result):
    """A shared-frailty Cox model; arrays of covariates in the order of ``covariates`` (empty where there are none).

    ``theta`` is the variance between trials (of the frailty if gamma, of its logarithm if log-normal); ``frailties`` the
    estimated factor of each of ``trials``; ``cumulative_hazard`` at ``time`` (years) is that of a trial of factor 1 with all
    covariates 0. ``between_share`` is the share of each coefficient's variance that lies between versions.
    """

    distribution: str
    ties: str
    level: float
    n: int
    n_events: int
    versions: int
    trials: tuple[str, ...]
    theta: float
    covariates: tuple[str, ...]
    coefficient: FloatArray
    standard_error: FloatArray
    hazard_ratio: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    between_share: FloatArray
    frailties: FloatArray
    time: FloatArray
    cumulative_hazard: FloatArray
    log_likelihood: float
    integrated_log_likelihood: float | None

    def table(self) -> pl.DataFrame:
        """One row a covariate (hazard ratio with limits), then one a trial (its frailty), then theta."""
        import polars as pl

        rows: list[dict[str, Any]] = [
            {"term": name, "value": hr, "ci_low": low, "ci_high": high}
            for name, hr, low, high in zip(
                self.covariates, self.hazard_ratio.tolist(), self.ci_low.tolist(), self.ci_high.tolist(), strict=True
            )
        ]
        rows += [{"term": f"frailty: {t}", "value": z} for t, z in zip(self.trials, self.frailties.tolist(), strict=True)]
        rows.append({"term": "theta", "value": self.theta})
        return pl.DataFrame(rows, schema={"term": pl.String, "value": pl.Float64, "ci_low": pl.Float64, "ci_high": pl.Float64})

    def survival_at(self, times: Iterable[float]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Survival of the median further trial (covariates 0) and the limits between which further trials lie.

        The limits hold the spread between trials only, not the error of the baseline.
        """
        at = np.array(list(times), float)
        found = np.searchsorted(self.time, at, side="right") - 1
        hazard = np.where(found >= 0, self.cumulative_hazard[np.maximum(found, 0)], 0.0)
        tail = (1.0 - self.level) / 2.0
        middle, small, large = (_quantile(self.distribution, self.theta, p) for p in (0.5, tail, 1.0 - tail))
        return np.exp(-hazard * middle), np.exp(-hazard * large), np.exp(-hazard * small)


def _quantile(distribution: str, theta: float, p: float) -> float:
    """A quantile of the frailty."""
    from scipy.special import gammaincinv, ndtri

    if theta <= 0.0:
        return 1.0
    if distribution == "gamma":
        return float(gammaincinv(1.0 / theta, p)) * theta
    return math.exp(math.sqrt(theta) * float(ndtri(p)))


@dataclass(frozen=True, eq=False)
class _Penalised:
    """The penalised partial likelihood of one version: ``p`` coefficients, then one log frailty a trial."""

    data: CoxData
    p: int
    deaths: FloatArray
    gamma: bool

    @property
    def q(self) -> int:
        return self.data.p - self.p

    def penalty(self, w: FloatArray, theta: float) -> tuple[float, FloatArray, FloatArray]:
        """The penalty, its gradient and the diagonal of its second derivative."""
        if self.gamma:
            z = np.exp(w)
            return float((z - w).sum()) / theta, (z - 1.0) / theta, z / theta
        return float(w @ w) / (2.0 * theta), w / theta, np.full(w.size, 1.0 / theta)

    def at(self, b: FloatArray, theta: float) -> tuple[float, FloatArray, FloatArray, float]:
        """Penalised log-likelihood, gradient, information, and the log partial likelihood."""
        scale = self.data.scale
        value, gradient, information = self.data.likelihood(b * scale)
        off, slope, bend = self.penalty(b[self.p :], theta)
        gradient, information = gradient * scale, information * np.outer(scale, scale)
        gradient[self.p :] -= slope
        information[range(self.p, b.size), range(self.p, b.size)] += bend
        return value - off, gradient, information, value

    def maximum(self, theta: float, start: FloatArray) -> tuple[FloatArray, FloatArray, float, float]:
        """Newton steps, halved until it rises: (coefficients, information, penalised and partial log-likelihood)."""
        b = start.copy()
        now = self.at(b, theta)
        for _ in range(200):
            move = np.linalg.solve(now[2], now[1])
            move *= min(1.0, 3.0 / max(float(np.abs(move).max()), 1e-300))
            for _ in range(40):
                new = self.at(b + move, theta)
                if math.isfinite(new[0]) and new[0] >= now[0] - 1e-12 * abs(now[0]):
                    break
                move = move / 2.0
            b, now = b + move, new
            if float(np.abs(move).max()) < 1e-10:
                break
        return b, now[2], now[0], now[3]

    def integrated(self, theta: float, penalised: float) -> float:
        """The log-likelihood with the gamma frailties integrated out, at the penalised maximum."""
        from scipy.special import gammaln

        nu, d = 1.0 / theta, self.deaths
        terms = nu + d - (nu + d) * np.log(nu + d) + nu * math.log(nu) + gammaln(nu + d) - gammaln(nu)
        return penalised + float(terms.sum())

    def theta(self, start: FloatArray) -> tuple[float, FloatArray]:
        """The variance between trials and the coefficients there; 0 where nothing differs beyond chance."""
        from scipy.optimize import minimize_scalar

        held = [start]

        def fitted(theta: float) -> tuple[FloatArray, FloatArray, float, float]:
            made = self.maximum(theta, held[0])
            held[0] = made[0]
            return made

        if self.gamma:

            def loss(log_theta: float) -> float:
                theta = math.exp(log_theta)
                return -self.integrated(theta, fitted(theta)[2])

            ends = math.log(_SMALLEST_THETA), math.log(LARGEST_THETA)
            grid = np.linspace(math.log(1e-3), ends[1], 12)
            values = [loss(float(g)) for g in grid]
            best = int(np.argmin(values))
            low, high = (float(grid[best - 1]) if best else ends[0]), float(grid[min(best + 1, grid.size - 1)])
            found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-9})
            theta = math.exp(float(found.x))
            # Below 1e-5 the integrated likelihood is flat to the last digits that its gamma functions have.
            return (0.0, fitted(_SMALLEST_THETA)[0]) if theta < 1e-5 else (theta, fitted(theta)[0])

        def excess(log_theta: float) -> float:
            """The right side of the REML equation over its left side, less 1."""
            theta = math.exp(log_theta)
            b, information, *_ = fitted(theta)
            block = np.linalg.inv(information)[self.p :, self.p :]
            w = b[self.p :]
            return (float(w @ w) + float(np.trace(block))) / (self.q * theta) - 1.0

        low, high = math.log(1e-5), math.log(LARGEST_THETA)
        if excess(low) <= 0.0:
            return 0.0, fitted(_SMALLEST_THETA)[0]
        if excess(high) > 0.0:
            return LARGEST_THETA, fitted(LARGEST_THETA)[0]
        theta = math.exp(brentq(excess, low, high, xtol=1e-11))
        return theta, fitted(theta)[0]


@dataclass(frozen=True, eq=False)
class _One:
    """The fit of one version."""

    names: tuple[str, ...]
    theta: float
    b: FloatArray
    variance: FloatArray
    partial: float
    integrated: float | None
    time: FloatArray
    hazard: FloatArray


def _fit_one(patients: Patients, codes: IntArray, q: int, *, gamma: bool, ties: str, arm: bool | None, extra: Mapping[str, Any]) -> _One:
    indicators = {f"trial {i}": (codes == i).astype(float) for i in range(q)}
    data = cox_data(patients, covariates={**extra, **indicators}, arm=arm, stratified=False, efron=ties == "efron")
    p = data.p - q
    deaths = np.asarray(np.bincount(codes, weights=(patients.event > 0).astype(float), minlength=q), np.float64)
    model = _Penalised(data, p, deaths, gamma)
    theta, start = model.theta(np.zeros(data.p))
    used = max(theta, _SMALLEST_THETA)
    b, information, penalised, partial = model.maximum(used, start)
    variance = np.diag(np.linalg.inv(information))[:p]
    integrated = model.integrated(used, penalised) if gamma else None
    # Breslow's baseline at covariates 0 and frailty 1: x is centred and scaled, so it is brought back by the whole predictor.
    columns = [*((patients.arm == a).astype(float) for a in np.unique(patients.arm)[1:] if arm or (arm is None and p > len(extra)))]
    columns += [np.asarray(v, float) for v in extra.values()]
    predictor = np.column_stack([*columns, *indicators.values()]) @ b
    time, hazard = _baseline(patients, np.exp(predictor))
    return _One(data.names[:p], theta, b, variance, partial, integrated, time, hazard)


def _baseline(patients: Patients, risk: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Breslow's cumulative hazard at the event times."""
    weight = np.ones(patients.n) if patients.weight is None else patients.weight
    times = np.unique(patients.time[patients.event > 0])
    order = np.argsort(patients.time)
    later = np.concatenate([np.cumsum((weight * risk)[order][::-1])[::-1], [0.0]])
    at_risk = later[np.searchsorted(patients.time[order], times, side="left")]
    if patients.entry is not None:
        entered = np.argsort(patients.entry)
        ahead = np.concatenate([np.cumsum((weight * risk)[entered][::-1])[::-1], [0.0]])
        at_risk = at_risk - ahead[np.searchsorted(patients.entry[entered], times, side="left")]
    fell = np.searchsorted(times, patients.time[patients.event > 0])
    deaths = np.bincount(fell, weights=weight[patients.event > 0], minlength=times.size)
    return times, np.cumsum(deaths / at_risk)


def frailty_cox(
    patients: Patients,
    *,
    distribution: Distribution = "gamma",
    covariates: Mapping[str, Any] | None = None,
    arm: bool | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    trials: Mapping[int, str] | None = None,
    level: float = 0.95,
    base: Trail | None = None,
) -> FrailtyFit:
    """Fit a Cox model in which the trials (the ``stratum`` column) share one baseline up to a frailty.

    ``covariates``, ``arm`` and ``ties`` as in :func:`nextarm.survival.cox`; single arms need neither. ``trials`` names the
    strata. Raises :class:`CallError` without strata, for an unknown distribution, or for ``covariates`` with several versions;
    :class:`RefusedError` for fewer than two trials or no event.

    >>> from nextarm.survival import make_patients
    >>> p = make_patients([1, 2, 3, 4, 5, 6, 1, 1, 2, 2, 3, 3], [1, 0, 1, 0, 1, 0] * 2, stratum=[1] * 6 + [2] * 6)
    >>> fit = frailty_cox(p)
    >>> fit.covariates, len(fit.frailties), fit.theta >= 0.0
    ((), 2, True)
    """
    z = two_sided_z(level)
    check_choice(distribution, "distribution", DISTRIBUTIONS)
    check_choice(ties, "ties", ("efron", "breslow"))
    if patients.stratum is None:
        raise CallError("stratum", rule="must say which trial each patient is from", cure="Add a stratum column")
    made = [patients.for_version(v) for v in patients.versions] if len(patients.versions) > 1 else [patients]
    if covariates and len(made) > 1:
        raise CallError("covariates", rule="cannot be given for a table of several versions", cure="Fit one version: for_version(k)")
    strata = np.unique(patients.stratum)
    if strata.size < 2:
        raise RefusedError(f"{strata.size} trial", rule="a frailty between trials needs at least two")
    fits = []
    for one in made:
        assert one.stratum is not None
        if not (one.event > 0).any():
            raise RefusedError("no events", rule="a frailty model needs at least one")
        missing = np.setdiff1d(strata, one.stratum)
        if missing.size:
            raise RefusedError(f"trial {missing[0]}", rule="has no patient in some version")
        codes = np.searchsorted(strata, one.stratum).astype(np.int64)
        fits.append(_fit_one(one, codes, strata.size, gamma=distribution == "gamma", ties=ties, arm=arm, extra=covariates or {}))
    p, m = len(fits[0].names), len(fits)
    found = [combine_versions([float(f.b[j]) for f in fits], [float(f.variance[j]) for f in fits], level=level) for j in range(p) if m > 1]
    coefficient = np.array([c.estimate for c in found]) if m > 1 else fits[0].b[:p]
    se = np.array([c.standard_error for c in found]) if m > 1 else np.sqrt(fits[0].variance)
    low = np.array([c.ci.low for c in found]) if m > 1 else coefficient - z * se
    high = np.array([c.ci.high for c in found]) if m > 1 else coefficient + z * se
    share = np.array([(1.0 + 1.0 / m) * c.between_sd**2 / c.standard_error**2 for c in found]) if m > 1 else np.zeros(p)
    theta = float(np.mean([f.theta for f in fits]))
    grid = np.unique(np.concatenate([f.time for f in fits]))
    steps = [np.concatenate([[0.0], f.hazard])[np.searchsorted(f.time, grid, side="right")] for f in fits]
    warnings = []
    if strata.size < 5:
        warnings.append(f"{strata.size} trials: the variance between them is hardly known")
    if theta >= LARGEST_THETA:
        warnings.append(f"theta reached its bound of {LARGEST_THETA:g}: the trials do not share a baseline")
    if theta == 0.0:
        warnings.append("the trials differ no more than chance makes them: theta is 0")
    before = base or Trail(method="")
    names = trials or {}
    return FrailtyFit(
        trail=Trail(
            method=f"Cox model with {distribution} frailty of trials, one stage, {ties} ties",
            reference="10.1198/1061860031365",
            rows=before.rows,
            left_out=before.left_out,
            sources=before.sources,
            assumptions=(*before.assumptions, "the hazards of the trials are proportional"),
            inputs=before.inputs,
        ),
        warnings=tuple(warnings),
        distribution=distribution,
        ties=ties,
        level=level,
        n=made[0].n,
        n_events=made[0].events,
        versions=m,
        trials=tuple(names.get(int(s), f"trial {int(s)}") for s in strata),
        theta=theta,
        covariates=fits[0].names,
        coefficient=coefficient,
        standard_error=se,
        hazard_ratio=np.exp(coefficient),
        ci_low=np.exp(low),
        ci_high=np.exp(high),
        between_share=share,
        frailties=np.exp(np.mean([f.b[p:] for f in fits], axis=0)),
        time=grid,
        cumulative_hazard=np.mean(steps, axis=0),
        log_likelihood=float(np.mean([f.partial for f in fits])),
        integrated_log_likelihood=fits[0].integrated if m == 1 else None,
    )


def interval_of(fit: FrailtyFit, name: str) -> Interval:
    """The interval of one hazard ratio by the name of its covariate."""
    if name not in fit.covariates:
        raise CallError(f"covariate {name!r}", rule=f"must be one of {', '.join(fit.covariates) or 'none: the model has no covariates'}")
    j = fit.covariates.index(name)
    return Interval(low=float(fit.ci_low[j]), high=float(fit.ci_high[j]), level=fit.level)
