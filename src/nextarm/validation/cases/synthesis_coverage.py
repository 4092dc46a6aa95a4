"""Slow cases: how often the intervals of pooling hold the truth, simulated, against nominal and against an earlier run in R."""

from __future__ import annotations

from functools import cache

from nextarm.synthesis.coverage import KS, TAUS, Coverage, simulate_coverage
from nextarm.validation.case import Case

#: Coverage printed in the project's reference list (S4; metafor, 4,000 repeats, its study sizes are not stated).
S4 = {
    (4, 0.4): {"wald": 0.867, "hartung-knapp": 0.948, "t(k-1)": 0.886, "t(k-2)": 0.921, "normal": 0.798},
    (10, 0.2): {"wald": 0.906, "hartung-knapp": 0.930, "t(k-1)": 0.873, "t(k-2)": 0.878, "normal": 0.840},
    (10, 0.4): {"wald": 0.915, "hartung-knapp": 0.950, "t(k-1)": 0.933, "t(k-2)": 0.937, "normal": 0.902},
    (3, 0.0): {"ad-hoc": 1.000},
    (3, 0.2): {"ad-hoc": 0.992},
    (3, 0.4): {"ad-hoc": 0.969},
    (5, 0.0): {"ad-hoc": 0.997},
    (5, 0.2): {"ad-hoc": 0.965},
    (5, 0.4): {"ad-hoc": 0.949},
}


@cache
def _table() -> Coverage:
    return simulate_coverage(ks=(4, *KS), sampling="normal", bayesian=False)


def _against_s4() -> dict[str, float]:
    return {f"k={k} tau={tau} {name}": _table().row(k, tau, name).coverage for (k, tau), row in S4.items() for name in row}


def _nominal() -> dict[str, float]:
    return {f"k={k} tau={tau}": _table().row(k, tau, "hartung-knapp").coverage for k in KS for tau in TAUS}


def _bayesian() -> dict[str, float]:
    """Truths drawn from the prior itself: the posterior interval then holds exactly its level, on average over tau."""
    import math

    import numpy as np

    from nextarm.core.random import block_stream
    from nextarm.synthesis.coverage import PRIOR_SCALE, draw, posterior_shares

    held = 0
    repeats, batches = 200, 20
    for batch in range(batches):
        tau = abs(float(block_stream(21, batch).standard_normal())) * PRIOR_SCALE
        y, v, _ = draw(6, tau, repeats=repeats, seed=22 + batch, sampling="normal")
        truth = np.full((repeats, 1), math.log(0.42 / 0.58))
        share = posterior_shares(y, v, truth, new_study=False)
        held += int(((share > 0.025) & (share < 0.975)).sum())
    return {"coverage": held / (repeats * batches)}


CASES: tuple[Case, ...] = (
    Case(
        id="synthesis/coverage-s4",
        title="coverage of Wald, Hartung-Knapp, ad hoc and prediction intervals",
        room="synthesis",
        kind="second implementation",
        source="metafor simulation, 4,000 repeats, in the project's reference list (S4)",
        inputs="4,000 simulated data sets a row; sizes of our choice, S4 does not state its own, hence 2 points",
        compute=_against_s4,
        expected={f"k={k} tau={tau} {name}": value for (k, tau), row in S4.items() for name, value in row.items()},
        tolerance=0.02,
        slow=True,
    ),
    Case(
        id="synthesis/coverage-nominal",
        title="the plain Hartung-Knapp interval holds its level within 2 points",
        room="synthesis",
        kind="limit case",
        source="nominal level; doi 10.1002/sim.1009",
        inputs="4,000 simulated data sets a row, k = 3, 5, 10, 20, tau = 0, 0.2, 0.4",
        compute=_nominal,
        expected={f"k={k} tau={tau}": 0.95 for k in KS for tau in TAUS},
        tolerance=0.02,
        slow=True,
    ),
    Case(
        id="synthesis/coverage-bayesian",
        title="the Bayesian interval holds its level where the truth is drawn from its prior",
        room="synthesis",
        kind="closed form",
        source="calibration: averaged over the prior a posterior interval holds exactly its level",
        inputs="20 values of tau from half-normal(0.5), 200 data sets each, k = 6",
        compute=_bayesian,
        expected={"coverage": 0.95},
        tolerance=0.015,
        slow=True,
    ),
)
