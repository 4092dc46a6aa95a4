"""Pooling: one fit of ten studies, ten thousand fits, a multivariate model of 27 studies at 6 times, beside peers.

CPU seconds of this process (R: of one R session), medians of five rounds after a first call. Each answer is first compared with
ours. What is timed: ours returns the whole result (pooled value, all intervals, Q-profile, weights, trail); the peers are
asked for REML or their nearest estimator and its interval. Peers that are not installed are said to be absent.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

K, MANY, STUDIES, TIMES = 10, 10_000, 27, 6

R_SCRIPT = """
suppressMessages(library(metafor)); suppressMessages(library(jsonlite))
d <- fromJSON(commandArgs(TRUE)[1])
timed <- function(f, n) {
  f()
  median(replicate(5, sum(system.time(for (i in 1:n) f())[c("user.self", "sys.self")]) / n))
}
one <- function() rma(d$y, d$v, method = "REML", test = "knha")
m <- data.frame(y = d$my, study = d$study, time = d$time, at = factor(d$time))
multi <- function() rma.mv(y, d$V, mods = ~ at - 1, random = ~ at | study, struct = "CS", data = m, method = "REML")
cat(toJSON(list(version = as.character(packageVersion("metafor")), one = timed(one, 20), many = timed(one, 20) * d$many,
  one_value = as.numeric(one()$beta), multi = timed(multi, 1), multi_value = as.numeric(multi()$beta)), digits = NA, auto_unbox = TRUE))
"""


def cpu(call: Callable[[], object], repeats: int) -> float:
    """Median CPU seconds of one call over five rounds."""
    call()
    rounds = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(repeats):
            call()
        rounds.append((time.process_time() - start) / repeats)
    return statistics.median(rounds)


def ten() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    v = rng.uniform(0.02, 0.12, K)
    return -0.3 + np.sqrt(0.06 + v) * rng.standard_normal(K), v


def grid() -> list[tuple[int, float, float, float]]:
    """(study, time, survival, standard error): Kaplan-Meier-like curves of 27 studies, a few studies ending early."""
    rng = np.random.default_rng(8)
    made = []
    for i in range(STUDIES):
        factor, n = float(np.exp(0.35 * rng.standard_normal())), int(rng.integers(40, 200))
        survival, log_variance, at_risk = 1.0, 0.0, float(n)
        for j in range(1, TIMES + 1 - (i % 5 == 0)):
            q = min(0.9, max(0.02, 1.0 - float(np.exp(-factor * 0.35 / j)) + 0.02 * float(rng.standard_normal())))
            survival *= 1.0 - q
            log_variance += q / ((1.0 - q) * at_risk)
            at_risk *= 1.0 - q
            made.append((i, float(j), survival, survival * float(np.sqrt(log_variance))))
    return made


def metafor(y: np.ndarray, v: np.ndarray, cells: list[tuple[int, float, float, float]]) -> dict[str, object] | None:
    """Times and answers of metafor, or None where R or metafor is absent."""
    from nextarm.synthesis.several_times import cloglog_covariance

    if shutil.which("Rscript") is None:
        return None
    V = np.zeros((len(cells), len(cells)))
    study = np.array([c[0] for c in cells])
    for i in range(STUDIES):
        at = np.flatnonzero(study == i)
        V[np.ix_(at, at)] = cloglog_covariance(np.array([cells[j][2] for j in at]), np.array([cells[j][3] for j in at]))
    data = {"y": y.tolist(), "v": v.tolist(), "many": MANY, "my": [float(np.log(-np.log(c[2]))) for c in cells], "V": V.tolist()}
    data |= {"study": study.tolist(), "time": [c[1] for c in cells]}
    with tempfile.TemporaryDirectory() as folder:
        given, script = Path(folder, "data.json"), Path(folder, "run.R")
        given.write_text(json.dumps(data), encoding="utf-8")
        script.write_text(R_SCRIPT, encoding="utf-8")
        done = subprocess.run(["Rscript", "--vanilla", str(script), str(given)], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def row(job: str, program: str, seconds: float | None, ours: float, agrees: str) -> dict[str, object]:
    shown = "absent" if seconds is None else f"{1e3 * seconds:,.3g}"
    ratio = "" if seconds is None else f"{seconds / ours:,.3g}"
    return {"job": job, "program": program, "milliseconds": shown, "times nextarm": ratio, "agrees": agrees}


def within(got: float, want: float, most: float) -> str:
    return "yes" if abs(got - want) <= most else f"no ({got:.6g} instead of {want:.6g})"


def peers(y: np.ndarray, v: np.ndarray, mine: float) -> list[tuple[str, Callable[[], float] | None, str]]:
    """PyMARE (REML) and statsmodels (DerSimonian-Laird, and its iterated Paule-Mandel; it has no REML)."""
    from nextarm.synthesis import StudyEstimate, pool

    studies = [StudyEstimate(label=str(i), estimate=float(a), se=float(np.sqrt(b))) for i, (a, b) in enumerate(zip(y, v, strict=True))]
    found: list[tuple[str, Callable[[], float] | None, str]] = []
    if find_spec("pymare"):
        from pymare.estimators import VarianceBasedLikelihoodEstimator

        X = np.ones((K, 1))

        def pymare() -> float:
            made = VarianceBasedLikelihoodEstimator(method="REML").fit(y=y[:, None], v=v[:, None], X=X)
            return float(np.ravel(made.summary().get_fe_stats()["est"])[0])

        found.append(("PyMARE, REML", pymare, within(pymare(), mine, 1e-4)))
    else:
        found.append(("PyMARE, REML", None, ""))
    if find_spec("statsmodels"):
        from statsmodels.stats.meta_analysis import combine_effects

        for name, method, same in (("Paule-Mandel", "iterated", "pm"), ("DerSimonian-Laird", "chi2", "dl")):

            def combined(method: str = method) -> float:
                return float(combine_effects(y, v, method_re=method, use_t=True).mean_effect_re)

            want = pool(studies, measure="identity", method=same, probability=False).mu
            found.append((f"statsmodels, {name}", combined, within(combined(), want, 1e-4)))
    else:
        found.append(("statsmodels", None, ""))
    return found


def rows() -> list[dict[str, object]]:
    from nextarm.synthesis import StudyEstimate, pool, pool_many, pool_several_times
    from nextarm.synthesis.tau import Model, reml

    y, v = ten()
    studies = [StudyEstimate(label=str(i), estimate=float(a), se=float(np.sqrt(b))) for i, (a, b) in enumerate(zip(y, v, strict=True))]
    cells = grid()
    timed = [StudyEstimate(label=str(i), estimate=s, se=se, time=t) for i, t, s, se in cells]
    rng = np.random.default_rng(9)
    ys, vs = rng.normal(-0.3, 0.4, (MANY, K)), rng.uniform(0.02, 0.12, (MANY, K))
    pooled = pool(studies, measure="identity", interval="hartung-knapp", probability=False)
    multi = pool_several_times(timed, structure="cs")
    one = cpu(lambda: pool(studies, measure="identity", interval="hartung-knapp", probability=False), 200)
    many = cpu(lambda: pool_many(ys, vs), 1)
    several = cpu(lambda: pool_several_times(timed, structure="cs"), 3)
    r = metafor(y, v, cells)
    jobs = ("one fit, k = 10", "10,000 fits, k = 10", f"multivariate, k = {STUDIES}, {TIMES} times, CS")
    model_only = cpu(lambda: (lambda m: m.beta(reml(m)))(Model(y, v)), 200)
    made = [row(jobs[0], "nextarm, REML and all that is reported", one, one, "")]
    made.append(
        row(
            jobs[0],
            "nextarm, REML, mean and its variance alone",
            model_only,
            one,
            within(float(Model(y, v).beta(reml(Model(y, v)))[0][0]), pooled.mu, 1e-9),
        )
    )
    other = peers(y, v, pooled.mu)
    made += [row(jobs[0], name, None if call is None else cpu(call, 20), one, agrees) for name, call, agrees in other]
    single = None if r is None else float(r["one"])
    made.append(row(jobs[0], "metafor, REML", single, one, "" if r is None else within(float(r["one_value"]), pooled.mu, 1e-4)))
    made.append(row(jobs[1], "nextarm, vectorised", many, many, ""))
    made += [
        row(jobs[1], f"{name}, one after another (from one fit)", None if call is None else MANY * cpu(call, 20), many, "")
        for name, call, _ in other
    ]
    made.append(row(jobs[1], "metafor, one after another (from one fit)", None if r is None else float(r["many"]), many, ""))
    made.append(row(jobs[2], "nextarm", several, several, ""))
    both = cpu(lambda: pool_several_times(timed), 3)
    made.append(row(jobs[2], "nextarm, both structures, the likelier kept", both, several, ""))
    agrees = "" if r is None else within(float(np.abs(np.array(r["multi_value"]) - multi.means).max()), 0.0, 1e-4)
    made.append(row(jobs[2], "metafor, rma.mv", None if r is None else float(r["multi"]), several, agrees))
    return made


if __name__ == "__main__":
    for line in rows():
        print(" | ".join(str(value) for value in line.values()))
