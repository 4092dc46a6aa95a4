"""Weighted log-rank tests: Fleming-Harrington (p, q) and modestly weighted.

Weights are functions of the pooled Kaplan-Meier S just before each event time (of the stratum, when stratified):
Fleming-Harrington S^p (1 - S)^q (Fleming and Harrington 1991, doi 10.1002/9781118150672); modestly weighted
1 / max(S, S(t*)) (Magirr and Burman 2019, doi 10.1002/sim.8186).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray, require_positive
from nextarm.survival.log_rank import LogRank, result_of
from nextarm.survival.rank_scores import WeightFunction, arms_taken, rank_scores
from nextarm.survival.table import Patients


def fleming_harrington_weights(p: float, q: float) -> WeightFunction:
    """S^p (1 - S)^q; p = q = 0 is the log-rank test, p = 0, q = 1 looks late, p = 1, q = 0 early."""
    if not (0.0 <= p < np.inf and 0.0 <= q < np.inf):
        raise CallError(f"p = {p}, q = {q}", rule="must be numbers, 0 or above")

    def weights(time: FloatArray, before: FloatArray) -> FloatArray:
        made: FloatArray = before**p * (1.0 - before) ** q
        return made

    return weights


def modest_weights(*, t_star: float | None = None, s_star: float | None = None) -> WeightFunction:
    """1 / max(S, S(t*)), with S(t*) read from the data at ``t_star`` years, or given as ``s_star``."""
    if (t_star is None) == (s_star is None):
        raise CallError("t_star and s_star", rule="exactly one must be given")
    if t_star is not None:
        require_positive(t_star, "t_star", "years")
    if s_star is not None and not 0.0 < s_star <= 1.0:
        raise CallError(f"s_star = {s_star}", rule="must be above 0 and at most 1")

    def weights(time: FloatArray, before: FloatArray) -> FloatArray:
        floor = s_star or 1.0
        if t_star is not None:
            # S(t*) is S just before the first event after t*; beyond the last event the weights need no floor.
            later = np.flatnonzero(time > t_star)
            floor = float(before[later[0]]) if later.size else 0.0
        made: FloatArray = 1.0 / np.maximum(before, floor)
        return made

    return weights


def fleming_harrington(
    patients: Patients, *, p: float, q: float, arms: Sequence[str] | None = None, stratified: bool | None = None
) -> LogRank:
    """The Fleming-Harrington (p, q) test; arguments and result as :func:`nextarm.survival.log_rank.log_rank`.

    >>> from nextarm.survival import make_patients
    >>> r = fleming_harrington(make_patients([1, 2, 3, 4], [1, 1, 1, 1], arm=["a", "a", "b", "b"]), p=1, q=0)
    >>> round(r.z, 4)
    -1.633
    """
    weights = fleming_harrington_weights(p, q)
    taken, names = arms_taken(patients, arms)
    return result_of(
        rank_scores(taken, [weights], stratified=stratified), names, f"Fleming-Harrington ({p:g}, {q:g})", "10.1002/9781118150672"
    )


def modestly_weighted(
    patients: Patients,
    *,
    t_star: float | None = None,
    s_star: float | None = None,
    arms: Sequence[str] | None = None,
    stratified: bool | None = None,
) -> LogRank:
    """The modestly weighted log-rank test with weights 1 / max(S, S(t*)); give ``t_star`` (years) or ``s_star``."""
    weights = modest_weights(t_star=t_star, s_star=s_star)
    taken, names = arms_taken(patients, arms)
    at = f"t* = {t_star:g} years" if t_star is not None else f"s* = {s_star:g}"
    return result_of(rank_scores(taken, [weights], stratified=stratified), names, f"modestly weighted ({at})", "10.1002/sim.8186")
