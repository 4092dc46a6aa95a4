"""Where the climb to the maximum begins: a handful of starts from simple summaries of the data."""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.survival.fit_design import Layout
from nextarm.survival.fit_likelihood import FitData
from nextarm.survival.models.family import to_predictor
from nextarm.survival.table import Patients


def starts(patients: Patients, data: FitData, layout: Layout) -> list[FloatArray]:
    """Start values of the coefficients (covariate effects 0), the most promising first.

    Without cure: the median that the overall event rate implies, or that of the event times, with the spread of the log
    event times or a spread of 1. With cure: the plateau of the Kaplan-Meier curve, half of it, and a low one.
    """
    family = layout.family
    spread, middle, implied = _summaries(data)
    if family.parameters[0] != "cure_fraction":
        pairs = [(implied, spread), (middle, spread), (implied, 1.2)]
        return [_placed(layout, family.start(m, s)) for m, s in pairs]
    plateau = _plateau(patients)
    settings = [(plateau, middle, spread), (0.5 * plateau, 2.0 * middle, spread), (plateau, 0.7 * middle, 1.0), (0.1, implied, spread)]
    made = []
    for pi, m, s in settings:
        cured = to_predictor(family.links[0], min(max(pi, 0.02), 0.95))
        made.append(_placed(layout, np.concatenate([[cured], _latency_start(layout, m, s)])))
    return made


def _latency_start(layout: Layout, median: float, spread: float) -> FloatArray:
    """Predictors of the latency: those of the family without its cure fraction."""
    family = layout.family
    made = family.from_median(median, **family.shape_from_spread(spread))
    names, links = family.parameters[1:], family.links[1:]
    rates = getattr(made, "rates", None)
    values = list(rates) if rates is not None else [float(getattr(made, name)) for name in names]
    return np.array([to_predictor(link, v) for link, v in zip(links, values, strict=True)])


def _placed(layout: Layout, predictors: FloatArray) -> FloatArray:
    theta = np.zeros(layout.size)
    theta[list(layout.intercepts)] = predictors
    return theta


def _summaries(data: FitData) -> tuple[float, float, float]:
    """Spread of the log event times, weighted median event time, and the median that the overall event rate implies."""
    t, w = data.events.times, data.events.weights
    positive = t > 0.0
    logs = np.log(t[positive]) if positive.any() else np.zeros(1)
    spread = float(np.clip(logs.std(), 0.2, 2.5)) if logs.size > 1 else 1.0
    order = np.argsort(t)
    total = np.cumsum(w[order])
    middle = float(t[order][np.searchsorted(total, 0.5 * total[-1])])
    time = float(sum(part.weights @ part.times for part in (data.events, data.censored, data.entries)))
    implied = float(np.log(2.0)) * time / float(w.sum())
    largest = float(max(t.max(), data.censored.times.max() if data.censored.times.size else 0.0))
    floor = 1e-6 * largest if largest > 0.0 else 1.0
    return spread, max(middle, floor), max(implied, floor)


def _plateau(patients: Patients) -> float:
    """The product-limit estimate at the end of follow-up (delayed entry left aside: a start value needs no more)."""
    order = np.argsort(patients.time)
    w = np.ones(patients.n) if patients.weight is None else patients.weight[order]
    at_risk = np.cumsum(w[::-1])[::-1]
    fallen = np.where(patients.event[order] > 0, w, 0.0)
    return float(np.prod(1.0 - fallen / at_risk))
