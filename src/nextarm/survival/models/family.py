"""What maximum likelihood needs of a model: log density and log survival with first and second derivatives.

A model with k parameters is written in k predictors, one a parameter on its estimation scale (log or identity). A
:class:`Jet` holds a value for each of n patients with its derivatives in the predictors, shapes (n), (k, n) and (k, k, n),
so that gradient and observed information of any regression on the predictors follow by the chain rule, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nextarm.core.units import FloatArray

if TYPE_CHECKING:
    from nextarm.survival.models.distribution import Distribution

Link = Literal["log", "identity", "logit", "log-log"]


@dataclass(frozen=True)
class Jet:
    """A value for each patient with its derivatives in the predictors: shapes (n), (k, n), (k, k, n)."""

    value: FloatArray
    first: FloatArray
    second: FloatArray

    def __add__(self, other: Jet) -> Jet:
        return Jet(self.value + other.value, self.first + other.first, self.second + other.second)

    def __sub__(self, other: Jet) -> Jet:
        return Jet(self.value - other.value, self.first - other.first, self.second - other.second)

    def through(self, value: FloatArray, slope: FloatArray, bend: FloatArray) -> Jet:
        """The jet of f(self), given f, f' and f'' at the values."""
        return Jet(value, slope * self.first, slope * self.second + bend * outer(self.first))


def outer(first: FloatArray) -> FloatArray:
    """Products of all pairs of first derivatives, (k, k, n)."""
    return np.asarray(first[:, None, :] * first[None, :, :], np.float64)


def constant(k: int, n: int) -> Jet:
    """The jet of 0."""
    return Jet(np.zeros(n), np.zeros((k, n)), np.zeros((k, k, n)))


#: Predictors (k rows, one a patient or one for all) and times to the jet of a log density or log survival function.
Terms = Callable[[FloatArray, FloatArray], Jet]


@dataclass(frozen=True)
class Family:
    """A model as maximum likelihood sees it.

    ``parameters`` and ``links`` name the predictors; covariates of the location act on those listed in ``location``.
    ``build`` turns natural values into the model; ``shape_from_spread`` gives shape parameters whose log times have about
    a given standard deviation (for start values); ``at_zero`` says whether an event at time 0 has a likelihood;
    ``free_scale`` whether the density can grow without bound over a single time; ``per_year`` lists predictors whose unit is
    1 / year rather than none.
    """

    name: str
    parameters: tuple[str, ...]
    links: tuple[Link, ...]
    location: tuple[int, ...]
    log_density: Terms
    log_survival: Terms
    build: Callable[[Sequence[float]], Distribution]
    shape_from_spread: Callable[[float], Mapping[str, Any]]
    from_median: Callable[..., Distribution]
    at_zero: bool = False
    free_scale: bool = True
    per_year: tuple[int, ...] = ()

    @property
    def k(self) -> int:
        """Number of predictors."""
        return len(self.parameters)

    def start(self, median: float, spread: float) -> FloatArray:
        """Predictors of the model with this median and about this standard deviation of log time."""
        made = self.from_median(median, **self.shape_from_spread(spread))
        return np.array([to_predictor(link, v) for link, v in zip(self.links, natural_values(self, made), strict=True)])


def natural_values(family: Family, model: Distribution) -> list[float]:
    """The natural parameters of ``model`` in the order of ``family``."""
    if family.name == "piecewise-exponential":
        return list(model.rates)  # type: ignore[attr-defined]
    return [float(getattr(model, name)) for name in family.parameters]


def to_predictor(link: Link, value: float) -> float:
    """The estimation scale of a natural value."""
    if link == "log":
        return math.log(max(value, 1e-300))
    if link == "logit":
        return math.log(value) - math.log1p(-value)
    return math.log(-math.log(value)) if link == "log-log" else value


def from_predictor(link: Link, x: float) -> tuple[float, float]:
    """The natural value of a predictor and its derivative."""
    if link == "log":
        value = math.exp(min(x, 700.0))
        return value, value
    if link == "logit":
        value = 1.0 / (1.0 + math.exp(-x)) if x >= 0.0 else math.exp(x) / (1.0 + math.exp(x))
        return value, value * (1.0 - value)
    if link == "log-log":
        theta = math.exp(min(x, 700.0))
        return math.exp(-theta), -theta * math.exp(-theta)
    return x, 1.0


def location_scale_terms(
    standard: Callable[[FloatArray], tuple[FloatArray, ...]], *, location_first: bool, inverse: bool
) -> tuple[Terms, Terms]:
    """Log density and log survival of log T = m + s Z from those of Z.

    ``standard(z)`` returns log g, its two derivatives, log S and its two derivatives. The predictors are m and log s (with
    ``inverse``: the log of the shape 1 / s), m first or last.
    """
    at_m, at_s = (0, 1) if location_first else (1, 0)
    sign = -1.0 if inverse else 1.0

    def placed(eta: FloatArray, t: FloatArray) -> tuple[Jet, FloatArray, FloatArray]:
        y = np.log(t)
        log_s = sign * eta[at_s]
        steep = np.exp(-log_s) + np.zeros_like(y)
        z = (y - eta[at_m]) * steep
        first, second = np.empty((2, y.size)), np.empty((2, 2, y.size))
        first[at_m], first[at_s] = -steep, -sign * z
        second[at_m, at_m], second[at_s, at_s] = 0.0, z
        second[at_m, at_s] = second[at_s, at_m] = sign * steep
        return Jet(z, first, second), log_s, y

    def log_density(eta: FloatArray, t: FloatArray) -> Jet:
        z, log_s, y = placed(eta, t)
        g = standard(z.value)
        made = z.through(g[0] - log_s - y, g[1], g[2])
        made.first[at_s] -= sign
        return made

    def log_survival(eta: FloatArray, t: FloatArray) -> Jet:
        z, _, _ = placed(eta, t)
        g = standard(z.value)
        return z.through(g[3], g[4], g[5])

    return log_density, log_survival
