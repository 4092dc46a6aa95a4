"""Score residuals of a Cox model: each patient's part in the gradient.

r_i = event_i (x_i - mean at the event) - exp(x_i beta) sum over times at risk of (x_i - mean) dH, with Efron's shares for
tied deaths. Therneau, Grambsch and Fleming 1990, doi 10.1093/biomet/77.1.147.
"""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.cox_design import CoxData


def score_residuals(data: CoxData, beta: FloatArray) -> FloatArray:
    """Unweighted score residuals (n, p) at ``beta`` for the scaled covariates."""
    from nextarm.survival.cox_kernel import event_moments

    at, stratum, H, Ht, M, Mt, P, _, _ = event_moments(beta, data.x, *data.arrays[1:])
    made = np.zeros_like(data.x)
    risk = np.exp(data.x @ beta)
    for s in np.unique(stratum):
        rows = np.flatnonzero(stratum == s)[::-1]
        who = np.flatnonzero(data.stratum == s)
        times = at[rows]
        sum_H = np.concatenate([[0.0], np.cumsum(H[rows])])
        sum_M = np.vstack([np.zeros(data.p), np.cumsum(M[rows], axis=0)])
        upto = np.searchsorted(times, data.time[who], side="right")
        since = np.where(data.entry[who] > 0.0, np.searchsorted(times, data.entry[who], side="right"), 0)
        dH, dM = sum_H[upto] - sum_H[since], sum_M[upto] - sum_M[since]
        died = np.flatnonzero(data.event[who] > 0)
        own: IntArray = rows[np.searchsorted(times, data.time[who[died]])]
        dH[died] += Ht[own] - H[own]
        dM[died] += Mt[own] - M[own]
        x = data.x[who]
        made[who] = risk[who, None] * (dM - x * dH[:, None])
        made[who[died]] += x[died] - P[own]
    return made
