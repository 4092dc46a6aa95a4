"""What a fit of a survival model says: parameters, curves with intervals, draws for later rooms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.random import block_stream
from nextarm.core.result import Interval, Result, record
from nextarm.core.units import FloatArray
from nextarm.survival.fit_design import Layout, arm_column
from nextarm.survival.fit_family import family_of
from nextarm.survival.models.distribution import Distribution
from nextarm.survival.models.family import Jet, from_predictor
from nextarm.survival.selection import require_level, require_times
from nextarm.survival.sufficient_follow_up import SMALLEST_CURE, SufficientFollowUp

if TYPE_CHECKING:
    import polars as pl

#: The stream that parameter draws use, apart from those of virtual trials.
DRAWS = 41


@record
class ParameterEstimate:
    """A natural parameter for covariates of 0, or a covariate effect, with its limits (Wald on the estimation scale).

    ``standard_error``, ``low`` and ``high`` are None where the data do not determine them (a boundary, a flat likelihood).
    """

    name: str
    estimate: float
    standard_error: float | None
    low: float | None
    high: float | None


@record
class CureFraction:
    """The cure fraction of a group: estimate, Wald limits on the estimation scale, and profile-likelihood limits."""

    group: str
    estimate: float
    standard_error: float | None
    wald: Interval | None
    profile: Interval | None

    @property
    def limits(self) -> Interval | None:
        """The profile limits, else Wald's; None where there are neither."""
        return self.profile or self.wald

    @property
    def unproven(self) -> bool:
        """Whether the data do not exclude that nobody is cured: the lower limit is not above RECeUS' smallest cure fraction, .025."""
        return self.limits is not None and self.limits.low <= SMALLEST_CURE


@record
class CurveEstimate(Result):
    """A function of time (or of a share) with pointwise limits; NaN (null in JSON) where a time is not reached."""

    quantity: str
    at: FloatArray
    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    level: float

    def table(self) -> pl.DataFrame:
        """One row a point."""
        import polars as pl

        argument = "share" if self.quantity == "quantile" else "time"
        return pl.DataFrame({argument: self.at, self.quantity: self.estimate, "low": self.low, "high": self.high})


@record
class Fit(Result):
    """A survival model fitted by maximum likelihood.

    ``coefficients`` are on the estimation scale in the order of ``coefficient_names``; ``covariance`` is the inverse of the
    observed information there (None where that is singular), with rows of 0 for the coefficients in ``fixed``, which stand
    at a boundary (a cure fraction or a rate of 0). ``starts_agreeing`` of ``starts`` climbs ended at the maximum reported.
    """

    model: str
    arm: str
    origin: str
    n: int
    events: int
    cuts: tuple[float, ...]
    cure_link: str
    cure_covariates: tuple[str, ...]
    location_covariates: tuple[str, ...]
    coefficient_names: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray | None
    fixed: tuple[str, ...]
    parameters: tuple[ParameterEstimate, ...]
    cure_fractions: tuple[CureFraction, ...]
    follow_up: tuple[SufficientFollowUp, ...]
    log_likelihood: float
    aic: float
    bic: float
    converged: bool
    starts: int
    starts_agreeing: int
    largest_gradient: float
    level: float
    reference_arm: str = ""

    @property
    def layout(self) -> Layout:
        """The family and the places of the coefficients."""
        family = family_of(self.model, self.cuts, self.cure_link)
        return Layout(family, self.cure_covariates, self.location_covariates)

    def table(self) -> pl.DataFrame:
        """One row a parameter."""
        import polars as pl

        names = ("name", "estimate", "standard_error", "low", "high")
        return pl.DataFrame([{n: getattr(p, n) for n in names} for p in self.parameters], infer_schema_length=None)

    def parameter(self, name: str) -> ParameterEstimate:
        """The parameter ``name``; :class:`CallError` lists those there are."""
        for p in self.parameters:
            if p.name == name:
                return p
        raise CallError(f"parameter = {name!r}", rule=f"must be one of {', '.join(p.name for p in self.parameters)}")

    def distribution(
        self, *, arm: str | None = None, covariates: Mapping[str, float] | None = None, coefficients: FloatArray | None = None
    ) -> Distribution:
        """The fitted distribution of a patient of ``arm`` with these covariates (others 0, the first arm where none is named).

        ``coefficients`` puts another vector (a draw) in place of the estimates.
        """
        theta = self.coefficients if coefficients is None else np.asarray(coefficients, float)
        predictors = np.array([float((b @ theta)[0]) for b in self._pattern(arm, covariates)])
        layout = self.layout
        return layout.family.build([from_predictor(link, x)[0] for link, x in zip(layout.family.links, predictors, strict=True)])

    def survival(
        self,
        times: FloatArray | float,
        *,
        arm: str | None = None,
        covariates: Mapping[str, float] | None = None,
        level: float | None = None,
    ) -> CurveEstimate:
        """S(t) with limits by the delta method on the scale log(-log S)."""
        t = require_times(times)
        s = np.asarray(self.distribution(arm=arm, covariates=covariates).survival(t), float)

        def limits(z: float) -> tuple[FloatArray, FloatArray]:
            with np.errstate(all="ignore"):
                H = -self._jet("log_survival", t, arm, covariates).value
                relative = self._standard_error("log_survival", t, arm, covariates) / H
                low, high = np.exp(-H * np.exp(z * relative)), np.exp(-H * np.exp(-z * relative))
            known = (t > 0.0) & (H > 0.0) & (H < 700.0)  # beyond, S is 0 to the last digit and so are its limits
            return np.where(known, low, s), np.where(known, high, s)

        return self._curve("survival", t, s, limits, level)

    def hazard(
        self,
        times: FloatArray | float,
        *,
        arm: str | None = None,
        covariates: Mapping[str, float] | None = None,
        level: float | None = None,
    ) -> CurveEstimate:
        """The hazard a year with limits by the delta method on its logarithm; times above 0."""
        t = require_times(times)
        if np.any(t <= 0.0):
            raise CallError("times hold 0", rule="a hazard is asked for at times above 0")
        h = np.asarray(self.distribution(arm=arm, covariates=covariates).hazard(t), float)

        def limits(z: float) -> tuple[FloatArray, FloatArray]:
            se = self._standard_error("log_hazard", t, arm, covariates)
            with np.errstate(all="ignore"):
                factor = np.exp(np.minimum(z * se, 300.0))
                return np.where(h > 0.0, h / factor, h), np.where(h > 0.0, h * factor, h)

        return self._curve("hazard", t, h, limits, level)

    def quantile(
        self, p: FloatArray | float, *, arm: str | None = None, covariates: Mapping[str, float] | None = None, level: float | None = None
    ) -> CurveEstimate:
        """The time by which a share ``p`` has had the event, limits by the delta method on log time; NaN where never."""
        share = np.atleast_1d(np.asarray(p, float))
        model = self.distribution(arm=arm, covariates=covariates)
        found = model.quantile(share)
        reached = np.isfinite(found) & (found > 0.0)
        t = np.where(reached, found, 1.0)

        def limits(z: float) -> tuple[FloatArray, FloatArray]:
            with np.errstate(all="ignore"):
                se = self._standard_error("log_survival", t, arm, covariates) / (model.hazard(t) * t)
            usable = reached & np.isfinite(se)
            return np.where(usable, t * np.exp(-z * se), np.nan), np.where(usable, t * np.exp(np.minimum(z * se, 700.0)), np.nan)

        made = self._curve("quantile", share, np.where(np.isfinite(found), found, np.nan), limits, level)
        missing = int(np.sum(~np.isfinite(found)))
        if not missing:
            return made
        note = f"{missing} of {share.size} quantiles are never reached: the curve levels off at {model.plateau():.4g}"
        return replace(made, warnings=(*made.warnings, note))

    def draws(self, n: int, *, seed: int) -> FloatArray:
        """``n`` draws of the coefficients, (n, coefficients): normal on the estimation scale with the fit's covariance."""
        if n < 1:
            raise CallError(f"n = {n}", rule="must be at least 1")
        if self.covariance is None:
            raise RefusedError("parameters cannot be drawn", rule="the data do not determine all of them", cure="Fit a simpler model")
        roots, axes = np.linalg.eigh(self.covariance)
        shape = axes * np.sqrt(np.maximum(roots, 0.0))
        noise = block_stream(seed, 0, DRAWS).standard_normal((n, self.coefficients.size))
        return np.asarray(self.coefficients + noise @ shape.T, np.float64)

    def distributions(
        self, n: int, *, seed: int, arm: str | None = None, covariates: Mapping[str, float] | None = None
    ) -> tuple[Distribution, ...]:
        """The distributions of ``n`` draws: the uncertainty of the fit for whoever integrates or simulates over it."""
        return tuple(self.distribution(arm=arm, covariates=covariates, coefficients=row) for row in self.draws(n, seed=seed))

    def _pattern(self, arm: str | None, covariates: Mapping[str, float] | None) -> list[FloatArray]:
        """The design of one patient, a row a parameter."""
        known = {*self.cure_covariates, *self.location_covariates}
        values = dict(covariates or {})
        if arm is not None:
            arms = [n for n in known if n.startswith(arm_column(""))]
            if not arms and arm != self.arm:
                raise CallError(f"arm = {arm!r}", rule="the fit has no arm effect", cure="Fit with location='arm' or cure='arm'")
            if arms and arm_column(arm) not in arms and arm != self.reference_arm:
                raise CallError(f"arm = {arm!r}", rule=f"must be {self.reference_arm!r} or one of {', '.join(sorted(a[5:] for a in arms))}")
            values |= {n: float(n == arm_column(arm)) for n in arms}
        if unknown := sorted(set(values) - known):
            raise CallError(f"covariate {unknown[0]!r}", rule=f"the fit knows {', '.join(sorted(known)) or 'no covariates'}")
        cure = np.array([[float(values.get(n, 0.0)) for n in self.cure_covariates]])
        location = np.array([[float(values.get(n, 0.0)) for n in self.location_covariates]])
        return self.layout.matrices(cure.reshape(1, -1), location.reshape(1, -1))

    def _jet(self, quantity: str, t: FloatArray, arm: str | None, covariates: Mapping[str, float] | None) -> Jet:
        eta = np.array([b @ self.coefficients for b in self._pattern(arm, covariates)])
        family = self.layout.family
        safe = np.where(t > 0.0, t, 1.0)
        with np.errstate(all="ignore"):
            if quantity == "log_survival":
                return family.log_survival(eta, safe)
            return family.log_density(eta, safe) - family.log_survival(eta, safe)

    def _standard_error(self, quantity: str, t: FloatArray, arm: str | None, covariates: Mapping[str, float] | None) -> FloatArray:
        """Standard errors of log S or of the log hazard; NaN where the covariance is not known."""
        if self.covariance is None:
            return np.full(t.shape, np.nan)
        jet = self._jet(quantity, t, arm, covariates)
        with np.errstate(all="ignore"):
            gradient = sum(jet.first[j][:, None] * block for j, block in enumerate(self._pattern(arm, covariates)))
            variance = np.einsum("ni,ij,nj->n", gradient, self.covariance, gradient)
            return np.asarray(np.sqrt(np.maximum(variance, 0.0)), np.float64)

    def _curve(self, quantity: str, at: FloatArray, estimate: FloatArray, limits: Any, level: float | None) -> CurveEstimate:
        level = require_level(self.level if level is None else level)
        low, high = limits(normal_quantile(level))
        notes = () if self.covariance is not None else ("no limits: the data do not determine all parameters",)
        clean = [np.where(np.isfinite(v), v, np.nan) for v in (estimate, low, high)]
        return CurveEstimate(
            trail=self.trail,
            warnings=notes,
            quantity=quantity,
            at=at,
            estimate=clean[0],
            low=clean[1],
            high=clean[2],
            level=level,
        )


def normal_quantile(level: float) -> float:
    """The two-sided standard normal quantile of a confidence level (1.96 for 0.95)."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + 0.5 * level)


def finite(value: float) -> float | None:
    """A number, or None where it is not finite."""
    return value if math.isfinite(value) else None
