"""Time of rebuilding patients; and on a folder of trials with known truth their accuracy, beside the peers' figures.

    python bench/reconstruction.py FOLDER

FOLDER/*/ holds, for each arm (ctl, exp): NAME.true.csv, .clicks.csv, .corners.csv, .vector.csv, .nar.csv, .cens.csv, and meta.json.
Truth and reconstruction are cut at 72 months; S is compared at 2,001 times from 0 to the last follow-up; log HR by Cox
(Efron), exp v. ctl.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.patients import reconstruct
from nextarm.patients.curves import curve_at
from nextarm.patients.pooled import log_hazard_ratio

CUT = 72.0
Table = tuple[FloatArray, IntArray]


@dataclass(frozen=True)
class Row:
    """One kind of input, its targets, and what the best peers reach (means over the 48 curves)."""

    name: str
    curve: str
    at_risk: bool
    ticks: bool
    events: bool
    target: tuple[float, float, float, float, float, float, float]
    peers: str


def inputs() -> tuple[Row, ...]:
    """The six kinds of input. Targets: S, events mean, events worst, person-time %, log HR mean, max, and in SE units on other designs."""
    return (
        Row("clicks + at-risk", "clicks", True, False, False, (0.0025, 0.25, 3, 0.4, 0.004, 0.012, 0.03),
            "reconstructKM 0.0056 0.54 (3) 1.1 % 0.0091 (0.023); "
            "Guyot 0.0056 0.54 (3) 0.6 % 0.0071 (0.021)"),
        Row("corners + at-risk", "corners", True, False, False, (0.0006, 0.05, 1, 0.3, 0.002, 0.006, 0.015),
            "reconstructKM 0.0018 0.27 (1) 2.4 % 0.0043 (0.012)"),
        Row("corners + ticks + at-risk", "corners", True, True, False, (0.00035, 0, 0, 0.02, 0.0006, 0.003, 0.015),
            "KMtoIPD 0.0003 0 0.3 % 0.0005 (0.002)"),
        Row("vector + at-risk", "vector", True, False, False, (0.0001, 0, 0, 0.3, 0.0012, 0.006, 0.01),
            "Guyot 0.0006 0.02 (1) 0.6 % 0.0027 (0.010)"),
        Row("vector + ticks + at-risk", "vector", True, True, False, (0.00005, 0, 0, 0.005, 0.0001, 0.001, 0.01),
            "-"),
        Row("clicks, N and total events", "clicks", False, False, True, (0.003, 0, 0, 3.5, 0.006, 0.025, 0.06),
            "IPDfromKM 0.0072 7.8 (21) 14 % 0.0124 (0.059)"),
    )  # fmt: skip


def table(path: Path) -> FloatArray:
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)


def truth(folder: Path, arm: str) -> Table:
    t = table(folder / f"{arm}.true.csv")
    return np.minimum(t[:, 0], CUT), np.where(t[:, 0] > CUT, 0, t[:, 1]).astype(np.int64)


def rebuild(folder: Path, row: Row, *, method: str = "dp", seed: int = 0) -> dict[str, Table]:
    """Best version of both arms in months."""
    arms = ("ctl", "exp")
    meta = json.loads((folder / "meta.json").read_text())

    def stack(kind: str, value: str) -> dict[str, list[object]]:
        parts = [table(folder / f"{a}.{kind}.csv") for a in arms]
        names = [a for a, p in zip(arms, parts, strict=True) for _ in p]
        out: dict[str, list[object]] = {"time": np.concatenate([p[:, 0] for p in parts]).tolist(), "arm": list(names)}
        if value:
            out[value] = np.concatenate([p[:, 1] for p in parts]).tolist()
        return out

    made = reconstruct(
        stack(row.curve, "survival"),
        at_risk=stack("nar", "at_risk") if row.at_risk else None,
        ticks=stack("cens", "") if row.ticks else None,
        n=None if row.at_risk else {a: meta[a]["n"] for a in arms},
        events={a: meta[a]["events_shown"] for a in arms} if row.events else None,
        unit="months",
        seed=seed,
        method=method,  # type: ignore[arg-type]
    )
    out = {}
    for a in arms:
        p = made.patients.for_arm(a)
        t = p.time * 12.0
        out[a] = (np.minimum(t, CUT), np.where(t > CUT * (1 + 1e-9), 0, p.event))
    return out


def score(true: dict[str, Table], made: dict[str, Table]) -> tuple[list[tuple[float, float, float]], float, float]:
    """Per arm (S error, events error, person-time error in percent); error of log HR, and the same in standard errors."""
    per_arm = []
    for a, (t, e) in true.items():
        r, f = made[a]
        at = np.linspace(0.0, t.max(), 2001)
        gap = float(np.abs(curve_at(t, e, at) - curve_at(r, f, at)).mean())
        per_arm.append((gap, abs(int(e.sum()) - int(f.sum())), 100.0 * abs(t.sum() - r.sum()) / t.sum()))
    want, got = (log_hazard_ratio(x["ctl"], x["exp"]) for x in (true, made))
    assert want is not None
    assert got is not None
    return per_arm, abs(want[0] - got[0]), abs(want[0] - got[0]) / want[1]


def accuracy(folder: Path, row: Row, *, method: str = "dp") -> dict[str, float]:
    """The figures of one row over all trials of the folder."""
    arms, ratios, units, seconds = [], [], [], 0.0
    for trial in sorted(p for p in folder.iterdir() if (p / "meta.json").exists()):
        begin = time.perf_counter()
        made = rebuild(trial, row, method=method)
        seconds += time.perf_counter() - begin
        a, hr, se = score({x: truth(trial, x) for x in ("ctl", "exp")}, made)
        arms += a
        ratios.append(hr)
        units.append(se)
    s = np.array(arms)
    return {
        "S": float(s[:, 0].mean()),
        "events": float(s[:, 1].mean()), "events worst": float(s[:, 1].max()),
        "person-time %": float(s[:, 2].mean()),
        "log HR": float(np.mean(ratios)), "log HR max": float(np.max(ratios)), "log HR / SE": float(np.mean(units)),
        "ms a curve": 1000.0 * seconds / len(arms),
    }  # fmt: skip


def rows() -> list[dict[str, object]]:
    """Milliseconds a curve, warm, with 20 versions and checks, on curves simulated with a cure fraction (one core)."""
    from nextarm.survival import kaplan_meier, make_patients
    from nextarm.survival.models import MixtureCure, Weibull

    truth_model = MixtureCure(cure_fraction=0.4, latency=Weibull(shape=1.2, scale=1.0))
    found: list[dict[str, object]] = []
    for n, target in ((250, 40), (500, 80)):
        curves = []
        for seed in range(6):
            rng = np.random.default_rng(1000 * n + seed)
            event, follow = truth_model.quantile(rng.random(n)), rng.uniform(2.0, 6.0, n)
            t, e = np.minimum(event, follow), (event <= follow).astype(np.int64)
            grid = np.linspace(0.0, 6.0, 101)
            km = kaplan_meier(make_patients(t.tolist(), e.tolist()))
            read = np.concatenate([[1.0], np.where(np.isnan(km.survival_at(grid[1:])), km.survival[-1], km.survival_at(grid[1:]))])
            clicks = np.minimum.accumulate(np.clip(read + 0.005 * rng.standard_normal(grid.size), 0.0, 1.0))
            at = np.arange(0.0, 6.0, 0.5)
            curves.append((grid, clicks, at, np.array([np.count_nonzero(t >= x) for x in at]), n, int(e.sum())))
        for name, table_too in (("clicks + at-risk", True), ("clicks, N and total events", False)):
            times = []
            for grid, clicks, at, risk, size, events in curves:
                facts = {"at_risk": (at, risk)} if table_too else {"n": size, "events": events}
                begin = time.perf_counter()
                reconstruct((grid, clicks), versions=20, **facts)  # type: ignore[arg-type]
                times.append(1000.0 * (time.perf_counter() - begin))
            found.append({"input": name, "n": n, "median ms a curve": f"{np.median(times[1:]):.0f}", "target ms": target})
    return found


def accuracy_rows(folder: Path) -> list[dict[str, object]]:
    """Of each kind of input its accuracy over the trials of ``folder`` (or its part ``reconstruction``), beside targets and peers."""
    path = folder / "reconstruction" if (folder / "reconstruction").is_dir() else folder
    found: list[dict[str, object]] = []
    for row in inputs():
        a, t = accuracy(path, row), row.target
        found.append(
            {
                "input": row.name, "mean abs error of S": f"{a['S']:.5f}",
                "events mean (worst)": f"{a['events']:.2f} ({a['events worst']:.0f})",
                "person-time %": f"{a['person-time %']:.3f}", "log HR mean (max)": f"{a['log HR']:.5f} ({a['log HR max']:.4f})",
                "log HR / SE": f"{a['log HR / SE']:.4f}", "ms a curve": f"{a['ms a curve']:.0f}",
                "targets, in this order": f"{t[0]}; {t[1]} ({t[2]}); {t[3]}; {t[4]} ({t[5]})", "peers": row.peers,
            }
        )  # fmt: skip
    return found


def main(folder: str) -> None:
    """Print the accuracy table beside the targets and the peers' figures."""
    for row in accuracy_rows(Path(folder)):
        print(" | ".join(str(value) for value in row.values()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
