"""The log-rank Z of many trials at once with numpy, for designs whose patients the compiled kernel does not carry."""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.seam import BoolArray


def log_rank_z(time: FloatArray, event: BoolArray, experimental: BoolArray) -> FloatArray:
    """-U / sqrt(V) of each row (trials, patients); event times are taken to differ. 0 without information.

    >>> z = log_rank_z(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[True] * 4]), np.array([[False, False, True, True]]))
    >>> round(float(z[0]), 6)
    1.697749
    """
    order = np.argsort(time, axis=1)
    d, x = np.take_along_axis(event, order, axis=1), np.take_along_axis(experimental, order, axis=1).astype(np.float64)
    at_risk = np.arange(time.shape[1], 0, -1, dtype=np.float64)
    p = np.cumsum(x[:, ::-1], axis=1)[:, ::-1] / at_risk
    score = np.where(d, x - p, 0.0).sum(axis=1)
    variance = np.where(d, p * (1.0 - p), 0.0).sum(axis=1)
    return np.asarray(np.where(variance > 0.0, -score / np.sqrt(np.where(variance > 0.0, variance, 1.0)), 0.0), np.float64)
