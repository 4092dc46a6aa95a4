"""Spending functions: how much of alpha (or beta) may be used up by an information fraction.

Lan and DeMets 1983 (doi 10.1093/biomet/70.3.659), Hwang, Shih and DeCani 1990 (doi 10.1002/sim.4780091207), Kim and
DeMets 1987 (doi 10.1093/biomet/74.1.149).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray

SpendingFunction = Callable[[FloatArray, float, float], FloatArray]


def lan_demets_obrien_fleming(t: FloatArray, total: float, parameter: float) -> FloatArray:
    """2 - 2 Phi(z(total / 2) / sqrt(t)): almost nothing early."""
    from scipy.special import ndtr, ndtri

    with np.errstate(divide="ignore"):
        return np.asarray(2.0 * ndtr(ndtri(total / 2.0) / np.sqrt(t)), np.float64)


def lan_demets_pocock(t: FloatArray, total: float, parameter: float) -> FloatArray:
    """total log(1 + (e - 1) t): evenly."""
    return np.asarray(total * np.log1p((np.e - 1.0) * t), np.float64)


def hwang_shih_decani(t: FloatArray, total: float, parameter: float) -> FloatArray:
    """total (1 - exp(-gamma t)) / (1 - exp(-gamma)), linear at gamma = 0; negative gamma spends late."""
    if parameter == 0.0:
        return total * t
    return np.asarray(total * np.expm1(-parameter * t) / np.expm1(-parameter), np.float64)


def kim_demets(t: FloatArray, total: float, parameter: float) -> FloatArray:
    """total t ** rho with rho above 0."""
    return np.asarray(total * t**parameter, np.float64)


#: Spending functions by name, with the parameter used when none is given.
SPENDING: tuple[tuple[str, SpendingFunction, float], ...] = (
    ("lan-demets-obrien-fleming", lan_demets_obrien_fleming, 0.0),
    ("lan-demets-pocock", lan_demets_pocock, 0.0),
    ("hwang-shih-decani", hwang_shih_decani, -4.0),
    ("kim-demets", kim_demets, 3.0),
)


#: What the parameter of a family may be (one that takes none is not listed); beyond, the function is a step.
PARAMETERS: dict[str, tuple[float, float]] = {"wang-tsiatis": (-0.5, 1.0), "hwang-shih-decani": (-40.0, 40.0), "kim-demets": (0.01, 40.0)}


def parameter_rule(family: str, parameter: float | None) -> str:
    """The rule that ``parameter`` of ``family`` breaks; empty if it breaks none.

    >>> parameter_rule("kim-demets", -1.0)
    'must lie between 0.01 and 40 for kim-demets'
    """
    if parameter is None:
        return ""
    if family not in PARAMETERS:
        return f"is not used: {family} has no parameter"
    low, high = PARAMETERS[family]
    return "" if low <= parameter <= high else f"must lie between {low:g} and {high:g} for {family}"


def spent(name: str, t: FloatArray | float, *, total: float, parameter: float | None = None) -> FloatArray:
    """Error used up by the information fractions ``t`` (0 to 1; above 1 counts as 1) out of ``total``.

    >>> spent("kim-demets", np.array([0.5, 1.0]), total=0.025, parameter=2.0).tolist()
    [0.00625, 0.025]
    """
    for known, function, default in SPENDING:
        if known == name:
            fraction = np.minimum(np.asarray(t, np.float64), 1.0)
            if np.any(fraction <= 0.0):
                raise CallError(f"information fraction = {float(np.min(fraction)):g}", rule="must be above 0")
            rule = parameter_rule(name, parameter)
            if rule and parameter is not None:
                raise CallError(f"spending_parameter = {parameter:g}", rule=rule)
            return np.minimum(function(fraction, total, default if parameter is None else parameter), total)
    raise CallError(f"spending = {name!r}", rule=f"must be one of {', '.join(n for n, _, _ in SPENDING)}")
