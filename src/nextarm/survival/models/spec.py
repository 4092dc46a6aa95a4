"""From a plan's table to a survival model."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from nextarm.core.errors import CallError, Problem
from nextarm.survival.models.distribution import Distribution
from nextarm.survival.models.mixture_cure import MixtureCure
from nextarm.survival.models.piecewise_exponential import PiecewiseExponential
from nextarm.survival.models.promotion_time_cure import PromotionTimeCure
from nextarm.survival.models.registry import LATENCIES

CURES: tuple[type[MixtureCure] | type[PromotionTimeCure], ...] = (MixtureCure, PromotionTimeCure)

#: Every model, by its name in plans.
MODELS: tuple[type[Distribution], ...] = (*LATENCIES, *CURES)


def model_from_spec(spec: Mapping[str, Any], *, path: str = "") -> Distribution:
    """Return the model a table such as ``{"model": "weibull", "shape": 1.3, "median": 0.7}`` describes.

    Every model takes its own parameters (the fields of its class), or ``median`` (years) in place of its scale
    parameter; a piecewise model with a median takes ``relative_rates``. Cure models take ``cure_fraction`` and
    ``latency``, a table of its own. ``path`` is put before the keys named in messages. Raises :class:`CallError` listing
    all that is wrong.

    >>> m = model_from_spec({"model": "mixture-cure", "cure_fraction": 0.6, "latency": {"model": "exponential", "median": 0.7}})
    >>> round(float(m.survival(0.7)), 12)
    0.8
    """
    problems: list[Problem] = []
    made = _made(spec, path, problems, MODELS)
    if problems or made is None:
        raise CallError(problems=problems)
    return made


def _made(spec: Any, path: str, problems: list[Problem], allowed: tuple[type[Distribution], ...]) -> Distribution | None:
    key = _keyed(path, "model")
    if not isinstance(spec, Mapping):
        problems.append(
            Problem(f"{path or 'survival'} = {spec!r}", rule="must be a table such as { model = 'weibull', shape = 1.3, median = 0.7 }")
        )
        return None
    known = {cls.name: cls for cls in allowed}
    name = spec.get("model")
    if not isinstance(name, str) or name not in known:
        what = f"{key} is missing" if "model" not in spec else f"{key} = {name!r}"
        near = difflib.get_close_matches(str(name), known, 1)
        problems.append(Problem(what, rule=f"must be one of {', '.join(known)}", cure=f"Did you mean {near[0]!r}?" if near else ""))
        return None
    before = len(problems)
    cls = known[name]
    values = {k: v for k, v in spec.items() if k != "model"}
    wanted = [f.name for f in fields(cls) if f.name != "model"]  # type: ignore[arg-type]
    if "median" in values and cls.scale_parameter:
        wanted = _with_median(cls, values, wanted, path, problems)
    elif "median" in values:
        problems.append(Problem(f"{_keyed(path, 'median')}", rule="a cure model has no median of its own", cure="Give latency.median"))
        values.pop("median")
    takes = f"it takes {', '.join(wanted)}"
    problems.extend(Problem(f"{_keyed(path, key)} is not a parameter of {name}", rule=takes) for key in sorted(set(values) - set(wanted)))
    for missing in [w for w in wanted if w not in values]:
        hint = " (or median)" if missing == cls.scale_parameter else ""
        problems.append(Problem(f"{_keyed(path, missing)} is missing", rule=f"{name} needs {', '.join(wanted)}{hint}"))
    if "latency" in values and cls in CURES:
        values["latency"] = _made(values["latency"], _keyed(path, "latency"), problems, LATENCIES)
    problems.extend(_number_problems(values, path))
    if len(problems) > before:
        return None
    return _built(cls, values, path, problems)


def _with_median(cls: type[Distribution], values: dict[str, Any], wanted: list[str], path: str, problems: list[Problem]) -> list[str]:
    """The parameters wanted when a median stands in for the scale parameter."""
    scale = cls.scale_parameter
    if scale in values:
        cure = "Give relative_rates with a median" if cls is PiecewiseExponential else ""
        problems.append(
            Problem(f"{_keyed(path, 'median')} and {_keyed(path, scale)} are both given", rule="one of them is enough", cure=cure)
        )
        values.pop(scale)
    new = ["relative_rates"] if cls is PiecewiseExponential else []
    return [*(w for w in wanted if w != scale), *new, "median"]


def _built(cls: type[Distribution], values: dict[str, Any], path: str, problems: list[Problem]) -> Distribution | None:
    """The model from complete values; what its own checks find is reported with the key path."""
    try:
        if "median" not in values:
            return cls(**values)
        rest = {k: v for k, v in values.items() if k != "median"}
        made: Distribution = cls.from_median(float(values["median"]), **rest)  # type: ignore[attr-defined]
        return made
    except CallError as error:
        problems.extend(Problem(_keyed(path, p.what), p.where, p.rule, p.cure) for p in error.problems)
        return None


def _number_problems(values: Mapping[str, Any], path: str) -> list[Problem]:
    """Scalars that are not numbers, a median that is not above 0, a cure fraction that is not a proportion."""
    found = []
    for name, value in values.items():
        if name in ("latency", "cuts", "rates", "relative_rates"):
            continue
        what = f"{_keyed(path, name)} = {value!r}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            found.append(Problem(what, rule="must be a number"))
        elif name == "median" and not 0.0 < value < float("inf"):
            found.append(Problem(what, rule="must be above 0 years"))
        elif name == "cure_fraction" and not 0.0 <= value <= 1.0:
            cure = "Give a proportion, not a percentage" if 1.0 < value <= 100.0 else ""
            found.append(Problem(what, rule="must lie between 0 and 1", cure=cure))
    return found


def model_to_spec(model: Distribution) -> dict[str, Any]:
    """The table that :func:`model_from_spec` reads back to ``model``."""
    from nextarm.core.result import to_data

    spec: dict[str, Any] = to_data(model)
    return {"model": model.name} | spec


def _keyed(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
