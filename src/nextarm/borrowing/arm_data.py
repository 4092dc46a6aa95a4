"""What one arm brings to borrowing: counts, follow-up in pieces, or a mixture-cure fit; and the prior it starts from.

- :class:`BinaryData`: events of n; the parameter is a probability, its first prior a beta.
- :class:`ExposureData`: events and years of follow-up piece by piece (one piece: exponential times; several:
  piecewise-exponential); the parameters are hazards a year, their first priors gammas.
- :class:`CureData`: the parameters of a mixture-cure fit on the estimation scale with their covariance, a normal (Laplace)
  likelihood; their first prior is normal or flat.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from nextarm.borrowing.cure_prior import MODELS, CureEstimate
from nextarm.borrowing.joint_mixture import JointMixture
from nextarm.borrowing.multinormal import MultinormalMixture, checked_estimate
from nextarm.core.errors import CallError, DataError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, IntArray

#: First priors: uniform for a probability; half an event in half a year for a hazard.
FIRST_BETA, FIRST_GAMMA = (1.0, 1.0), (0.5, 0.5)


@record
class BinaryData:
    """``events`` of ``n`` patients; make one with :func:`binary_data`."""

    events: int
    n: int
    form: Literal["binary"] = "binary"


@record
class ExposureData:
    """``events`` and ``years`` of follow-up in each piece between ``cuts``; make one with :func:`exposure_data`."""

    events: tuple[int, ...]
    years: tuple[float, ...]
    cuts: tuple[float, ...] = ()
    form: Literal["exposure"] = "exposure"


@record
class CureData:
    """Estimates of ``model`` with their covariance; make one with :func:`cure_data`."""

    estimate: FloatArray
    covariance: FloatArray
    model: str
    n: int | None = None
    events: int | None = None
    form: Literal["cure"] = "cure"


ArmData = BinaryData | ExposureData | CureData


def binary_data(events: int, n: int) -> BinaryData:
    """``events`` of ``n``; :class:`DataError` unless whole with 0 <= events <= n, n at least 1."""
    if int(events) != events or int(n) != n or not 0 <= events <= n or n < 1:
        raise DataError(f"events = {events} of n = {n}", rule="must be whole, 0 <= events <= n, n at least 1")
    return BinaryData(events=int(events), n=int(n))


def exposure_data(
    events: int | Sequence[int] | IntArray, years: float | Sequence[float] | FloatArray, *, cuts: Sequence[float] = ()
) -> ExposureData:
    """Events in years of follow-up, one number each (exponential) or one a piece; :class:`DataError` unless they can be."""
    d, t = np.atleast_1d(np.asarray(events, np.float64)), np.atleast_1d(np.asarray(years, np.float64))
    if d.shape != t.shape or d.ndim != 1 or d.size != len(cuts) + 1:
        raise CallError(f"{d.size} events, {t.size} years", rule=f"must be one a piece: {len(cuts) + 1} with {len(cuts)} cuts")
    good = np.isfinite(d) & np.isfinite(t) & (d >= 0.0) & (d == np.floor(d)) & (t >= 0.0) & ((t > 0.0) | (d == 0.0))
    if not good.all() or not t.any():
        j = int(np.argmin(good))
        raise DataError(
            f"events = {d[j]:g} in {t[j]:g} years",
            where=f"piece {j + 1}",
            rule="events must be whole and not negative, with follow-up above 0 years",
        )
    if any(b <= a or not math.isfinite(b) for a, b in zip((0.0, *cuts), cuts, strict=False)):
        raise CallError(f"cuts = {list(cuts)}", rule="must be rising times above 0")
    return ExposureData(events=tuple(int(v) for v in d), years=tuple(t.tolist()), cuts=tuple(float(c) for c in cuts))


def cure_data(study: CureEstimate) -> CureData:
    """A study's mixture-cure estimate (see :func:`nextarm.borrowing.cure_estimate`) as the data of an arm."""
    if study.model not in MODELS:
        raise CallError(f"model = {study.model!r}", rule=f"must be one of {', '.join(MODELS)}")
    y, v = checked_estimate(study.estimate, study.covariance, len(MODELS[study.model]))
    return CureData(estimate=y, covariance=v, model=study.model, n=study.n, events=study.events)


def require_alike(history: ArmData, current: ArmData | None) -> None:
    """Raise :class:`CallError` unless both arms hold the same kind of data with the same pieces or model."""
    if current is None:
        return
    if history.form != current.form:
        raise CallError(f"history is {history.form}, current is {current.form}", rule="must be of one kind")
    if isinstance(history, ExposureData) and isinstance(current, ExposureData) and history.cuts != current.cuts:
        raise CallError(f"cuts {list(history.cuts)} and {list(current.cuts)}", rule="must be the same in both arms")
    if isinstance(history, CureData) and isinstance(current, CureData) and history.model != current.model:
        raise CallError(f"{history.model} and {current.model}", rule="must be one model")


def counts_of(data: BinaryData | ExposureData) -> tuple[FloatArray, FloatArray]:
    """Events and sizes (patients or years) as arrays, one a parameter."""
    if isinstance(data, BinaryData):
        return np.array([float(data.events)]), np.array([float(data.n)])
    return np.array(data.events, np.float64), np.array(data.years, np.float64)


def first_prior(data: ArmData, first: Any) -> tuple[Any, Any]:
    """The first prior: (a, b), (shape, rate), or (means, sds) of a cure model, checked; the default where ``first`` is None.

    An improper first prior is allowed for cure models only, where None means flat.
    """
    if isinstance(data, CureData):
        if first is None:
            return None, None
        centre, spread = (np.asarray(part, np.float64) for part in first)
        if centre.shape != data.estimate.shape or spread.shape != centre.shape or not (spread > 0.0).all():
            raise CallError("first", rule=f"must be {data.estimate.size} means and standard deviations above 0, or None for flat")
        return centre, np.diag(spread**-2.0)
    default = FIRST_BETA if isinstance(data, BinaryData) else FIRST_GAMMA
    a, b = default if first is None else first
    if not (math.isfinite(a) and math.isfinite(b) and a > 0.0 and b > 0.0):
        raise CallError(f"first = ({a}, {b})", rule="must be two numbers above 0: an improper first prior leaves improper weights")
    return float(a), float(b)


def names_of(data: ArmData) -> tuple[str, ...]:
    """The parameters in words."""
    if isinstance(data, CureData):
        return MODELS[data.model]
    if isinstance(data, BinaryData):
        return ("probability",)
    ends = ("", *(f"{c:g}" for c in data.cuts), "")
    return ("hazard",) if not data.cuts else tuple(f"hazard {a or '0'} to {b or 'end'}" for a, b in itertools.pairwise(ends))


def vague(data: ArmData, first: tuple[Any, Any]) -> JointMixture | MultinormalMixture:
    """The first prior as a mixture of one component; a flat one of a cure model is refused."""
    if isinstance(data, CureData):
        if first[0] is None:
            raise CallError("first is flat", rule="must be proper here", cure="Give means and standard deviations")
        return MultinormalMixture(weights=np.ones(1), means=first[0][None], covariances=np.linalg.inv(first[1])[None])
    j = len(names_of(data))
    family: Literal["beta", "gamma"] = "beta" if isinstance(data, BinaryData) else "gamma"
    return JointMixture(family=family, weights=np.ones(1), first=np.full((1, j), first[0]), second=np.full((1, j), first[1]))
