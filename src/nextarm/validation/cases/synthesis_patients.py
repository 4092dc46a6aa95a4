"""Cases of pooling from patients: multivariate random effects against metafor, cure fractions drawn and found again."""

from __future__ import annotations

from functools import partial

import numpy as np

from nextarm.core.random import block_stream
from nextarm.survival import Patients, make_patients
from nextarm.synthesis.from_patients import pool_cure
from nextarm.synthesis.multivariate import pool_multivariate
from nextarm.validation.case import Case, expected

FROZEN = "synthesis_multivariate"


def _named(mean: object, between: object, covariance: object, value: float) -> dict[str, float]:
    got = {"log-likelihood": value}
    for name, array in (("mean", mean), ("between", between), ("covariance", covariance)):
        got |= {f"{name} {j}": float(v) for j, v in enumerate(np.asarray(array, float).ravel())}
    return got


def _fitted(name: str, key: str) -> dict[str, float]:
    data = expected(FROZEN)["sets"][name]
    structure, method = key.split("_")
    fit = pool_multivariate(np.array(data["y"]), np.array(data["V"]), structure=structure, method=method)
    return _named(fit.mean, fit.between, fit.covariance, fit.log_likelihood)


def _expected(name: str, key: str) -> dict[str, float]:
    fit = expected(FROZEN)["sets"][name]["fits"][key]
    return _named(fit["mean"], fit["between"], fit["covariance"], fit["log_likelihood"])


def drawn_trials(k: int, n: int, *, cure: float, tau: float, seed: int) -> dict[str, Patients]:
    """``k`` trials of ``n`` patients with cure fractions around ``cure`` (logit sd ``tau``), Weibull events, long follow-up."""
    made = {}
    for i in range(k):
        random = block_stream(seed, i)
        share = 1.0 / (1.0 + np.exp(-(np.log(cure / (1.0 - cure)) + tau * random.standard_normal())))
        time, end = 0.8 * random.weibull(1.2, n), random.uniform(6.0, 10.0, n)
        event = (random.random(n) >= share) & (time < end)
        made[f"trial {i + 1}"] = make_patients(np.where(event, time, end), event.astype(np.int64), origin="simulated")
    return made


def _recovered() -> dict[str, float]:
    found = pool_cure(drawn_trials(20, 2000, cure=0.45, tau=0.0, seed=5))
    return {
        "two stages": found.cure_fraction,
        "one stage": found.one_stage or 0.0,
        "log shape": float(found.coefficients[1]),
        "log scale": float(found.coefficients[2]),
    }


CASES: tuple[Case, ...] = (
    *(
        Case(
            id=f"synthesis/multivariate-{name}-{key}",
            title=f"multivariate random effects, {name}, {key.replace('_', ' ')}",
            room="synthesis",
            kind="other program",
            source="metafor 3.8-1 rma.mv (R 4.2.2), optim BFGS, reltol 1e-15",
            inputs="metadat dat.berkey1998" if name == "berkey1998" else "ten trivariate studies made up for a check, never evidence",
            compute=partial(_fitted, name, key),
            expected=_expected(name, key),
            tolerance=1e-5,
            reference=FROZEN,
        )
        for name in expected(FROZEN)["sets"]
        for key in expected(FROZEN)["sets"][name]["fits"]
    ),
    Case(
        id="synthesis/pooled-cure-recovered",
        title="pooled cure fraction and latency, 20 simulated trials of 2,000",
        room="synthesis",
        kind="closed form",
        source="the truth they were drawn from, 3 standard errors",
        inputs="cure fraction 0.45, Weibull shape 1.2, scale 0.8, follow-up 6 to 10 years, seed 5",
        compute=_recovered,
        expected={"two stages": 0.45, "one stage": 0.45, "log shape": float(np.log(1.2)), "log scale": float(np.log(0.8))},
        tolerance={"two stages": 0.0075, "one stage": 0.0075, "log shape": 0.017, "log scale": 0.018},
        slow=True,
    ),
)
