"""The root of a function between two points where its sign differs: scipy's, loaded once a root is asked for.

scipy.optimize takes longer to load than most results that need no root.
"""

from __future__ import annotations

from collections.abc import Callable


def brentq(
    function: Callable[[float], float], low: float, high: float, *, xtol: float = 2e-12, rtol: float = 2.0**-50, maxiter: int = 100
) -> float:
    """A root of ``function`` between ``low`` and ``high``, to ``xtol`` + ``rtol`` of itself (``scipy.optimize.brentq``).

    :class:`ValueError` where both ends have one sign or a value is NaN, :class:`RuntimeError` after ``maxiter`` steps.

    >>> round(brentq(lambda x: x * x - 2.0, 0.0, 2.0), 12)
    1.414213562373
    """
    from scipy.optimize import brentq as run

    return float(run(function, low, high, xtol=xtol, rtol=rtol, maxiter=maxiter))
