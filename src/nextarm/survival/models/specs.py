"""Models from the tables of a plan: ``{ model = "weibull", shape = 1.3, median = 0.7 }`` and cure around any of them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from nextarm.core.errors import CallError, Problem
from nextarm.survival.models.distribution import Distribution
from nextarm.survival.models.exponential import Exponential
from nextarm.survival.models.gamma import Gamma
from nextarm.survival.models.generalised_gamma import GeneralisedGamma
from nextarm.survival.models.gompertz import Gompertz
from nextarm.survival.models.log_logistic import LogLogistic
from nextarm.survival.models.log_normal import LogNormal
from nextarm.survival.models.mixture_cure import MixtureCure
from nextarm.survival.models.piecewise_exponential import PiecewiseExponential
from nextarm.survival.models.promotion_time_cure import PromotionTimeCure
from nextarm.survival.models.weibull import Weibull

#: Models without a cure fraction of their own: each may stand alone or as the latency of a cure model.
LATENCIES: tuple[Any, ...] = (
    Exponential, Weibull, LogNormal, LogLogistic, Gamma, GeneralisedGamma, Gompertz, PiecewiseExponential,
)  # fmt: skip
#: Cure models, around any latency.
CURES: tuple[Any, ...] = (MixtureCure, PromotionTimeCure)
MODELS: tuple[Any, ...] = (*LATENCIES, *CURES)

#: The parameter that ``median`` stands in for, model by model (all others are given beside it).
REPLACED_BY_MEDIAN: dict[str, str] = {
    "exponential": "rate",
    "weibull": "scale",
    "log-normal": "mu",
    "log-logistic": "scale",
    "gamma": "rate",
    "generalised-gamma": "mu",
    "gompertz": "rate",
    "piecewise-exponential": "",
}


def model_from_spec(spec: Mapping[str, Any], *, path: str = "") -> Distribution:
    """Make a model from a plan's table.

    ``model`` names it; its parameters follow by name, or ``median`` (years) in place of the scale. ``latency`` of a
    cure model is such a table itself. :class:`CallError` lists every problem with its key (under ``path``).

    >>> weibull = {"model": "weibull", "shape": 1.3, "median": 0.7}
    >>> model = model_from_spec({"model": "mixture-cure", "cure_fraction": 0.6, "latency": weibull})
    >>> round(float(model.survival(0.7)), 6)
    0.8
    """
    prefix = f"{path}." if path else ""
    if not isinstance(spec, Mapping):
        raise CallError(f"{path or 'survival'} = {spec!r}", rule='must be a table such as { model = "exponential", rate = 0.5 }')
    known = {cls.name: cls for cls in MODELS}
    name = spec.get("model")
    if not isinstance(name, str) or name not in known:
        near = difflib.get_close_matches(str(name), known, 1)
        cure = f"Did you mean {near[0]!r}?" if near else ""
        raise CallError(f"{prefix}model = {name!r}", rule=f"must be one of {', '.join(known)}", cure=cure)
    cls = known[name]
    given = {k: v for k, v in spec.items() if k != "model"}
    wanted = [f.name for f in fields(cls)]
    by_median = "median" in given
    if by_median and name in REPLACED_BY_MEDIAN:
        wanted = ["median", *(w for w in wanted if w != REPLACED_BY_MEDIAN[name])]
    problems = [
        Problem(f"{prefix}{key}", rule=f"is not a parameter of {name}", cure=f"Its parameters are {', '.join(wanted)}")
        for key in given
        if key not in wanted
    ]
    problems += [Problem(f"{prefix}{key}", rule=f"is missing: {name} needs {_needs(name, wanted)}") for key in wanted if key not in given]
    values: dict[str, Any] = {}
    for key in (k for k in wanted if k in given):
        try:
            values[key] = _value(given[key], key, f"{prefix}{key}")
        except CallError as error:
            problems += error.problems
    if problems:
        raise CallError(problems=problems)
    try:
        made: Distribution = cls.from_median(values.pop("median"), **values) if by_median else cls(**values)
    except CallError as error:
        raise CallError(problems=[Problem(f"{prefix}{p.what}", rule=p.rule, cure=p.cure) for p in error.problems]) from None
    return made


def _needs(name: str, wanted: list[str]) -> str:
    listed = ", ".join(wanted)
    replaced = REPLACED_BY_MEDIAN.get(name)
    return f"{listed} (or median in place of {replaced})" if replaced and "median" not in wanted else listed


def _value(value: Any, key: str, path: str) -> Any:
    if key == "latency":
        made = model_from_spec(value, path=path)
        if isinstance(made, CURES):
            raise CallError(f"{path}.model = {made.name!r}", rule="a latency cannot be a cure model itself")
        return made
    if key in ("cuts", "rates"):
        if not isinstance(value, list | tuple) or not all(_is_number(v) for v in value):
            raise CallError(f"{path} = {value!r}", rule="must be a list of numbers")
        return tuple(float(v) for v in value)
    if not _is_number(value):
        raise CallError(f"{path} = {value!r}", rule="must be a number")
    if key == "cure_fraction" and 1.0 < value <= 100.0:
        raise CallError(f"{path} = {value:g}", rule="must be 0 or more and below 1", cure="Give a proportion, not a percentage")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def model_to_spec(model: Distribution) -> dict[str, Any]:
    """The table that :func:`model_from_spec` reads back to ``model``."""
    spec: dict[str, Any] = {"model": model.name}
    for f in fields(model):  # type: ignore[arg-type]  # every model is a record
        value = getattr(model, f.name)
        spec[f.name] = model_to_spec(value) if isinstance(value, Distribution) else list(value) if isinstance(value, tuple) else value
    return spec
