"""Between-study variance tau2 of ``y = X beta + u + e``, ``var u = tau2``, ``var e = v``: seven estimators, plainly.

All work on arrays ``y`` (k), ``v`` (k, variances > 0) and ``X`` (k, p); pooling is p = 1 with a column of ones. With
``W = diag(1 / (v + tau2))`` and ``P = W - W X (X'WX)^-1 X'W``:

- ``reml``: maximum of the restricted likelihood, score ``y'PPy - tr P`` (Viechtbauer 2005, doi 10.3102/10769986030003261)
- ``ml``: maximum likelihood, score ``y'PPy - tr W``
- ``dl``: DerSimonian & Laird 1986 (doi 10.1016/0197-2456(86)90046-2)
- ``pm``: Paule & Mandel 1982, the root of ``y'Py = k - p``; ``eb``, the empirical Bayes estimate, is the same root
- ``sj``: Sidik & Jonkman 2005, two steps from ``var(y) (k-1) / k`` (doi 10.1111/j.1467-9876.2005.00489.x)
- ``he``: Hedges 1983, unweighted moments

Likelihoods of few studies may have two maxima: a grid finds all of them and the higher one is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray
from nextarm.survival.roots import brentq

_GRID = 64


class Model:
    """The random-effects model at fixed data; each method takes ``tau2`` and is a plain transcription of its formula."""

    def __init__(self, y: FloatArray, v: FloatArray, X: FloatArray | None = None) -> None:
        self.y = np.asarray(y, float)
        self.v = np.asarray(v, float)
        self.X = np.ones((self.y.size, 1)) if X is None else np.asarray(X, float)
        self.k: int = self.X.shape[0]
        self.p: int = self.X.shape[1]
        #: A column of ones alone: then the sums below need no matrices (the same numbers, in a third of the time).
        self.mean_only: bool = self.p == 1 and bool((self.X == 1.0).all())

    def weights(self, tau2: float) -> FloatArray:
        """Inverse variances 1 / (v + tau2)."""
        return 1.0 / (self.v + tau2)

    def beta(self, tau2: float) -> tuple[FloatArray, FloatArray]:
        """Weighted least squares: coefficients (p) and ``(X'WX)^-1`` (p, p)."""
        w = self.weights(tau2)
        if self.mean_only:
            total = w.sum()
            return np.array([w @ self.y / total]), np.array([[1.0 / total]])
        inverse = np.linalg.inv((self.X.T * w) @ self.X)
        return inverse @ (self.X.T @ (w * self.y)), inverse

    def residuals(self, tau2: float) -> FloatArray:
        """``y - X beta`` at ``tau2``."""
        return self.y - self.X @ self.beta(tau2)[0]

    def q(self, tau2: float) -> float:
        """Generalised Cochran Q, ``y'Py``; it falls with tau2."""
        w = self.weights(tau2)
        r = self.y - w @ self.y / w.sum() if self.mean_only else self.residuals(tau2)
        return float(w @ (r * r))

    def trace_p(self, tau2: float) -> float:
        """``tr P``."""
        w = self.weights(tau2)
        return float(w.sum() - np.einsum("ij,ji->", self.beta(tau2)[1], (self.X.T * w**2) @ self.X))

    def log_likelihood(self, tau2: float, *, restricted: bool) -> float:
        """(Restricted) log-likelihood, up to a constant that does not hold tau2."""
        value = 0.5 * np.log(self.weights(tau2)).sum() - 0.5 * self.q(tau2)
        if restricted:
            value += 0.5 * np.linalg.slogdet(self.beta(tau2)[1])[1]
        return float(value)

    def score(self, tau2: float, *, restricted: bool) -> float:
        """Twice the derivative of the log-likelihood in tau2."""
        w = self.weights(tau2)
        if self.mean_only:
            total = w.sum()
            r = w * (self.y - w @ self.y / total)
            return float(r @ r - (total - w @ w / total if restricted else total))
        r = w * self.residuals(tau2)
        return float(r @ r) - (self.trace_p(tau2) if restricted else float(w.sum()))

    def information(self, tau2: float, *, restricted: bool) -> float:
        """Fisher information of tau2: ``tr(PP) / 2``, or ``sum w^2 / 2`` without restriction."""
        w = self.weights(tau2)
        if not restricted:
            return float((w * w).sum()) / 2.0
        inverse = self.beta(tau2)[1]
        m2 = inverse @ ((self.X.T * w**2) @ self.X)
        m3 = inverse @ ((self.X.T * w**3) @ self.X)
        return float((w * w).sum() - 2.0 * np.trace(m3) + np.trace(m2 @ m2)) / 2.0

    def ceiling(self) -> float:
        """A tau2 above which both scores are negative, so that no maximum lies there.

        From ``y'PPy <= RSS / (min v + tau2)^2`` and ``tr P >= (k - p) / (max v + tau2)``.
        """
        fit = self.X @ np.linalg.lstsq(self.X, self.y, rcond=None)[0]
        rss = float(np.square(self.y - fit).sum()) / max(self.k - self.p, 1)
        return rss + math.sqrt(rss * float(np.ptp(self.v)))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """The root between ``low`` and ``high``, to the last digits."""
    if function(high) == 0.0:
        return high
    return float(brentq(function, low, high, xtol=1e-300, rtol=1e-14, maxiter=1000))


def _scores(model: Model, grid: FloatArray, *, restricted: bool) -> FloatArray:
    """``model.score`` at every tau2 of ``grid`` in one go."""
    w = 1.0 / (model.v + grid[:, None])
    weighted = model.X.T * w[:, None, :]
    inverse = np.linalg.inv(weighted @ model.X)
    beta = np.einsum("tpq,tq->tp", inverse, weighted @ model.y)
    r = w * (model.y - beta @ model.X.T)
    trace = w.sum(axis=1)
    if restricted:
        trace = trace - np.einsum("tpq,tqp->t", inverse, (weighted * w[:, None, :]) @ model.X)
    scores: FloatArray = (r * r).sum(axis=1) - trace
    return scores


def _likelihood(model: Model, *, restricted: bool) -> float:
    """Global maximum of the (restricted) likelihood over tau2 >= 0."""
    top = model.ceiling()
    if top <= 0.0:
        return 0.0
    grid = np.concatenate([[0.0], top * np.geomspace(1e-9, 1.0, _GRID)])
    score = _scores(model, grid, restricted=restricted)
    falls = np.flatnonzero((score[:-1] > 0.0) & (score[1:] <= 0.0))
    peaks = [0.0] if score[0] <= 0.0 else []
    peaks += [_root(lambda t: model.score(t, restricted=restricted), float(grid[i]), float(grid[i + 1])) for i in falls]
    return max(peaks, key=lambda t: model.log_likelihood(t, restricted=restricted), default=0.0)


def solve_q(model: Model, target: float) -> float:
    """Return the tau2 >= 0 at which the generalised Q equals ``target`` (0 if it is below at tau2 = 0)."""
    if model.q(0.0) <= target:
        return 0.0
    high = max(model.ceiling(), 1e-12)
    while model.q(high) > target:
        high *= 2.0
    return _root(lambda t: model.q(t) - target, 0.0, high)


def reml(model: Model) -> float:
    """Restricted maximum likelihood."""
    return _likelihood(model, restricted=True)


def ml(model: Model) -> float:
    """Maximum likelihood."""
    return _likelihood(model, restricted=False)


def dersimonian_laird(model: Model) -> float:
    """First step of the moments of Q at inverse-variance weights."""
    tau2: float = (model.q(0.0) - (model.k - model.p)) / model.trace_p(0.0)
    return max(0.0, tau2)


def paule_mandel(model: Model) -> float:
    """The tau2 at which the generalised Q equals its degrees of freedom."""
    return solve_q(model, float(model.k - model.p))


def sidik_jonkman(model: Model) -> float:
    """Two steps, never zero unless all estimates are equal."""
    start = float(np.var(model.y))
    if start == 0.0:
        return 0.0
    tau2: float = start * model.q(start) / (model.k - model.p)
    return tau2


def hedges(model: Model) -> float:
    """Unweighted residual variance less the mean sampling variance."""
    projection = np.eye(model.k) - model.X @ np.linalg.pinv(model.X)
    tau2: float = float(model.y @ projection @ model.y - np.diag(projection) @ model.v) / (model.k - model.p)
    return max(0.0, tau2)


ESTIMATORS: tuple[tuple[str, Callable[[Model], float]], ...] = (
    ("reml", reml),
    ("ml", ml),
    ("dl", dersimonian_laird),
    ("pm", paule_mandel),
    ("eb", paule_mandel),
    ("sj", sidik_jonkman),
    ("he", hedges),
)
METHODS: tuple[str, ...] = tuple(name for name, _ in ESTIMATORS)


def estimator(method: str) -> Callable[[Model], float]:
    """Return the estimator named ``method``; :class:`CallError` for an unknown name."""
    for name, function in ESTIMATORS:
        if name == method:
            return function
    raise CallError(f"method = {method!r}", rule=f"must be one of {', '.join(METHODS)}")


def q_profile(model: Model, *, level: float = 0.95) -> tuple[float, float] | None:
    """Q-profile interval of tau2 (Viechtbauer 2007, doi 10.1002/sim.2514); None where it is empty.

    The limits are the tau2 at which the generalised Q equals the upper and the lower chi-square quantile on k - p.
    It is empty when even at tau2 = 0 the studies differ less than chance alone would make them.
    """
    from scipy.special import chdtri

    df = model.k - model.p
    if df < 1:
        return None
    upper, lower = float(chdtri(df, (1.0 - level) / 2.0)), float(chdtri(df, (1.0 + level) / 2.0))
    if model.q(0.0) < lower:
        return None
    return solve_q(model, upper), solve_q(model, lower)


def profile_likelihood(model: Model, *, restricted: bool = True, level: float = 0.95) -> tuple[float, float]:
    """Profile-likelihood interval of tau2 (Hardy & Thompson 1996): within chi2(1)/2 of the maximum."""
    from scipy.special import chdtri

    best = _likelihood(model, restricted=restricted)
    floor = model.log_likelihood(best, restricted=restricted) - float(chdtri(1, 1.0 - level)) / 2.0

    def above(tau2: float) -> float:
        return model.log_likelihood(tau2, restricted=restricted) - floor

    low = 0.0 if above(0.0) >= 0.0 else _root(above, 0.0, best)
    high = max(2.0 * best, model.ceiling(), float(model.v.min()))
    while above(high) > 0.0:
        high *= 2.0
    return low, _root(above, best, high)
