"""A survival truth of a plan moved so that S(milestone) has another value, its shape kept.

A mixture cure keeps its latency and moves its cure fraction while that is possible, and below hurries its latency; other models
change their rate or scale, which multiplies the cumulative hazard up to the milestone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nextarm.core.errors import RefusedError
from nextarm.designs.plan import Plan


def moved_survival(plan: Plan, arm: str, survival: float) -> dict[str, Any]:
    """The ``survival`` table of ``arm`` with S(milestone) = ``survival``; :class:`RefusedError` for a truth that cannot be moved."""
    spec, at = dict(plan.arms[arm].survival), plan.trial.milestone
    if "model" not in spec:
        truth: Any = plan.truths()[arm]
        from nextarm.survival import model_to_spec

        if "posterior" in spec:
            spec = dict(model_to_spec(truth))
        else:  # relative to another arm: its base, at its own value
            return moved_survival(plan, spec["of"], survival)
    if spec["model"] != "mixture-cure":
        return _scaled(spec, at, survival, arm)
    latency = dict(spec["latency"])
    beyond = _survival(latency, at)
    cure = (survival - beyond) / (1.0 - beyond) if beyond < 1.0 else 0.0
    if cure > 0.0:
        return {"model": "mixture-cure", "cure_fraction": min(cure, 1.0 - 1e-9), "latency": latency}
    return {"model": "mixture-cure", "cure_fraction": 0.0, "latency": _scaled(latency, at, survival, arm)}


def _survival(spec: dict[str, Any], at: float) -> float:
    from nextarm.survival.models import model_from_spec

    return float(model_from_spec(spec).survival(np.asarray(at)))


def _scaled(spec: dict[str, Any], at: float, survival: float, arm: str) -> dict[str, Any]:
    """Time stretched (or piecewise hazards multiplied) until S(``at``) = ``survival``."""
    from nextarm.survival.models import model_from_spec

    model: Any = model_from_spec(spec)
    now = float(model.survival(np.asarray(at)))
    if not 0.0 < now < 1.0:
        raise RefusedError(f"arms.{arm}.survival", rule=f"has S = {now:g} at the milestone and cannot be moved")
    made = dict(spec)
    if "rates" in made:
        factor = math.log(survival) / math.log(now)
        return made | {"rates": [r * factor for r in made["rates"]]}
    if not model.scale_parameter:
        raise RefusedError(f"arms.{arm}.survival of the model {spec['model']!r}", rule="has no scale to move")
    stretch = at / float(model.quantile(np.asarray(1.0 - survival)))
    made.pop(model.scale_parameter, None)
    return made | {"median": float(model.quantile(np.asarray(0.5))) * stretch}
