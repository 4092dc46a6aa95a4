"""Make the survival data sets of the validation cases: seeded, ours, and never evidence.

Run once: ``python references/data/make_survival_sets.py``; it writes ``validation/data/survival_*.csv``. Each set exists to
hit one difficulty (ties, zero times, nobody dies, one event, weights, delayed entry, strata, competing causes, a plateau).
The 6-MP trial (Freireich et al. 1963, doi 10.1182/blood.V21.6.699.699) is printed in many textbooks.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).resolve().parents[2] / "src" / "nextarm" / "validation" / "data"
CAUSES = ("", "relapse", "death", "second")


def patients(
    seed: int,
    n: int,
    *,
    arms: int = 2,
    effect: float = -0.4,
    shape: float = 1.0,
    digits: int | None = 4,
    censor: float = 3.0,
    causes: int = 1,
    cure: float = 0.0,
    cross: bool = False,
    entry: float = 0.0,
    weight: str = "",
    strata: int = 0,
    clusters: int = 0,
    covariates: bool = False,
) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, arms, n)
    x, z = np.round(rng.normal(size=n), 3), rng.integers(0, 3, n)
    stratum = rng.integers(0, max(strata, 1), n)
    frailty = rng.gamma(2.0, 0.5, max(clusters, 1))
    cluster = rng.integers(0, max(clusters, 1), n)
    risk = np.exp(effect * arm + (0.3 * x + 0.2 * z) * covariates + 0.5 * stratum) * (frailty[cluster] if clusters else 1.0)
    t = (rng.exponential(1.0, n) / risk) ** (1.0 / shape)
    if cross:
        t = np.where((arm == 1) & (t > 0.6), 0.6 + 2.5 * (t - 0.6), np.where(arm == 1, t, t * 1.3))
    t = np.where(rng.random(n) < cure, np.inf, t)
    c = rng.uniform(0.3, censor, n)
    time, event = np.minimum(t, c), (t <= c).astype(int)
    late = np.where(rng.random(n) < 0.6, rng.uniform(0.0, entry, n), 0.0)
    if digits is not None:
        time, late = np.maximum(np.round(time, digits), 10.0**-digits), np.round(late, digits)
    keep = late < time
    kind = np.where(
        event > 0, rng.choice(np.arange(1, causes + 1), n, p=np.array([0.6, 0.3, 0.1][:causes]) / sum([0.6, 0.3, 0.1][:causes])), 0
    )
    table: dict[str, Any] = {"time": time, "event": event, "arm": arm}
    if causes > 1:
        table["cause"] = [CAUSES[k] for k in kind]
    if entry:
        table["entry"] = late
    if weight:
        table["weight"] = np.round(rng.uniform(0.3, 3.0, n), 3) if weight == "real" else rng.integers(1, 4, n)
    if strata:
        table["stratum"] = stratum
    if covariates:
        table |= {"x": x, "z": z}
    if clusters:
        table["cluster"] = cluster
    return {k: np.asarray(v)[keep] for k, v in table.items()}


def zero_times() -> dict[str, Any]:
    made = patients(303, 40, digits=1)
    made["time"][:4], made["event"][:4] = 0.0, [1, 0, 1, 0]
    return made


def one_event() -> dict[str, Any]:
    made = patients(305, 25)
    made["event"][:] = 0
    made["event"][7] = 1
    return made


def all_censored() -> dict[str, Any]:
    made = patients(304, 12)
    made["event"][:] = 0
    return made


def first_censored() -> dict[str, Any]:
    """Few patients, the first of them censored: limits of an early quantile must not stand at that censoring."""
    made = patients(323, 9, digits=1)
    made["time"][0], made["event"][0] = 0.05, 0
    made["event"][1:] = [1, 1, 0, 1, 0, 0, 1, 1]
    return made


def six_mp() -> dict[str, Any]:
    treated = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]
    placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    both = placebo + treated
    return {"time": [abs(t) for t in both], "event": [int(t > 0) for t in both], "arm": [0] * 21 + [1] * 21}


SETS: dict[str, Any] = {
    "plain": lambda: patients(301, 60, digits=None),
    "ties": lambda: patients(302, 100, digits=1, covariates=True),
    "zero_times": zero_times,
    "all_censored": all_censored,
    "one_event": one_event,
    "weights": lambda: patients(306, 80, digits=2, weight="real", covariates=True),
    "counts": lambda: patients(307, 50, digits=1, weight="whole"),
    "delayed": lambda: patients(308, 90, digits=None, entry=0.8, covariates=True),
    "delayed_ties": lambda: patients(309, 140, digits=1, entry=0.8, covariates=True),
    "strata": lambda: patients(310, 120, digits=1, strata=3, covariates=True),
    "three_arms": lambda: patients(311, 150, arms=3, digits=2),
    "competing": lambda: patients(312, 120, causes=2, digits=None),
    "competing_ties": lambda: patients(313, 150, arms=3, causes=3, digits=1),
    "competing_strata": lambda: patients(314, 160, causes=2, digits=1, strata=2),
    "competing_delayed": lambda: patients(315, 120, causes=2, digits=1, entry=0.6, weight="real"),
    "cure": lambda: patients(316, 200, digits=3, cure=0.5, censor=6.0, effect=-0.2),
    "crossing": lambda: patients(317, 150, digits=3, cross=True, effect=0.0),
    "all_fall": lambda: patients(318, 30, digits=2, censor=1e6),
    "clusters": lambda: patients(319, 120, digits=2, clusters=40, covariates=True),
    "small": lambda: patients(320, 7, digits=1),
    "first_censored": first_censored,
    "delayed_weights": lambda: patients(321, 100, digits=1, entry=0.7, weight="real", strata=2, covariates=True),
    "large": lambda: patients(322, 1000, digits=2, covariates=True, cure=0.3, censor=5.0),
    "six_mp": six_mp,
}


def main() -> None:
    for name, make in SETS.items():
        table = make()
        with (TARGET / f"survival_{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table)
            for row in zip(*table.values(), strict=True):
                writer.writerow([repr(round(float(v), 12)).removesuffix(".0") if isinstance(v, float) else v for v in row])


if __name__ == "__main__":
    main()
