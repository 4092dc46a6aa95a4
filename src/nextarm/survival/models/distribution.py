"""What every survival distribution can say of itself.

A model gives its cumulative hazard H(t), its hazard h(t) and its quantile function; survival exp(-H), density h exp(-H)
follow. All functions take and return numpy arrays of any shape (a float gives a 0-d array); time in years from the
origin, never negative. ``quantile(p)`` is the time by which a share p has had the event, infinity where that is never.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray


def times(t: ArrayLike) -> FloatArray:
    """``t`` as an array of floats; times before the origin count as the origin."""
    return np.maximum(np.asarray(t, np.float64), 0.0)


def shares(p: ArrayLike) -> FloatArray:
    """``p`` as an array of floats in [0, 1]; :class:`CallError` outside."""
    share = np.asarray(p, np.float64)
    if np.any((share < 0.0) | (share > 1.0)):
        raise CallError("a share outside [0, 1]", rule="must lie between 0 and 1")
    return share


def exponential_units(p: ArrayLike) -> FloatArray:
    """-log(1 - p): the cumulative hazard at which a share p has had the event; infinity at 1."""
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log1p(-shares(p)), np.float64)


class Distribution:
    """Base of all models; see the module's docstring."""

    #: The model's name in a plan or on the command line.
    name: ClassVar[str] = ""

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """H(t) = -log S(t)."""
        raise NotImplementedError

    def hazard(self, t: ArrayLike) -> FloatArray:
        """h(t), a year."""
        raise NotImplementedError

    def quantile(self, p: ArrayLike) -> FloatArray:
        """Time by which a share ``p`` has had the event; infinity where never."""
        raise NotImplementedError

    def survival(self, t: ArrayLike) -> FloatArray:
        """S(t)."""
        return np.exp(-self.cumulative_hazard(t))

    def density(self, t: ArrayLike) -> FloatArray:
        """-dS/dt = h(t) S(t); 0 where the hazard is infinite and nobody is left."""
        hazard, survival = self.hazard(t), self.survival(t)
        return np.asarray(np.where(survival > 0.0, np.where(survival > 0.0, hazard, 0.0) * survival, 0.0), np.float64)


def positive(value: float, name: str, model: str) -> None:
    """Raise :class:`CallError` unless a parameter is finite and above 0."""
    if not (np.isfinite(value) and value > 0.0):
        raise CallError(f"{name} = {value:g}", where=f"model {model}", rule="must be above 0")


def finite(value: float, name: str, model: str) -> None:
    """Raise :class:`CallError` unless a parameter is finite."""
    if not np.isfinite(value):
        raise CallError(f"{name} = {value}", where=f"model {model}", rule="must be finite")
