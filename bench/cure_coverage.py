"""Coverage of the cure fraction after reconstruction: 300 simulated arms of 100, clicks with an error of 0.005, at-risk table.

    python bench/cure_coverage.py

Between versions: does the t interval of the versions' estimates hold the estimate that the true patients give? Total
(Rubin): does the combined interval hold the cure fraction that made the data? Both on the logit scale, nominal 95 %.
"""

from __future__ import annotations

import math

import numpy as np

from nextarm.core.errors import NextarmError
from nextarm.patients import reconstruct
from nextarm.survival import Patients, combine_versions, fit_model, kaplan_meier, make_patients
from nextarm.survival.models import MixtureCure, Weibull

CURE, ARMS, N, VERSIONS = 0.4, 300, 100, 20


def cure_logit(patients: Patients) -> tuple[float, float] | None:
    """Logit of the fitted cure fraction and its variance; None at a boundary."""
    found = fit_model(patients, model="mixture-cure:weibull", profile=False).parameter("cure_fraction")
    c, se = found.estimate, found.standard_error
    return None if se is None or not 0.0 < c < 1.0 else (math.log(c / (1.0 - c)), (se / (c * (1.0 - c))) ** 2)


def one_arm(seed: int) -> tuple[Patients, object]:
    """An arm with its reconstruction."""
    truth = MixtureCure(cure_fraction=CURE, latency=Weibull(shape=1.2, scale=1.0))
    rng = np.random.default_rng(seed)
    event, follow = truth.quantile(rng.random(N)), rng.uniform(2.0, 7.0, N)
    time, seen = np.minimum(event, follow), (event <= follow).astype(int)
    patients = make_patients(time.tolist(), seen.tolist())
    km, grid = kaplan_meier(patients), np.linspace(0.0, 7.0, 101)
    s = km.survival_at(grid[1:])
    drawn = np.concatenate([[1.0], np.where(np.isnan(s), km.survival[-1], s)])
    read = np.minimum.accumulate(np.clip(drawn + 0.005 * rng.standard_normal(grid.size), 0.0, 1.0))
    read[0] = 1.0
    keep, at = grid <= time.max(), np.arange(0.0, time.max(), 0.5)
    risk = [int(np.count_nonzero(time >= x)) for x in at]
    return patients, reconstruct((grid[keep], read[keep]), at_risk=(at, risk), versions=VERSIONS, seed=seed)


def main() -> int:
    """Print the coverages and widths."""
    from scipy.special import stdtrit

    between, total, widths, left = [], [], [], 0
    for seed in range(ARMS):
        try:
            patients, made = one_arm(seed)
            true, versions = cure_logit(patients), [cure_logit(made.version(k)) for k in range(VERSIONS)]
        except NextarmError:
            left += 1
            continue
        if true is None or any(v is None for v in versions):
            left += 1
            continue
        q, u = (np.array([v[i] for v in versions]) for i in (0, 1))
        half = float(stdtrit(VERSIONS - 1, 0.975)) * q.std(ddof=1) * math.sqrt(1.0 + 1.0 / VERSIONS)
        combined = combine_versions(q, u)
        between.append(abs(true[0] - q.mean()) <= half)
        total.append(combined.ci.low <= math.log(CURE / (1.0 - CURE)) <= combined.ci.high)
        widths.append((2.0 * half, combined.ci.high - combined.ci.low))
    w = np.array(widths).mean(axis=0)
    print(f"{len(total)} arms of {N} used, {left} left out")
    print(f"between versions: {np.mean(between):.3f}, mean width {w[0]:.3f}; total (Rubin): {np.mean(total):.3f}, mean width {w[1]:.3f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
