"""Normal hierarchy of several studies and several parameters: everything but the between-study sds is integrated analytically.

Study i gives an estimate ``y_i`` (q,) with covariance ``V_i``; its truth is ``theta_i = X_i b + u_i``, ``u_ij ~ N(0, tau_s^2)``
with ``s`` the stratum of parameter j in study i (-1: no between-study difference). Given the taus ``b`` and the truth of
the next study are normal, so the predictive is a mixture of normals over the nodes of the taus: panels for one or two of
them, 32 points each, close together near 0, for three. What the quadrature misses is measured by doing it again
with two thirds of the points.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from nextarm.borrowing.multinormal import MultinormalMixture
from nextarm.borrowing.tau_nodes import HALF_NORMAL_REACH as _HALF_NORMAL_REACH
from nextarm.borrowing.tau_nodes import tau_nodes
from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.gauss import legendre_nodes
from nextarm.synthesis import TauPrior

_POINTS = 32
#: Nodes that hold less than this share of the posterior are dropped.
_LIGHT = 1e-13


@dataclass(frozen=True, eq=False)
class History:
    """``y`` (k, q), ``v`` (k, q, q), design ``x`` (k, q, p), ``stratum`` (k, q), and design and stratum of the next study."""

    y: FloatArray
    v: FloatArray
    x: FloatArray
    stratum: IntArray
    x_new: FloatArray
    stratum_new: IntArray


@dataclass(frozen=True, eq=False)
class HistoryPosterior:
    """Nodes of the taus (m, s) with ``weights``; mean and covariance of ``b`` at each; the ``predictive``; ``error``.

    ``error`` is the largest change of a predictive mean or sd (in units of that sd) when the nodes are thinned.
    """

    weights: FloatArray
    taus: FloatArray
    b: FloatArray
    b_covariance: FloatArray
    predictive: MultinormalMixture
    log_evidence: float
    error: float

    def moments_of_b(self) -> tuple[FloatArray, FloatArray]:
        """Posterior mean and standard deviation of each coefficient."""
        mean = self.weights @ self.b
        square = self.weights @ (np.diagonal(self.b_covariance, axis1=1, axis2=2) + (self.b - mean) ** 2)
        return mean, np.sqrt(square)

    def moments_of_tau(self) -> tuple[FloatArray, FloatArray]:
        """Posterior mean and standard deviation of each between-study sd."""
        mean = self.weights @ self.taus
        return mean, np.sqrt(np.maximum(self.weights @ (self.taus - mean) ** 2, 0.0))


def history_posterior(
    history: History, *, taus: tuple[TauPrior, ...], mean_prior: tuple[FloatArray, FloatArray] | None, check: bool = True
) -> HistoryPosterior:
    """Posterior of ``history`` under priors of the taus and ``b ~ N(mean, covariance)`` (None: flat).

    Raises :class:`DataError` for a covariance that is not positive definite, :class:`RefusedError` where a flat prior
    meets too few studies to determine ``b`` or an improper prior of tau leaves no proper posterior.
    """
    _check(history, taus, mean_prior)
    full = _integrate(history, taus, mean_prior, _grid(history, taus, _POINTS))
    if not check or not taus:
        return full
    thin = _integrate(history, taus, mean_prior, _grid(history, taus, 2 * _POINTS // 3))
    sds = full.predictive.sds()
    off = np.abs(full.predictive.means_of() - thin.predictive.means_of()), np.abs(sds - thin.predictive.sds())
    error = float(np.max(np.concatenate(off) / np.concatenate([sds, sds])))
    return HistoryPosterior(full.weights, full.taus, full.b, full.b_covariance, full.predictive, full.log_evidence, error)


def _check(h: History, taus: tuple[TauPrior, ...], mean_prior: tuple[FloatArray, FloatArray] | None) -> None:
    k, q = h.y.shape
    p = h.x.shape[2]
    if not all(np.isfinite(part).all() for part in (h.y, h.v, h.x, h.x_new)):
        raise DataError("estimates, covariances, covariates", rule="must be finite")
    roots = np.linalg.eigvalsh(h.v)
    if not np.allclose(h.v, np.swapaxes(h.v, 1, 2), rtol=1e-8, atol=1e-300) or (roots <= 0.0).any():
        bad = int(np.argmin(roots.min(axis=1)))
        raise DataError(f"the covariance of study {bad + 1}", rule="must be symmetric and positive definite")
    if len(taus) > 3:
        raise CallError(f"{len(taus)} between-study sds", rule="at most three are integrated")
    rank = int(np.linalg.matrix_rank(h.x.reshape(k * q, p)))
    if mean_prior is None and rank < p:
        raise RefusedError(f"{k} studies", rule=f"do not determine {p} coefficients under a flat prior", cure="Give --mean and its sd")
    if mean_prior is not None and (np.linalg.eigvalsh(mean_prior[1]) <= 0.0).any():
        raise CallError("the covariance of the prior of the mean", rule="must be positive definite")
    free = p if mean_prior is None else 0
    for s, prior in enumerate(taus):
        tail = prior.tail + int((h.stratum == s).sum()) - free
        if tail <= 1.0:
            raise RefusedError(f"{k} studies", rule=f"are too few for a {prior.words()} prior on tau", cure="Use a half-normal prior")
        if len(taus) > 1 and not math.isfinite(prior.scale):
            raise RefusedError(f"a {prior.words()} prior on one of several taus", rule="must be proper", cure="Give it a bound")


def _grid(h: History, priors: tuple[TauPrior, ...], points: int) -> tuple[FloatArray, FloatArray]:
    """Nodes (m, s) and log weights times prior density (m,)."""
    if not priors:
        return np.zeros((1, 0)), np.zeros(1)
    one = []
    for s, prior in enumerate(priors):
        where = h.stratum == s
        variances = np.diagonal(h.v, axis1=1, axis2=2)
        unit = math.sqrt(float(variances[where].min() if where.any() else variances.min()))
        if len(priors) < 3:
            nodes = tau_nodes(prior, unit, order=10 if points == _POINTS else 7)
            one.append((nodes.taus, nodes.weights))
        else:
            one.append(_spread(prior, points))
    taus = np.array(list(itertools.product(*(t for t, _ in one))))
    with np.errstate(divide="ignore"):
        logs = [np.log(w) for _, w in one]
    log_w = logs[0]
    for more in logs[1:]:
        log_w = np.add.outer(log_w, more)
    return taus.reshape(-1, len(priors)), log_w.ravel()


def _spread(prior: TauPrior, points: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes that lie close together near 0, and their weights times the prior density."""
    x, w = legendre_nodes(points)
    root = (x + 1.0) / 2.0
    u, w = root**2, w * root  # du = 2 root d(root), d(root) = dx / 2
    if prior.name == "half-cauchy":
        return prior.scale * np.tan(math.pi * u / 2.0), np.asarray(w, np.float64)
    if prior.name not in ("half-normal", "uniform"):
        raise CallError(f"a {prior.name} prior on one of three taus", rule="must be half-normal, half-cauchy or uniform")
    taus = prior.scale * u * (1.0 if prior.name == "uniform" else _HALF_NORMAL_REACH)
    return taus, np.asarray(w * prior.density(taus), np.float64)


def _integrate(
    h: History, priors: tuple[TauPrior, ...], mean_prior: tuple[FloatArray, FloatArray] | None, grid: tuple[FloatArray, FloatArray]
) -> HistoryPosterior:
    taus, log_w = grid
    p = h.x.shape[2]
    q = h.x_new.shape[0]
    padded = np.concatenate([taus**2, np.zeros((taus.shape[0], 1))], axis=1)  # stratum -1 is the last column: no spread
    precision, right = np.zeros((taus.shape[0], p, p)), np.zeros((taus.shape[0], p))
    log_l, quadratic = log_w.copy(), np.zeros(taus.shape[0])
    for y, v, x, stratum in zip(h.y, h.v, h.x, h.stratum, strict=True):
        total = v + padded[:, stratum][:, :, None] * np.eye(stratum.size)
        inverse = np.linalg.inv(total)
        log_l -= 0.5 * np.linalg.slogdet(total)[1]
        xw = x.T @ inverse
        precision += xw @ x
        right += xw @ y
        quadratic += np.einsum("i,mij,j->m", y, inverse, y)
    if mean_prior is not None:
        inverse_prior = np.linalg.inv(mean_prior[1])
        precision, right = precision + inverse_prior, right + inverse_prior @ mean_prior[0]
        quadratic += float(mean_prior[0] @ inverse_prior @ mean_prior[0])
        log_l -= 0.5 * float(np.linalg.slogdet(mean_prior[1])[1])
    covariance = np.linalg.inv(precision)
    b = np.einsum("mij,mj->mi", covariance, right)
    log_l += -0.5 * np.linalg.slogdet(precision)[1] - 0.5 * (quadratic - np.einsum("mi,mi->m", b, right))
    top = float(log_l.max())
    weights = np.exp(log_l - top)
    evidence = top + math.log(float(weights.sum()))
    held = weights > _LIGHT * weights.sum()
    weights, taus, b, covariance, padded = weights[held], taus[held], b[held], covariance[held], padded[held]
    weights = np.asarray(weights / weights.sum(), np.float64)
    spread = padded[:, h.stratum_new][:, :, None] * np.eye(q)
    covariances: FloatArray = h.x_new @ covariance @ h.x_new.T + spread
    predictive = MultinormalMixture(weights=weights, means=b @ h.x_new.T, covariances=covariances)
    return HistoryPosterior(weights, taus, b, np.asarray(covariance, np.float64), predictive, evidence, 0.0)
