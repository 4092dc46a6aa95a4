"""Several studies of counts with a random effect, integrated exactly enough: no sampling.

``r_i ~ Bin(n_i, expit(theta_i))`` or ``d_i ~ Poisson(T_i exp(theta_i))``, ``theta_i ~ N(mu, tau^2)``, ``mu ~ N(m, s^2)``, tau
has a prior. Given tau, the likelihood of mu is the study's own likelihood smoothed by a normal, which in Fourier space is
a product; so is the step from mu to a new study's theta. All functions are smooth, hence sums on an even grid converge
faster than any power of its spacing.

A study with no event (or only events) has a likelihood that does not fall on one side; there a normal distribution
function with the same limits is split off, whose smoothed form is known. Grids double in spacing and length with tau.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextarm.borrowing.tau_nodes import TauNodes, tau_nodes
from nextarm.core.errors import RefusedError
from nextarm.core.units import FloatArray, IntArray
from nextarm.synthesis import TauPrior

#: The widest tau (logits) that is integrated; a new study beyond it has a probability of 0 or 1 for all purposes.
_WIDEST = 64.0
_LARGEST_GRID = 2**17
#: Smoothed likelihoods below this share of their maximum are mostly rounding; the largest posterior mass that may rest on them.
FAINT, MOST_FAINT = 1e-12, 1e-4


@dataclass(frozen=True, eq=False)
class Counts:
    """Studies of counts: likelihoods of theta (each (k,) but where said).

    ``centres`` and ``units`` are the estimates with half an event added and their standard errors; ``reach`` is how far from
    the centres the slowest likelihood must be followed; ``likelihood`` gives (points, k), relative to each study's maximum;
    ``sign`` is -1 where a likelihood stays at 1 to the left, 1 to the right, 0 where it falls on both sides, and
    ``step_at`` where it then is one half.
    """

    centres: FloatArray
    units: FloatArray
    reach: float
    likelihood: Callable[[FloatArray], FloatArray]
    sign: FloatArray
    step_at: FloatArray


def binomial_counts(events: FloatArray, n: FloatArray) -> Counts:
    """``events`` of ``n``, theta the logit."""
    share = (events + 0.5) / (n + 1.0)
    slow = np.maximum(np.log(n) + 32.0 / np.maximum(events, 1.0), np.log(n) + 32.0 / np.maximum(n - events, 1.0))
    best = np.where(events > 0, events * np.log(np.maximum(events, 1.0) / n), 0.0)
    best = best + np.where(events < n, (n - events) * np.log(np.maximum(n - events, 1.0) / n), 0.0)
    sign = np.where(events == 0.0, -1.0, np.where(events == n, 1.0, 0.0))

    def likelihood(theta: FloatArray) -> FloatArray:
        log_p, log_q = -np.logaddexp(0.0, -theta), -np.logaddexp(0.0, theta)
        made: FloatArray = np.exp(events * log_p[:, None] + (n - events) * log_q[:, None] - best)
        return made

    return Counts(
        np.log(share / (1.0 - share)),
        1.0 / np.sqrt(n * share * (1.0 - share)),
        float(slow.max()),
        likelihood,
        sign,
        np.where(sign != 0.0, sign * np.log(n / math.log(2.0)), 0.0),
    )


def poisson_counts(events: FloatArray, years: FloatArray) -> Counts:
    """``events`` in ``years`` of follow-up, theta the log rate a year; the likelihood of exponential times is the same."""
    best = np.where(events > 0, events * np.log(np.maximum(events, 1.0) / years) - events, 0.0)
    sign = np.where(events == 0.0, -1.0, 0.0)

    def likelihood(theta: FloatArray) -> FloatArray:
        made: FloatArray = np.exp(events * theta[:, None] - years * np.exp(np.minimum(theta, 600.0))[:, None] - best)
        return made

    return Counts(
        np.log((events + 0.5) / years),
        1.0 / np.sqrt(events + 0.5),
        float((32.0 / np.maximum(events, 1.0)).max()) + 5.0,
        likelihood,
        sign,
        np.log(math.log(2.0) / years),
    )


@dataclass(frozen=True, eq=False)
class CountPosterior:
    """Posterior on a grid: ``theta`` (even), the new study's ``density`` and probability ``below``; moments of mu and tau.

    ``masses`` belong to the nodes of tau, ``log_marginal`` is the log likelihood of each node up to one constant. ``lost`` is
    the posterior mass of tau beyond the widest node that was used; it is split over both ends. ``faint`` is the posterior mass
    where a study's smoothed likelihood is below rounding.
    """

    theta: FloatArray
    density: FloatArray
    below: FloatArray
    nodes: TauNodes
    masses: FloatArray
    log_marginal: FloatArray
    mu_mean: float
    mu_sd: float
    lost: float
    faint: float


def count_posterior(
    counts: Counts, *, prior: TauPrior, mean_prior: tuple[float, float], nodes: TauNodes | None = None, weigh: FloatArray | None = None
) -> CountPosterior:
    """Integrate mu and tau out and return the new study's distribution.

    ``nodes`` and ``weigh`` (posterior masses of those nodes) replace this history's own, where several histories share one tau;
    the caller then looks at ``faint``.
    Raises :class:`RefusedError` where the grid would be too fine (studies of many millions of patients), and where the studies
    contradict each other so much under ``prior`` that the posterior lies where a study's likelihood is below rounding.
    """
    from scipy.fft import irfft, next_fast_len, rfft
    from scipy.special import ndtr

    m, s = mean_prior
    unit, centres = counts.units, counts.centres
    nodes = nodes or tau_nodes(prior, float(unit.min()))
    pooled = 1.0 / math.sqrt(float((1.0 / unit**2).sum()) + 1.0 / s**2)
    spacing = min(0.4 * float(unit.min()), 0.8 * pooled, 0.25)
    centre = (float(centres.min()) + float(centres.max())) / 2.0
    half = max(counts.reach, 9.0 * s + abs(m - centre)) + (float(centres.max()) - float(centres.min())) / 2.0 + 10.0
    size = next_fast_len(math.ceil(2.0 * half / spacing), real=True)
    size += size % 2
    if size > _LARGEST_GRID:
        raise RefusedError(
            f"a standard error of {float(unit.min()):.2g}",
            rule="is too precise for the exact grid of counts",
            cure="Use likelihood='normal'",
        )
    offset = np.arange(size) - size // 2
    theta = np.asarray(centre + spacing * offset, np.float64)
    # What does not fall on one side is split off: a step at its half height.
    sign, step_at, edge = counts.sign[:, None], counts.step_at[:, None], counts.sign != 0.0
    falling = np.ascontiguousarray(counts.likelihood(theta).T)
    falling = falling - np.where(sign != 0.0, ndtr(sign * (theta - step_at)), 0.0)

    taus, weights = nodes.taus, nodes.weights
    usable = taus <= _WIDEST
    log_marginal = np.full(taus.size, -np.inf)
    mu_first, mu_second, faint = np.zeros(taus.size), np.zeros(taus.size), np.zeros(taus.size)
    group_of = np.maximum(0, np.ceil(np.log2(np.maximum(taus, 1e-300)))).astype(int)
    kept: list[tuple[int, IntArray, FloatArray, FloatArray]] = []
    for g in np.unique(group_of[usable]):
        where = np.flatnonzero(usable & (group_of == g))
        wide = 2 ** int(g)
        mu = centre + spacing * wide * offset
        omega = 2.0 * math.pi * np.arange(size // 2 + 1) / (size * spacing * wide)
        padded = np.zeros((unit.size, size * wide))
        start = size * wide // 2 - size // 2
        padded[:, start : start + size] = falling
        coarse = rfft(padded)[:, : size // 2 + 1] / wide
        damp = np.exp(-0.5 * (taus[where, None] * omega) ** 2)
        smoothed = irfft(coarse[None] * damp[:, None, :], n=size)
        if edge.any():
            z = sign[edge] * (mu - step_at[edge])
            smoothed[:, edge] += ndtr(z / np.sqrt(1.0 + taus[where, None, None] ** 2))
        log_l = np.log(np.maximum(smoothed, 1e-300)).sum(axis=1) - 0.5 * ((mu - m) / s) ** 2
        peak = log_l.max(axis=1)
        dense = np.exp(log_l - peak[:, None])
        total = dense.sum(axis=1) * spacing * wide
        log_marginal[where] = peak + np.log(total)
        dense /= total[:, None]
        mu_first[where] = (dense @ mu) * spacing * wide
        mu_second[where] = (dense @ mu**2) * spacing * wide
        faint[where] = np.sum(dense * (smoothed.min(axis=1) < FAINT), axis=1) * spacing * wide
        kept.append((wide, where, dense, damp))
    top = float(log_marginal.max())
    if weigh is None:
        masses: FloatArray = np.where(usable, weights * np.exp(log_marginal - top), 0.0)
        with np.errstate(divide="ignore"):
            beyond = _beyond(taus, np.log(prior.density(taus)) + log_marginal - top, usable)
        lost = beyond / (float(masses.sum()) + beyond)
    else:
        masses, lost = np.where(usable, weigh, 0.0), 1.0 - float(weigh[usable].sum())
    masses = masses / masses.sum()
    if weigh is None and float(masses @ faint) > MOST_FAINT:
        raise contradiction(prior, mean_prior)
    spectra = [(wide, (masses[where, None] * rfft(dense) * damp).sum(axis=0)) for wide, where, dense, damp in kept]
    density, below = _base_grid(spectra, size, spacing, lost)
    mu_mean = float(masses @ mu_first)
    mu_sd = math.sqrt(max(0.0, float(masses @ mu_second) - mu_mean**2))
    return CountPosterior(theta, density, below, nodes, masses, log_marginal, mu_mean, mu_sd, lost, float(masses @ faint))


def contradiction(prior: TauPrior, mean_prior: tuple[float, float]) -> RefusedError:
    """What is said where more than :data:`MOST_FAINT` of the posterior rests on likelihoods below rounding."""
    m, s = mean_prior
    return RefusedError(
        "the studies contradict each other",
        rule=f"under a {prior.words()} prior on tau and N({m:g}, {s:g}^2) on the mean they could hardly have been seen together",
        cure="Look for what makes them differ, or take a wider prior of tau",
    )


def _beyond(taus: FloatArray, log_density: FloatArray, usable: NDArray[np.bool_]) -> float:
    """Mass of tau beyond the last usable node, from the power of tau at which its log density falls there."""
    last = np.flatnonzero(usable & np.isfinite(log_density))
    if usable.all() or last.size < 2:
        return 0.0
    j = last[-1]
    i = last[np.searchsorted(taus[last], taus[j] / 2.0)]
    if i == j:
        return 0.0
    power = float((log_density[i] - log_density[j]) / math.log(taus[j] / taus[i]))
    return math.exp(float(log_density[j])) * float(taus[j]) / (power - 1.0) if power > 1.0 else 0.0


def _base_grid(spectra: list[tuple[int, FloatArray]], size: int, spacing: float, lost: float) -> tuple[FloatArray, FloatArray]:
    """Bring every group's spectrum to the base grid: density and exact antiderivative; mass beyond goes to the ends."""
    from scipy.fft import irfft

    density, below = np.zeros(size), np.zeros(size)
    for wide, spectrum in spectra:
        long = size * wide
        full = np.zeros(long // 2 + 1, complex)
        full[: spectrum.size] = spectrum
        start = long // 2 - size // 2
        density += irfft(full, n=long)[start : start + size] * wide
        omega = 2.0 * math.pi * np.arange(1, spectrum.size) / (long * spacing)
        integral = np.zeros(long // 2 + 1, complex)
        integral[1 : spectrum.size] = spectrum[1:] / (1j * omega)
        slope = float(spectrum[0].real) / size  # the mean density over the long grid
        wave = irfft(integral, n=long) * wide
        part = wave + slope * spacing * np.arange(long)
        below += part[start : start + size] - part[0]
    density = np.maximum(density, 0.0) * (1.0 - lost)
    below = np.clip(np.maximum.accumulate(below * (1.0 - lost) + lost / 2.0), 0.0, 1.0)
    return density, below
