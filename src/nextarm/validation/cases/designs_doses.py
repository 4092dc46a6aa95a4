"""Dose finding: an interval design as its program prints it, rolling six in closed form, BOIN by enumeration."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from nextarm.designs.boin import BoinTable, boin_table
from nextarm.designs.dose_finding import boin_choice, boin_trials, rolling_six_trials
from nextarm.validation.case import Case

#: Printed by IntervalDesign (get.oc, UMPBI, target .3, 12 cohorts of 3), 1,000 trials: its table, then % chosen, patients, toxic events.
RATES = (0.08, 0.10, 0.20, 0.30, 0.45, 0.60)
TABLE = BoinTable(
    lambda_e=0.0, lambda_d=1.0, sizes=tuple(range(3, 37, 3)), escalate=(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 9),
    deescalate=(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13), close=(3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15, 16),
)  # fmt: skip
CHOSEN = (0.2, 5.4, 27.1, 48.5, 17.4, 1.3)
PATIENTS = (4.2, 6.1, 10.3, 10.2, 4.5, 0.8)
TOXIC = (0.3, 0.6, 2.0, 3.1, 2.0, 0.5)
PRINTED_TRIALS = 1000
TRIALS = 40_000
SMALL = (0.2, 0.45)


def _interval() -> dict[str, float]:
    random = np.random.default_rng(1)
    chance = random.random((TRIALS, 36))
    got = boin_trials(
        chance, np.zeros_like(chance), np.array(RATES), table=TABLE, target=0.3, eliminate=0.95, cohort=3, start=0, enough=None, window=0.1
    )  # fmt: skip
    made = {}
    for k in range(6):
        made[f"chosen {k + 1}"] = 100.0 * float((got.chosen == k).mean())
        made[f"patients {k + 1}"], made[f"toxic {k + 1}"] = float(got.patients[:, k].mean()), float(got.toxic[:, k].mean())
    return made


def _printed() -> tuple[dict[str, float], dict[str, float]]:
    """The printed values, and how far chance may put them: four standard errors of theirs and rounding."""
    want, allow = {}, {}
    for k in range(6):
        p = max(CHOSEN[k], 0.5) / 100.0
        want[f"chosen {k + 1}"], allow[f"chosen {k + 1}"] = CHOSEN[k], 400.0 * math.sqrt(p * (1.0 - p) / PRINTED_TRIALS) + 0.05
        # patients and toxic events of a dose have standard deviations of at most 8 and 4
        want[f"patients {k + 1}"], allow[f"patients {k + 1}"] = PATIENTS[k], 4.0 * 8.0 / math.sqrt(PRINTED_TRIALS) + 0.05
        want[f"toxic {k + 1}"], allow[f"toxic {k + 1}"] = TOXIC[k], 4.0 * 4.0 / math.sqrt(PRINTED_TRIALS) + 0.05
    telling = [name for name in want if allow[name] < 0.5 * want[name]]  # a looser one would check nothing
    return {name: want[name] for name in telling}, {name: allow[name] for name in telling}


#: Printed by BOIN 2.7 (get.oc with its stricter rule for the lowest dose, and an end at nine patients), 10,000 trials.
BOIN_RATES = (0.1, 0.5)
BOIN_PRINTED = {
    "chosen 1": 77.75, "chosen 2": 18.42, "none": 3.83, "patients 1": 10.7160, "patients 2": 7.7784, "toxic 1": 1.0536, "toxic 2": 3.8988,
}  # fmt: skip
BOIN_TRIALS = 10_000


def _boin_program() -> dict[str, float]:
    chance = np.random.default_rng(3).random((TRIALS, 30))
    got = boin_trials(
        chance, np.zeros_like(chance), np.array(BOIN_RATES), table=boin_table(tuple(range(1, 31)), target=0.25), target=0.25,
        eliminate=0.95, cohort=3, start=0, enough=9, window=0.1, lowest=0.85,
    )  # fmt: skip
    each: dict[str, Any] = {"none": 100.0 * (got.chosen < 0)}
    for k in range(2):
        each |= {f"chosen {k + 1}": 100.0 * (got.chosen == k), f"patients {k + 1}": got.patients[:, k], f"toxic {k + 1}": got.toxic[:, k]}
    return {k: float(v.mean()) for k, v in each.items()}


def _boin_allowed() -> dict[str, float]:
    """Four standard errors of the difference, by the standard deviations of the printed rates, or those over trials here."""
    spread = {name: 100.0 * math.sqrt(v / 100.0 * (1.0 - v / 100.0)) for name, v in BOIN_PRINTED.items() if name[0] in "cn"}
    spread |= {"patients 1": 3.4, "patients 2": 4.6, "toxic 1": 0.93, "toxic 2": 2.0}
    return {name: 4.0 * sd * math.sqrt(1.0 / BOIN_TRIALS + 1.0 / TRIALS) for name, sd in spread.items()}


def _rolling() -> dict[str, float]:
    """Patients so far apart that nobody is pending: 3 + 3 with six at the dose chosen."""
    random = np.random.default_rng(2)
    trials, comers = 200_000, 18
    entry = np.broadcast_to(np.arange(comers, dtype=np.float64), (trials, comers))
    got = rolling_six_trials(
        random.random((trials, comers)), entry, random.random((trials, comers)), np.array(SMALL), start=0, window=0.5
    )  # fmt: skip
    return {"first": float((got.chosen == 0).mean()), "second": float((got.chosen == 1).mean())}


def _rolling_closed() -> dict[str, float]:
    (p, r), (q, s) = SMALL, (1.0 - SMALL[0], 1.0 - SMALL[1])
    passed = q**3 + 3 * p * q**2 * q**3
    second = s**6 + 6 * r * s**5
    at_most_one = q**3 * (q**3 + 3 * p * q**2) + 3 * p * q**2 * q**3
    return {"first": at_most_one * (1.0 - second), "second": passed * second}


def boin_by_enumeration(rates: tuple[float, ...], *, target: float, cohort: int, cohorts: int) -> dict[str, float]:
    """BOIN written out: every outcome of every cohort, one after the other, weighed by its probability."""
    table = boin_table(tuple(range(1, cohort * cohorts + 1)), target=target)
    chosen = [0.0] * (len(rates) + 1)
    patients = [0.0] * len(rates)
    stack = [(1.0, 0, len(rates), (0,) * len(rates), (0,) * len(rates), 0)]
    while stack:
        weight, dose, open_doses, n, y, done = stack.pop()
        if done == cohorts or open_doses == 0:
            best = -1 if open_doses == 0 else int(boin_choice(np.array([n]), np.array([y]), target=target, eliminate=0.95)[0])
            chosen[best] += weight
            patients = [a + weight * b for a, b in zip(patients, n, strict=True)]
            continue
        for toxic in range(cohort + 1):
            w = weight * math.comb(cohort, toxic) * rates[dose] ** toxic * (1.0 - rates[dose]) ** (cohort - toxic)
            n2 = tuple(v + cohort * (i == dose) for i, v in enumerate(n))
            y2 = tuple(v + toxic * (i == dose) for i, v in enumerate(y))
            at, still, there = n2[dose] - 1, open_doses, dose
            limit = table.close[at]
            if limit is not None and y2[dose] >= limit:
                still = min(still, dose)
            if y2[dose] <= table.escalate[at]:
                there = dose + 1 if dose + 1 < still else dose
            elif y2[dose] >= table.deescalate[at]:
                there = max(dose - 1, 0)
            stack.append((w, there, still, n2, y2, done + 1))
    made = {f"chosen {k + 1}": v for k, v in enumerate(chosen[:-1])} | {"none": chosen[-1]}
    return made | {f"patients {k + 1}": v for k, v in enumerate(patients)}


def boin_by_all_luck(rates: tuple[float, ...], *, target: float, patients: int, cohort: int) -> dict[str, float]:
    """The engine over every pattern of luck: each patient's uniform lies between two neighbouring rates."""
    edges = np.unique([0.0, *rates, 1.0])
    middles, widths = (edges[1:] + edges[:-1]) / 2.0, np.diff(edges)
    patterns = np.array(list(itertools.product(range(len(middles)), repeat=patients)))
    weight = widths[patterns].prod(axis=1)
    got = boin_trials(
        middles[patterns], np.zeros(patterns.shape), np.array(rates), table=boin_table(tuple(range(1, patients + 1)), target=target),
        target=target, eliminate=0.95, cohort=cohort, start=0, enough=None, window=0.1,
    )  # fmt: skip
    made = {f"chosen {k + 1}": float(weight[got.chosen == k].sum()) for k in range(len(rates))} | {
        "none": float(weight[got.chosen < 0].sum())
    }
    return made | {f"patients {k + 1}": float(weight @ got.patients[:, k]) for k in range(len(rates))}


_WANT, _ALLOW = _printed()
_CLOSED = _rolling_closed()
CASES: tuple[Case, ...] = (
    Case(
        id="designs-doses-interval",
        title="An interval design in cohorts with its isotonic choice",
        room="designs",
        kind="other program",
        source="IntervalDesign (ruitaolin/IntervalDesign), printed output of get.oc for UMPBI",
        inputs=f"target .3, 12 cohorts of 3, six doses; {TRIALS:,} virtual trials",
        compute=_interval,
        expected=_WANT,
        tolerance=_ALLOW,
    ),
    Case(
        id="designs-doses-boin-program",
        title="BOIN: which dose is chosen, patients and toxic events",
        room="designs",
        kind="other program",
        source="BOIN (get.oc), output printed in the article Compare_to_original_BOIN of the R package bfboin",
        inputs=f"target .25, rates .1 and .5, 10 cohorts of 3, stricter lowest dose, end at 9 patients; {TRIALS:,} virtual trials",
        compute=_boin_program,
        expected=BOIN_PRINTED,
        tolerance=_boin_allowed(),
    ),
    Case(
        id="designs-doses-rolling",
        title="Rolling six with nobody pending",
        room="designs",
        kind="closed form",
        source="binomial probabilities of 0 of 3, 1 of 3 and then 0 of 3, at most 1 of 6",
        inputs="two doses, .2 and .45; 200,000 virtual trials",
        compute=_rolling,
        expected=_CLOSED,
        tolerance={k: 4.0 * math.sqrt(p * (1.0 - p) / 200_000) for k, p in _CLOSED.items()},
    ),
    Case(
        id="designs-doses-boin-enumeration",
        title="BOIN over every outcome of three cohorts of three",
        room="designs",
        kind="second implementation",
        source="enumeration by this project",
        inputs="two doses, .2 and .45, target .3",
        compute=lambda: boin_by_all_luck(SMALL, target=0.3, patients=9, cohort=3),
        expected=boin_by_enumeration(SMALL, target=0.3, cohort=3, cohorts=3),
        tolerance=1e-12,
    ),
)
