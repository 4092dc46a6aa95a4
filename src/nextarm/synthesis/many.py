"""Thousands of random-effects fits at once, for permutation tests and simulation.

The fast twin of :mod:`nextarm.synthesis.tau`: the same likelihoods and moments on arrays (fits, studies), with the
regression written as a weighted Gram-Schmidt so that every step is elementwise. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextarm.core.errors import CallError, DataError
from nextarm.core.units import FloatArray
from nextarm.synthesis.pool import INTERVALS, check_choice, t_quantile
from nextarm.synthesis.tau import METHODS

_GRID = 24


@dataclass(frozen=True)
class _Fit:
    """At one tau2 a fit: Q, the two scores and likelihoods, the last coefficient and its ``(X'WX)^-1`` entry."""

    q: FloatArray
    score: FloatArray
    log_likelihood: FloatArray
    last: FloatArray
    last_variance: FloatArray


class Batch:
    """Fits of ``y`` (B, k) with variances ``v`` (B, k) on columns ``X`` (p arrays that broadcast to (B, k))."""

    def __init__(self, y: FloatArray, v: FloatArray, columns: tuple[FloatArray, ...] = (), *, restricted: bool = True) -> None:
        self.y, self.v = np.broadcast_arrays(np.atleast_2d(np.asarray(y, float)), np.atleast_2d(np.asarray(v, float)))
        self.columns: tuple[FloatArray, ...] = columns or (np.ones_like(self.y),)
        self.restricted = restricted
        self.size: int = self.y.shape[0]
        self.k: int = self.y.shape[1]
        self.p = len(self.columns)

    def at(self, tau2: FloatArray) -> _Fit:
        """All quantities at ``tau2`` (B)."""
        w = 1.0 / (self.v + tau2[:, None])
        trace = w.sum(axis=1)
        logdet = np.zeros(self.size)
        r = self.y
        basis: list[tuple[FloatArray, FloatArray, FloatArray]] = []
        for column in self.columns:
            z = np.broadcast_to(column, self.y.shape)
            for earlier, weighted, d in basis:
                z = z - ((weighted * z).sum(axis=1) / d)[:, None] * earlier
            wz = w * z
            d = (wz * z).sum(axis=1)
            last = (wz * r).sum(axis=1) / d
            r = r - last[:, None] * z
            if self.restricted:
                trace = trace - (wz * wz).sum(axis=1) / d
                logdet = logdet + np.log(d)
            basis.append((z, wz, d))
        wr = w * r
        q = (wr * r).sum(axis=1)
        likelihood = 0.5 * (np.log(w).sum(axis=1) - q - logdet)
        return _Fit(q, (wr * wr).sum(axis=1) - trace, likelihood, last, 1.0 / d)

    def residual_sum(self) -> FloatArray:
        """Unweighted residual sum of squares over ``k - p``."""
        flat = Batch(self.y, np.ones((1, self.k)), self.columns)
        return flat.at(np.zeros(self.size)).q / (self.k - self.p)

    def tau2(self, method: str) -> FloatArray:
        """Estimate tau2 (B) by ``method``."""
        zero = np.zeros(self.size)
        df = self.k - self.p
        rss = self.residual_sum()
        top = rss + np.sqrt(rss * np.ptp(self.v, axis=1))
        if method in ("reml", "ml"):
            return self._likelihood(top)
        if method in ("pm", "eb"):
            return self._paule_mandel(top, df)
        if method == "dl":
            fit = Batch(self.y, self.v, self.columns).at(zero)
            return np.maximum(0.0, (fit.q - df) / self._trace_p())
        if method == "sj":
            start = self.y.var(axis=1)
            return np.where(start > 0.0, start * self.at(start).q / df, 0.0)
        return np.maximum(0.0, rss - self._hedges_noise() / df)

    def _trace_p(self) -> FloatArray:
        w = 1.0 / self.v
        trace: FloatArray = w.sum(axis=1) - self._squared_weights(w)
        return trace

    def _squared_weights(self, w: FloatArray) -> FloatArray:
        """``tr[(X'WX)^-1 X'W^2X]`` by the same Gram-Schmidt."""
        total = np.zeros(self.size)
        basis: list[tuple[FloatArray, FloatArray, FloatArray]] = []
        for column in self.columns:
            z = np.broadcast_to(column, self.y.shape)
            for earlier, weighted, d in basis:
                z = z - ((weighted * z).sum(axis=1) / d)[:, None] * earlier
            wz = w * z
            d = (wz * z).sum(axis=1)
            total = total + (wz * wz).sum(axis=1) / d
            basis.append((z, wz, d))
        return total

    def _hedges_noise(self) -> FloatArray:
        """Sum of v times the diagonal of the unweighted projection onto residuals."""
        hat = np.zeros(self.y.shape)
        basis: list[tuple[FloatArray, FloatArray]] = []
        for column in self.columns:
            z = np.broadcast_to(column, self.y.shape)
            for earlier, d in basis:
                z = z - ((earlier * z).sum(axis=1) / d)[:, None] * earlier
            d = (z * z).sum(axis=1)
            hat = hat + z * z / d[:, None]
            basis.append((z, d))
        noise: FloatArray = ((1.0 - hat) * self.v).sum(axis=1)
        return noise

    def _likelihood(self, top: FloatArray) -> FloatArray:
        """Global maximum: the best of a grid, then the root of the score between its neighbours."""
        shares = np.concatenate([[0.0], np.geomspace(1e-9, 1.0, _GRID)])
        fits = [self.at(top * share) for share in shares]
        best = np.argmax([f.log_likelihood for f in fits], axis=0)
        score = np.array([f.score for f in fits])
        rows = np.arange(self.size)
        # The score at the best grid point says on which side of it the maximum lies.
        up = score[best, rows] > 0.0
        low = np.where(up, best, np.maximum(best - 1, 0))
        high = np.where(up, np.minimum(best + 1, _GRID), best)
        at_zero = (best == 0) & ~up
        grid_low, grid_high = top * shares[low], top * shares[high]
        inside = ~at_zero & (grid_high > grid_low)
        found = _roots(lambda t: self.at(t).score, grid_low, np.where(inside, grid_high, grid_low))
        return np.where(inside, found, np.where(at_zero, 0.0, grid_low))

    def _paule_mandel(self, top: FloatArray, df: int) -> FloatArray:
        zero = np.zeros(self.size)
        positive = self.at(zero).q > df
        high = np.where(positive, np.maximum(top, 1e-12), 0.0)
        while (self.at(high).q[positive] > df).any():
            high = 2.0 * high
        return _roots(lambda t: self.at(t).q - df, zero, high)


def _roots(function: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray) -> FloatArray:
    """Roots of a function that falls through zero between ``low`` and ``high``, elementwise (Chandrupatla 1997)."""
    b, a = low, high
    fb, fa = function(b), function(a)
    c, fc = a, fa
    step = np.full_like(b, 0.5)
    for _ in range(100):
        x = a + step * (b - a)
        fx = function(x)
        same = np.sign(fx) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        width = np.abs(b - a)
        tolerance = 4e-15 * np.abs(best)
        done = (width <= 2.0 * tolerance) | (fa == 0.0) | (fb == 0.0)
        if done.all():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            quadratic = (phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
            t = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            edge = np.where(width > 0.0, tolerance / width, 0.5)
        step = np.where(quadratic & np.isfinite(t), np.clip(t, edge, 1.0 - edge), 0.5)
    return np.where(fa == 0.0, a, np.where(fb == 0.0, b, best))


@dataclass(frozen=True, eq=False)
class PooledMany:
    """Arrays (B) of what :func:`~nextarm.synthesis.pool.pool` gives one at a time, on the scale of pooling."""

    mu: FloatArray
    se: FloatArray
    low: FloatArray
    high: FloatArray
    tau2: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray


def statistic(batch: Batch, tau2: FloatArray, interval: str) -> tuple[FloatArray, FloatArray]:
    """The last coefficient (B) and its standard error under ``interval``."""
    fit = batch.at(tau2)
    q = fit.q / (batch.k - batch.p)
    factor = {"wald": np.ones_like(q), "hartung-knapp": q, "ad-hoc": np.maximum(1.0, q)}[interval]
    return fit.last, np.sqrt(factor * fit.last_variance)


def pool_many(
    y: FloatArray, v: FloatArray, *, method: str = "reml", interval: str = "ad-hoc", prediction: str = "t(k-2)", level: float = 0.95
) -> PooledMany:
    """Pool each row of ``y`` (B, k) with variances ``v`` (B, k) or (k); at least two studies a row.

    Options as in :func:`~nextarm.synthesis.pool.pool`. Raises :class:`DataError` for values that are not numbers or
    variances not above 0. With k = 2 the prediction limits on t(k-2) do not exist and are NaN in every row.
    """
    check_choice(method, "method", METHODS)
    check_choice(interval, "interval", INTERVALS)
    degrees: dict[str, Callable[[int], float]] = {"t(k-2)": lambda k: k - 2.0, "t(k-1)": lambda k: k - 1.0, "normal": lambda k: np.inf}
    check_choice(prediction, "prediction", tuple(degrees))
    batch = Batch(y, v, restricted=method == "reml")
    if batch.k < 2:
        raise CallError(f"k = {batch.k}", rule="must be at least 2 studies a row")
    if not (np.isfinite(batch.y).all() and np.isfinite(batch.v).all() and (batch.v > 0.0).all()):
        raise DataError("y or v", rule="must be finite, variances above 0")
    tau2 = batch.tau2(method)
    mu, se = statistic(batch, tau2, interval)
    half = t_quantile(np.inf if interval == "wald" else batch.k - 1.0, level) * se
    df = degrees[prediction](batch.k)
    reach = t_quantile(df, level) * np.sqrt(se**2 + tau2) if df > 0 else np.full_like(mu, np.nan)
    return PooledMany(mu, se, mu - half, mu + half, tau2, mu - reach, mu + reach)


def permutation_statistics(
    y: FloatArray, v: FloatArray, X: FloatArray, orders: NDArray[np.intp], *, column: int, method: str, interval: str
) -> FloatArray:
    """|t| of ``column`` of ``X`` (k, p; column 0 the intercept) when its rows are taken in each of ``orders`` (B, k)."""
    rest = [j for j in range(X.shape[1]) if j not in (0, column)]
    columns = (np.ones((1, y.size)), *(X[orders, j] for j in rest), X[orders, column])
    B = orders.shape[0]
    batch = Batch(np.broadcast_to(y, (B, y.size)), np.broadcast_to(v, (B, y.size)), columns, restricted=method == "reml")
    coefficient, se = statistic(batch, batch.tau2(method), interval)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(coefficient) / se
    return np.where(np.isnan(t), 0.0, t)
