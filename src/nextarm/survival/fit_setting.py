"""What the steps of one fit share, and the climb from several starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextarm.core.errors import RefusedError
from nextarm.core.units import FloatArray
from nextarm.survival.fit_design import Columns, Layout, standardised
from nextarm.survival.fit_likelihood import FitData, Likelihood
from nextarm.survival.fit_optimise import Optimum, maximise
from nextarm.survival.models.family import Link
from nextarm.survival.table import Patients

#: Climbs whose log likelihoods differ by less ended at the same maximum.
SAME = 1e-6


def predictor_of_zero(link: Link) -> float:
    """A predictor so far out that the natural value is 0 exactly."""
    return 7.0 if link == "log-log" else -800.0


@dataclass(frozen=True)
class Setting:
    """Patients, the places of the coefficients, the covariates, and which coefficients are free (not at a boundary)."""

    patients: Patients
    data: FitData
    layout: Layout
    cure: Columns
    location: Columns
    free: NDArray[np.bool_]

    @property
    def regression(self) -> bool:
        """True where there are covariates."""
        return bool(self.cure.names or self.location.names)

    @property
    def unit(self) -> FloatArray:
        """The size of each coefficient that counts as 1: 1 / the median event time for those measured per year."""
        made = np.ones(self.layout.size)
        for j in self.layout.family.per_year:
            made[self.layout.intercepts[j]] = 1.0 / max(float(np.median(self.data.events.times)), 1e-300)
        return made

    def likelihood(self, cure_centre: FloatArray | None = None) -> Likelihood:
        """The likelihood in the coefficients of the standardised covariates; those of the cure fraction about ``cure_centre``."""
        if not self.regression:
            return Likelihood(self.layout.family, self.data)
        blocks = self.layout.matrices(standardised(self.cure, cure_centre), standardised(self.location))
        return Likelihood(self.layout.family, self.data, blocks)

    def held(self, theta: FloatArray) -> FloatArray:
        """``theta`` with the coefficients that are not free at their boundary."""
        made = theta.copy()
        for at, link in zip(self.layout.intercepts, self.layout.family.links, strict=True):
            if not self.free[at]:
                made[at] = predictor_of_zero(link)
        return made


@dataclass(frozen=True)
class Climb:
    """The best end of several climbs, how many were made and how many ended there."""

    best: Optimum
    starts: int
    agreeing: int


def climb(setting: Setting, starts: Sequence[FloatArray]) -> Climb:
    """Maximise from each start; :class:`RefusedError` where none ends at a maximum."""
    function = setting.likelihood()
    ends = [maximise(function, setting.held(start), free=setting.free, unit=setting.unit) for start in starts]
    found = [end for end in ends if end is not None]
    whole = [end for end in found if end.converged] or [end for end in found if np.isfinite(end.value)]
    if not whole:
        raise RefusedError(f"{setting.layout.family.name} has no finite likelihood on these data", cure="Fit a simpler model")
    best = max(whole, key=lambda end: end.value)
    agreeing = sum(abs(end.value - best.value) < SAME for end in whole)
    runaway = [end for end in found if not end.converged and end.value > best.value + 1e-4]
    if runaway or not best.converged:
        raise RefusedError(
            f"the likelihood of {setting.layout.family.name} has no maximum on these data",
            rule="every climb runs on towards a limit of its parameters",
            cure="Fit a model with fewer parameters",
        )
    return Climb(best, len(starts), agreeing)
