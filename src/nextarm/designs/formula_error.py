"""How far a power by the normal law may be off in a small trial: measured, not derived.

The formulas of ``absolute-margin`` and ``rmst-difference`` take the standard error of the estimate as known. The test estimates it, from
few patients and not independently of the effect (where S is high, a good result has a small variance), so its power is another one.
The numbers are the largest differences over a grid of two arms of equal size, followed in full: S (cure fractions) of .4 to .95, gains
of 0 to .3, margins of 0 to .2 (0 to .6 years), alpha .025 and .05. For S they come from the binomial law of both counts, without
simulation; for restricted means from 100,000 trials a cell, with two Monte-Carlo standard errors added. A correction of second order (the
covariance of estimate and variance, and its skewness) was tried for S: it takes about 40 % off the worst cell at 40 and
60 patients and almost nothing at 100.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

#: Patients of both arms, and the largest differences there.
PATIENTS = (40.0, 60.0, 100.0, 200.0, 400.0)
BOUNDS = {"S": (0.090, 0.055, 0.029, 0.021, 0.010), "RMST": (0.057, 0.056, 0.039, 0.017, 0.007)}
#: A difference below which nothing is said.
WORTH_SAYING = 0.01


def formula_error(estimand: Literal["S", "RMST"], patients: float) -> float | None:
    """The largest difference at so many patients: straight lines between those measured, beyond as 1 / patients; None below the least.

    >>> formula_error("S", 60.0)
    0.055
    """
    if patients < PATIENTS[0]:
        return None
    return float(np.interp(patients, PATIENTS, BOUNDS[estimand])) * min(1.0, PATIENTS[-1] / patients)


def formula_warning(estimand: Literal["S", "RMST"], patients: float) -> tuple[str, ...]:
    """What a result says of its power by formula."""
    bound = formula_error(estimand, patients)
    if bound is None:
        most, least = BOUNDS[estimand][0], PATIENTS[0]
        return (f"power by formula was up to {most:.3f} off at {least:g} patients and not measured below: nextarm simulate has it right",)
    if bound < WORTH_SAYING:
        return ()
    told = f"power by formula is off by up to {bound:.3f} at {patients:.0f} patients in the trials measured (1:1, followed in full)"
    return (f"{told}: nextarm simulate has it right",)
