"""Survival truths of the arms of a plan: models of the survival room, or one arm defined from another by a hazard ratio.

``{ hazard_ratio = 0.6, of = "control" }`` says S(t) = S_control(t) ** 0.6; with ``delay = 0.5`` the ratio is 1 before
half a year (a delayed effect). ``{ posterior = "FILE" }`` is the estimate of a fit (see ``posterior.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray


class Distribution(Protocol):
    """What a survival truth can say of itself; all functions are vectorised over time (years) or probability."""

    def survival(self, t: FloatArray, /) -> FloatArray:
        """S(t)."""
        ...

    def hazard(self, t: FloatArray, /) -> FloatArray:
        """Hazard a year at t."""
        ...

    def cumulative_hazard(self, t: FloatArray, /) -> FloatArray:
        """-log S(t)."""
        ...

    def density(self, t: FloatArray, /) -> FloatArray:
        """-dS/dt."""
        ...

    def quantile(self, p: FloatArray, /) -> FloatArray:
        """Time by which a share p has had the event; infinity where that is never."""
        ...


@record
class ProportionalHazards:
    """Another truth with its hazard multiplied by ``hazard_ratio`` after ``delay`` years."""

    base: Any
    hazard_ratio: float
    delay: float = 0.0

    def cumulative_hazard(self, t: FloatArray | float) -> FloatArray:
        """H(min(t, delay)) + hazard_ratio (H(t) - H(min(t, delay)))."""
        time = np.asarray(t, np.float64)
        early = np.asarray(self.base.cumulative_hazard(np.minimum(time, self.delay)), np.float64)
        late = np.asarray(self.base.cumulative_hazard(time), np.float64)
        return np.asarray(early + self.hazard_ratio * np.maximum(late - early, 0.0), np.float64)

    def survival(self, t: FloatArray | float) -> FloatArray:
        """S(t) = exp(-H(t))."""
        return np.exp(-self.cumulative_hazard(t))

    def hazard(self, t: FloatArray | float) -> FloatArray:
        """The base hazard, times the ratio from the delay on."""
        time = np.asarray(t, np.float64)
        return np.asarray(self.base.hazard(time), np.float64) * np.where(time >= self.delay, self.hazard_ratio, 1.0)

    def density(self, t: FloatArray | float) -> FloatArray:
        """Hazard times survival."""
        return np.asarray(self.hazard(t) * self.survival(t), np.float64)

    def quantile(self, p: FloatArray | float) -> FloatArray:
        """Time by which a share p has had the event; infinity where that is never."""
        share = np.asarray(p, np.float64)
        with np.errstate(divide="ignore"):
            need = -np.log1p(-share)
        early = float(self.base.cumulative_hazard(np.asarray(self.delay)))
        base_need = np.where(need <= early, need, early + (need - early) / self.hazard_ratio)
        return np.asarray(self.base.quantile(-np.expm1(-base_need)), np.float64)


def truths_from_specs(specs: Mapping[str, Mapping[str, Any]], *, path: str = "") -> dict[str, Distribution]:
    """Return the survival truth of each arm of a plan, arms that refer to others resolved.

    ``path`` is where the tables stand, for messages, with ``{}`` for the arm's name (``arms.{}.survival``).
    Raises :class:`CallError` for an unknown model or parameter, for a reference to an unknown arm, and for arms that
    refer to each other in a circle.
    """
    from nextarm.designs.posterior import fitted_truth
    from nextarm.survival.models import model_from_spec

    made: dict[str, Distribution] = {}

    def make(name: str, waiting: tuple[str, ...]) -> Distribution:
        if name in made:
            return made[name]
        spec = dict(specs[name])
        place = path.format(name)
        key = f"{place}." if place else ""
        if "posterior" in spec:
            made[name] = fitted_truth(spec, path=place)
            return made[name]
        if "of" not in spec:
            made[name] = model_from_spec(spec, path=place)
            return made[name]
        other = spec.get("of")
        if not isinstance(other, str) or other not in specs or other in (*waiting, name):
            known = ", ".join(n for n in specs if n != name)
            raise CallError(f"{key}of = {other!r}", rule=f"must name another arm with a survival of its own ({known})")
        if unknown := set(spec) - {"of", "hazard_ratio", "delay"}:
            raise CallError(f"{key}{min(unknown)}", rule="is not known beside of", cure="Give hazard_ratio and, if wished, delay")
        ratio, delay = spec.get("hazard_ratio"), spec.get("delay", 0.0)
        if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0.0 < ratio < np.inf:
            raise CallError(f"{key}hazard_ratio = {ratio!r}", rule="must be above 0")
        if isinstance(delay, bool) or not isinstance(delay, int | float) or not 0.0 <= delay < np.inf:
            raise CallError(f"{key}delay = {delay!r}", rule="must not be negative")
        made[name] = ProportionalHazards(base=make(other, (*waiting, name)), hazard_ratio=float(ratio), delay=float(delay))
        return made[name]

    return {name: make(name, ()) for name in specs}


#: A shape above this crowds the events so closely around their median that quadrature is split at these quantiles too.
_CROWDED, _CROWDED_AT = 3.0, (1e-6, 1e-3, 0.03, 0.2, 0.5, 0.8, 0.97, 1.0 - 1e-3, 1.0 - 1e-6)


def break_points(model: Distribution) -> tuple[float, ...]:
    """Times at which a truth's hazard jumps (cuts of a piecewise model, a delay) or events crowd: quadrature is split there."""
    found: set[float] = set()
    shape = getattr(model, "shape", None)
    if isinstance(shape, int | float) and shape > _CROWDED:
        found.update(float(t) for t in np.atleast_1d(model.quantile(np.array(_CROWDED_AT))) if np.isfinite(t))
    for name in ("cuts", "delay"):
        value = getattr(model, name, None)
        if value is not None:
            found.update(float(v) for v in np.atleast_1d(value))
    for name in ("base", "latency"):
        inner = getattr(model, name, None)
        if inner is not None:
            found.update(break_points(inner))
    return tuple(sorted(v for v in found if v > 0.0))
