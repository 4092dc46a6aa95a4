"""Commensurate prior: the arm's parameter scatters around the history's by a tau that the data help to learn.

``theta_j | theta0_j, tau ~ N(theta0_j, tau^2)`` on the logit (probability) or log (hazard) scale, ``theta0`` with its own posterior from
the history, one tau with a prior for all parameters (Hobbs et al. 2011, doi 10.1111/j.1541-0420.2011.01564.x, there with
tau's precision). For counts ``theta0`` is integrated on an even grid (Fourier for a small tau, sums for a large one), theta
and tau by quadrature; for a cure model all is normal given tau.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from nextarm.borrowing.arm_data import ArmData, BinaryData, CureData, ExposureData, counts_of, first_prior, require_alike
from nextarm.borrowing.borrowed import Borrowed, borrowed_result
from nextarm.borrowing.gridded import Gridded
from nextarm.borrowing.multinormal import MultinormalMixture
from nextarm.borrowing.tau_nodes import TauNodes, tau_nodes
from nextarm.core.errors import RefusedError
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.synthesis import TauPrior, half_normal

COMMENSURATE = "10.1111/j.1541-0420.2011.01564.x"
#: The largest part of the evidence that may be the rounding of the convolution.
_MOST_ROUNDING = 1e-2


@dataclass(frozen=True, eq=False)
class CommensurateGrid:
    """One parameter: even grid ``theta`` (n,), history's density (n,), and the prior density of theta at each tau (m, n).

    ``rounding`` (m,) is the error of that density, read off where it came out below 0.
    """

    theta: FloatArray
    history: FloatArray
    given_tau: FloatArray
    rounding: FloatArray


def commensurate_prior(
    history: ArmData,
    current: ArmData | None = None,
    *,
    tau: TauPrior | None = None,
    first: Any = None,
    level: float = 0.95,
    base: Trail | None = None,
) -> Borrowed:
    """Borrow ``history`` as far as ``current`` looks alike; ``tau`` defaults to half-normal(0.5).

    ``first`` is the prior of the history's own parameter. Raises :class:`RefusedError` for an improper prior of tau, and where
    the arms differ so much under it that the evidence is below rounding.

    >>> from nextarm.borrowing.arm_data import exposure_data
    >>> found = commensurate_prior(exposure_data(40, 100.0), exposure_data(5, 11.0), tau=half_normal(0.3))
    >>> round(found.parameters[0].median, 2)
    0.41
    """
    require_alike(history, current)
    chosen = tau or half_normal(0.5)
    if not math.isfinite(chosen.scale):
        raise RefusedError(f"a {chosen.words()} prior on tau", rule="leaves no proper prior with one history", cure="Use half-normal")
    start = first_prior(history, first)
    if isinstance(history, CureData):
        unit = math.sqrt(float(np.diagonal(history.covariance).min()))
        nodes = tau_nodes(chosen, unit)
        masses, distribution, evidence = _cure(history, current, nodes, start)
        grids: tuple[Gridded, ...] = ()
        scale = ""
        held = float(masses @ (_ratio(history.covariance[0, 0], nodes.taus)))
    else:
        nodes, cells, _ = commensurate_grids(history, current, chosen, start)
        masses, grids, evidence = _counts(history, current, nodes, cells)
        distribution, scale = None, "logit" if isinstance(history, BinaryData) else "log"
        spreads = [_variance(c.theta, c.history) for c in cells]
        held = float(masses @ np.mean([_ratio(v, nodes.taus) for v in spreads], axis=0))
    mean = float(masses @ nodes.taus)
    heavy = chosen.name == "half-cauchy"
    return borrowed_result(
        history,
        distribution,
        method="commensurate prior",
        reference=COMMENSURATE,
        control="tau",
        control_mean=nodes.quantile(masses, 0.5) if heavy else mean,
        control_sd=None if heavy else math.sqrt(max(0.0, float(masses @ (nodes.taus - mean) ** 2))),
        share=held,
        assumptions=(f"tau ~ {chosen.words()} on the {scale or 'estimation'} scale, the same for all parameters",),
        log_evidence=evidence,
        level=level,
        base=base,
        grids=grids,
        grid_scale=scale,
        warnings=("tau is summarised by its median: its mean may not exist under a half-Cauchy prior",) if heavy else (),
    )


def commensurate_grids(
    history: BinaryData | ExposureData, current: ArmData | None, tau: TauPrior, start: tuple[float, float]
) -> tuple[TauNodes, list[CommensurateGrid], float]:
    """Nodes of tau, and each parameter's grid with its prior at every node; also the spacing."""
    d0, size0 = counts_of(history)
    binary = isinstance(history, BinaryData)
    centres, sds = _centres(d0, size0, start, binary)
    ends = [(c - 12.0 * s - 8.0 / math.sqrt(a), c + 12.0 * s) for c, s, a in zip(centres, sds, start[0] + d0, strict=True)]
    if current is not None:
        d, size = counts_of(current)  # type: ignore[arg-type]
        more, wide = _centres(d, size, start, binary)
        ends = [(min(lo, c - 14.0 * s), max(hi, c + 12.0 * s)) for (lo, hi), c, s in zip(ends, more, wide, strict=True)]
        sds = np.minimum(sds, wide)
    nodes = tau_nodes(tau, float(sds.min()))
    reach = float(nodes.edges[-1]) if not nodes.tail else 8.0 * tau.scale
    pad = min(4.0 * reach, 40.0)
    cells = []
    for j, (low, high) in enumerate(ends):
        spacing = float(sds[j]) / 6.0
        theta = np.arange(low - pad, high + pad, spacing)
        if theta.size > 20_000:
            raise RefusedError("the arms", rule="differ too much in precision for one grid", cure="Use a normal likelihood")
        history_density = _density(theta, start[0] + d0[j], start[1] + (size0[j] - d0[j] if binary else size0[j]), binary)
        history_density /= history_density.sum() * spacing
        smeared = _smeared(history_density, spacing, nodes.taus)
        cells.append(CommensurateGrid(theta, history_density, np.maximum(smeared, 0.0), -np.minimum(smeared.min(axis=1), 0.0)))
    return nodes, cells, float(min(sds)) / 6.0


def _centres(d: FloatArray, size: FloatArray, start: tuple[float, float], binary: bool) -> tuple[FloatArray, FloatArray]:
    a = d + start[0]
    b = size - d + start[1] if binary else size + start[1]
    return np.log(a / b), np.sqrt(1.0 / a + 1.0 / b) if binary else np.sqrt(1.0 / a)


def _density(theta: FloatArray, a: float, b: float, binary: bool) -> FloatArray:
    """Beta density on the logit axis or gamma density on the log axis, up to a constant."""
    log = -a * np.logaddexp(0.0, -theta) - b * np.logaddexp(0.0, theta) if binary else a * theta - b * np.exp(np.minimum(theta, 600.0))
    made: FloatArray = np.exp(log - log.max())
    return made


def _smeared(density: FloatArray, spacing: float, taus: FloatArray) -> FloatArray:
    """``density`` convolved with N(0, tau^2) for every tau, (m, n), without wrapping round; rounding leaves values just below 0."""
    from scipy.fft import irfft, next_fast_len, rfft

    n = density.size
    size = next_fast_len(2 * n, real=True)
    spectrum = rfft(density, size)
    omega = 2.0 * math.pi * np.arange(size // 2 + 1) / (size * spacing)
    out = np.empty((taus.size, n))
    small = taus < 2.0 * spacing
    if small.any():
        damp = np.exp(-0.5 * (taus[small, None] * omega) ** 2)
        out[small] = irfft(spectrum * damp, size)[:, :n]
    if (~small).any():
        lag = np.minimum(np.arange(size), size - np.arange(size)) * spacing
        z = lag / taus[~small, None]
        kernel = np.exp(-0.5 * z * z) / (taus[~small, None] * math.sqrt(2.0 * math.pi))
        out[~small] = irfft(spectrum * rfft(kernel), size)[:, :n] * spacing
    return out


def _counts(
    history: BinaryData | ExposureData, current: ArmData | None, nodes: TauNodes, cells: list[CommensurateGrid]
) -> tuple[FloatArray, tuple[Gridded, ...], float | None]:
    """Posterior masses of tau, each parameter's grid, and the log evidence up to the data's constant."""
    binary = isinstance(history, BinaryData)
    likelihoods, shift = [np.ones(c.theta.size) for c in cells], 0.0
    if current is not None:
        for j, (d, size) in enumerate(zip(*counts_of(current), strict=True)):  # type: ignore[arg-type]
            t = cells[j].theta
            log = -d * np.logaddexp(0.0, -t) - (size - d) * np.logaddexp(0.0, t) if binary else d * t - size * np.exp(np.minimum(t, 600.0))
            shift += float(log.max())
            likelihoods[j] = np.exp(log - log.max())
    joint = [c.given_tau * like for c, like in zip(cells, likelihoods, strict=True)]
    steps = [float(c.theta[1] - c.theta[0]) for c in cells]
    log_m = np.sum([np.log(np.maximum(p.sum(axis=1) * h, 1e-300)) for p, h in zip(joint, steps, strict=True)], axis=0)
    prior = nodes.weights / nodes.weights.sum()
    top = float(log_m.max())
    raw = prior * np.exp(log_m - top)
    masses = raw / raw.sum()
    for cell, part, like in zip(cells, joint, likelihoods, strict=True):
        if float(masses @ (cell.rounding * like.sum() / np.maximum(part.sum(axis=1), 1e-300))) > _MOST_ROUNDING:
            raise RefusedError(
                "history and current data contradict each other",
                rule="under this prior of tau they could hardly have been seen together",
                cure="Take a wider prior of tau, or do not borrow",
            )
    grids = []
    for cell, part, h in zip(cells, joint, steps, strict=True):
        density = masses @ (part / (np.maximum(part.sum(axis=1, keepdims=True), 1e-300) * h))
        density /= density.sum() * h
        below = np.clip(np.cumsum(density) * h - 0.5 * density * h, 0.0, 1.0)
        held = np.flatnonzero((below > 1e-11) & (below < 1.0 - 1e-11))
        part_of = slice(max(int(held[0]) - 1, 0), int(held[-1]) + 2)
        grids.append(Gridded(x=cell.theta[part_of], density=density[part_of], below=below[part_of]))
    return masses, tuple(grids), None if current is None else shift + top + math.log(float(raw.sum()))


def _cure(
    history: CureData, current: ArmData | None, nodes: TauNodes, start: tuple[Any, Any]
) -> tuple[FloatArray, MultinormalMixture, float | None]:
    q = history.estimate.size
    centre, own = history.estimate, history.covariance
    if start[0] is not None:
        own = np.linalg.inv(np.linalg.inv(history.covariance) + start[1])
        centre = own @ (np.linalg.inv(history.covariance) @ history.estimate + start[1] @ start[0])
    prior = MultinormalMixture(
        weights=nodes.weights / nodes.weights.sum(),
        means=np.broadcast_to(centre, (nodes.taus.size, q)),
        covariances=own + nodes.taus[:, None, None] ** 2 * np.eye(q),
    )
    if current is None:
        return prior.weights, prior, None
    assert isinstance(current, CureData)
    log_m = prior.log_predictive(current.estimate, current.covariance)
    after = prior.posterior(current.estimate, current.covariance)
    top = float(log_m.max())
    return after.weights, after, top + math.log(float(prior.weights @ np.exp(log_m - top)))


def _variance(theta: FloatArray, density: FloatArray) -> float:
    mass = density / density.sum()
    mean = float(mass @ theta)
    return float(mass @ (theta - mean) ** 2)


def _ratio(variance: float, taus: FloatArray) -> FloatArray:
    """Share of the history's information left when its variance grows by tau^2."""
    made: FloatArray = variance / (variance + taus**2)
    return made
