"""From disease-free survival after remission to event-free survival from diagnosis, with the term between them shown.

``EFS(t + r) = P(remission) x DFS(t)``: a patient who dies in induction or does not reach remission has an event that DFS never
sees, and DFS starts ``r`` years later. ``P(remission)`` has its own uncertainty, a beta distribution from counts, independent of
DFS. Nothing converts one into the other silently.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import numpy as np

from nextarm.borrowing.gridded import Gridded
from nextarm.borrowing.map_prior import MapPrior
from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import RowRef, Source
from nextarm.core.units import FloatArray
from nextarm.evidence import Package
from nextarm.survival.gauss import legendre_nodes

_NODES = 64
#: What the evidence calls reaching remission, in the order they are looked for.
REMISSION = ("CR_end_induction", "CR")


@record
class InductionTerm:
    """Patients without remission (induction failure or early death) among all who started, and where that was read."""

    failed: int
    n: int
    remission_at: float
    mean: float
    low: float
    high: float
    label: str
    row: RowRef | None = None
    source: Source | None = None


@record
class EfsPrior(Result):
    """The three parts: the prior of DFS, the term for induction, and their product, the prior of EFS at ``time`` years."""

    time: float
    dfs_mean: float | None
    dfs_ci: Interval
    induction: InductionTerm
    mean: float
    ci: Interval
    prior: MapPrior

    shown: ClassVar[tuple[str, ...]] = ("time", "mean", "ci_low", "ci_high", "dfs_mean", "dfs_ci_low", "dfs_ci_high")


def induction_term(failed: int, n: int, *, remission_at: float, label: str = "", level: float = 0.95) -> InductionTerm:
    """The term from counts: ``failed`` of ``n`` had no remission, which is reached ``remission_at`` years after diagnosis.

    The share in remission is Beta(n - failed + 1, failed + 1).

    >>> term = induction_term(20, 297, remission_at=0.1)
    >>> round(term.mean, 3), round(term.low, 3), round(term.high, 3)
    (0.93, 0.898, 0.956)
    """
    from scipy.special import betaincinv

    if int(failed) != failed or int(n) != n or not 0 <= failed <= n or n < 1:
        raise DataError(f"{failed} of {n} without remission", rule="must be whole, 0 <= failed <= n, n at least 1")
    if not (math.isfinite(remission_at) and 0.0 <= remission_at <= 1.0):
        raise CallError(
            f"remission_at = {remission_at}", rule="must be years from diagnosis to remission, 0 to 1", cure="0.1 is five weeks"
        )
    a, b = n - failed + 1.0, failed + 1.0
    tail = (1.0 - level) / 2.0
    return InductionTerm(
        failed=int(failed), n=int(n), remission_at=float(remission_at), mean=a / (a + b), low=float(betaincinv(a, b, tail)),
        high=float(betaincinv(a, b, 1.0 - tail)), label=label or f"{failed} of {n} without remission",
    )  # fmt: skip


def induction_term_of(package: Package, arm: str, *, remission_at: float, level: float = 0.95) -> InductionTerm:
    """The term from an arm's counts of remissions in the evidence; :class:`RefusedError` where it has none with a denominator."""
    package.arm(arm)
    rows = [c for c in package.counts if c.arm_id == arm and c.events is not None and c.n is not None]
    for what in REMISSION:
        found = [c for c in rows if c.what == what]
        if len(found) == 1:
            row = found[0]
            assert row.events is not None
            assert row.n is not None
            made = induction_term(
                row.n - row.events, row.n, remission_at=remission_at, level=level, label=f"{arm}: {row.events} of {row.n} reached remission"
            )
            return replace(made, row=package.ref(row), source=package.source(row.source_id))
    counted = sorted({c.what for c in rows})
    raise RefusedError(
        f"{arm} has no count of remissions with its denominator",
        rule=f"one row of {' or '.join(REMISSION)} is needed",
        cure=f"It counts {', '.join(counted) or 'nothing'}; give failures and patients as 20/297 instead",
    )


def induction_of_text(text: str, remission_at: float | None, package: Callable[[], Package]) -> InductionTerm | None:
    """Read ``FAILED/N`` or the name of an arm of ``package``; None for an empty text, :class:`CallError` where half is missing."""
    if not text:
        if remission_at is not None:
            raise CallError("remission_at", rule="belongs to no_remission", cure="Give --no-remission FAILED/N or an arm")
        return None
    if remission_at is None:
        raise CallError("no_remission", rule="needs the years from diagnosis to remission", cure="Add --remission-at 0.1")
    failed, slash, n = text.partition("/")
    if not slash:
        return induction_term_of(package(), text, remission_at=remission_at)
    try:
        return induction_term(int(failed), int(n), remission_at=remission_at)
    except ValueError:
        raise CallError(f"no_remission = {text!r}", rule="must be FAILED/N, such as 20/297, or an arm") from None


def efs_from_dfs(
    dfs: MapPrior, term: InductionTerm, *, time: float, time_origin: str, assume_origin: bool = False, level: float = 0.95
) -> EfsPrior:
    """The prior of EFS from diagnosis, ``term.remission_at`` years after the DFS's own ``time``.

    ``time_origin`` is the DFS's: ``remission``; ``not-stated`` needs ``assume_origin`` (recorded); any other
    is refused, because what it would count twice is not known.
    """
    if dfs.measure not in ("cloglog", "logit"):
        raise CallError(f"a prior on the {dfs.measure} scale", rule="must be of a survival probability")
    assumed: tuple[str, ...] = ()
    if time_origin != "remission":
        if time_origin != "not-stated" or not assume_origin:
            cure = "Use --assume-origin if it starts at remission" if time_origin == "not-stated" else "Use the row as it is"
            raise RefusedError(f"the DFS counts from {time_origin}", rule="must count from remission for this term", cure=cure)
        assumed = ("the time origin of DFS is not stated: taken to be remission",)
    p, w = _beta_nodes(term.n - term.failed + 1.0, term.failed + 1.0)
    points = np.linspace(0.0, 1.0, 1203)[1:-1]
    theta = np.log(points / (1.0 - points))
    lower = np.linspace(math.log(1e-9), theta[0], 60)[:-1]
    upper = np.linspace(theta[-1], -math.log(1e-9), 60)[1:]
    theta = np.concatenate([lower, theta, upper])
    x = 1.0 / (1.0 + np.exp(-theta))
    below = w @ _survival_cdf(dfs, x / p[:, None])
    below = np.maximum.accumulate(np.clip(below, 0.0, 1.0))
    density = np.maximum(np.gradient(below, theta), 0.0)
    grid = Gridded(x=theta, density=density, below=below)
    value, mass = 1.0 / (1.0 + np.exp(-(theta[1:] + theta[:-1]) / 2.0)), np.diff(below)
    mass = mass / mass.sum()
    mean = float(mass @ value)
    exact = dfs.mean * term.mean if dfs.mean is not None else mean
    sd = math.sqrt(float(mass @ (value - mean) ** 2))
    inside = grid.interval(level)
    low, high = (1.0 / (1.0 + math.exp(-v)) for v in (inside.low, inside.high))
    after = time + term.remission_at
    said = (
        f"EFS at {after:g} years from diagnosis = P(remission) x DFS at {time:g} years from remission",
        f"P(remission) {term.mean:.3f} ({term.low:.3f} to {term.high:.3f}) from {term.label}; independent of DFS",
        f"remission is reached {term.remission_at:g} years after diagnosis",
        *assumed,
    )
    rows = (*dfs.trail.rows, *((term.row,) if term.row else ()))
    sources = tuple(dict.fromkeys((*dfs.trail.sources, *((term.source,) if term.source else ()))))
    trail = replace(
        dfs.trail,
        method=f"{dfs.trail.method}; times the share that reaches remission",
        rows=rows,
        sources=sources,
        assumptions=(*dfs.trail.assumptions, *said),
    )
    ci = Interval(low=low, high=high, level=level, kind="predictive")
    prior = replace(
        dfs, trail=trail, measure="logit", mean=exact, sd=sd, median=1.0 / (1.0 + math.exp(-grid.quantile(0.5))), ci=ci, predictive=grid,
        level=level, theta_mean=None, theta_sd=None, mu_mean=None, mu_sd=None,
    )  # fmt: skip
    return EfsPrior(
        trail=trail, warnings=dfs.warnings, time=after, dfs_mean=dfs.mean, dfs_ci=dfs.ci, induction=term, mean=exact, ci=ci, prior=prior
    )


def _survival_cdf(dfs: MapPrior, s: FloatArray) -> FloatArray:
    """``dfs.cdf`` for many values at once; 1 at and above 1."""
    inside = np.clip(s, 1e-300, 1.0 - 1e-16)
    rising = dfs.measure == "logit"
    on = np.log(inside) - np.log1p(-inside) if rising else np.log(-np.log(inside))
    below = dfs.predictive.cdf(on)
    return np.where(s >= 1.0, 1.0, below if rising else 1.0 - below)


def _beta_nodes(a: float, b: float) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes over the middle of a beta distribution with their probabilities."""
    from scipy.special import betaincinv, betaln, xlog1py, xlogy

    low, high = float(betaincinv(a, b, 1e-12)), float(betaincinv(a, b, 1.0 - 1e-12))
    x, w = legendre_nodes(_NODES)
    p = low + (high - low) * (x + 1.0) / 2.0
    mass = w * np.exp(xlogy(a - 1.0, p) + xlog1py(b - 1.0, -p) - betaln(a, b))
    return np.asarray(p, np.float64), np.asarray(mass / mass.sum(), np.float64)
