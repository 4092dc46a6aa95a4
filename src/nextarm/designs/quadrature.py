"""Nodes and weights for integrals over time since entry: Gauss-Legendre on pieces where the integrand is smooth.

Pieces end where a truth's hazard jumps and where the accrual rate does, and halve towards 0, so that hazards that are
infinite at 0 (a Weibull shape below 1) and very short latencies are integrated as well as smooth ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.survival.gauss import legendre_nodes

_ORDER = 12
_HALVINGS = 36


@cache
def _legendre(order: int) -> tuple[FloatArray, FloatArray]:
    nodes, weights = legendre_nodes(order)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def gauss_legendre(edges: FloatArray, order: int = _ORDER) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of the composite rule on the pieces between rising ``edges``.

    >>> x, w = gauss_legendre(np.array([0.0, 1.0, 3.0]))
    >>> round(float(w @ x**3), 12)
    20.25
    """
    unit_nodes, unit_weights = _legendre(order)
    start, width = edges[:-1], np.diff(edges)
    nodes = start[:, None] + width[:, None] * unit_nodes
    return nodes.ravel(), (width[:, None] * unit_weights).ravel()


def follow_up_nodes(horizon: float, breaks: Iterable[float] = ()) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on (0, ``horizon``), split at ``breaks`` and finer towards 0."""
    halves = horizon * 0.5 ** np.arange(_HALVINGS, -1, -1.0)
    # the upper half of the range gets two more cuts: time to event and accrual both vary there
    inner = horizon * np.array([0.375, 0.625, 0.75, 0.875])
    extra = [b for b in breaks if 0.0 < b < horizon]
    edges = np.unique(np.concatenate([[0.0], halves, inner, extra]))
    keep = np.concatenate([[True], np.diff(edges) > 1e-13 * horizon])
    edges = edges[keep]
    edges[-1] = horizon
    return gauss_legendre(edges)
