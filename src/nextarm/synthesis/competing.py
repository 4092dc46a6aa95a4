"""Competing events pooled together: relapse, treatment-related death and a residual, jointly with event-free survival.

``(x_i0, x_i1, ..., x_iC) ~ Multinomial(n_i, p_i)`` with category 0 event-free, ``log(p_ic / p_i0) = mu_c + lambda_c z_i``,
``z_i ~ N(0, 1)``: one factor of severity a cohort that loads on each cause with its own sign and size, so cohorts with more
relapses may have more or fewer toxic deaths. Pooled incidences and event-free survival sum to one by construction; counts
of 0 are used as they are. The likelihood is exact multinomial; z is integrated by adaptive Gauss-Hermite quadrature (Liu &
Pierce 1994, doi 10.1093/biomet/81.3.624), ``quadrature_error`` what doubling its nodes changes. Counts must be complete to
one horizon; with censoring before it use effective counts and say so. (Aggregate competing risks: Bonofiglio 2016, doi
10.1002/jrsm.1165.)

Fewer than three cohorts that report every cause are refused and named: one factor and its loadings cannot be seen in two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nextarm.core.errors import DataError, Problem, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import LeftOut, RowRef, Trail
from nextarm.core.units import FloatArray
from nextarm.evidence import Count, Outcome, Package
from nextarm.synthesis.estimates import two_sided_z

if TYPE_CHECKING:
    import polars as pl

FEWEST = 3
RESIDUAL = "other event"
EVENT_FREE = "event-free"
NODES = 61


@record
class CauseCounts:
    """First events of one cohort by ``time`` years: ``n`` patients, ``events`` by cause; a cause not reported is absent.

    ``any_event`` is the number with any first event where it is reported: what the named causes leave of it is the residual.
    ``rows``: the evidence rows of what was read from one, by cause, ``"any"`` and ``"n"``; ``row`` stands for the cohort.
    """

    label: str
    n: int
    events: dict[str, int] = field(default_factory=dict)
    any_event: int | None = None
    time: float | None = None
    row: RowRef | None = None
    rows: dict[str, RowRef] = field(default_factory=dict)


@record
class PooledIncidence:
    """One category's pooled probability with its interval; ``mu`` and ``loading`` on the logit against event-free."""

    cause: str
    estimate: float
    ci: Interval
    mu: float | None
    mu_se: float | None
    loading: float | None
    events: int


@record
class CompetingEvents(Result):
    """Pooled cumulative incidences and event-free survival of a typical cohort (z = 0); they sum to one.

    ``average`` holds the same probabilities averaged over cohorts, in the order of ``incidences``.
    """

    level: float
    k: int
    patients: int
    incidences: tuple[PooledIncidence, ...]
    average: FloatArray
    log_likelihood: float
    quadrature_error: float
    labels: tuple[str, ...]

    def incidence(self, cause: str) -> PooledIncidence:
        """The pooled category named ``cause``; :class:`DataError` if there is none."""
        for found in self.incidences:
            if found.cause == cause:
                return found
        raise DataError(f"cause = {cause!r}", rule=f"must be one of {', '.join(i.cause for i in self.incidences)}")

    def table(self) -> pl.DataFrame:
        """One row a category."""
        import polars as pl

        return pl.DataFrame(
            [
                {"cause": i.cause, "estimate": i.estimate, "ci_low": i.ci.low, "ci_high": i.ci.high, "events": i.events}
                for i in self.incidences
            ]
        )


def factor_likelihood(x: FloatArray, mu: FloatArray, loading: FloatArray, *, nodes: int = NODES) -> tuple[float, FloatArray]:
    """Log-likelihood of counts ``x`` (k, C + 1; column 0 event-free) and its gradient in (mu, loading).

    >>> value, _ = factor_likelihood(np.array([[2.0, 1.0]]), np.array([0.0]), np.array([0.0]))
    >>> round(math.exp(value), 12)  # binomial, 3 choose 1 / 8
    0.375
    """
    from scipy.special import gammaln, logsumexp

    n, events = x.sum(axis=1), x[:, 1:]

    def logits(z: FloatArray) -> FloatArray:
        return mu + loading * z[..., None]

    def shares(z: FloatArray) -> tuple[FloatArray, FloatArray]:
        eta = logits(z)
        log_total = logsumexp(np.concatenate([np.zeros((*eta.shape[:-1], 1)), eta], axis=-1), axis=-1)
        return np.exp(eta - log_total[..., None]), log_total

    peak = np.zeros(x.shape[0])
    for _ in range(100):
        p, _ = shares(peak)
        mean = p @ loading
        bend = 1.0 + n * ((p * loading**2).sum(axis=1) - mean**2)
        step = np.clip((events @ loading - n * mean - peak) / bend, -0.7, 0.7)
        peak = peak + step
        if np.abs(step).max() < 1e-11:
            break
    p, _ = shares(peak)
    width = np.sqrt(2.0 / (1.0 + n * ((p * loading**2).sum(axis=1) - (p @ loading) ** 2)))
    t, w = np.polynomial.hermite.hermgauss(nodes)
    z = peak[:, None] + width[:, None] * t
    p, log_total = shares(z)
    log_f = (events[:, None, :] * logits(z)).sum(axis=-1) - n[:, None] * log_total - 0.5 * z * z - 0.5 * math.log(2.0 * math.pi)
    log_f = log_f + np.log(w) + t * t + np.log(width)[:, None]
    log_l = logsumexp(log_f, axis=1)
    weight = np.exp(log_f - log_l[:, None])
    score = events[:, None, :] - n[:, None, None] * p
    gradient = np.concatenate([(weight[..., None] * score).sum(axis=(0, 1)), (weight[..., None] * score * z[..., None]).sum(axis=(0, 1))])
    chosen = gammaln(n + 1.0) - gammaln(x + 1.0).sum(axis=1)
    return float((log_l + chosen).sum()), gradient


def pool_competing(
    cohorts: Iterable[CauseCounts], *, causes: Sequence[str] = ("relapse", "TRM"), level: float = 0.95, base: Trail | None = None
) -> CompetingEvents:
    """Pool ``causes``, a residual (where cohorts report all first events) and event-free survival together.

    A cohort enters if it reports every cause. The residual is a category of its own if every such cohort reports
    ``any_event`` and any residual event happened. Raises :class:`DataError` for impossible counts, and
    :class:`RefusedError`, naming what each cohort reports, where fewer than three can enter or their times differ.

    >>> trials = [CauseCounts(label=str(i), n=50, events={"relapse": r, "TRM": t}) for i, (r, t) in enumerate([(20, 5), (15, 2), (25, 4)])]
    >>> found = pool_competing(trials)
    >>> round(sum(i.estimate for i in found.incidences), 12)
    1.0
    """
    z = two_sided_z(level)
    given = tuple(cohorts)
    _check(given)
    used = [c for c in given if all(cause in c.events for cause in causes)]
    out = [
        LeftOut(c.row or RowRef("cohorts", 0, c.label), f"does not report {', '.join(m for m in causes if m not in c.events)}")
        for c in given
        if c not in used
    ]
    if len(used) < FEWEST:
        shown = "; ".join(f"{c.label}: {', '.join(f'{e} {w}' for w, e in c.events.items()) or 'nothing'} of {c.n}" for c in given)
        raise RefusedError(
            f"{len(used)} cohorts report {' and '.join(causes)}", rule=f"at least {FEWEST} are needed to pool them together", cure=shown
        )
    times = sorted({c.time for c in used if c.time is not None})
    if len(times) > 1:
        raise RefusedError(
            f"counts by {', '.join(f'{t:g}' for t in times)} years", rule="are different quantities", cure="Give counts at one horizon"
        )
    residual = all(c.any_event is not None for c in used)
    rest = [(c.any_event or 0) - sum(c.events[m] for m in causes) if residual else 0 for c in used]
    names = [*causes, *([RESIDUAL] if residual and sum(rest) > 0 else [])]
    events = np.array(
        [[*(c.events[m] for m in causes), *([r] if len(names) > len(causes) else [])] for c, r in zip(used, rest, strict=True)]
    )
    x = np.column_stack([np.array([c.n for c in used]) - events.sum(axis=1), events]).astype(float)
    warnings = [f"{o.row.key} is not used: {o.reason}" for o in out]
    if not residual:
        warnings.append("not every cohort reports all first events: patients with other events count as event-free")
    if any(c.time is None for c in used):
        warnings.append("some cohorts do not state the time of their counts")
    fit = _fit(x, names, z, level, warnings)
    before = base or Trail(method="")
    return CompetingEvents(
        trail=replace(
            before,
            method="multinomial logits with one normal factor a cohort, exact likelihood by adaptive quadrature",
            reference="10.1002/jrsm.1165",
            rows=tuple(c.row or RowRef("cohorts", 0, c.label) for c in used),
            left_out=(*before.left_out, *out),
        ),
        warnings=tuple(warnings),
        level=level,
        k=len(used),
        patients=int(x.sum()),
        incidences=fit[0],
        average=fit[1],
        log_likelihood=fit[2],
        quadrature_error=fit[3],
        labels=tuple(c.label for c in used),
    )


def _check(cohorts: tuple[CauseCounts, ...]) -> None:
    problems = []
    for c in cohorts:
        total = sum(c.events.values())
        if c.n < 1 or any(e < 0 for e in c.events.values()) or total > c.n:
            problems.append(Problem(f"{total} events of n = {c.n}", c.label, "must be 0 to n"))
        elif c.any_event is not None and not total <= c.any_event <= c.n:
            problems.append(Problem(f"any_event = {c.any_event}", c.label, f"must lie between the causes' sum {total} and n = {c.n}"))
    if problems:
        raise DataError(problems=problems)


def _fit(
    x: FloatArray, names: list[str], z: float, level: float, warnings: list[str]
) -> tuple[tuple[PooledIncidence, ...], FloatArray, float, float]:
    """Maximise over the categories that occur; those without any event stand at 0 with an exact upper limit."""
    from scipy.optimize import minimize

    from nextarm.synthesis.proportions import clopper_pearson

    total = x.sum(axis=0)
    alive = np.flatnonzero(total[1:] > 0.0)
    if total[0] == 0.0:
        raise RefusedError("no patient is event-free", rule="the logits need event-free patients as their reference")
    zero = [names[i] for i in range(len(names)) if i not in alive]
    warnings += [f"no {name} in any cohort: its incidence is 0, with the exact limit of the summed counts" for name in zero]
    C = alive.size
    counts = np.column_stack([x[:, 0], x[:, 1 + alive]])
    mu, loading = np.zeros(0), np.zeros(0)
    covariance: FloatArray = np.zeros((0, 0))
    value, error = 0.0, 0.0
    if C:
        start = np.log(total[1 + alive] / total[0])

        def loss(b: FloatArray) -> tuple[float, FloatArray]:
            v, g = factor_likelihood(counts, b[:C], b[C:])
            return -v, -g

        # One factor has a free sign, and its likelihood several maxima: start along each pattern of signs that differs.
        patterns = [np.array([1.0, *s]) for s in _signs(C - 1)]
        tops = [minimize(loss, np.concatenate([start, 0.3 * s]), jac=True, method="BFGS", options={"gtol": 1e-9}) for s in patterns]
        best = min(tops, key=lambda r: float(r.fun))
        b = _newton(lambda q: loss(q)[1], np.asarray(best.x, np.float64))
        flat_value = factor_likelihood(counts, start, np.zeros(C))[0]
        if -loss(b)[0] <= flat_value + 1e-9:
            b = np.concatenate([start, np.zeros(C)])
            warnings.append("cohorts differ no more than chance: the loadings are 0")
        mu, loading = b[:C], b[C:]
        value = -loss(b)[0]
        error = abs(factor_likelihood(counts, mu, loading, nodes=2 * NODES)[0] - value)
        hessian = _jacobian(lambda q: loss(q)[1], b)
        # At loadings of 0 the means alone have information: the likelihood is even in the loadings.
        information = np.linalg.pinv(hessian)[:C, :C] if np.any(loading) else np.linalg.inv(hessian[:C, :C])
        covariance = np.asarray(information, np.float64)
    p = np.concatenate([[1.0], np.exp(mu)]) / (1.0 + np.exp(mu).sum())
    J = np.diag(p)[:, 1:] - np.outer(p, p[1:])
    se = np.sqrt(np.maximum(np.einsum("ic,cd,id->i", J, covariance, J), 0.0))
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    odds = np.exp(mu + loading * nodes[:, None])
    whole = np.column_stack([np.ones(nodes.size), odds])
    mean = (weights / weights.sum()) @ (whole / whole.sum(axis=1, keepdims=True))
    rows, average = [], []
    patients = int(x.sum())
    for j, name in enumerate([EVENT_FREE, *names]):
        found = np.flatnonzero(alive == j - 1)
        at = 0 if j == 0 else int(found[0]) + 1 if found.size else None
        if at is None:
            low, high = clopper_pearson(0, patients, level=level)
            ci = Interval(low=low, high=high, level=level)
            rows.append(PooledIncidence(cause=name, estimate=0.0, ci=ci, mu=None, mu_se=None, loading=None, events=0))
            average.append(0.0)
            continue
        share = float(p[at])
        half = z * float(se[at]) / (share * (1.0 - share)) if share < 1.0 else 0.0
        centre = math.log(share / (1.0 - share)) if share < 1.0 else math.inf
        ci = Interval(low=_expit(centre - half), high=_expit(centre + half), level=level)
        own = None if at == 0 else at - 1
        rows.append(
            PooledIncidence(
                cause=name,
                estimate=share,
                ci=ci,
                mu=None if own is None else float(mu[own]),
                mu_se=None if own is None else math.sqrt(float(covariance[own, own])),
                loading=None if own is None else float(loading[own]),
                events=int(total[j]),
            )
        )
        average.append(float(mean[at]))
    return tuple(rows), np.array(average), value, error


def _signs(m: int) -> NDArray[np.float64]:
    return np.array(np.meshgrid(*([[1.0, -1.0]] * m))).reshape(m, -1).T if m else np.zeros((1, 0))


def _expit(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value)) if value > -700.0 else 0.0


def _jacobian(gradient: Callable[[FloatArray], FloatArray], b: FloatArray) -> FloatArray:
    """Central fourth-order differences of a gradient, made symmetric."""
    h = 1e-3
    columns = []
    for e in np.eye(b.size):
        far, near = gradient(b + 2 * h * e) - gradient(b - 2 * h * e), gradient(b + h * e) - gradient(b - h * e)
        columns.append((8.0 * near - far) / (12.0 * h))
    J: FloatArray = np.array(columns)
    return (J + J.T) / 2.0


def _newton(gradient: Callable[[FloatArray], FloatArray], b: FloatArray) -> FloatArray:
    """Two polishing steps where the curvature allows them."""
    for _ in range(3):
        J = _jacobian(gradient, b)
        if np.linalg.eigvalsh(J)[0] <= 1e-8:
            break
        b = b - np.linalg.solve(J, gradient(b))
    return b


#: Words of the evidence tables for each cause. Deaths in induction, and after transplant only, are parts of TRM and not it.
EVIDENCE_WORDS: dict[str, tuple[str, ...]] = {"relapse": ("relapse",), "TRM": ("treatment_related_death", "death_in_CR")}


def cause_counts(package: Package, *, pool_set: str) -> tuple[CauseCounts, ...]:
    """What each arm of ``pool_set`` reports of relapse, death in remission and any event; arms with none of it too.

    The first complete row (events and n) of each cause counts. Evidence rows state no horizon: ``time`` stays None.
    """
    found = []
    for arm in (a for a in package.arms if a.pool_set == pool_set):
        rows = [c for c in package.counts if c.arm_id == arm.arm_id and c.events is not None and c.n]
        read = {cause: next((c for c in rows if c.what in words), None) for cause, words in EVIDENCE_WORDS.items()}
        read["any"] = next((c for c in rows if c.what == "event"), None)
        given = {name: c for name, c in read.items() if c is not None}
        largest = max(given.values(), key=lambda c: c.n or 0, default=None)
        n = arm.n or 0 if largest is None else largest.n or 0
        if n < 1:
            continue
        if largest is None:  # the arm's own row names no source: one that prints the same n does
            printed: list[Count | Outcome] = [*package.counts, *package.outcomes]
            same = [r for r in printed if r.arm_id == arm.arm_id and r.n == arm.n and r.source_id]
            size = package.ref(same[0] if same else arm)
        else:
            size = package.ref(largest)
        events = {name: int(c.events or 0) for name, c in given.items()}
        total = events.pop("any", None)
        refs = {name: package.ref(c) for name, c in given.items()} | {"n": size}
        first = next((refs[cause] for cause in events), None)
        label = f"{package.study_of(arm).name}, {arm.label}"
        found.append(CauseCounts(label=label, n=int(n), events=events, any_event=total, row=first, rows=refs))
    return tuple(found)
