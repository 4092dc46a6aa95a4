"""Make the patients that the cases of external comparison use: numbers made up for a check, never evidence.

``external_treated.csv`` (70 patients), ``external_control.csv`` (110 patients): time in years, event, covariates age (years), wbc (log10)
and cns (0/1), differing between the groups; ``external_anchored.csv`` (160 patients of arms A and C). ``external_delayed.csv``: the
control with delayed entry. Run from this folder: python make_external_sets.py ../../src/nextarm/validation/data
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def patients(rng: np.random.Generator, n: int, *, shift: float, hazard: float, cure: float) -> dict[str, np.ndarray]:
    """n patients whose covariates raise the hazard and lower the chance of cure."""
    age = np.round(rng.normal(5.0 + shift, 2.0, n), 1)
    wbc = np.round(rng.normal(4.6 - 0.25 * shift, 0.5, n), 2)
    cns = (rng.random(n) < 0.25 - 0.05 * shift).astype(int)
    line = 0.10 * (5.0 - age) + 0.5 * (wbc - 4.6) + 0.4 * cns
    cured = rng.random(n) < 1.0 / (1.0 + np.exp(-(np.log(cure / (1.0 - cure)) - line)))
    latent = rng.exponential(1.0, n) / (hazard * np.exp(0.5 * line))
    censor = rng.uniform(3.0, 8.0, n)
    time = np.where(cured, censor, np.minimum(latent, censor))
    event = ((~cured) & (latent <= censor)).astype(int)
    return {"time": np.round(np.maximum(time, 0.02), 3), "event": event, "age": age, "wbc": wbc, "cns": cns}


def write(path: Path, columns: dict[str, np.ndarray]) -> None:
    """Write columns as CSV."""
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(str(v) for v in row) for row in rows)]) + "\n", encoding="utf-8")


def main(folder: Path) -> None:
    """Write the four files."""
    rng = np.random.default_rng(20261129)
    write(folder / "external_treated.csv", patients(rng, 70, shift=0.8, hazard=0.7, cure=0.6))
    control = patients(rng, 110, shift=0.0, hazard=1.0, cure=0.4)
    write(folder / "external_control.csv", control)
    entry = np.where(rng.random(110) < 0.5, 0.0, np.round(0.6 * control["time"] * rng.random(110), 3))
    keep = entry < control["time"]
    write(folder / "external_delayed.csv", {"entry": entry[keep]} | {k: v[keep] for k, v in control.items()})
    arms = [patients(rng, 80, shift=0.6, hazard=h, cure=c) for h, c in ((0.8, 0.55), (1.0, 0.4))]
    both = {k: np.concatenate([a[k] for a in arms]) for k in arms[0]}
    write(folder / "external_anchored.csv", {"arm": np.repeat(["A", "C"], 80)} | both)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
