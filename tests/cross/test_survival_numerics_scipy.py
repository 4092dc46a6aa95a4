"""Roots and nodes against scipy and numpy, which find them too."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import brentq as scipys

from nextarm.survival.gauss import legendre_nodes
from nextarm.survival.roots import brentq

FUNCTIONS: dict[str, tuple[Callable[[float], float], float, float]] = {
    "cubic": (lambda x: x**3 - 2.0, 0.0, 2.0),
    "nearly flat at the root": (lambda x: (x - 0.3) ** 3 + 1e-3 * (x - 0.3), -4.0, 5.0),
    "flat, then steep": (lambda x: math.exp(5.0 * x) - 1e-3, -6.0, 6.0),
    "jump": (lambda x: 1.0 if x > 0.7 else -1.0, -3.0, 2.0),
    "steps": (lambda x: round(x - 0.42, 2), -1.0, 4.0),
    "falling": (lambda x: math.tanh(-2.0 * x) + 0.3, -4.0, 3.0),
    "tiny values": (lambda x: 1e-200 * (x**3 - 0.5), -1.0, 2.0),
    "root at the lower end": (lambda x: x, 0.0, 1.0),
    "root at the upper end": (lambda x: x - 1.0, 0.0, 1.0),
}
PRECISIONS: tuple[dict[str, float], ...] = (
    {},
    {"xtol": 1e-12, "rtol": 1e-13},
    {"xtol": 1e-6},
    {"xtol": 1e-300, "rtol": 1e-14, "maxiter": 1000},
)


@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_scipy_brentq_finds_the_same_root_by_the_same_steps(name: str, precision: dict[str, float]) -> None:
    function, low, high = FUNCTIONS[name]
    asked: tuple[list[float], list[float]] = ([], [])

    def kept(x: float, which: int) -> float:
        asked[which].append(x)
        return function(x)

    want = scipys(lambda x: kept(x, 0), low, high, **precision)
    got = brentq(lambda x: kept(x, 1), low, high, **precision)  # type: ignore[arg-type]
    assert got == pytest.approx(want, rel=1e-15, abs=1e-15)  # equal to the last bit where the compiler fuses no multiplication
    assert len(asked[0]) == len(asked[1])


@pytest.mark.parametrize("function", [lambda x: x * x + 1.0, lambda x: math.nan], ids=["no change of sign", "not a number"])
def test_scipy_brentq_refuses_what_ours_refuses(function: Callable[[float], float]) -> None:
    for solver in (scipys, brentq):
        with pytest.raises(ValueError, match=r"sign|number|NaN"):
            solver(function, -1.0, 1.0)


def test_scipy_brentq_and_ours_give_up_after_so_many_steps() -> None:
    for solver in (scipys, brentq):
        with pytest.raises(RuntimeError, match="100"):
            solver(lambda x: (x - 0.3) ** 9, -4.0, 5.0)


@pytest.mark.parametrize("order", [1, 12, 96])
def test_numpy_legendre_nodes_are_these_and_cannot_be_changed(order: int) -> None:
    nodes, weights = legendre_nodes(order)
    for got, want in zip((nodes, weights), np.polynomial.legendre.leggauss(order), strict=True):
        np.testing.assert_array_equal(got, want)
        with pytest.raises(ValueError, match="read-only"):
            got[0] = 0.0
