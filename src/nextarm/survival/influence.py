"""Infinitesimal-jackknife variances: how far each patient's weight moves an estimate.

With U_i the derivative of the estimate by the weight of patient i, the variance is sum (w_i U_i)^2 (Jaeckel 1972;
Therneau and Grambsch 2000, sect. 2.2.3, doi 10.1007/978-1-4757-3294-8). All patients still at risk share one U up to
what they missed before entry, so sums over patients are running sums over times: linear in memory and time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.risk_table import RiskTable, last_row_at
from nextarm.survival.table import Patients


@dataclass(frozen=True)
class _Passage:
    """Where each patient leaves and enters the table, and squared weights; entry row -1 is the origin."""

    leave: IntArray
    enter: IntArray
    w2: FloatArray
    rows: int

    def leaving(self, values: FloatArray) -> FloatArray:
        """Running sum of ``values`` over patients gone by each time."""
        return np.cumsum(np.bincount(self.leave, values, self.rows))

    def staying(self, values: FloatArray) -> FloatArray:
        """Sum of ``values`` over patients entered by, and not gone by, each time."""
        entered = np.bincount(self.enter + 1, values, self.rows + 1)
        return np.cumsum(entered)[1:] - self.leaving(values)


def passage(table: RiskTable, patients: Patients) -> _Passage:
    """Index the patients into the rows of their own table."""
    leave = np.searchsorted(table.time, patients.time).astype(np.int64)
    entry = patients.entry
    enter = np.full(patients.n, -1, np.int64) if entry is None else np.where(entry > 0.0, last_row_at(table.time, entry), -1)
    w = np.ones(patients.n) if patients.weight is None else patients.weight
    return _Passage(leave, enter, w * w, table.time.size)


def at_entry(values: FloatArray, enter: IntArray) -> FloatArray:
    """The running sum ``values`` at each patient's entry (0 at the origin)."""
    return np.where(enter >= 0, values[enter], 0.0)


def hazard_parts(table: RiskTable) -> tuple[FloatArray, FloatArray]:
    """1/(n - d) and 1/(n - d) - 1/n at each time; both 0 where all at risk fall (S is 0 from there on)."""
    n, d = table.at_risk[:, 0], table.falls[:, 0]
    left = n - d
    inverse = np.divide(1.0, left, out=np.zeros_like(left), where=left > 0.0)
    return inverse, d * inverse / n


def log_survival_variance(table: RiskTable, patients: Patients) -> FloatArray:
    """Variance of log S(t) at the rows of ``table``."""
    inverse, step = hazard_parts(table)
    p = passage(table, patients)
    G = np.cumsum(step)
    Ge = at_entry(G, p.enter)
    gone = G[p.leave] - Ge - (patients.event > 0) * inverse[p.leave]
    return p.leaving(p.w2 * gone**2) + _square(p, G, Ge)


def cumulative_hazard_variance(table: RiskTable, patients: Patients) -> FloatArray:
    """Variance of the Nelson-Aalen estimate at the rows of ``table``."""
    n, d = table.at_risk[:, 0], table.falls[:, 0]
    p = passage(table, patients)
    C = np.cumsum(d / n**2)
    Ce = at_entry(C, p.enter)
    gone = (patients.event > 0) / n[p.leave] - (C[p.leave] - Ce)
    return p.leaving(p.w2 * gone**2) + _square(p, C, Ce)


def _square(p: _Passage, total: FloatArray, entered: FloatArray) -> FloatArray:
    """Sum over those at risk of w^2 (total(t) - total(entry))^2; never below 0."""
    if not np.any(p.enter >= 0):
        return np.maximum(p.staying(p.w2), 0.0) * total**2
    value = p.staying(p.w2) * total**2 - 2.0 * total * p.staying(p.w2 * entered) + p.staying(p.w2 * entered**2)
    return np.maximum(value, 0.0)


def incidence_variance(table: RiskTable, patients: Patients, before: FloatArray, incidence: FloatArray) -> FloatArray:
    """Variance (J, K) of the Aalen-Johansen cumulative incidences; ``before`` is S(t-), ``incidence`` (J, K)."""
    inverse, step = hazard_parts(table)
    n = table.at_risk[:, 0]
    p = passage(table, patients)
    G = np.cumsum(step)
    G_before = np.concatenate([[0.0], G[:-1]])
    Ge = at_entry(G, p.enter)
    slope = G[p.leave] - Ge - (patients.event > 0) * inverse[p.leave]
    made = np.zeros_like(incidence)
    for k in range(incidence.shape[1]):
        F = incidence[:, k]
        d = table.events[:, 0, k]
        P = np.cumsum(before * d / n * (G_before - 1.0 / n))
        Fe, Pe = at_entry(F, p.enter), at_entry(P, p.enter)
        value = P[p.leave] - Pe - Ge * (F[p.leave] - Fe) + (patients.event == k + 1) * before[p.leave] / n[p.leave]
        base = value - slope * F[p.leave]
        gone = p.leaving(p.w2 * base**2) + 2.0 * F * p.leaving(p.w2 * base * slope) + F**2 * p.leaving(p.w2 * slope**2)
        const = Ge * Fe - Pe
        here = (
            p.staying(p.w2) * P**2
            + F**2 * p.staying(p.w2 * Ge**2)
            + p.staying(p.w2 * const**2)
            + 2.0 * (P * p.staying(p.w2 * const) - P * F * p.staying(p.w2 * Ge) - F * p.staying(p.w2 * Ge * const))
        )
        made[:, k] = np.maximum(gone, 0.0) + np.maximum(here, 0.0)
    return made
