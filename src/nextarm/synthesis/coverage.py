"""How often do the intervals of pooling hold what they claim? Simulated with few studies of realistic sizes.

Each repeat draws k studies: sizes log-uniform from 30 to 300 patients, true logits ``N(logit 0.42, tau^2)``, events
binomial; each is put on the logit scale by the delta method and pooled by REML. Counted is how often an interval holds
the true mean, and how often a prediction interval holds the true value of one further study. Every repeat is pooled by
every method, so methods are compared on the same data. ``sampling="normal"`` draws the estimates from a normal with the
variance the pooling is given: what is then missing is the method's own, not the approximation's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.random import block_stream
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival.gauss import legendre_nodes
from nextarm.synthesis.many import pool_many

if TYPE_CHECKING:
    import polars as pl

REPEATS, KS, TAUS = 4_000, (3, 5, 10, 20), (0.0, 0.2, 0.4)
SURVIVAL, SMALLEST, LARGEST = 0.42, 30, 300
#: Scale of the half-normal prior on tau of the Bayesian intervals.
PRIOR_SCALE = 0.5
MEAN_INTERVALS: tuple[str, ...] = ("wald", "hartung-knapp", "ad-hoc", "bayesian")
NEW_STUDY_INTERVALS: tuple[str, ...] = ("normal", "t(k-1)", "t(k-2)", "bayesian prediction")
_NODES = 80


@record
class CoverageRow:
    """Counts out of ``repeats`` at one number of studies and one tau; rates and errors are derived."""

    k: int
    tau: float
    interval: str
    held: int
    repeats: int
    mean_width: float

    @property
    def coverage(self) -> float:
        """Share of intervals that hold the truth."""
        return self.held / self.repeats

    @property
    def error(self) -> float:
        """Monte-Carlo standard error of the share."""
        return math.sqrt(max(self.coverage * (1.0 - self.coverage), 0.25 / self.repeats) / self.repeats)


@record
class Coverage(Result):
    """The whole table, one row a number of studies, tau and interval. Widths are on the logit scale."""

    level: float
    sampling: str
    rows: tuple[CoverageRow, ...]

    def row(self, k: int, tau: float, interval: str) -> CoverageRow:
        """The row of these three; :class:`CallError` where there is none."""
        for r in self.rows:
            if (r.k, r.tau, r.interval) == (k, tau, interval):
                return r
        raise CallError(f"k = {k}, tau = {tau}, interval = {interval!r}", rule="is not in this table")

    def table(self) -> pl.DataFrame:
        """One row an interval with its coverage and Monte-Carlo standard error."""
        import polars as pl

        return pl.DataFrame(
            [
                {"k": r.k, "tau": r.tau, "interval": r.interval, "coverage": r.coverage, "error": r.error, "mean_width": r.mean_width}
                for r in self.rows
            ]
        )


def draw(
    k: int, tau: float, *, repeats: int, seed: int, sampling: str, survival: float = SURVIVAL
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw estimates (repeats, k), their variances, and the true value of one further study a repeat (repeats)."""
    random = block_stream(seed, 1000 * k + round(100 * tau))
    mu = math.log(survival / (1.0 - survival))
    n = np.rint(np.exp(random.uniform(math.log(SMALLEST), math.log(LARGEST), (repeats, k))))
    theta = mu + tau * random.standard_normal((repeats, k))
    new = mu + tau * random.standard_normal(repeats)
    p = 1.0 / (1.0 + np.exp(-theta))
    if sampling == "normal":
        v = 1.0 / (n * survival * (1.0 - survival))
        return theta + np.sqrt(v) * random.standard_normal((repeats, k)), v, new
    # A study of no or all events has no logit; at these sizes that is rarer than one in a million, and it is drawn in.
    x = np.clip(random.binomial(n.astype(np.int64), p), 1, n - 1)
    return np.log(x / (n - x)), n / (x * (n - x)), new


def posterior_shares(y: FloatArray, v: FloatArray, at: FloatArray, *, new_study: bool) -> FloatArray:
    """Posterior probability (B, m) that the mean (or a new study) is at most ``at`` (B, m); tau ~ half-normal, mean flat.

    The fast twin of :func:`~nextarm.synthesis.bayes.tau_mixture` on many data sets at once.
    """
    from scipy.special import ndtr

    nodes, gauss = legendre_nodes(_NODES)
    taus, steps = 3.0 * PRIOR_SCALE * (nodes + 1.0), 3.0 * PRIOR_SCALE * gauss
    log_weights, means, variances = [], [], []
    for tau, step in zip(taus, steps, strict=True):
        w = 1.0 / (v + tau * tau)
        total = w.sum(axis=1)
        mean = (w * y).sum(axis=1) / total
        quadratic = (w * (y - mean[:, None]) ** 2).sum(axis=1)
        log_weights.append(0.5 * (np.log(w).sum(axis=1) - np.log(total) - quadratic) - 0.5 * (tau / PRIOR_SCALE) ** 2 + math.log(step))
        means.append(mean)
        variances.append(1.0 / total + (tau * tau if new_study else 0.0))
    log_weight = np.array(log_weights)
    weight = np.exp(log_weight - log_weight.max(axis=0))
    weight = weight / weight.sum(axis=0)
    shares = np.zeros(at.shape)
    for w, m, s in zip(weight, means, variances, strict=True):
        shares += w[:, None] * ndtr((at - m[:, None]) / np.sqrt(s)[:, None])
    return shares


def posterior_limits(y: FloatArray, v: FloatArray, *, new_study: bool, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Central credible limits (B), by bisection to 1e-9."""
    tails = np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    low = np.repeat(y.min(axis=1)[:, None] - 10.0, 2, axis=1)
    high = np.repeat(y.max(axis=1)[:, None] + 10.0, 2, axis=1)
    for _ in range(35):
        middle = (low + high) / 2.0
        below = posterior_shares(y, v, middle, new_study=new_study) < tails
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return low[:, 0], high[:, 1]


def simulate_coverage(
    *,
    ks: Sequence[int] = KS,
    taus: Sequence[float] = TAUS,
    repeats: int = REPEATS,
    seed: int = 20,
    sampling: Literal["binomial", "normal"] = "binomial",
    level: float = 0.95,
    bayesian: bool = True,
) -> Coverage:
    """Simulate the coverage of every interval at every ``ks`` and ``taus``; the same seed gives the same table.

    ``bayesian=False`` leaves the Bayesian intervals out, which take most of the time. Raises :class:`CallError` for fewer
    than three studies, a tau below 0 or no repeats.

    >>> few = simulate_coverage(ks=(5,), taus=(0.2,), repeats=200)
    >>> 0.8 < few.row(5, 0.2, "hartung-knapp").coverage <= 1.0
    True
    """
    if repeats < 1 or min(ks, default=0) < 3 or min(taus, default=-1.0) < 0.0:
        raise CallError(f"repeats = {repeats}, ks = {tuple(ks)}, taus = {tuple(taus)}", rule="need 1 repeat, 3 studies, tau of 0 or more")
    if sampling not in ("binomial", "normal"):
        raise CallError(f"sampling = {sampling!r}", rule="must be binomial or normal")
    mu = math.log(SURVIVAL / (1.0 - SURVIVAL))
    truth = np.full(repeats, mu)
    rows: list[CoverageRow] = []

    def add(k: int, tau: float, name: str, low: FloatArray, high: FloatArray, true: FloatArray) -> None:
        held = int(((low <= true) & (true <= high)).sum())
        rows.append(CoverageRow(k=k, tau=tau, interval=name, held=held, repeats=repeats, mean_width=float((high - low).mean())))

    for k in ks:
        for tau in taus:
            y, v, new = draw(k, tau, repeats=repeats, seed=seed, sampling=sampling)
            for interval in ("wald", "hartung-knapp", "ad-hoc"):
                many = pool_many(y, v, interval=interval, level=level)
                add(k, tau, interval, many.low, many.high, truth)
            if bayesian:
                add(k, tau, "bayesian", *posterior_limits(y, v, new_study=False, level=level), truth)
            for name, interval in (("normal", "wald"), ("t(k-1)", "hartung-knapp"), ("t(k-2)", "hartung-knapp")):
                many = pool_many(y, v, interval=interval, prediction=name, level=level)
                add(k, tau, name, many.prediction_low, many.prediction_high, new)
            if bayesian:
                add(k, tau, "bayesian prediction", *posterior_limits(y, v, new_study=True, level=level), new)
    return Coverage(
        trail=Trail(
            method=f"simulation of {repeats:,} repeats a row, {sampling} sampling, REML",
            reference="10.1186/s12874-015-0091-1",
            assumptions=(f"survival {SURVIVAL}, sizes log-uniform from {SMALLEST} to {LARGEST} patients, normal heterogeneity of logits",),
            seed=seed,
        ),
        level=level,
        sampling=sampling,
        rows=tuple(rows),
    )


def coverage_page(found: Coverage) -> str:
    """The table as a Markdown page."""
    head = [
        "# Coverage of the intervals of pooling",
        "",
        f"Nominal {found.level:.2f}. {found.trail.method}; {found.trail.assumptions[0]}; seed {found.trail.seed}. Monte-Carlo standard",
        f"error at nominal {math.sqrt(found.level * (1 - found.level) / found.rows[0].repeats):.4f}. Written by",
        "`nextarm.synthesis.coverage.write_coverage_page`, which gives the same page again.",
    ]
    body: list[str] = []
    for title, names in (("The mean", MEAN_INTERVALS), ("One further study (prediction)", NEW_STUDY_INTERVALS)):
        body += ["", f"## {title}", "| k | tau | " + " | ".join(f"{n} | width" for n in names) + " |", "|---" * (2 + 2 * len(names)) + "|"]
        for k, tau in dict.fromkeys((r.k, r.tau) for r in found.rows):
            cells = [f"{(r := found.row(k, tau, n)).coverage:.3f} | {r.mean_width:.2f}" for n in names]
            body.append(f"| {k} | {tau:.1f} | " + " | ".join(cells) + " |")
    tail = [
        "",
        "Widths are means on the logit scale. The ad hoc interval never holds less than the plain one: it is conservative with few",
        f"studies. Bayesian: tau half-normal({PRIOR_SCALE}), mean flat. Prediction on t uses the plain Hartung-Knapp standard error; the",
        "`normal` one the Wald standard error.",
        "",
    ]
    return "\n".join([*head, *body, *tail])


def write_coverage_page(path: str = "docs/validation-synthesis.md") -> Coverage:
    """Run :func:`simulate_coverage` as it stands (some minutes) and write its table to ``path``; return the table."""
    from pathlib import Path

    found = simulate_coverage()
    Path(path).write_text(coverage_page(found), encoding="utf-8")
    return found
