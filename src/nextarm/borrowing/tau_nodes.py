"""Nodes over the between-study standard deviation tau: Gauss-Legendre on panels that double in width.

The posterior of tau varies on the scale of tau itself, from the studies' own standard errors to the reach of the prior, so
panels run from a small fraction of the smaller of both to where the prior ends, has no weight left (half-normal), or
becomes a power of tau (half-Cauchy, uniform without a bound): beyond it one panel in ``1 / tau`` reaches infinity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.survival.gauss import legendre_nodes
from nextarm.survival.roots import brentq
from nextarm.synthesis import TauPrior

_ORDER = 10
#: Half-normal priors end here, in units of their scale: the density beyond is below 1e-15.
HALF_NORMAL_REACH = 8.5
#: Priors with a heavy tail are integrated panel by panel to this many of the larger of prior scale and standard error.
_HEAVY_REACH = 64.0


@dataclass(frozen=True, eq=False)
class TauNodes:
    """Nodes ``taus`` (m,), quadrature ``weights`` (m,) times the prior density, panel ``edges``; ``tail``: last panel open."""

    taus: FloatArray
    weights: FloatArray
    edges: FloatArray
    tail: bool
    order: int = _ORDER

    def below(self, masses: FloatArray, tau: float) -> float:
        """The probability that ``masses`` (posterior mass at each node, sum 1) give to values up to ``tau``."""
        from numpy.polynomial import legendre

        nodes, gauss = legendre_nodes(self.order)
        panels = masses.reshape(-1, self.order)
        last = len(panels) - 1
        i = min(int(np.searchsorted(self.edges, tau, side="right")) - 1, last)
        if self.tail and i == last:
            u = 1.0 - float(self.edges[-1]) / tau
        else:
            u = min((tau - float(self.edges[i])) / float(self.edges[i + 1] - self.edges[i]), 1.0)
        inside = legendre.legint(legendre.legfit(nodes, panels[i] / gauss, self.order - 1), lbnd=-1)
        return float(panels[:i].sum()) + float(legendre.legval(2.0 * u - 1.0, inside))

    def quantile(self, masses: FloatArray, p: float) -> float:
        """The tau below which ``masses`` (posterior mass at each node, sum 1) hold ``p``.

        In each panel the density is the polynomial through its nodes, integrated exactly.
        """
        from numpy.polynomial import legendre

        nodes, gauss = legendre_nodes(self.order)
        panels = masses.reshape(-1, self.order)
        total = np.concatenate([[0.0], np.cumsum(panels.sum(axis=1))])
        i = min(int(np.searchsorted(total, p, side="right")) - 1, len(panels) - 1)
        if panels[i].sum() <= 0.0:
            return float(self.edges[i])
        inside = legendre.legint(legendre.legfit(nodes, panels[i] / gauss, self.order - 1), lbnd=-1)

        def missing(x: float) -> float:
            return float(legendre.legval(x, inside)) - (p - float(total[i]))

        x = 1.0 if missing(1.0) <= 0.0 else float(brentq(missing, -1.0, 1.0, xtol=1e-13))
        u = (x + 1.0) / 2.0
        if self.tail and i == len(panels) - 1:
            return float(self.edges[i] / max(1.0 - u, 1e-300))
        return float(self.edges[i] + (self.edges[i + 1] - self.edges[i]) * u)


def tau_nodes(prior: TauPrior, unit: float, *, order: int = _ORDER) -> TauNodes:
    """Nodes for ``prior`` on tau where the smallest standard error of a study is ``unit`` (both on one scale), ``order`` a panel.

    >>> from nextarm.synthesis import half_normal
    >>> nodes = tau_nodes(half_normal(1.0), 0.2)
    >>> round(float(nodes.weights @ nodes.taus / nodes.weights.sum()), 8)  # sqrt(2 / pi)
    0.79788456
    """
    bounded = prior.name == "uniform" and math.isfinite(prior.scale)
    scale = prior.scale if math.isfinite(prior.scale) else unit
    heavy = math.isfinite(prior.tail)
    top = scale if bounded else _HEAVY_REACH * max(scale, unit) if heavy else HALF_NORMAL_REACH * scale
    bottom = min(unit, scale, top) / 8.0
    count = max(1, math.ceil(math.log2(top / bottom)))
    edges = np.concatenate([[0.0], top * 0.5 ** np.arange(count, -1, -1.0)])
    nodes, gauss = legendre_nodes(order)
    half = np.diff(edges)[:, None] / 2.0
    taus: FloatArray = (edges[:-1, None] + half * (nodes + 1.0)).ravel()
    weights: FloatArray = (half * gauss).ravel()
    if heavy:
        left = (1.0 - nodes) / 2.0  # 1 - u; tau = top / (1 - u)
        taus = np.concatenate([taus, top / left])
        weights = np.concatenate([weights, 0.5 * gauss * top / left**2])
    return TauNodes(taus, weights * prior.density(taus), edges, heavy, order)
