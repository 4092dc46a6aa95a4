"""Two proportions, Bayesian: declare success where P(p1 - p0 > -margin | data) exceeds a threshold, computed exactly.

The control's prior is a beta mixture (a robust meta-analytic prior, or one weak component), the experimental arm's a beta.
For every table the posterior probability is an integral over p0 of the control's posterior density times the experimental
arm's tail at p0 - margin, by Gauss-Legendre nodes in the angle t, p = margin +
(1 - margin) sin(t)^2 (which takes the square-root ends away). The tables
that succeed give type I error and power at any pair of true rates as exact sums: no simulation, however strong the prior.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray
from nextarm.designs.two_proportions_exact import RejectionRegion
from nextarm.survival.gauss import legendre_nodes

if TYPE_CHECKING:
    from nextarm.borrowing import BetaMixture

NODES = 600


def posterior_gain(n0: int, n1: int, *, control: BetaMixture, experimental: tuple[float, float], margin: float = 0.0) -> FloatArray:
    """P(p1 - p0 > -``margin``) after every table, shape (n0 + 1, n1 + 1).

    >>> from nextarm.borrowing import beta_mixture
    >>> flat = beta_mixture([1.0], [1.0], [1.0])
    >>> bool(abs(posterior_gain(10, 10, control=flat, experimental=(1.0, 1.0))[4, 4] - 0.5) < 1e-9)
    True
    """
    from scipy.special import betainc, betaln

    x, weight = legendre_nodes(NODES)
    # p rises from either end like the fourth power of a node's place: shapes far below 1 make the density steep there.
    u = 0.5 * (x + 1.0)
    rise, fall = np.sin(0.5 * np.pi * u * u * (3.0 - 2.0 * u)), np.sin(0.5 * np.pi * (1.0 - u) ** 2 * (1.0 + 2.0 * u))
    p, q = margin + (1.0 - margin) * rise**2, (1.0 - margin) * fall**2
    jacobian = weight * 3.0 * np.pi * u * (1.0 - u) * rise * fall * (1.0 - margin)
    x0 = np.arange(n0 + 1)[:, None]
    w, a, b = (np.asarray(v, np.float64)[None, :] for v in (control.weights, control.a, control.b))
    log = np.log(w) + betaln(a + x0, b + n0 - x0) - betaln(a, b)
    post = np.exp(log - log.max(axis=1, keepdims=True))
    post /= post.sum(axis=1, keepdims=True)
    density, below = np.zeros((n0 + 1, NODES)), np.zeros((n0 + 1, 1))
    lp, lq = np.log(p), np.log(q)
    for k in range(w.shape[1]):
        ak, bk = a[0, k] + x0, b[0, k] + n0 - x0
        density += post[:, k : k + 1] * np.exp((ak - 1.0) * lp + (bk - 1.0) * lq - betaln(ak, bk))
        below += post[:, k : k + 1] * betainc(ak, bk, margin)  # a control below the margin cannot be missed by more
    x1 = np.arange(n1 + 1)[None, :]
    tail = 1.0 - betainc(experimental[0] + x1, experimental[1] + n1 - x1, (p - margin)[:, None])
    made: FloatArray = below + (density * jacobian) @ tail
    return np.clip(made, 0.0, 1.0)


def bayes_region(
    n0: int, n1: int, *, control: BetaMixture, experimental: tuple[float, float] = (1.0, 1.0), threshold: float, margin: float = 0.0
) -> RejectionRegion:
    """The tables that succeed; ``size`` is the largest success probability on the edge of the null with p0 anywhere.

    A borrowing prior has no small size over all p0: read it beside the success probability near the history.
    """
    if not 0.0 < threshold < 1.0:
        raise CallError(f"threshold = {threshold:g}", rule="must be a probability above 0 and below 1")
    from nextarm.designs.two_proportions_exact import largest_size

    gain = posterior_gain(n0, n1, control=control, experimental=experimental, margin=margin)
    wins = gain > threshold
    least = np.where(wins.any(axis=1), np.argmax(wins, axis=1), n1 + 1)
    size, worst = largest_size(least, n0, n1, margin)
    return RejectionRegion(n0=n0, n1=n1, least=tuple(int(v) for v in least), bound=threshold, size=size, worst_p0=worst)
