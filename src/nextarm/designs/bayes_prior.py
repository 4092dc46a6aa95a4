"""The prior of S(milestone) in a plan: a beta mixture written out, or the file ``nextarm prior`` made.

A file must be of the plan's end point, time and origin of time: what is a prior of something else is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from nextarm.core.errors import CallError, NextarmError, Problem
from nextarm.core.units import FloatArray
from nextarm.designs.count_design import only_solves
from nextarm.designs.looks_in_order import look_time_problems
from nextarm.designs.milestone_one_arm import late_enough

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan


def _triples(value: Any) -> Any:
    return (
        tuple(tuple(float(x) if isinstance(x, int) else x for x in v) if isinstance(v, list) else v for v in value)
        if isinstance(value, list)
        else value
    )


Triples = Annotated[tuple[tuple[float, float, float], ...], BeforeValidator(_triples)]


def triple_problems(name: str, mixture: tuple[tuple[float, float, float], ...]) -> list[Problem]:
    """What is wrong with a mixture of [weight, a, b]."""
    if not mixture or any(w <= 0.0 or a <= 0.0 or b <= 0.0 for w, a, b in mixture):
        return [Problem(name, "", "must be [weight, a, b] rows with all numbers above 0")]
    if abs(sum(w for w, _, _ in mixture) - 1.0) > 1e-6:
        return [Problem(name, "", "must have weights that add up to 1")]
    return []


def file_problems(file: str | None, plan: Plan, *, key: str = "prior_file") -> list[Problem]:
    """What is wrong with a prior file for this plan; nothing where there is no file."""
    if file is None:
        return []
    try:
        mixture_of_file(file, plan, key=key)
    except CallError as error:
        return [Problem(p.what, "", p.rule, p.cure) for p in error.problems]
    return []


def bayes_problems(
    plan: Plan, *, look_times: Sequence[float], prior_file: str | None, **mixtures: tuple[tuple[float, float, float], ...]
) -> list[Problem]:
    """What the Bayesian designs of S(t) check alike: the milestone, mixtures by their key, looks, the prior's file, what is solved for."""
    found = late_enough(plan)
    for name, mixture in mixtures.items():
        found += triple_problems(name, mixture)
    found += look_time_problems("look_times", look_times, plan.accrual_model().study_duration)
    return found + file_problems(prior_file, plan) + only_solves(plan, "power", "n", "duration", "effect")


def mixture_in(plan: Plan, mixture: tuple[tuple[float, float, float], ...], file: str | None) -> FloatArray:
    """The prior as (components, 3): the file's where there is one, else the mixture written out."""
    return np.array(mixture) if file is None else mixture_of_file(file, plan, key="prior_file")


def prior_worth(mixture: FloatArray) -> tuple[float, float]:
    """Mean of a mixture, and the patients it counts for on average."""
    w, a, b = mixture.T
    return float(w @ (a / (a + b))), float(w @ (a + b))


def mixture_of_file(file: str, plan: Plan, *, key: str) -> FloatArray:
    """The mixture of a prior file as (components, 3); :class:`CallError` naming ``key`` where it does not fit the plan."""
    from nextarm.borrowing import BetaMixture, read_prior

    try:
        found = read_prior(file)
        found.require(parameter="survival", endpoint=plan.trial.endpoint, time=plan.trial.milestone, time_origin=plan.trial.time_origin)
    except NextarmError as error:
        raise CallError(f"{key} = {file!r}", rule=str(error).rstrip(".")) from None
    mixture = found.mixture
    if not isinstance(mixture, BetaMixture):
        raise CallError(f"{key} = {file!r}", rule="must be a prior of a probability")
    return np.stack([mixture.weights, mixture.a, mixture.b], axis=1)
