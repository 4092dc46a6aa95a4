"""External controls: weights, comparisons of patients and their bootstrap, CPU time of one call.

CPU time of this process, median of rounds; every weighting is checked against its balance equations first, and the propensity
scores against statsmodels where it is installed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np


def cpu(call: Callable[[], object], rounds: int = 7) -> float:
    """Median CPU seconds of one call, after a first one that loads and compiles."""
    call()
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def rows() -> list[dict[str, object]]:
    """One row a task."""
    from nextarm.borrowing import (
        Adjustment,
        Baseline,
        compare_patients,
        make_covariates,
        match_groups,
        match_to_baseline,
        propensity_scores,
        resample_comparison,
    )
    from nextarm.survival import make_patients

    rng = np.random.default_rng(7)
    n, m = 60, 200
    x1, x0 = rng.normal(0.3, 1.0, (n, 4)), rng.normal(0.0, 1.0, (m, 4))
    names = ("a", "b", "c", "d")
    new, old = (make_covariates({k: x[:, i] for i, k in enumerate(names)}) for x in (x1, x0))
    table = [Baseline(covariate=k, mean=0.0) for k in names]
    assert max(abs(b.smd_after) for b in match_groups(new, old).balance) < 1e-10
    wide = make_covariates({k: rng.normal(0.0, 1.0, 5000) for k in names})

    def patients(size: int, hazard: float, versions: int = 0):
        many = max(versions, 1)
        latent, censor = rng.exponential(1.0, size * many) / hazard, rng.uniform(3.0, 8.0, size * many)
        cured = rng.random(size * many) < 0.5
        time_, event = np.where(cured, censor, np.minimum(latent, censor)), (~cured) & (latent <= censor)
        version = np.repeat(np.arange(many), size) if versions else None
        return make_patients(time_, event.astype(int), time_origin="diagnosis", version=version)

    treated, control, rebuilt = patients(n, 0.5), patients(m, 1.0), patients(m, 1.0, 20)
    recipe = Adjustment(treated=new, control=old)
    X, t = np.vstack([x1, x0]), np.r_[np.ones(n), np.zeros(m)]
    tasks: list[tuple[str, Callable[[], object]]] = [
        ("MAIC weights, 60 patients, 4 covariates", lambda: match_to_baseline(new, table)),
        ("MAIC weights, 5,000 patients, 4 covariates", lambda: match_to_baseline(wide, table)),
        ("entropy balancing, 60 and 200 patients", lambda: match_groups(new, old)),
        ("propensity weights, 60 and 200 patients", lambda: match_groups(new, old, method="propensity")),
        ("propensity scores alone", lambda: propensity_scores(X, t)),
        ("comparison, 2 milestones, RMST, hazard ratio", lambda: compare_patients(treated, control, milestones=(2, 3), cure_model=None)),
        ("the same with cure fractions", lambda: compare_patients(treated, control, milestones=(2, 3))),
        ("the same, weighted", lambda: compare_patients(treated, control, milestones=(2, 3), adjust=recipe)),
        ("the same, 20 rebuilt versions of the control", lambda: compare_patients(treated, rebuilt, milestones=(2, 3))),
        ("bootstrap, 1,000 replicates with weights", lambda: resample_comparison(treated, control, adjust=recipe, milestones=(3,))),
    ]
    found: list[dict[str, object]] = []
    for label, call in tasks:
        seconds = cpu(call, 3 if "bootstrap" in label or "20 rebuilt" in label else 7)
        found.append({"task": label, "nextarm, CPU ms": f"{1000 * seconds:.2f}", "peer": "", "peer, CPU ms": ""})
        if label == "propensity scores alone" and find_spec("statsmodels"):
            import statsmodels.api as sm

            model = sm.Logit(t, sm.add_constant(X))
            assert np.abs(model.fit(disp=0).predict() - propensity_scores(X, t)).max() < 1e-6
            peer = cpu(lambda m=model: m.fit(disp=0).predict())
            found[-1] |= {"peer": "statsmodels Logit", "peer, CPU ms": f"{1000 * peer:.2f}"}
    return found
