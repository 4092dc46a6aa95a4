"""Survival truths in their shortest form: the same law with fewer steps from a uniform to a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.truths import Distribution, ProportionalHazards
from nextarm.survival.models import Exponential, PiecewiseExponential, Weibull


def simplified(truth: Distribution) -> Distribution:
    """A constant hazard ratio over a family that is closed under it becomes a member of that family.

    >>> simplified(ProportionalHazards(base=Exponential(rate=0.5), hazard_ratio=0.6))
    Exponential(rate=0.3, model='exponential')
    """
    if not isinstance(truth, ProportionalHazards):
        return truth
    base = simplified(truth.base)
    if truth.hazard_ratio == 1.0:
        return base
    if truth.delay == 0.0:
        if isinstance(base, Exponential):
            return Exponential(rate=base.rate * truth.hazard_ratio)
        if isinstance(base, Weibull):
            return Weibull(shape=base.shape, scale=base.scale * truth.hazard_ratio ** (-1.0 / base.shape))
        if isinstance(base, PiecewiseExponential):
            return PiecewiseExponential(cuts=base.cuts, rates=tuple(rate * truth.hazard_ratio for rate in base.rates))
        if isinstance(base, ProportionalHazards) and base.delay == 0.0:
            return ProportionalHazards(base=base.base, hazard_ratio=base.hazard_ratio * truth.hazard_ratio)
    return replace(truth, base=base)


def dropout_truth(accrual: Accrual) -> Distribution | None:
    """The law of the time from entry to dropout; None where nobody drops out."""
    hazards = accrual.dropout_hazards
    if not any(hazard > 0.0 for hazard in hazards):
        return None
    return PiecewiseExponential(cuts=accrual.dropout_cuts, rates=hazards) if accrual.dropout_cuts else Exponential(rate=hazards[0])


def times_of(truth: Distribution, uniform: FloatArray) -> FloatArray:
    """Times at uniforms that lie strictly between 0 and 1: the quantile function without its checks, where there is one."""
    unchecked = getattr(truth, "quantile_inside", None)
    return np.asarray(truth.quantile(uniform) if unchecked is None else unchecked(uniform), np.float64)
