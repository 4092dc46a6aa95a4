"""The log likelihood of a survival model with its gradient and Hessian, for right-censored and left-truncated data.

For patient i with weight w, event time or censoring time t and delayed entry e,

    log L = sum w [ event: log f(t) | censored: log S(t) ] - sum over delayed entries of w log S(e),

each term a function of k predictors that are linear in the coefficients. A patient censored at time 0 says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.models.family import Family, Jet, Terms
from nextarm.survival.table import Patients


@dataclass(frozen=True)
class Part:
    """Patients who contribute one kind of term: their times, signed weights and rows in the table."""

    times: FloatArray
    weights: FloatArray
    rows: IntArray


@dataclass(frozen=True)
class FitData:
    """The three parts of the likelihood: events, censored after time 0, delayed entries (with negative weights)."""

    events: Part
    censored: Part
    entries: Part


def fit_data(patients: Patients) -> FitData:
    """Split patients (one version, one kind of event) into the parts of the likelihood."""
    w = np.ones(patients.n) if patients.weight is None else patients.weight
    happened = patients.event > 0
    e = np.zeros(patients.n) if patients.entry is None else patients.entry

    def part(where: NDArray[np.bool_], times: FloatArray, sign: float) -> Part:
        rows = np.flatnonzero(where)
        return Part(times[rows], sign * w[rows], rows)

    return FitData(
        events=part(happened, patients.time, 1.0),
        censored=part(~happened & (patients.time > 0.0), patients.time, 1.0),
        entries=part(e > 0.0, e, -1.0),
    )


@dataclass(frozen=True)
class Evaluation:
    """A log likelihood with its gradient (P) and Hessian (P, P)."""

    value: float
    gradient: FloatArray
    hessian: FloatArray

    @property
    def finite(self) -> bool:
        """True where all numbers are finite."""
        return bool(np.isfinite(self.value) and np.isfinite(self.gradient).all() and np.isfinite(self.hessian).all())


@dataclass(frozen=True)
class Likelihood:
    """The likelihood of ``family`` on ``data``.

    ``design`` has one matrix (patients, coefficients) a predictor; None says that the predictors are the coefficients.
    """

    family: Family
    data: FitData
    design: Sequence[FloatArray] | None = None

    def __call__(self, theta: FloatArray) -> Evaluation:
        """Value, gradient and Hessian at ``theta``."""
        size = theta.size
        value, gradient, hessian = 0.0, np.zeros(size), np.zeros((size, size))
        with np.errstate(all="ignore"):
            for terms, part in self._parts():
                made = self._summed(terms, part, theta)
                value += made.value
                gradient += made.gradient
                hessian += made.hessian
        return Evaluation(value, gradient, hessian)

    def _parts(self) -> list[tuple[Terms, Part]]:
        f = self.family
        kinds = ((f.log_density, self.data.events), (f.log_survival, self.data.censored), (f.log_survival, self.data.entries))
        return [(terms, part) for terms, part in kinds if part.times.size]

    def _summed(self, terms: Terms, part: Part, theta: FloatArray) -> Evaluation:
        w = part.weights
        if self.design is None:
            jet = terms(theta[:, None], part.times)
            return Evaluation(float(w @ jet.value), jet.first @ w, jet.second @ w)
        blocks = [d[part.rows] for d in self.design]
        jet = terms(np.stack([d @ theta for d in blocks]), part.times)
        return Evaluation(float(w @ jet.value), *chained(jet, blocks, w))


def chained(jet: Jet, blocks: Sequence[FloatArray], w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gradient and Hessian in the coefficients of a weighted sum of jets in linear predictors."""
    size = blocks[0].shape[1]
    gradient, hessian = np.zeros(size), np.zeros((size, size))
    for j, left in enumerate(blocks):
        gradient += left.T @ (w * jet.first[j])
        for m, right in enumerate(blocks):
            hessian += left.T @ ((w * jet.second[j, m])[:, None] * right)
    return gradient, hessian
