"""Effective sample size of a mixture prior: how many patients (or events, or years) it is worth.

Three definitions, each in units of one observation of the sampling model (Neuenschwander et al. 2020, doi
10.1111/biom.13252), with ``i(p; x) = -(log p)''`` the local information of the prior and ``i_F(x)`` that of one observation:

- ``elir`` (expected local information ratio): the prior's mean of ``i(p; x) / i_F(x)``; the only one whose value drops by
  n on average after n observations; Beta(a, b) with a, b > 1 is worth a + b;
- ``moment``: the size of the single conjugate prior with the mixture's mean and variance; conservative;
- ``morita``: ``(i(p; x) - i_0(x)) / E i_1(x)`` at the prior's mode, ``i_0`` the information of a flattened prior worth
  1/100 observation, ``i_1`` that of one observation, averaged over the prior predictive (Morita, Thall & Mueller 2008,
  doi 10.1111/j.1541-0420.2007.00888.x, at the mode); optimistic for mixtures.

Sampling models: beta - one binary outcome; normal - one observation with standard deviation ``sigma``; gamma - one year
of follow-up (Poisson). Partial integration turns ``elir`` into the mean of a squared score, which is integrated on the
logit, identity or log axis.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from nextarm.borrowing.beta_mixture import BetaMixture
from nextarm.borrowing.gamma_mixture import GammaMixture
from nextarm.borrowing.normal_mixture import NormalMixture
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.units import FloatArray, require_positive
from nextarm.survival.gauss import legendre_nodes

Method = Literal["elir", "moment", "morita"]
METHODS: tuple[str, ...] = get_args(Method)
#: The flattened prior of Morita's definition is worth one observation divided by this.
FLATTEN = 100.0


def effective_sample_size(prior: BetaMixture | NormalMixture | GammaMixture, *, method: str = "elir", sigma: float | None = None) -> float:
    """Effective sample size of ``prior``; ``sigma`` is needed for normal mixtures only.

    Raises :class:`CallError` for an unknown method or a missing ``sigma``, :class:`RefusedError` where the definition does
    not exist (``elir`` with a shape parameter below 1, ``morita`` with the mode at the edge).

    >>> from nextarm.borrowing.beta_mixture import beta_mixture
    >>> prior = beta_mixture([0.8, 0.2], [11, 1], [32, 1])
    >>> [round(effective_sample_size(prior, method=m), 3) for m in METHODS]
    [27.911, 6.14, 36.606]
    """
    if method not in METHODS:
        raise CallError(f"method = {method!r}", rule=f"must be one of {', '.join(METHODS)}")
    if isinstance(prior, NormalMixture):
        if sigma is None:
            raise CallError("sigma is not given", rule="a normal prior needs the standard deviation of one observation")
        return _normal(prior, method, require_positive(sigma, "sigma"))
    return _beta(prior, method) if isinstance(prior, BetaMixture) else _gamma(prior, method)


def _beta(prior: BetaMixture, method: str) -> float:
    if method == "moment":
        m = prior.mean()
        return m * (1.0 - m) / prior.variance() - 1.0
    if method == "elir":
        _need_shapes(prior, min(float(prior.a.min()), float(prior.b.min())))
        # E[(log p)'^2 x (1 - x)] + 2 - p(0) - p(1), on the logit axis; h = x (1 - x) (log p)' is smooth and bounded.
        edges = _edges((np.log(prior.a) - np.log(prior.b)), np.sqrt(1.0 / prior.a + 1.0 / prior.b), reach=45.0)
        t, dt = _panels(edges)
        x, y = 1.0 / (1.0 + np.exp(-t)), 1.0 / (1.0 + np.exp(t))
        from scipy.special import betaln

        log_parts = np.log(prior.weights) + prior.a * np.log(x)[:, None] + prior.b * np.log(y)[:, None] - betaln(prior.a, prior.b)
        q = np.exp(log_parts)
        total = q.sum(axis=1)
        h = (q @ (prior.a - 1.0)) * y - (q @ (prior.b - 1.0)) * x
        weight = total * x * y
        integrand = np.divide(h * h, weight, out=np.zeros_like(h), where=weight > 0.0)
        value = float(dt @ integrand)
        value += _tail(integrand[0], float(prior.a.min())) + _tail(integrand[-1], float(prior.b.min()))
        return float(value + 2.0) - float(prior.density(0.0)) - float(prior.density(1.0))
    mode = _mode(prior, 0.0, 1.0)
    m = prior.mean()
    flat_a, flat_b = mode / FLATTEN, (1.0 - mode) / FLATTEN
    flat = (flat_a - 1.0) / mode**2 + (flat_b - 1.0) / (1.0 - mode) ** 2
    return (_information(prior, mode) - flat) / (m / mode**2 + (1.0 - m) / (1.0 - mode) ** 2)


def _normal(prior: NormalMixture, method: str, sigma: float) -> float:
    if method == "moment":
        return sigma**2 / prior.variance()
    if method == "elir":
        x, dx = _panels(_edges(prior.means, prior.sds, reach=12.0 * float(prior.sds.max())))
        parts = prior.weights * np.exp(prior._log_components(x[:, None]))
        total = parts.sum(axis=1)
        score = np.divide(
            (parts * (prior.means - x[:, None]) / prior.sds**2).sum(axis=1), total, out=np.zeros_like(total), where=total > 0.0
        )
        return sigma**2 * float(dx @ (total * score**2))
    mode = _mode(prior, float((prior.means - prior.sds).min()), float((prior.means + prior.sds).max()))
    # The flattened prior has variance FLATTEN on the parameter's own scale, as RBesT has it.
    return sigma**2 * (_information(prior, mode) - 1.0 / FLATTEN)


def _gamma(prior: GammaMixture, method: str) -> float:
    if method == "moment":
        return prior.mean() / prior.variance()
    if method == "elir":
        _need_shapes(prior, float(prior.shapes.min()))
        t, dt = _panels(_edges(np.log(prior.shapes / prior.rates), 1.0 / np.sqrt(prior.shapes), reach=45.0))
        x = np.exp(t)
        parts = prior.weights * np.exp(prior._log_components(x[:, None]))
        total = parts.sum(axis=1)
        h = (parts * (prior.shapes - 1.0 - prior.rates * x[:, None])).sum(axis=1)
        integrand = np.divide(h * h, total, out=np.zeros_like(h), where=total > 0.0)
        return float(dt @ integrand) + _tail(integrand[0], float(prior.shapes.min())) - float(prior.density(0.0))
    mode = _mode(prior, 0.0, float(prior._component_quantile(0.999).max()))
    flat = (mode / FLATTEN - 1.0) / mode**2
    return (_information(prior, mode) - flat) / (prior.mean() / mode**2)


def _need_shapes(prior: BetaMixture | GammaMixture, smallest: float) -> None:
    if smallest < 1.0:
        raise RefusedError(
            f"the prior has a shape parameter {smallest:g}",
            rule="elir does not exist below 1: the density has a pole",
            cure="Use the moment definition, or fit the mixture with parameters of at least 1",
        )


def _tail(last: float, shape: float) -> float:
    """What the integrand ``c exp((shape - 1) t)`` holds beyond the last node."""
    return float(last) / (shape - 1.0) if shape > 1.0 else 0.0


def _edges(centres: FloatArray, widths: FloatArray, *, reach: float) -> FloatArray:
    """Panel edges around every component, finer near each, out to ``reach`` beyond all."""
    steps = np.concatenate([-np.geomspace(12.0, 0.5, 10), [0.0], np.geomspace(0.5, 12.0, 10)])
    near = (centres[:, None] + widths[:, None] * steps).ravel()
    far = np.linspace(float(centres.min()) - reach, float(centres.max()) + reach, 61)
    return np.unique(np.concatenate([near, far]))


def _panels(edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on the panels between ``edges``."""
    nodes, weights = legendre_nodes(16)
    half = np.diff(edges)[:, None] / 2.0
    return (edges[:-1, None] + half * (nodes + 1.0)).ravel(), (half * weights).ravel()


def _mode(prior: BetaMixture | NormalMixture | GammaMixture, low: float, high: float) -> float:
    """The highest point of the density strictly inside (low, high); :class:`RefusedError` at the edge."""
    from scipy.optimize import minimize_scalar

    ends = np.concatenate([prior._component_quantile(p) for p in np.linspace(0.005, 0.995, 199)])
    grid = np.unique(np.clip(np.concatenate([ends, np.linspace(low, high, 401)]), low, high))
    best = int(np.argmax(prior.log_density(grid)))
    if isinstance(prior, NormalMixture) or 0 < best < grid.size - 1:
        left, right = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, grid.size - 1)])

        def down(x: float) -> float:
            return -float(prior.log_density(x))

        found = minimize_scalar(down, bounds=(left, right), method="bounded", options={"xatol": 1e-12})
        return float(found.x)
    raise RefusedError(
        "the mode of the prior lies at the edge of its range", rule="Morita's definition needs it inside", cure="Use elir or moment"
    )


def _information(prior: BetaMixture | NormalMixture | GammaMixture, x: float) -> float:
    """``-(log p)''`` at ``x`` from the components' own first and second derivatives."""
    if isinstance(prior, BetaMixture):
        first, second = (prior.a - 1.0) / x - (prior.b - 1.0) / (1.0 - x), -(prior.a - 1.0) / x**2 - (prior.b - 1.0) / (1.0 - x) ** 2
    elif isinstance(prior, NormalMixture):
        first, second = (prior.means - x) / prior.sds**2, -1.0 / prior.sds**2
    else:
        first, second = (prior.shapes - 1.0) / x - prior.rates, -(prior.shapes - 1.0) / x**2
    log_parts = prior._log_components(np.array([x]))
    share = _share(prior.weights, log_parts)
    mean = float(share @ first)
    return mean * mean - float(share @ (first**2 + second))


def _share(weights: FloatArray, log_parts: FloatArray) -> FloatArray:
    """The share of each component in the density at a point."""
    raw = weights * np.exp(log_parts - log_parts.max())
    out: FloatArray = raw / raw.sum()
    return out
