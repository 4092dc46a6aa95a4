"""The log-rank test for two or more arms, also stratified.

Mantel 1966; Peto and Peto 1972, doi 10.2307/2344317. Delayed entry is taken from the table; with patients' weights the
variance of Xie and Liu (2005) is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.rank_scores import Scores, arms_taken, chi_square, chi_square_p, normal_below, plain_scores
from nextarm.survival.table import Patients


@record
class LogRank(Result):
    """A test of the log-rank family.

    ``z`` (two arms only) is (observed - expected) / sqrt(variance) of the second arm: below 0 means it does better than
    the first. ``p_one_sided`` is the p value for "the second arm does better"; ``p_value`` is two-sided.
    """

    arms: tuple[str, ...]
    weights: str
    observed: FloatArray
    expected: FloatArray
    score: FloatArray
    covariance: FloatArray
    statistic: float
    df: int
    z: float | None
    p_value: float
    p_one_sided: float | None
    strata: int

    shown = ("statistic", "df", "z", "p_value", "p_one_sided", "strata")


def log_rank(patients: Patients, *, arms: Sequence[str] | None = None, stratified: bool | None = None) -> LogRank:
    """Test whether the arms have one survival curve.

    ``arms`` picks and orders arms (all by default); ``stratified`` None stratifies where the table has a stratum column.
    Without any event between groups at risk the statistic is 0 and p is 1, with a warning.

    >>> from nextarm.survival import make_patients
    >>> r = log_rank(make_patients([1, 2, 3, 4], [1, 1, 1, 1], arm=["a", "a", "b", "b"]))
    >>> round(r.statistic, 4), round(r.p_value, 4)
    (2.8824, 0.0896)
    """
    taken, names = arms_taken(patients, arms)
    return result_of(plain_scores(taken, stratified=stratified), names, "log-rank", "10.2307/2344317")


def result_of(scores: Scores, names: tuple[str, ...], weights: str, reference: str) -> LogRank:
    """The test from the scores of a single weight function."""
    U, V = scores.score[0], scores.covariance[0, :, 0, :]
    if len(names) == 2:
        df = int(V[1, 1] > 0.0)
        statistic = float(U[1] ** 2 / V[1, 1]) if df else 0.0
    else:
        statistic, df = chi_square(U, V)
    notes = () if df == len(names) - 1 else _shortfall(df, len(names))
    z = None
    if len(names) == 2:
        z = float(U[1]) / float(V[1, 1]) ** 0.5 if df else 0.0
    how = weights + (f", {scores.strata} strata" if scores.strata > 1 else "")
    return LogRank(
        trail=Trail(how, reference),
        warnings=notes,
        arms=names,
        weights=weights,
        observed=scores.observed,
        expected=scores.expected,
        score=U,
        covariance=V,
        statistic=statistic,
        df=df,
        z=z,
        p_value=chi_square_p(statistic, df),
        p_one_sided=None if z is None else normal_below(z) if df else 0.5,
        strata=scores.strata,
    )


def _shortfall(df: int, arms: int) -> tuple[str, ...]:
    if df == 0:
        return ("no event while more than one arm was at risk: the data say nothing, p is 1",)
    return (f"only {df} of {arms - 1} contrasts between arms can be tested; the others have no events at risk together",)


def log_rank_arrays(time: FloatArray, event: IntArray | np.ndarray[Any, Any], arm: IntArray) -> tuple[float, float]:
    """z and two-sided p of the two-arm log-rank test straight from arrays: no record, no weights, no delayed entry.

    ``arm`` is 0 or 1 for each patient. For loops over many data sets; :func:`log_rank` says the same with its trail.

    >>> z, p = log_rank_arrays(np.array([1.0, 2, 3, 4]), np.array([1, 1, 1, 1]), np.array([0, 0, 1, 1]))
    >>> round(z * z, 4), round(p, 4)
    (2.8824, 0.0896)
    """
    from nextarm.survival.kernels import two_arm_log_rank

    if not len(time) == len(event) == len(arm) > 0:
        raise CallError("time, event and arm differ in length or are empty", rule="must have one value a patient")
    u, v = two_arm_log_rank(time.argsort(), time, event, arm)
    if not v > 0.0:
        if v != v or u != u:
            raise CallError("time holds NaN", rule="must be numbers")
        return 0.0, 1.0
    z = u / v**0.5
    return z, chi_square_p(z * z, 1)
