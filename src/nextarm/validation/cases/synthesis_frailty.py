"""Cases of the shared-frailty Cox model: R survival on its data sets lung, kidney and rats."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from nextarm.survival import make_patients
from nextarm.synthesis.frailty import FrailtyFit, frailty_cox
from nextarm.validation.case import Case, expected

FROZEN = "synthesis_frailty"


def fitted(name: str, key: str) -> FrailtyFit:
    """Our fit of one frozen set; ``key`` is distribution and ties joined by an underscore."""
    data = expected(FROZEN)["sets"][name]
    distribution, ties = key.split("_")
    covariates = {x: data[x] for x in ("x1", "x2") if any(data[x])}
    patients = make_patients(data["time"], data["event"], stratum=np.array(data["cluster"], np.int64))
    words: Any = "gamma" if distribution == "gamma" else "log-normal"
    return frailty_cox(patients, distribution=words, covariates=covariates, ties=ties)  # type: ignore[arg-type]


def _named(theta: float, coefficient: Any, se: Any, frailty: Any, partial_value: float, integrated: float | None) -> dict[str, float]:
    got = {"theta": theta, "log-likelihood": partial_value}
    got |= {"integrated": integrated} if integrated is not None else {}
    for word, values in (("coefficient", coefficient), ("se", se), ("log frailty", frailty)):
        got |= {f"{word} {j}": float(v) for j, v in enumerate(np.atleast_1d(np.array(values, float)))}
    return got


def _ours(name: str, key: str) -> dict[str, float]:
    fit = fitted(name, key)
    logs = [math.log(z) for z in fit.frailties]
    return _named(fit.theta, fit.coefficient, fit.standard_error, logs, fit.log_likelihood, fit.integrated_log_likelihood)


def _frozen(name: str, key: str) -> dict[str, float]:
    fit = expected(FROZEN)["sets"][name]["fits"][key]
    return _named(fit["theta"], fit["coefficient"], fit["se"], fit["frailty"], fit["log_likelihood"], fit.get("integrated"))


CASES: tuple[Case, ...] = tuple(
    Case(
        id=f"synthesis/frailty-{name}-{key.replace('_', '-')}",
        title=f"Cox model with {key.split('_')[0]} frailty, {key.split('_')[1]} ties, {name}",
        room="synthesis",
        kind="other program",
        source="R survival coxph(frailty(sparse = FALSE)), tightened",
        inputs=f"survival::{name}",
        compute=partial(_ours, name, key),
        expected=_frozen(name, key),
        tolerance=2e-5,
        reference=FROZEN,
    )
    for name in expected(FROZEN)["sets"]
    for key in expected(FROZEN)["sets"][name]["fits"]
)
