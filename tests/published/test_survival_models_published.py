"""Printed and frozen numbers of other programs: flexsurv, flexsurvcure, survreg, lifelines, MASS, R's distributions."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.survival.fit import fit_model
from nextarm.validation.cases.survival_models import CASES, patients_of


def test_weibull_regression_of_the_flexsurv_manual() -> None:
    """flexsurvreg(Surv(recyrs, censrec) ~ group, data = bc, dist = "weibull") as printed; its year has 365 days."""
    fit = fit_model(patients_of("gbsg"), model="weibull", location="arm")
    assert fit.n == 686
    assert fit.events == 299
    assert fit.log_likelihood + 299 * np.log(365 / 365.25) == pytest.approx(-811.9419, abs=6e-5)
    assert fit.aic == pytest.approx(8 - 2 * fit.log_likelihood)
    assert fit.parameter("shape").estimate == pytest.approx(1.3797, abs=6e-5)
    assert fit.parameter("scale: arm: Poor").estimate == pytest.approx(-1.2122, abs=6e-5)


def test_mixture_cure_of_the_flexsurvcure_vignette() -> None:
    """S at 1000, 2000 and 3000 days in the group "Good", printed as 0.83251996, 0.71313032, 0.67959584."""
    fit = fit_model(patients_of("gbsg"), model="mixture-cure:weibull", cure="arm")
    good = fit.survival(np.array([1000.0, 2000.0, 3000.0]) / 365.25, arm="Good").estimate
    np.testing.assert_allclose(good, [0.83251996, 0.71313032, 0.67959584], atol=3e-5)
    assert [round(f.estimate, 3) for f in fit.cure_fractions] == [0.673, 0.377, 0.060]


def test_cases_are_mostly_from_outside() -> None:
    kinds = [c.kind for c in CASES]
    assert sum(k in ("published", "other program", "closed form") for k in kinds) >= 40
    assert len({c.id for c in CASES}) == len(CASES)
