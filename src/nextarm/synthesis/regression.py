"""Meta-regression: the pooled level as a line in study-level numbers, with an exact or Monte-Carlo permutation p.

``y_i = b0 + b1 (x_i - centre) / unit + u_i + e_i`` on the scale of pooling, tau2 by the estimator chosen, coefficients
by weighted least squares, standard errors by Knapp & Hartung 2003 (doi 10.1002/sim.1482) on t(k - p). ``year`` (mid-year
of enrolment) counts in decades. The permutation test deals the moderator values out anew to the studies, all k! ways
where that is feasible, and compares |t| (Higgins & Thompson 2004, doi 10.1002/sim.1752).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.random import block_stream
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import LeftOut, Trail
from nextarm.core.units import FloatArray
from nextarm.synthesis.estimates import ScaledEstimate, StudyEstimate, cautions_of, extend, row_of, scale_all, two_sided_z
from nextarm.synthesis.many import permutation_statistics
from nextarm.synthesis.pool import INTERVALS, PooledStudy, check_choice, chi2_tail, hartung_knapp_factor, t_quantile, weigh
from nextarm.synthesis.scales import scale
from nextarm.synthesis.tau import Model, estimator, q_profile

if TYPE_CHECKING:
    import polars as pl

#: Numbers of a study that may serve as a moderator without being named in ``StudyEstimate.moderators``.
OWN_FIELDS: tuple[str, ...] = ("year", "time", "n")
#: One unit of the coefficient, where it is not 1: a decade of years.
UNITS: dict[str, float] = {"year": 10.0}
#: All orderings are taken up to this many, a random sample above.
EXACT_LIMIT = 50_000
DRAWS = 9_999


@record
class Coefficient:
    """One coefficient on the scale of pooling: per ``unit`` of the moderator, which is centred at ``centre``.

    ``permutation_p`` is exact where ``permutation_se`` is None, else its Monte-Carlo standard error stands there.
    """

    name: str
    unit: float
    centre: float
    estimate: float
    se: float
    ci: Interval
    t: float | None
    p: float | None
    permutation_p: float | None = None
    permutation_se: float | None = None
    permutations: int = 0


@record
class MetaRegression(Result):
    """A meta-regression: coefficients (the intercept first) with their covariance, residual heterogeneity and studies.

    ``r2`` is the share of tau2 without moderators that they explain (0 where there was none); ``qe`` the residual
    heterogeneity on ``df``.
    """

    measure: str
    method: str
    interval: str
    level: float
    k: int
    df: int
    coefficients: tuple[Coefficient, ...]
    covariance: FloatArray
    tau2: float
    tau2_ci: Interval | None
    i2: float
    r2: float | None
    qe: float
    qe_p: float
    studies: tuple[PooledStudy, ...]
    probability: bool = True

    def coefficient(self, name: str) -> Coefficient:
        """The coefficient of the moderator ``name``."""
        for c in self.coefficients:
            if c.name == name:
                return c
        raise CallError(f"moderator = {name!r}", rule=f"must be one of {', '.join(c.name for c in self.coefficients)}")

    def predict(self, **values: float) -> tuple[float, Interval]:
        """The fitted natural level with its interval at moderator values (those not named stay at their centre)."""
        for name in values:
            self.coefficient(name)
        x = np.array([1.0] + [(values.get(c.name, c.centre) - c.centre) / c.unit for c in self.coefficients[1:]])
        mean = float(x @ [c.estimate for c in self.coefficients])
        half = t_quantile(math.inf if self.interval == "wald" else self.df, self.level) * math.sqrt(float(x @ self.covariance @ x))
        on = scale(self.measure)
        low, high = on.natural_interval(mean - half, mean + half)
        middle = on.back(mean)
        if self.probability:
            low, middle, high = (min(max(value, 0.0), 1.0) for value in (low, middle, high))
        return middle, Interval(low=low, high=high, level=self.level)

    def table(self) -> pl.DataFrame:
        """One row a coefficient."""
        import polars as pl

        names = ("name", "unit", "centre", "estimate", "se", "t", "p", "permutation_p", "permutation_se")
        rows = [{n: getattr(c, n) for n in names} | {"ci_low": c.ci.low, "ci_high": c.ci.high} for c in self.coefficients]
        return pl.DataFrame(rows, infer_schema_length=None)


def _value(study: StudyEstimate, name: str) -> float | None:
    value = getattr(study, name) if name in OWN_FIELDS else study.moderators.get(name)
    return None if value is None or not math.isfinite(value) else float(value)


def meta_regression(
    studies: Iterable[StudyEstimate],
    *,
    moderators: tuple[str, ...] = ("year",),
    centres: Mapping[str, float] | None = None,
    measure: str = "cloglog",
    method: str = "reml",
    interval: str = "ad-hoc",
    level: float = 0.95,
    permutations: int | None = None,
    seed: int = 1,
    probability: bool = True,
    binomial: bool = True,
    base: Trail | None = None,
) -> MetaRegression:
    """Fit a line in one or several moderators (``year``, ``time``, ``n`` or names of ``StudyEstimate.moderators``).

    ``centres`` gives where each moderator is zero (default: its mean). ``permutations`` = 0 switches the permutation
    test off, None takes all k! orderings up to :data:`EXACT_LIMIT` and else :data:`DRAWS` random ones under ``seed``;
    a number asks for that many random ones. ``base`` as in
    :func:`~nextarm.synthesis.pool.pool`. Studies without a moderator are left out with the reason. Raises
    :class:`RefusedError` with fewer than p + 1 studies or moderators that do not vary.

    >>> study = lambda label, estimate, year: StudyEstimate(label=label, estimate=estimate, se=0.05, year=year)
    >>> fit = meta_regression([study("a", 0.40, 1990), study("b", 0.45, 2000), study("c", 0.55, 2010)], measure="logit")
    >>> fit.coefficient("year").permutation_p  # with three studies no p below 1/3 can be reached
    0.3333333333333333
    """
    check_choice(interval, "interval", INTERVALS)
    estimate_tau2 = estimator(method)
    two_sided_z(level)
    if not moderators or len(set(moderators)) != len(moderators):
        raise CallError(f"moderators = {moderators}", rule="must name at least one moderator, each once")
    used, out = with_moderators(studies, moderators, measure, binomial=binomial, probability=probability)
    k, p = len(used), 1 + len(moderators)
    if k <= p:
        raise RefusedError(f"{k} usable studies", rule=f"a line in {', '.join(moderators)} needs at least {p + 1}", cure=_reasons(out))
    raw = np.array([[_value(u.study, m) or 0.0 for m in moderators] for u in used])
    centre = np.array([(centres or {}).get(m, float(raw[:, j].mean())) for j, m in enumerate(moderators)])
    unit = np.array([UNITS.get(m, 1.0) for m in moderators])
    X = np.column_stack([np.ones(k), (raw - centre) / unit])
    if np.linalg.matrix_rank(np.column_stack([np.ones(k), (raw - raw.mean(axis=0)) / unit])) < p:
        raise RefusedError(f"moderators {', '.join(moderators)}", rule="must vary, and not be lines of one another")
    y, v = np.array([u.y for u in used]), np.array([u.v for u in used])
    model = Model(y, v, X)
    tau2 = float(estimate_tau2(model))
    beta, inverse = model.beta(tau2)
    covariance = hartung_knapp_factor(model.q(tau2) / (k - p), interval) * inverse
    df = math.inf if interval == "wald" else float(k - p)
    orders, exact = _orders(k, permutations, seed)
    coefficients = []
    for j, name in enumerate(("intercept", *moderators)):
        se = math.sqrt(float(covariance[j, j]))
        half = t_quantile(df, level) * se
        made = Coefficient(
            name=name,
            unit=float(unit[j - 1]) if j else 1.0,
            centre=float(centre[j - 1]) if j else 0.0,
            estimate=float(beta[j]),
            se=se,
            ci=Interval(low=float(beta[j]) - half, high=float(beta[j]) + half, level=level),
            t=float(beta[j]) / se if se > 0.0 else None,
            p=_t_tail(df, float(beta[j]) / se) if se > 0.0 else None,
        )
        if j and orders is not None and made.t is not None:
            chance, error = permutation_p(
                permutation_statistics(y, v, X, orders, column=j, method=method, interval=interval), abs(made.t), exact
            )
            made = replace(made, permutation_p=chance, permutation_se=error, permutations=len(orders))
        coefficients.append(made)
    null = float(estimate_tau2(Model(y, v)))
    profile = q_profile(model, level=level)
    s2 = (k - p) / model.trace_p(0.0)
    return MetaRegression(
        trail=extend(
            base,
            method=f"meta-regression on {', '.join(moderators)}, {measure} scale, tau2 by {method}, {interval} interval",
            reference="10.1002/sim.1482",
            used=used,
            refused=out,
            seed=None if exact or orders is None else seed,
        ),
        warnings=(*_cautions(k, p, out), *cautions_of(u.study for u in used)),
        measure=measure,
        method=method,
        interval=interval,
        level=level,
        k=k,
        df=k - p,
        coefficients=tuple(coefficients),
        covariance=covariance,
        tau2=tau2,
        tau2_ci=Interval(low=profile[0], high=profile[1], level=level) if profile else None,
        i2=tau2 / (tau2 + s2),
        r2=max(0.0, (null - tau2) / null) if null > 0.0 else None,
        qe=model.q(0.0),
        qe_p=chi2_tail(k - p, model.q(0.0)),
        studies=weigh(used, model, tau2, scale(measure), level=level, probability=probability),
        probability=probability,
    )


def with_moderators(
    studies: Iterable[StudyEstimate], moderators: tuple[str, ...], measure: str, *, binomial: bool, probability: bool
) -> tuple[tuple[ScaledEstimate, ...], tuple[LeftOut, ...]]:
    """The studies on their scale that have all ``moderators``, in the order given, and those left out."""
    scaled, out = scale_all(studies, measure=measure, binomial=binomial, probability=probability)
    lacking = [[m for m in moderators if _value(u.study, m) is None] for u in scaled]  # by place: labels may stand twice
    missing = tuple(LeftOut(row_of(u.study), f"{_word(m)} not known") for u, m in zip(scaled, lacking, strict=True) if m)
    return tuple(u for u, m in zip(scaled, lacking, strict=True) if not m), (*out, *missing)


def _word(names: list[str]) -> str:
    words = {"year": "mid-year of enrolment", "time": "time of the estimate", "n": "number of patients"}
    return " and ".join(words.get(name, name) for name in names)


def _reasons(out: tuple[LeftOut, ...]) -> str:
    return "; ".join(f"{o.row.key}: {o.reason}" for o in out)


def _orders(k: int, permutations: int | None, seed: int) -> tuple[NDArray[np.intp] | None, bool]:
    """Orderings (B, k) to try and whether they are all there are."""
    if permutations == 0:
        return None, True
    if permutations is None and math.factorial(k) <= EXACT_LIMIT:
        return np.array(list(itertools.permutations(range(k))), dtype=np.intp), True
    draws = DRAWS if permutations is None else permutations
    if draws < 1:
        raise CallError(f"permutations = {draws}", rule="must not be negative")
    stream = block_stream(seed, 0)
    return stream.permuted(np.tile(np.arange(k), (draws, 1)), axis=1), False


def permutation_p(statistics: FloatArray, observed: float, exact: bool) -> tuple[float, float | None]:
    """Share of permuted |t| at least as large as the observed one, and its Monte-Carlo standard error (None if exact).

    A random sample counts the observed ordering as one of its own (Phipson & Smyth 2010, doi 10.2202/1544-6115.1585).
    """
    # Ties up to rounding count; where all estimates are equal every t is rounding about 0.
    hits = int((statistics >= observed - 1e-8 * max(observed, 1.0)).sum())
    if exact:
        return hits / statistics.size, None
    p = (hits + 1.0) / (statistics.size + 1.0)
    return p, math.sqrt(p * (1.0 - p) / statistics.size)


def _t_tail(df: float, t: float) -> float:
    from scipy.special import ndtr, stdtr

    return float(2.0 * (ndtr(-abs(t)) if math.isinf(df) else stdtr(df, -abs(t))))


def _cautions(k: int, p: int, out: tuple[LeftOut, ...]) -> tuple[str, ...]:
    said = [f"{o.row.key} is not in the regression: {o.reason}" for o in out]
    if k < 10 * (p - 1):
        said.append(f"{k} studies for {p - 1} moderator{'s' if p > 2 else ''}: fewer than ten each, read the line with care")
    if k - p == 1:
        said.append("one degree of freedom: the interval is all but unbounded")
    return tuple(said)
