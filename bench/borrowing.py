"""Borrowing: predictive priors, mixtures and posterior updates, processor time of one call.

Medians of nine calls after a warm-up, all summaries included. RBesT and bayesmeta are not run here: what they take was
measured once with R 4.2.2 and stands in the project's documentation.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

REPEATS = 9


def cpu(call: Callable[[], object]) -> float:
    """Median processor milliseconds."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1000.0 * statistics.median(times)


def rows() -> list[dict[str, object]]:
    """One row a call: what, aim, processor milliseconds."""
    from nextarm.borrowing import (
        CureEstimate,
        beta_mixture,
        binary_data,
        commensurate_prior,
        fit_mixture,
        map_prior_binomial,
        map_prior_counts_covariates,
        map_prior_cure,
        map_prior_normal,
        map_prior_piecewise,
        map_prior_poisson,
        normal_mixture,
        normalised_power_prior,
    )
    from nextarm.synthesis import half_normal

    events, n = [23, 12, 19, 9, 39, 6, 9, 10], [107, 44, 51, 39, 139, 20, 78, 35]
    y = [float(np.log(r / (m - r))) for r, m in zip(events, n, strict=True)]
    se = [float(np.sqrt(1 / r + 1 / (m - r))) for r, m in zip(events, n, strict=True)]
    g = np.random.default_rng(1)
    r, size = g.binomial(40, 0.3, 10_000), np.full(10_000, 40)
    estimates, ses = g.normal(size=10_000), g.uniform(0.1, 0.5, 10_000)
    beta = beta_mixture([0.3, 0.3, 0.2, 0.2], [11, 20, 5, 1], [32, 40, 9, 1])
    normal = normal_mixture([0.3, 0.3, 0.2, 0.2], [-1.0, -0.5, 0.0, 0.2], [0.2, 0.3, 0.5, 2.0])
    prior = map_prior_binomial(events, n)
    v = np.diag([0.09, 0.05, 0.04])
    cures = [CureEstimate(str(i), g.normal(0.0, 0.3, 3), v) for i in range(6)]
    history, now = binary_data(40, 100), binary_data(12, 20)
    hazards = [[6, 2, 0], [9, 1, 1], [5, 5, 2]], [[20.0, 25.0, 10.0], [24.0, 40.0, 20.0], [18.0, 15.0, 9.0]]
    calls: list[tuple[str, str, Callable[[], object]]] = [
        ("binomial predictive prior, 8 studies", "60", lambda: map_prior_binomial(events, n)),
        ("normal-normal predictive prior, 8 studies", "1", lambda: map_prior_normal(y, se, measure="logit", tau=half_normal(1.0))),
        ("10,000 posterior updates, 4 betas", "50", lambda: beta.update_many(r, size)),
        ("10,000 posterior updates, 4 normals", "50", lambda: normal.update_many(estimates, ses)),
        ("Poisson predictive prior, 8 studies", "", lambda: map_prior_poisson(events, [float(m) for m in n])),
        ("piecewise hazards, 3 studies, 3 pieces, one tau", "", lambda: map_prior_piecewise(*hazards, cuts=[1, 3], shared_tau=True)),
        ("mixture cure, 6 studies, common latency", "", lambda: map_prior_cure(cures)),
        ("mixture cure, 6 studies, three taus", "", lambda: map_prior_cure(cures, latency="separate")),
        ("binomial with a covariate by importance sampling, 8 studies", "", lambda: map_prior_counts_covariates(events, n)),
        ("fit of a beta mixture with choice of components", "", lambda: fit_mixture(prior)),
        ("normalised power prior, binary", "", lambda: normalised_power_prior(history, now)),
        ("commensurate prior, binary", "", lambda: commensurate_prior(history, now)),
    ]
    return [{"call": name, "aim, ms": aim, "processor time, ms": f"{cpu(call):.3g}"} for name, aim, call in calls]
