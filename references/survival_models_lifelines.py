"""Freezes what lifelines says of survival models on the data sets models_*.csv: log likelihoods and estimates.

lifelines stops its optimiser early, so log likelihoods are the numbers to compare; its estimates are kept to show how near
they are. Usage: ``python references/survival_models_lifelines.py``.
"""

from __future__ import annotations

import csv
import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

warnings.filterwarnings("ignore")
FOLDER = Path(__file__).resolve().parents[1] / "src" / "nextarm" / "validation" / "data"


def columns(name: str) -> dict[str, Any]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {k: np.array([float(r[k]) if k not in ("arm",) else r[k] for r in rows]) for k in rows[0]}


def fitted(fitter: Any, d: dict[str, Any], names: tuple[str, ...]) -> dict[str, float]:
    extra = {"entry": d["entry"], "weights": d["weight"]} if "entry" in d else {}
    fitter.fit(
        d["time"],
        d["event"],
        fit_options={"tol": 1e-14, "maxiter": 5000} if fitter.__class__.__name__ != "MixtureCureFitter" else {},
        **extra,
    )
    made = {"loglik": float(fitter.log_likelihood_)}
    return made | {n: float(getattr(fitter, n)) for n in names}


def main() -> None:
    from lifelines import (
        ExponentialFitter,
        GeneralizedGammaFitter,
        LogLogisticFitter,
        LogNormalFitter,
        MixtureCureFitter,
        PiecewiseExponentialFitter,
        WeibullFitter,
    )

    gbsg, delayed, cure = columns("models_gbsg"), columns("models_delayed"), columns("models_cure")
    gbsg["time"] = gbsg["time"] / 365.25
    cuts = [0.5, 1.5, 3.0]
    pieces = tuple(f"lambda_{j}_" for j in range(4))
    data = {
        "made_with": {"python": sys.version.split()[0], **{p: version(p) for p in ("lifelines", "numpy", "scipy", "autograd")}},
        "delayed_weibull": fitted(WeibullFitter(), delayed, ("lambda_", "rho_")),
        "delayed_exponential": fitted(ExponentialFitter(), delayed, ("lambda_",)),
        "delayed_log_normal": fitted(LogNormalFitter(), delayed, ("mu_", "sigma_")),
        "delayed_log_logistic": fitted(LogLogisticFitter(), delayed, ("alpha_", "beta_")),
        "delayed_generalised_gamma": fitted(GeneralizedGammaFitter(), delayed, ("mu_", "ln_sigma_", "lambda_")),
        "gbsg_generalised_gamma": fitted(GeneralizedGammaFitter(), gbsg, ("mu_", "ln_sigma_", "lambda_")),
        "gbsg_piecewise": fitted(PiecewiseExponentialFitter(cuts), gbsg, pieces),
        "delayed_piecewise": fitted(PiecewiseExponentialFitter(cuts), delayed, pieces),
        "cuts": cuts,
    }
    for name, base in (
        ("exponential", ExponentialFitter),
        ("weibull", WeibullFitter),
        ("log_normal", LogNormalFitter),
        ("log_logistic", LogLogisticFitter),
    ):
        data[f"cure_mixture_{name}"] = fitted(MixtureCureFitter(base_fitter=base()), cure, ("cured_fraction_",))
        data[f"gbsg_mixture_{name}"] = fitted(MixtureCureFitter(base_fitter=base()), gbsg, ("cured_fraction_",))
    json.dump(data, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
