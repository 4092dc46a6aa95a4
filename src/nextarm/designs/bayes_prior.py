"""The prior of S(milestone) in a plan: a beta mixture written out, or the file ``nextarm prior`` made.

A file must be of the plan's end point, time and origin of time: what is a prior of something else is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from nextarm.core.errors import CallError, NextarmError, Problem
from nextarm.core.units import FloatArray

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
