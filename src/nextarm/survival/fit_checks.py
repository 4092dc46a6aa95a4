"""Data that no fit can answer, and what a reader must be told about one."""

from __future__ import annotations

import numpy as np

from nextarm.core.errors import RefusedError
from nextarm.survival.fit_likelihood import FitData
from nextarm.survival.models.family import Family
from nextarm.survival.table import Patients


def refuse_degenerate(patients: Patients, data: FitData, family: Family, *, has_cure: bool, regression: bool) -> None:
    """Raise :class:`RefusedError` where the likelihood has no maximum, whatever the start."""
    t = data.events.times
    if t.size == 0:
        raise RefusedError(
            f"no events among {patients.n} patients",
            rule="a parametric model needs at least one",
            cure="Report the follow-up, and an exact limit for S at a milestone",
        )
    if t.min() == 0.0 and not family.at_zero:
        raise RefusedError(
            f"{int(np.sum(t == 0.0))} events at time 0",
            rule=f"{family.name} gives time 0 no density",
            cure="Move them to half the smallest unit of time (say half a day), or use an exponential or piecewise model",
        )
    if sum(float(part.weights @ part.times) for part in (data.events, data.censored, data.entries)) <= 0.0:
        raise RefusedError("nobody is followed beyond time 0", rule="a hazard needs time at risk")
    followed_longer = data.censored.times.size > 0 and data.censored.times.max() > t.max()
    single = np.unique(t).size == 1
    unbounded = has_cure or not followed_longer if family.free_scale else has_cure and t[0] == 0.0
    if single and not regression and unbounded:
        raise RefusedError(
            f"all events at one time ({t[0]:g} years)",
            rule=f"the likelihood of {family.name} grows without bound as its density gathers there",
            cure=f"Use model={'mixture-cure:exponential' if has_cure and t[0] > 0.0 else 'exponential'!r}",
        )


def warnings_of(patients: Patients, data: FitData, size: int) -> tuple[str, ...]:
    """What to say about thin or special data."""
    made = []
    events = data.events.times.size
    if events < 5 * size:
        made.append(f"{events} events for {size} parameters: limits that rest on large samples are rough")
    at_start = int(np.sum((patients.event == 0) & (patients.time == 0.0)))
    if at_start:
        made.append(f"{at_start} patients censored at time 0 say nothing about survival")
    if patients.weight is not None and not np.allclose(patients.weight, np.round(patients.weight)):
        made.append("weights are taken as counts of patients; with other weights the standard errors are not valid")
    return tuple(made)
