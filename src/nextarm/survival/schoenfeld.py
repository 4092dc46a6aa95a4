"""Test of proportional hazards: does a coefficient drift with a function of time?

Score test of adding x * (g(t) - mean g) to the fitted model, the mean over events (Grambsch and Therneau 1994, doi
10.1093/biomet/81.3.515; exact score form as R survival from version 3). With U_j the Schoenfeld residuals and V_j the
information at event time j, the score is sum g_j U_j and its variance sum g_j^2 V_j, less what the fitted coefficients take.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival.cox import Ties, maximise
from nextarm.survival.cox_design import cox_data
from nextarm.survival.kaplan_meier import product_limit
from nextarm.survival.rank_scores import chi_square_p
from nextarm.survival.risk_table import risk_table
from nextarm.survival.table import Patients

if TYPE_CHECKING:
    import polars as pl

Transform = Literal["km", "identity", "log", "rank"]


@record
class SchoenfeldTest(Result):
    """One test a covariate (1 degree of freedom each) and the global test."""

    covariates: tuple[str, ...]
    transform: str
    statistic: FloatArray
    p_value: FloatArray
    global_statistic: float
    global_df: int
    global_p: float

    def table(self) -> pl.DataFrame:
        """One row a covariate and one for all together."""
        import polars as pl

        return pl.DataFrame(
            {
                "covariate": [*self.covariates, "global"],
                "statistic": [*self.statistic.tolist(), self.global_statistic],
                "df": [1] * len(self.covariates) + [self.global_df],
                "p_value": [*self.p_value.tolist(), self.global_p],
            }
        )


def schoenfeld_test(
    patients: Patients,
    *,
    covariates: Mapping[str, Any] | None = None,
    arm: bool | None = None,
    ties: Ties = "efron",
    stratified: bool | None = None,
    transform: Transform = "km",
) -> SchoenfeldTest:
    """Test proportional hazards of the Cox model with these arguments (see :func:`nextarm.survival.cox.cox`).

    ``transform`` is g: one minus the pooled Kaplan-Meier just before t (``km``), t, log t, or the rank of t among all
    times (censored ones too, as R survival).
    Refused where the model has no finite estimate or fewer than two distinct event times.
    """
    if transform not in ("km", "identity", "log", "rank"):
        raise CallError(f"transform = {transform!r}", rule="must be 'km', 'identity', 'log' or 'rank'")
    from nextarm.survival.cox_kernel import event_moments

    data = cox_data(patients, covariates=covariates, arm=arm, stratified=stratified, efron=ties == "efron")
    if not data.event.any():
        raise RefusedError("no events", rule="proportional hazards cannot be tested without events")
    beta, (_, _, information), _, settled = maximise(data)
    if not settled or np.linalg.cond(information) > 1e12:
        raise RefusedError("the Cox model has no finite estimate", rule="proportional hazards cannot be tested")
    at, _, _, _, _, _, _, V, U = event_moments(beta, *data.arrays)
    deaths = np.sort(data.time[data.event > 0])
    g = _transformed(transform, patients, deaths)
    if np.ptp(g) == 0.0:
        raise RefusedError("all events fall at one time", rule="a drift in time needs at least two event times")
    g = (g - g.mean())[np.searchsorted(deaths, at)]
    score = g @ U
    cross, square = np.einsum("j,jab->ab", g, V), np.einsum("j,jab->ab", g * g, V)
    variance = square - cross @ np.linalg.solve(V.sum(axis=0), cross)
    statistic = score**2 / np.diag(variance)
    together = float(score @ np.linalg.lstsq(variance, score, rcond=1e-12)[0])
    return SchoenfeldTest(
        trail=Trail(f"score test of proportional hazards, time as {transform}", "10.1093/biomet/81.3.515"),
        covariates=data.names,
        transform=transform,
        statistic=statistic,
        p_value=np.array([chi_square_p(float(s), 1) for s in statistic]),
        global_statistic=together,
        global_df=data.p,
        global_p=chi_square_p(together, data.p),
    )


def _transformed(transform: str, patients: Patients, deaths: FloatArray) -> FloatArray:
    """g at each death (sorted by time)."""
    if transform == "identity":
        return deaths
    if transform == "log":
        if deaths[0] <= 0.0:
            raise CallError("transform = 'log'", rule="an event at time 0 has no logarithm", cure="Use transform='km'")
        return np.log(deaths)
    if transform == "rank":
        times = np.sort(patients.time)
        first, past = (np.searchsorted(times, deaths, side).astype(np.float64) for side in ("left", "right"))
        ranks: FloatArray = 0.5 * (first + past + 1.0)
        return ranks
    table = risk_table(patients.time, (patients.event > 0).astype(np.int64), entry=patients.entry)
    S: FloatArray = np.concatenate([[1.0], product_limit(table)])
    made: FloatArray = 1.0 - S[np.searchsorted(table.time, deaths)]
    return made
