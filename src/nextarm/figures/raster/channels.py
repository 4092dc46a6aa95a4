"""Largest and least of the three channels of a picture; numpy reduces so short an axis slowly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def largest(field: NDArray[Any]) -> Any:
    """Largest of the three channels, shape (rows, columns) of a field (rows, columns, 3)."""
    return np.asarray(np.maximum(np.maximum(field[..., 0], field[..., 1]), field[..., 2]))


def least(field: NDArray[Any]) -> Any:
    """Least of the three channels, shape (rows, columns) of a field (rows, columns, 3)."""
    return np.asarray(np.minimum(np.minimum(field[..., 0], field[..., 1]), field[..., 2]))
