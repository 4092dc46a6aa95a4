"""Nodes against numpy, which finds them too."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.survival.gauss import legendre_nodes


@pytest.mark.parametrize("order", [1, 12, 96])
def test_numpy_legendre_nodes_are_these_and_cannot_be_changed(order: int) -> None:
    nodes, weights = legendre_nodes(order)
    for got, want in zip((nodes, weights), np.polynomial.legendre.leggauss(order), strict=True):
        np.testing.assert_array_equal(got, want)
        with pytest.raises(ValueError, match="read-only"):
            got[0] = 0.0
