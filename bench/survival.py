"""Kaplan-Meier and log-rank a second, from Python arrays, same process, beside peers.

Every package gets the arrays it asks for, made beforehand; what is timed is one call that returns curve or test, warm. Each answer
is first compared with ours, so that nobody is fast by computing something else; packages that make limits with the curve in the same
call are beside our results, those that make the curve alone beside our arrays. Medians of five rounds.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

SIZES = (200, 20_000)
#: Packages whose call makes the curve alone; the others make standard errors and limits too.
CURVE_ALONE = ("nextarm, arrays", "scikit-survival")
Call = Callable[[], float]


def data(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    arm = rng.integers(0, 2, n)
    latent = rng.exponential(1.0, n) / np.where(arm == 1, 0.7, 1.0)
    censor = rng.uniform(0.5, 4.0, n)
    return np.minimum(latent, censor), (latent <= censor).astype(np.int64), arm.astype(np.int64)


def ours(t: np.ndarray, e: np.ndarray, a: np.ndarray) -> dict[str, tuple[Call, Call]]:
    from nextarm.survival import kaplan_meier, kaplan_meier_arrays, log_rank, log_rank_arrays, make_patients

    patients = make_patients(t, e, arm=a, arms=("0", "1"))
    return {
        "nextarm, arrays": (lambda: kaplan_meier_arrays(t, e)[1][-1], lambda: log_rank_arrays(t, e, a)[0] ** 2),
        "nextarm, results with limits and trail": (
            lambda: kaplan_meier(patients).survival[-1],
            lambda: log_rank(patients).statistic,
        ),
    }


def peers(t: np.ndarray, e: np.ndarray, a: np.ndarray) -> dict[str, tuple[Call, Call]]:
    """What is installed of lifelines, scikit-survival, greenwood and the Rust package ``survival``."""
    found: dict[str, tuple[Call, Call]] = {}
    t0, t1, e0, e1 = t[a == 0], t[a == 1], e[a == 0], e[a == 1]
    if find_spec("lifelines"):
        from lifelines import KaplanMeierFitter
        from lifelines.statistics import logrank_test

        found["lifelines"] = (
            lambda: KaplanMeierFitter().fit(t, e).survival_function_.iloc[-1, 0],
            lambda: logrank_test(t0, t1, e0, e1).test_statistic,
        )
    if find_spec("sksurv"):
        from sksurv.compare import compare_survival
        from sksurv.nonparametric import kaplan_meier_estimator
        from sksurv.util import Surv

        died, y = e.astype(bool), Surv.from_arrays(e.astype(bool), t)
        found["scikit-survival"] = (lambda: kaplan_meier_estimator(died, t)[1][-1], lambda: compare_survival(y, a)[0])
    if find_spec("greenwood"):
        import greenwood

        surv = greenwood.Surv(t, event=e)
        found["greenwood"] = (
            lambda: greenwood.KaplanMeier().fit(surv).survival_[-1],
            lambda: greenwood.logrank_test(surv, a).statistic,
        )
    # This folder holds a file of the same name as the Rust package; look past it.
    sys.path[:] = [p for p in sys.path if p and Path(p).resolve() != Path(__file__).resolve().parent]
    sys.modules.pop("survival", None)
    if find_spec("survival"):
        from survival.surv_analysis import survfitkm
        from survival.validation import logrank_test as rust_test

        status, event = e.astype(float), e.astype(np.int32)
        group = a.astype(np.int32)
        found["survival (Rust)"] = (lambda: survfitkm(t, status).surv[-1], lambda: rust_test(t, event, group).statistic)
    return found


def per_second(call: Call, seconds: float = 0.25, rounds: int = 5) -> float:
    call()
    start = time.perf_counter()
    call()
    repeats = max(1, int(seconds / rounds / max(time.perf_counter() - start, 1e-7)))
    speeds = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        speeds.append(repeats / (time.perf_counter() - start))
    return statistics.median(speeds)


def million() -> dict[str, object]:
    """A curve of a million patients: seconds, and memory beyond what was in use before."""
    from nextarm.survival import kaplan_meier_arrays

    t, e, _ = data(1_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    kaplan_meier_arrays(t, e)
    seconds = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    note = f"one curve in {seconds:.2f} s, {grown:.0f} MB"
    return {
        "package": "nextarm, arrays",
        "n": "1,000,000",
        "with the curve": "nothing",
        "Kaplan-Meier a second": note,
        "log-rank a second": "",
        "agrees": "",
    }


def rows() -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for n in SIZES:
        t, e, a = data(n)
        calls = ours(t, e, a) | peers(t, e, a)
        want = [float(call()) for call in calls["nextarm, arrays"]]
        for name, (km, test) in calls.items():
            got = [float(km()), float(test())]
            agrees = all(abs(g - w) <= 1e-6 * max(abs(w), 1e-3) for g, w in zip(got, want, strict=True))
            made.append(
                {
                    "package": name,
                    "n": f"{n:,}",
                    "with the curve": "nothing" if name in CURVE_ALONE else "limits",
                    "Kaplan-Meier a second": f"{per_second(km):,.0f}",
                    "log-rank a second": f"{per_second(test):,.0f}",
                    "agrees": "yes" if agrees else f"no ({got[0]:.6g}, {got[1]:.6g} instead of {want[0]:.6g}, {want[1]:.6g})",
                }
            )
    made.append(million())
    return made


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(str(v) for v in row.values()))
