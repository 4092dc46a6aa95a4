"""Predictive prior of a piecewise-exponential control arm: one log hazard a piece, each exchangeable between studies.

Events and years of follow-up of every study in every piece are Poisson counts, so each log hazard has the exact prior of
:func:`nextarm.borrowing.map_prior.map_prior_poisson`. The between-study sds are independent between pieces, or one tau is
shared by all of them: then every piece adds its likelihood of that tau (Roychoudhury & Neuenschwander, doi
10.48550/arXiv.1908.07265, give the model with sampling).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nextarm.borrowing.count_history import MOST_FAINT, CountPosterior, Counts, contradiction, count_posterior, poisson_counts
from nextarm.borrowing.gridded import Gridded
from nextarm.borrowing.map_prior import ONE_STUDY, RATE_MEAN, check_mean_prior
from nextarm.borrowing.tau_nodes import tau_nodes
from nextarm.core.errors import CallError, DataError, Problem, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival import Patients
from nextarm.synthesis import TauPrior, half_normal

if TYPE_CHECKING:
    import polars as pl

_REFERENCE = "10.48550/arXiv.1908.07265"
#: Slices of a shared tau within which the pieces are taken as independent, for curves.
_SLICES = 12


@record
class Piece:
    """The predictive distribution of one piece's hazard (a year), from ``start`` to ``end`` years (None: without end)."""

    start: float
    end: float | None
    k: int
    events: int
    years: float
    median: float
    low: float
    high: float
    tau_mean: float
    predictive: Gridded


@record
class PiecewisePrior(Result):
    """Predictive hazards of a new study piece by piece; ``slices`` hold each piece's distribution at low to high tau."""

    cuts: tuple[float, ...]
    k: int
    level: float
    tau_prior: str
    shared_tau: bool
    tau_mean: float | None
    pieces: tuple[Piece, ...]
    slices: tuple[tuple[Gridded, ...], ...]
    shares: tuple[float, ...]

    shown: ClassVar[tuple[str, ...]] = ("k", "tau_prior", "shared_tau", "tau_mean")

    def table(self) -> pl.DataFrame:
        """One row a piece."""
        import polars as pl

        names = ("start", "end", "k", "events", "years", "median", "low", "high", "tau_mean")
        return pl.DataFrame([{n: getattr(p, n) for n in names} for p in self.pieces], infer_schema_length=None)

    def survival(self, times: Sequence[float] | FloatArray, *, level: float | None = None, draws: int = 8192) -> pl.DataFrame:
        """Predictive S(t): mean and limits at ``times`` (years), by scrambled Sobol' points with a fixed seed.

        ``error`` is the standard error of the mean from eight scrambles.
        """
        import polars as pl

        t = np.asarray(times, np.float64)
        if t.ndim != 1 or not np.isfinite(t).all() or (t < 0.0).any():
            raise CallError("times", rule="must be numbers of years, not below 0")
        held = level or self.level
        starts, ends = np.array([0.0, *self.cuts]), np.array([*self.cuts, math.inf])
        inside = np.clip(np.minimum(t[:, None], ends) - starts, 0.0, None)  # (times, pieces)
        parts = [np.exp(-np.exp(self._log_hazards(draws // 8, seed)) @ inside.T) for seed in range(8)]
        means = np.array([p.mean(axis=0) for p in parts])
        low, high = np.quantile(np.concatenate(parts), [(1.0 - held) / 2.0, (1.0 + held) / 2.0], axis=0)
        return pl.DataFrame(
            {"time": t, "mean": means.mean(axis=0), "low": low, "high": high, "error": means.std(axis=0, ddof=1) / math.sqrt(8)}
        )

    def _log_hazards(self, n: int, seed: int) -> FloatArray:
        from scipy.stats import qmc

        u = np.clip(qmc.Sobol(len(self.pieces) + 1, seed=seed).random(n), 1e-12, 1.0 - 1e-12)
        which = np.minimum(np.searchsorted(np.cumsum(self.shares), u[:, 0]), len(self.shares) - 1)
        out = np.empty((n, len(self.pieces)))
        for s, pieces in enumerate(self.slices):
            here = which == s
            for j, grid in enumerate(pieces):
                out[here, j] = np.interp(u[here, j + 1], grid.below, grid.x)
        return np.minimum(out, 30.0)


def exposure(patients: Patients, cuts: Sequence[float], *, arm: str | None = None) -> tuple[IntArray, FloatArray]:
    """Events and years of follow-up of one arm in each piece (from 0 to the first cut, between cuts, after the last).

    An event at a cut counts in the piece that ends there, as the follow-up does.
    """
    rising = _checked_cuts(cuts)
    chosen = patients if arm is None else patients.for_arm(arm)
    starts, ends = np.array([0.0, *rising]), np.array([*rising, math.inf])
    entry = np.zeros(chosen.time.size) if chosen.entry is None else chosen.entry
    years = np.clip(np.minimum(chosen.time[:, None], ends) - np.maximum(entry[:, None], starts), 0.0, None)
    place = np.searchsorted(np.array(rising), chosen.time, side="left")
    events = np.bincount(place[chosen.event > 0], minlength=len(starts))
    return np.asarray(events, np.int64), np.asarray(years.sum(axis=0), np.float64)


def map_prior_piecewise(
    events: Sequence[Sequence[int]] | IntArray,
    years: Sequence[Sequence[float]] | FloatArray,
    *,
    cuts: Sequence[float],
    tau: TauPrior | None = None,
    shared_tau: bool = False,
    mean_prior: tuple[float, float] = RATE_MEAN,
    level: float = 0.95,
    base: Trail | None = None,
) -> PiecewisePrior:
    """Predictive prior of the hazards between ``cuts`` (years) from ``events`` and ``years`` (studies, pieces).

    A study without follow-up in a piece says nothing of it. ``tau`` defaults to half-normal(0.5); with ``shared_tau`` one tau
    serves all pieces. ``mean_prior`` belongs to each piece's mean log hazard a year.

    Raises :class:`DataError` for counts that cannot be, :class:`RefusedError` for a piece without any follow-up.

    >>> found = map_prior_piecewise([[6, 2], [9, 1]], [[20.0, 25.0], [24.0, 40.0]], cuts=[1.0], shared_tau=True)
    >>> [round(p.median, 2) for p in found.pieces]
    [0.33, 0.05]
    """
    chosen, rising = tau or half_normal(0.5), _checked_cuts(cuts)
    d, t = np.asarray(events, np.float64), np.asarray(years, np.float64)
    if d.ndim != 2 or d.shape != t.shape or d.shape[1] != len(rising) + 1 or not d.shape[0]:
        raise CallError(
            f"events, years of shape {d.shape}, {t.shape}", rule=f"must be (studies, {len(rising) + 1} pieces), at least one study"
        )
    bad = ~(np.isfinite(d) & np.isfinite(t) & (d >= 0.0) & (d == np.floor(d)) & (t >= 0.0) & ((t > 0.0) | (d == 0.0)))
    if bad.any():
        rule = "events must be whole and not negative, years not negative, and above 0 where there are events"
        raise DataError(
            problems=[
                Problem(f"events = {d[i, j]:g} in {t[i, j]:g} years", f"study {i + 1}, piece {j + 1}", rule) for i, j in np.argwhere(bad)
            ]
        )
    if empty := [j + 1 for j in range(d.shape[1]) if not t[:, j].any()]:
        raise RefusedError(f"piece {empty[0]} has no follow-up in any study", rule="its hazard is not seen", cure="Leave out the last cuts")
    check_mean_prior(mean_prior)
    counts = [poisson_counts(d[t[:, j] > 0.0, j], t[t[:, j] > 0.0, j]) for j in range(d.shape[1])]
    if not math.isfinite(chosen.scale):
        raise RefusedError(f"a {chosen.words()} prior on tau", rule="must be proper here", cure="Give it a bound, or use half-normal")
    got, slices, shares = _shared(counts, chosen, mean_prior) if shared_tau else _apart(counts, chosen, mean_prior)
    pieces = tuple(
        _piece(g, start, end, int((t[:, j] > 0.0).sum()), int(d[:, j].sum()), float(t[:, j].sum()), level)
        for j, (g, start, end) in enumerate(zip(got, (0.0, *rising), (*rising, None), strict=True))
    )
    told = f"tau ~ {chosen.words()}, {'shared by all pieces' if shared_tau else 'its own for each piece'}"
    before = base or Trail(method="")
    none = [
        f"piece {j + 1} has no event in any study: its hazard rests on the prior of the mean"
        for j in range(len(pieces))
        if not d[:, j].any()
    ]
    return PiecewisePrior(
        trail=replace(
            before,
            method="meta-analytic predictive prior of piecewise-exponential log hazards by quadrature, exact Poisson likelihood",
            reference=_REFERENCE,
            assumptions=(
                *before.assumptions,
                f"the next study is exchangeable with the {d.shape[0]} used "
                f"({told}; mean log hazard ~ N({mean_prior[0]:g}, {mean_prior[1]:g}^2))",
            ),
        ),
        warnings=((ONE_STUDY,) if d.shape[0] == 1 else ()) + tuple(none),
        cuts=rising,
        k=int(d.shape[0]),
        level=level,
        tau_prior=told,
        shared_tau=shared_tau,
        tau_mean=pieces[0].tau_mean if shared_tau else None,
        pieces=pieces,
        slices=slices,
        shares=shares,
    )


Parts = tuple[list[CountPosterior], tuple[tuple[Gridded, ...], ...], tuple[float, ...]]


def _apart(counts: list[Counts], prior: TauPrior, mean_prior: tuple[float, float]) -> Parts:
    got = [count_posterior(c, prior=prior, mean_prior=mean_prior) for c in counts]
    return got, (tuple(_grid(g) for g in got),), (1.0,)


def _shared(counts: list[Counts], prior: TauPrior, mean_prior: tuple[float, float]) -> Parts:
    nodes = tau_nodes(prior, min(float(c.units.min()) for c in counts))
    first = [count_posterior(c, prior=prior, mean_prior=mean_prior, nodes=nodes) for c in counts]
    log_l = np.sum([f.log_marginal for f in first], axis=0)
    raw = nodes.weights * np.exp(log_l - log_l.max())
    masses = raw / raw.sum()
    got = [count_posterior(c, prior=prior, mean_prior=mean_prior, nodes=nodes, weigh=masses) for c in counts]
    if max(g.faint for g in got) > MOST_FAINT:
        raise contradiction(prior, mean_prior)
    slice_of = np.minimum((_SLICES * (np.cumsum(masses) - masses / 2.0)).astype(int), _SLICES - 1)
    slices, shares = [], []
    for s in np.unique(slice_of):
        held = np.where(slice_of == s, masses, 0.0)
        share = float(held.sum())
        if share > 0.0:
            parts = [count_posterior(c, prior=prior, mean_prior=mean_prior, nodes=nodes, weigh=held / share) for c in counts]
            slices.append(tuple(_grid(p) for p in parts))
            shares.append(share)
    return got, tuple(slices), tuple(shares)


def _grid(got: CountPosterior) -> Gridded:
    """The part of the grid that holds probability."""
    held = np.flatnonzero((got.below > 1e-10) & (got.below < 1.0 - 1e-10))
    part = slice(max(int(held[0]) - 1, 0), int(held[-1]) + 2)
    return Gridded(x=got.theta[part], density=got.density[part], below=got.below[part])


def _piece(got: CountPosterior, start: float, end: float | None, k: int, events: int, years: float, level: float) -> Piece:
    grid = _grid(got)
    inside = grid.interval(level)
    return Piece(
        start=start, end=end, k=k, events=events, years=years, median=math.exp(grid.quantile(0.5)), low=math.exp(inside.low),
        high=math.exp(inside.high), tau_mean=float(got.masses @ got.nodes.taus), predictive=grid,
    )  # fmt: skip


def _checked_cuts(cuts: Sequence[float]) -> tuple[float, ...]:
    rising = tuple(float(c) for c in cuts)
    if any(not math.isfinite(c) for c in rising) or any(b <= a for a, b in zip((0.0, *rising), rising, strict=False)):
        raise CallError(f"cuts = {list(rising)}", rule="must be rising times above 0")
    return rising
