"""Random-effects pooling of one estimate a study, with its heterogeneity and a prediction interval.

``y_i = mu + u_i + e_i`` on the scale of pooling, ``var u_i = tau2``, ``var e_i = v_i`` known. With ``w_i = 1 / (v_i +
tau2)``, ``mu = sum w y / sum w``. Intervals of mu:

- ``wald``: ``SE^2 = 1 / sum w``, normal
- ``hartung-knapp``: ``SE^2 = q / sum w``, ``q = sum w (y - mu)^2 / (k - 1)``, t on k - 1 (doi 10.1002/sim.1009)
- ``ad-hoc`` (default): the same with ``max(1, q)``, which never makes it narrower than ``1 / sum w`` allows; it is
  conservative with few studies (Roever 2015, doi 10.1186/s12874-015-0091-1)

Prediction interval of a new study: ``mu +- t sqrt(SE^2 + tau2)`` on k - 2 degrees of freedom (Higgins 2009, doi
10.1111/j.1467-985X.2008.00552.x), or on k - 1. ``I2 = tau2 / (tau2 + s2)``, ``H2 = 1 + tau2 / s2`` with the typical
variance ``s2 = (k - 1) / tr P`` (Higgins & Thompson 2002, doi 10.1002/sim.1186).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import RowRef, Trail
from nextarm.synthesis.estimates import FROM_COUNTS, ScaledEstimate, StudyEstimate, cautions_of, extend, row_of, scale_all, two_sided_z
from nextarm.synthesis.scales import Scale, scale
from nextarm.synthesis.tau import Model, estimator, q_profile

if TYPE_CHECKING:
    import polars as pl

IntervalMethod = Literal["ad-hoc", "hartung-knapp", "wald"]
INTERVALS: tuple[str, ...] = get_args(IntervalMethod)
#: The paper behind each interval (DOI).
REFERENCES: dict[str, str] = {
    "ad-hoc": "10.1186/s12874-015-0091-1",
    "hartung-knapp": "10.1002/sim.1009",
    "wald": "10.1016/0197-2456(86)90046-2",
}
PredictionMethod = Literal["t(k-2)", "t(k-1)", "normal"]
PREDICTIONS: tuple[str, ...] = get_args(PredictionMethod)


@record
class PooledStudy:
    """One study in a pool: natural estimate and interval, value on the scale of pooling, weight (sums to 1)."""

    label: str
    group: str
    year: float | None
    time: float | None
    n: int | None
    estimate: float
    ci: Interval
    y: float
    se: float
    weight: float
    se_basis: str
    marks: tuple[str, ...]
    row: RowRef


@record
class PooledEstimate(Result):
    """A pooled estimate on its natural scale (``estimate``, ``ci``, ``prediction``) and on the scale of pooling.

    ``mu``, ``mu_se``, ``mu_ci``, ``mu_prediction`` are on the scale ``measure``; ``tau2`` and its Q-profile interval
    too. ``i2`` runs from 0 to 1. With one study there is no heterogeneity to speak of and those fields are None.
    """

    measure: str
    method: str
    interval: str
    level: float
    k: int
    estimate: float
    ci: Interval
    prediction: Interval | None
    mu: float
    mu_se: float
    mu_ci: Interval
    mu_prediction: Interval | None
    prediction_method: str
    tau2: float | None
    tau2_ci: Interval | None
    i2: float | None
    h2: float | None
    q: float | None
    q_df: int
    q_p: float | None
    studies: tuple[PooledStudy, ...]

    shown: ClassVar[tuple[str, ...]] = ("estimate", "ci_low", "ci_high", "tau2", "i2", "k", "measure", "method", "interval")

    def table(self) -> pl.DataFrame:
        """One row a study with its weight, then the pooled estimate and, where there is one, the prediction interval."""
        import polars as pl

        rows = [
            {
                "study": s.label,
                "group": s.group,
                "year": s.year,
                "time": s.time,
                "n": s.n,
                "estimate": s.estimate,
                "ci_low": s.ci.low,
                "ci_high": s.ci.high,
                "weight": s.weight,
                "se_basis": s.se_basis,
                "marks": "; ".join(s.marks),
            }
            for s in self.studies
        ]
        rows.append({"study": "pooled", "estimate": self.estimate, "ci_low": self.ci.low, "ci_high": self.ci.high, "weight": 1.0})
        if self.prediction is not None:
            rows.append({"study": "prediction", "estimate": self.estimate, "ci_low": self.prediction.low, "ci_high": self.prediction.high})
        types = {"study": pl.String, "group": pl.String, "year": pl.Float64, "time": pl.Float64, "n": pl.Int64, "estimate": pl.Float64}
        types |= {"ci_low": pl.Float64, "ci_high": pl.Float64, "weight": pl.Float64, "se_basis": pl.String, "marks": pl.String}
        return pl.DataFrame(rows, schema=types)


def natural(on: Scale, low: float, high: float, *, level: float, kind: str, probability: bool) -> tuple[Interval, bool]:
    """Bring limits back to the natural scale; a probability is cut at 0 and 1 and the second value says so."""
    a, b = on.natural_interval(low, high)
    cut = probability and (a < 0.0 or b > 1.0)
    if probability:
        a, b = min(max(a, 0.0), 1.0), min(max(b, 0.0), 1.0)
    return Interval(low=a, high=b, level=level, kind=kind), cut


def t_quantile(df: float, level: float) -> float:
    """Two-sided t quantile; df = infinity is the normal."""
    from scipy.special import stdtrit

    return two_sided_z(level) if math.isinf(df) else float(stdtrit(df, 0.5 + level / 2.0))


def hartung_knapp_factor(q: float, interval: str) -> float:
    """The factor on ``1 / sum w``: 1 (Wald), q (plain) or max(1, q) (ad hoc)."""
    return {"wald": 1.0, "hartung-knapp": q, "ad-hoc": max(1.0, q)}[interval]


def check_choice(value: str, name: str, allowed: Sequence[str]) -> None:
    """Raise :class:`CallError` unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise CallError(f"{name} = {value!r}", rule=f"must be one of {', '.join(allowed)}")


def pool(
    studies: Iterable[StudyEstimate],
    *,
    measure: str = "cloglog",
    method: str = "reml",
    interval: str = "ad-hoc",
    prediction: str = "t(k-2)",
    level: float = 0.95,
    probability: bool = True,
    binomial: bool = True,
    base: Trail | None = None,
) -> PooledEstimate:
    """Pool one estimate a study under random effects.

    ``measure`` is the scale (cloglog, logit, log, identity), ``method`` the estimator of tau2 (reml, ml, dl, pm, eb,
    sj, he), ``interval`` ad-hoc, hartung-knapp or wald, ``prediction`` t(k-2), t(k-1) or normal. ``probability=False``
    pools any quantity on the identity or log scale. ``binomial=False`` leaves out rows whose standard error could
    only be binomial. ``base`` is a trail whose left-out rows, sources, assumptions and inputs are kept.

    Raises :class:`RefusedError` where no study can be used, :class:`CallError` for an unknown option and
    :class:`DataError` for estimates outside [0, 1]. One study is returned as it is, with a warning.

    >>> two = [StudyEstimate(label="A", estimate=0.40, se=0.05), StudyEstimate(label="B", estimate=0.50, se=0.05)]
    >>> result = pool(two, measure="logit", interval="wald")
    >>> round(result.estimate, 4), round(result.ci.low, 4), round(result.ci.high, 4)
    (0.4505, 0.3553, 0.5495)
    """
    on = scale(measure)
    check_choice(interval, "interval", INTERVALS)
    check_choice(prediction, "prediction", PREDICTIONS)
    estimate_tau2 = estimator(method)
    two_sided_z(level)
    used, refused = scale_all(studies, measure=measure, binomial=binomial, probability=probability)
    out = (*(base.left_out if base else ()), *refused)
    if not used:
        reasons = "; ".join(f"{o.row.key}: {o.reason}" for o in out[:5])
        raise RefusedError(
            "no study can be pooled", rule="at least one usable estimate is needed", cure=reasons or "Give at least one study"
        )
    warnings = [f"{o.row.key} is not pooled: {o.reason}" for o in refused]
    warnings += cautions_of(u.study for u in used)
    if any("exact likelihood" in o.reason for o in refused):
        warnings.append("leaving out studies because they have all or none moves the pool away from them: pool the counts instead")
    if any(FROM_COUNTS in u.marks for u in used):
        warnings.append(f"{FROM_COUNTS}: the share WITH the event; for survival give n minus events")
    model = Model(np.array([u.y for u in used]), np.array([u.v for u in used]))
    k = model.k
    tau2 = float(estimate_tau2(model)) if k > 1 else 0.0
    beta, inverse = model.beta(tau2)
    mu = float(beta[0])
    if k > 1:
        q = model.q(tau2) / (k - 1)
        se = math.sqrt(hartung_knapp_factor(q, interval) * float(inverse[0, 0]))
        df = math.inf if interval == "wald" else float(k - 1)
    else:
        se, df = math.sqrt(used[0].v), math.inf
        warnings.append("only one study: its own estimate is returned, heterogeneity cannot be seen")
    half = t_quantile(df, level) * se
    prediction_df = {"t(k-2)": k - 2.0, "t(k-1)": k - 1.0, "normal": math.inf}[prediction] if k > 1 else 0.0
    mu_prediction = None
    if prediction_df > 0:
        reach = t_quantile(prediction_df, level) * math.sqrt(se * se + tau2)
        mu_prediction = Interval(low=mu - reach, high=mu + reach, level=level, kind="prediction")
    warnings += _cautions(k, se, interval, prediction_df)
    profile = q_profile(model, level=level) if k > 1 else None
    if k > 1 and profile is None:
        warnings.append("the Q-profile interval of tau2 is empty: the studies differ less than chance alone would make them")
    ci, cut = natural(on, mu - half, mu + half, level=level, kind="confidence", probability=probability)
    natural_prediction, cut_prediction = None, False
    if mu_prediction is not None:
        natural_prediction, cut_prediction = natural(
            on, mu_prediction.low, mu_prediction.high, level=level, kind="prediction", probability=probability
        )
    if cut or cut_prediction:
        warnings.append(f"an interval on the {measure} scale left [0, 1] and is cut there")
    s2 = (k - 1) / model.trace_p(0.0) if k > 1 else None
    q0 = model.q(0.0) if k > 1 else None
    estimate = on.back(mu)
    return PooledEstimate(
        trail=extend(
            base,
            method=f"random-effects pooling on the {measure} scale, tau2 by {method}, {interval} interval, prediction on {prediction}",
            reference=REFERENCES[interval],
            used=used,
            refused=refused,
            pooled=True,
        ),
        warnings=tuple(warnings),
        measure=measure,
        method=method,
        interval=interval,
        level=level,
        k=k,
        estimate=min(max(estimate, 0.0), 1.0) if probability else estimate,
        ci=ci,
        prediction=natural_prediction,
        mu=mu,
        mu_se=se,
        mu_ci=Interval(low=mu - half, high=mu + half, level=level),
        mu_prediction=mu_prediction,
        prediction_method=prediction,
        tau2=tau2 if k > 1 else None,
        tau2_ci=Interval(low=profile[0], high=profile[1], level=level) if profile else None,
        i2=tau2 / (tau2 + s2) if s2 is not None else None,
        h2=1.0 + tau2 / s2 if s2 is not None else None,
        q=q0,
        q_df=k - 1,
        q_p=chi2_tail(k - 1, q0) if q0 is not None else None,
        studies=weigh(used, model, tau2, on, level=level, probability=probability),
    )


def chi2_tail(df: int, q: float) -> float:
    """Upper tail of chi-square on ``df`` at ``q``."""
    from scipy.special import chdtrc

    return float(chdtrc(df, max(q, 0.0)))


def _cautions(k: int, se: float, interval: str, prediction_df: float) -> list[str]:
    said = []
    if k == 2:
        said.append("only two studies: the interval rests on one degree of freedom and tau2 is hardly known")
    if k > 1 and prediction_df <= 0:
        said.append("a prediction interval on t(k-2) needs at least three studies")
    if k > 1 and interval == "hartung-knapp" and se == 0.0:
        said.append("all estimates are equal: the plain Hartung-Knapp interval has no width; use ad-hoc")
    return said


def weigh(
    used: Sequence[ScaledEstimate], model: Model, tau2: float, on: Scale, *, level: float, probability: bool
) -> tuple[PooledStudy, ...]:
    """The studies with their natural intervals and their share of the weight at ``tau2``."""
    weights = model.weights(tau2)
    z = two_sided_z(level)
    rows = []
    for u, w in zip(used, weights / weights.sum(), strict=True):
        se = math.sqrt(u.v)
        ci, _ = natural(on, u.y - z * se, u.y + z * se, level=level, kind="confidence", probability=probability)
        s = u.study
        rows.append(
            PooledStudy(
                label=s.label,
                group=s.group,
                year=s.year,
                time=s.time,
                n=s.n,
                estimate=s.estimate,
                ci=ci,
                y=u.y,
                se=se,
                weight=float(w),
                se_basis=u.se_basis,
                marks=u.marks,
                row=replace(row_of(s), marks=u.marks),
            )
        )
    return tuple(rows)
