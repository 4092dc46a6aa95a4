"""Newton's method for a likelihood with exact second derivatives: damped, and safe away from the maximum.

Where the information is not positive definite its eigenvalues are taken by absolute value (saddle-free Newton), so that every
step climbs; steps are cut to :data:`LONGEST` and halved until the likelihood rises. Near the maximum full steps follow until
the Newton decrement (the rise still to come, to second order) is below rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextarm.core.units import FloatArray
from nextarm.survival.fit_likelihood import Evaluation

#: The longest change of a coefficient in one step: a factor e^2 in a rate, a scale or an odds.
LONGEST = 2.0

#: Steps before giving up.
STEPS = 100

#: A coefficient beyond this is on its way to infinity.
FAR = 60.0


@dataclass(frozen=True)
class Optimum:
    """Where the climb ended. ``decrement`` is the rise of the log likelihood still to come, to second order."""

    theta: FloatArray
    at: Evaluation
    converged: bool
    steps: int
    decrement: float

    @property
    def value(self) -> float:
        """The log likelihood there."""
        return self.at.value


def maximise(
    function: Callable[[FloatArray], Evaluation],
    start: FloatArray,
    *,
    free: NDArray[np.bool_] | None = None,
    unit: FloatArray | None = None,
) -> Optimum | None:
    """Climb from ``start``; coefficients outside the mask ``free`` stay. None where the start has no finite likelihood.

    ``unit`` is the size of a coefficient that counts as 1 for the length of steps (default 1).
    """
    theta = np.array(start, np.float64)
    unit = np.ones(theta.size) if unit is None else unit
    keep = np.ones(theta.size, bool) if free is None else free
    here = function(theta)
    if not _usable(here, keep):
        return None
    decrement = np.inf
    for steps in range(STEPS):
        step, decrement, climbing = _newton_step(here, keep, unit)
        if climbing and decrement < 1e-13 * (1.0 + abs(here.value)) ** 0.5:
            return Optimum(theta, here, True, steps, decrement)
        near = climbing and decrement < 1e-7
        moved = _searched(function, theta, here, step, near, keep)
        if moved is None:
            return Optimum(theta, here, climbing and decrement < 1e-8, steps, decrement)
        theta, here = moved
        if np.abs(theta / unit)[keep].max() > FAR:
            return Optimum(theta, here, False, steps, decrement)
    return Optimum(theta, here, False, STEPS, decrement)


def _usable(e: Evaluation, keep: NDArray[np.bool_]) -> bool:
    inner = e.hessian[np.ix_(keep, keep)]
    return bool(np.isfinite(e.value) and np.isfinite(e.gradient[keep]).all() and np.isfinite(inner).all())


def _newton_step(e: Evaluation, keep: NDArray[np.bool_], length: FloatArray) -> tuple[FloatArray, float, bool]:
    """The step over the free coefficients, the decrement, and whether the information is positive definite."""
    step = np.zeros(e.gradient.size)
    gradient = e.gradient[keep]
    if gradient.size == 0:
        return step, 0.0, True
    information = -e.hessian[np.ix_(keep, keep)]
    # Scaled to a unit diagonal first, so that the floor on the eigenvalues knows no units.
    unit = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-280))
    roots, axes = np.linalg.eigh(information * unit[:, None] * unit)
    along = axes.T @ (gradient * unit)
    sizes = np.maximum(np.abs(roots), 1e-10 * max(float(np.abs(roots).max()), 1e-300))
    with np.errstate(over="ignore", invalid="ignore"):
        move = np.nan_to_num(unit * (axes @ (along / sizes)), posinf=1e300, neginf=-1e300)
        decrement = 0.5 * float(np.sum(along * along / sizes))
    step[keep] = move * min(1.0, LONGEST / max(float(np.abs(move / length[keep]).max()), 1e-300))
    return step, decrement, bool(roots[0] > 0.0)


def _searched(
    function: Callable[[FloatArray], Evaluation], theta: FloatArray, here: Evaluation, step: FloatArray, near: bool, keep: NDArray[np.bool_]
) -> tuple[FloatArray, Evaluation] | None:
    """The first of the halved steps that climbs enough; near the maximum one that does not fall beyond rounding."""
    promise = float(here.gradient @ step)
    for halving in range(25):
        share = 0.5**halving
        there = theta + share * step
        found = function(there)
        floor = here.value - 1e-12 * (1.0 + abs(here.value)) if near else here.value + 1e-4 * share * promise
        if found.value >= floor and _usable(found, keep):
            return there, found
    return None
