"""Make the data sets of the survival-model cases: seeded, ours, and never evidence.

Run once: ``python references/data/make_models_sets.py``; it writes ``validation/data/models_*.csv``: a cure data set with two
arms and a covariate, one with delayed entry and counts as weights, and one without censoring.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).resolve().parents[2] / "src" / "nextarm" / "validation" / "data"


def write(name: str, columns: dict[str, Any]) -> None:
    with (TARGET / f"models_{name}.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))


def cure(seed: int, n: int) -> dict[str, Any]:
    """Mixture cure: fractions 0.4 and 0.6, Weibull latency whose scale depends on x; uniform censoring."""
    r = np.random.default_rng(seed)
    arm, x = r.integers(0, 2, n), np.round(r.normal(size=n), 2)
    event = np.where(r.random(n) < np.where(arm == 1, 0.6, 0.4), np.inf, 0.9 * np.exp(0.25 * x) * r.weibull(1.3, n))
    censor = r.uniform(1.5, 6.0, n)
    time = np.round(np.minimum(event, censor), 4)
    return {"time": time, "event": (event <= censor).astype(int), "arm": np.array(["control", "new"])[arm], "x": x}


def delayed(seed: int, n: int) -> dict[str, Any]:
    """Gamma times seen only beyond a delayed entry, with whole weights and uniform censoring."""
    r = np.random.default_rng(seed)
    time, entry, censor = r.gamma(1.6, 1.2, 4 * n), np.maximum(r.uniform(-0.6, 1.0, 4 * n), 0.0), r.uniform(1.0, 5.0, 4 * n)
    seen = np.flatnonzero(np.minimum(time, censor) > entry + 1e-3)[:n]
    stop = np.round(np.minimum(time, censor)[seen], 4)
    happened = (time <= censor)[seen].astype(int)
    return {"time": stop, "event": happened, "entry": np.round(entry[seen], 4), "weight": r.integers(1, 4, n)}


def complete(seed: int, n: int) -> dict[str, Any]:
    """Every event seen: gamma times."""
    r = np.random.default_rng(seed)
    return {"time": np.round(r.gamma(2.2, 0.7, n), 4), "event": np.ones(n, int)}


if __name__ == "__main__":
    write("cure", cure(4101, 300))
    write("delayed", delayed(4102, 200))
    write("complete", complete(4103, 120))
