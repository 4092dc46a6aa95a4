"""Multi-arm bounds against MAMS 3.0.2 and Dunnett; the graphical procedure against Holm's and fixed-sequence tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri

from nextarm.designs.graphical_test import graphical_test
from nextarm.designs.multi_arm_bounds import multi_arm_bounds, multi_arm_size

# P(an experimental outcome exceeds a control outcome) .65 and .55 as standardised differences of means.
EFFECT, OTHERS = math.sqrt(2.0) * float(ndtri(0.65)), math.sqrt(2.0) * float(ndtri(0.55))


def test_mams_one_stage() -> None:
    # MAMS: K = 4, J = 1, alpha .05, power .9: bound 2.16, 84 per arm.
    bounds = multi_arm_bounds(4, fractions=np.array([1.0]), alpha=0.05)
    assert bounds.upper[0] == pytest.approx(2.16, abs=0.005)
    assert math.ceil(multi_arm_size(bounds, effect=EFFECT, others=OTHERS, power=0.9)) == 84


def test_mams_two_stages_triangular() -> None:
    # MAMS: K = 4, J = 2: 50 then 100 per arm, upper 2.432 2.293, lower .811 2.293.
    bounds = multi_arm_bounds(4, fractions=np.array([0.5, 1.0]), alpha=0.05)
    assert bounds.upper == pytest.approx([2.432, 2.293], abs=0.0006)
    assert bounds.lower == pytest.approx([0.811, 2.293], abs=0.0006)
    size = multi_arm_size(bounds, effect=EFFECT, others=OTHERS, power=0.9)
    assert 2 * math.ceil(size / 2) == 100


def test_one_arm_is_the_group_sequential_bound() -> None:
    # rpact, K = 3, one-sided .025: O'Brien-Fleming and Pocock.
    t = np.array([1 / 3, 2 / 3, 1.0])
    assert multi_arm_bounds(1, fractions=t, alpha=0.025, shape="obrien-fleming").upper == pytest.approx(
        [3.47109, 2.45443, 2.00404], abs=2e-5
    )
    assert multi_arm_bounds(1, fractions=t, alpha=0.025, shape="pocock").upper == pytest.approx([2.28948] * 3, abs=2e-5)


def test_holm_as_a_graph() -> None:
    p = {"a": 0.01, "b": 0.02, "c": 0.022, "d": 0.6}
    names = list(p)
    graph = {a: {b: 1 / 3 for b in names if b != a} for a in names}
    got = graphical_test(p, weights=dict.fromkeys(names, 0.25), transitions=graph, alpha=0.05)
    assert got.adjusted_p == pytest.approx({"a": 0.04, "b": 0.06, "c": 0.06, "d": 0.6})  # Holm: 4 p, then the running maximum
    assert got.rejected == ("a",)


def test_fixed_sequence_as_a_graph() -> None:
    p = {"MRD": 0.001, "EFS": 0.03, "OS": 0.002}
    got = graphical_test(p, weights={"MRD": 1.0}, transitions={"MRD": {"EFS": 1.0}, "EFS": {"OS": 1.0}}, alpha=0.025)
    assert got.rejected == ("MRD",)
    assert got.adjusted_p == pytest.approx({"MRD": 0.001, "EFS": 0.03, "OS": 0.03})
    assert got.local_alpha == pytest.approx({"MRD": 0.0, "EFS": 0.025, "OS": 0.0})
