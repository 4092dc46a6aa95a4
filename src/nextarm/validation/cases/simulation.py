"""Cases of the simulation room: virtual trials against exact sums, closed forms, rpact's simulations and the plain code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from nextarm.designs.plan import Plan, plan_from_data
from nextarm.simulation import simulate
from nextarm.simulation.block import cohort_of, joined, prepared, seen_in_block
from nextarm.simulation.characteristics import ScenarioCounts
from nextarm.simulation.draws import drawn_normals
from nextarm.simulation.oracle import looks_of
from nextarm.simulation.statistics import look_data
from nextarm.validation.case import Case, expected

LN2 = math.log(2.0)
TRIALS = 40_960

EXPONENTIAL = {"model": "exponential", "median": 1.0}
SEQUENTIAL = {"kind": "group-sequential-log-rank", "latest": 60.0}
LAN_DEMETS = SEQUENTIAL | {"looks": [0.6, 1.0], "events": 120}


def _plan(design: Mapping[str, Any], *, arms: Mapping[str, Any], accrual: Mapping[str, Any], **tables: Any) -> Plan:
    """A plan of EFS with a milestone at one year."""
    trial = {"name": "a case", "endpoint": "EFS", "milestone": 1.0}
    return plan_from_data({"trial": trial, "accrual": dict(accrual), "arms": dict(arms), "design": dict(design)} | tables)


def _two(control: Mapping[str, Any], new: Mapping[str, Any], *, allocation: int = 1) -> dict[str, Any]:
    return {"control": {"survival": dict(control)}, "new": {"survival": dict(new), "allocation": allocation}}


# --- rpact's own simulations -----------------------------------------------------------------------------------------


def _against_rpact(
    design: Mapping[str, Any], control: Mapping[str, Any], ratio: float, *, allocation: int = 1, dropout: float = 0.025
) -> Plan:
    accrual = {"rate": 100.0, "duration": 2.0, "follow_up": 58.0, "dropout_hazard": -math.log(1.0 - dropout)}
    new = {"of": "control", "hazard_ratio": ratio}
    return _plan(design, arms=_two(control, new, allocation=allocation), accrual=accrual)


PIECEWISE = {"model": "piecewise-exponential", "cuts": [0.5, 1.5], "rates": [0.8, 0.4, 0.2]}
RPACT: tuple[tuple[str, Callable[[], Plan]], ...] = (
    ("hazard ratio .6", lambda: _against_rpact(LAN_DEMETS, EXPONENTIAL, 0.6)),
    ("hazard ratio 1", lambda: _against_rpact(LAN_DEMETS, EXPONENTIAL, 1.0)),
    (
        "three looks",
        lambda: _against_rpact(
            LAN_DEMETS | {"looks": [0.4, 0.7, 1.0], "spending": "hwang-shih-decani", "spending_parameter": -4.0}, EXPONENTIAL, 0.65
        ),
    ),
    (
        "two to one, Pocock",
        lambda: _against_rpact(
            LAN_DEMETS | {"looks": [0.5, 1.0], "events": 100, "spending": "pocock"}, EXPONENTIAL, 0.55, allocation=2
        ),
    ),
    ("Weibull", lambda: _against_rpact(LAN_DEMETS, {"model": "weibull", "shape": 1.5, "median": 1.0}, 0.6, dropout=0.0)),
    ("piecewise", lambda: _against_rpact(LAN_DEMETS | {"events": 100}, PIECEWISE, 0.6)),
)  # fmt: skip


def _numbers(found: ScenarioCounts) -> dict[str, float]:
    looks = {f"rejected at look {k + 1}": found.rejection_at(k).value for k in range(found.rejected_by_look.size)}
    return {"power": found.rejection.value, "events": found.events.value, "duration": found.duration.value} | looks


def _rpact_case(position: int) -> Case:
    """One of rpact's designs, 40,000 of its trials against 40,960 of ours."""
    label, plan = RPACT[position]
    frozen = expected("simulation")
    run = frozen["runs"][position]
    want = {"power": run["power"], "events": run["events"], "duration": run["duration"]}
    want |= {f"rejected at look {k + 1}": p for k, p in enumerate(run["reject_by_look"])}
    both = 1.0 / TRIALS + 1.0 / frozen["iterations"]
    errors = {name: 4.0 * math.sqrt(p * (1.0 - p) * both) for name, p in want.items() if name not in ("events", "duration")}
    return Case(
        id=f"simulation-rpact-{position + 1}",
        title=f"Simulated group-sequential log-rank: {label}",
        room="simulation",
        kind="other program",
        source=f"rpact {frozen['made_with']['rpact']} getSimulationSurvival, {frozen['iterations']} trials",
        inputs="200 patients over 2 years; looks by events; see references/simulation.R",
        compute=lambda: _numbers(simulate(plan(), trials=TRIALS, seed=20261102).scenarios[0]),
        expected=want,
        tolerance=errors | {"events": 0.6, "duration": 0.03},  # 4 standard errors, and rpact enters patients at even intervals
        reference="simulation.json",
        slow=position not in (0, 1),
    )


def _p3() -> dict[str, float]:
    found = simulate(_against_rpact(LAN_DEMETS, EXPONENTIAL, 0.6), trials=TRIALS, seed=3).scenarios[0]
    return {"power": found.rejection.value, "early": found.rejection_at(0).value, "months": 12.0 * found.duration.value}


# --- exact sums ------------------------------------------------------------------------------------------------------


def _binomial(n: int, p: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Probabilities of 0 to n events."""
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)]
    return np.array([math.exp(c + k * math.log(p) + (n - k) * math.log1p(-p)) for k, c in enumerate(logs)])


def _exact_one_arm(n: int, survival: float, null: float, z: float) -> float:
    """P((S - null) / sqrt(S (1 - S) / n) >= z) for S the share of n patients without an event, all followed."""
    s = 1.0 - np.arange(n + 1) / n
    variance = np.where((s > 0.0) & (s < 1.0), s * (1.0 - s), null * (1.0 - null)) / n
    return float(_binomial(n, 1.0 - survival) @ ((s - null) / np.sqrt(variance) >= z))


def _exact_two_arms(n: int, control: float, new: float, margin: float, z: float) -> float:
    """The same for the difference of two such shares, ``n`` patients an arm."""
    s = 1.0 - np.arange(n + 1) / n
    difference = s[:, None] - s[None, :] + margin  # rows: the new arm
    variance = (s * (1.0 - s))[:, None] / n + (s * (1.0 - s))[None, :] / n
    usual = np.where(variance > 0.0, variance, margin * (1.0 - margin) / (2 * n))
    reject = difference / np.sqrt(usual) >= z
    return float(_binomial(n, 1.0 - new) @ reject @ _binomial(n, 1.0 - control))


def _followed(survival: float) -> dict[str, Any]:
    """A truth with this survival at one year."""
    return {"model": "exponential", "rate": -math.log(survival)}


Z05, Z025 = 1.6448536269514722, 1.959963984540054
FULL = {"rate": 40.0, "duration": 1.0, "follow_up": 1.5}


def _one_arm_rates() -> dict[str, float]:
    found = {}
    for survival in (0.6, 0.8):
        plan = _plan(
            {"kind": "one-arm-milestone", "scale": "plain", "alpha": 0.05},
            arms={"new": {"survival": _followed(survival)}},
            accrual=FULL,
            reference={"milestone_survival": 0.6, "fixed": True},
        )
        found[f"S = {survival}"] = simulate(plan, trials=2 * TRIALS, seed=5).scenarios[0].rejection.value
    return found


def _difference_rates() -> dict[str, float]:
    found = {}
    for new in (0.7, 0.85):
        plan = _plan({"kind": "absolute-margin", "margin": 0.15}, arms=_two(_followed(0.85), _followed(new)), accrual=FULL | {"rate": 60.0})
        found[f"S = {new}"] = simulate(plan, trials=2 * TRIALS, seed=6).scenarios[0].rejection.value
    return found


# --- closed forms ----------------------------------------------------------------------------------------------------


def _cured(share: float) -> dict[str, Any]:
    """Mixture cure with the exponential latency of P13: hazard log(2) / 6 a month."""
    return {"model": "mixture-cure", "cure_fraction": share, "latency": {"model": "exponential", "rate": 2.0 * LN2}}


def _events_under_cure() -> dict[str, float]:
    plan = _plan({"kind": "log-rank"}, arms=_two(_cured(0.3), _cured(0.5)), accrual={"rate": 100.0, "duration": 2.0, "follow_up": 2.0})
    return {"events": simulate(plan, trials=TRIALS, seed=13).scenarios[0].events.value}


def _time_of_fifth_event() -> dict[str, float]:
    """All patients enter at almost the same time: the time of the d-th of n exponential events is a sum of spacings."""
    design = {"kind": "log-rank", "events": 5, "latest": 60.0}
    accrual = {"rate": 12.0 / 1e-6, "duration": 1e-6, "follow_up": 60.0}
    plan = _plan(design, arms=_two(_followed(0.5), _followed(0.5)), accrual=accrual)
    found = simulate(plan, trials=TRIALS, seed=14).scenarios[0]
    se = found.duration.se
    assert se is not None  # more than one trial
    return {"mean": found.duration.value, "variance": se**2 * TRIALS}


def _no_cure() -> dict[str, float]:
    """A cure fraction of 0 beside the model without cure, the same draws."""
    plain = {"model": "weibull", "shape": 1.3, "median": 0.7}
    cure = {"model": "mixture-cure", "cure_fraction": 0.0, "latency": plain}
    accrual = {"rate": 60.0, "duration": 2.0, "follow_up": 1.0, "dropout_hazard": 0.05}
    sums = [
        simulate(_plan({"kind": "log-rank"}, arms=_two(m, m), accrual=accrual), trials=4096, seed=7).scenarios[0] for m in (plain, cure)
    ]
    return {"events": sums[1].events.value - sums[0].events.value, "rejection": sums[1].rejection.value - sums[0].rejection.value}


# --- the plain code --------------------------------------------------------------------------------------------------


def agreement(plan: Plan, *, trials: int, seed: int) -> dict[str, float]:
    """Trials of one block in kernel and oracle: how many are decided differently, and the largest difference of z."""
    made = prepared(plan)
    looks, measures, arms = made.schedule.looks, made.schedule.measured, len(made.truths[0].allocation)
    errors = drawn_normals(seed, 0, trials=trials) if made.reference_is_drawn else None
    cohorts = (cohort_of(made, 0, seed=seed, block=0, trial=t) for t in range(trials))
    plain = joined([looks_of(cohort, looks, measures, arms=arms) for cohort in cohorts])
    data = [look_data(part, made.schedule, errors) for part in (seen_in_block(made, seed=seed, block=0, trials=trials)[0], plain)]
    a, b = (made.decide(part) for part in data)
    differ = (a.rejected_at != b.rejected_at) | (a.stopped_at != b.stopped_at)
    return {
        "trials compared": float(trials),
        "mismatches": float(differ.sum()),
        "largest difference of z": float(np.abs(data[0].z - data[1].z).max()),
    }


CURE = {"model": "mixture-cure", "cure_fraction": 0.6, "latency": {"model": "weibull", "shape": 1.3, "median": 0.7}}
SMALL = {"rate": 30.0, "duration": 2.0, "follow_up": 2.0, "dropout_hazard": 0.05}


def _small(design: Mapping[str, Any], *, allocation: int = 1) -> Callable[[], Plan]:
    return lambda: _plan(design, arms=_two(CURE, CURE, allocation=allocation), accrual=SMALL)


def _small_one(design: Mapping[str, Any], **reference: Any) -> Callable[[], Plan]:
    return lambda: _plan(design, arms={"new": {"survival": CURE}}, accrual=SMALL, reference=reference)


COMPARED: tuple[tuple[str, Callable[[], Plan]], ...] = (
    ("group-sequential log-rank", _small(SEQUENTIAL | {"looks": [0.5, 1.0], "events": 20, "latest": 4.0})),
    ("log-rank with a margin", _small({"kind": "log-rank", "margin": 1.4})),
    ("difference at the milestone", _small({"kind": "absolute-margin", "margin": 0.1})),
    ("one arm at the milestone", _small_one({"kind": "one-arm-milestone"}, milestone_survival=0.6, n=150.0)),
    ("group-sequential log-rank, looks at times", _small({"kind": "group-sequential-log-rank", "look_times": [1.5, 3.0, 4.0]})),
    ("restricted means", _small({"kind": "rmst-difference", "tau": 1.5}, allocation=2)),
    ("weighted log-rank", _small({"kind": "weighted-log-rank", "p": 0.5, "q": 1.0})),
    ("modestly weighted log-rank", _small({"kind": "weighted-log-rank", "modest_until": 0.6})),
    ("MaxCombo", _small({"kind": "max-combo"})),
    ("stratified log-rank", _small({"kind": "stratified-log-rank", "strata": [{"share": 2.0}, {"share": 1.0, "hazard_ratio": 2.0}]})),
    ("one-sample log-rank", _small_one({"kind": "one-sample-log-rank"}, survival=CURE, n=150.0)),
    (
        "one-sample log-rank in two stages",
        _small_one({"kind": "one-sample-log-rank-two-stage", "interim_time": 1.5, "interim_bound": 0.0}, survival=CURE, fixed=True),
    ),
)  # fmt: skip


def _agreement_case(position: int) -> Case:
    """Kernel against oracle for one design: every trial must be decided alike."""
    label, plan = COMPARED[position]
    return Case(
        id=f"simulation-oracle-{position + 1}",
        title=f"Fast and plain code decide every trial alike: {label}",
        room="simulation",
        kind="second implementation",
        source="simulation/oracle.py, the plain code of this project",
        inputs="100,000 virtual trials of 60 patients, drawn alone one by one by the plain code",
        compute=partial(_compare, plan),
        expected={"trials compared": 100_000.0, "mismatches": 0.0, "largest difference of z": 0.0},
        tolerance={"trials compared": 0.0, "mismatches": 0.0, "largest difference of z": 1e-10},
        slow=True,
    )


def _compare(plan: Callable[[], Plan]) -> dict[str, float]:
    return agreement(plan(), trials=100_000, seed=17)


def _four_se(p: float, trials: int) -> float:
    return 4.0 * math.sqrt(p * (1.0 - p) / trials)


_ONE = {f"S = {s}": _exact_one_arm(40, s, 0.6, Z05) for s in (0.6, 0.8)}
_TWO = {f"S = {s}": _exact_two_arms(30, 0.85, s, 0.15, Z025) for s in (0.7, 0.85)}
_FIFTH = {"mean": sum(1.0 / k for k in range(8, 13)) / LN2, "variance": sum(1.0 / k**2 for k in range(8, 13)) / LN2**2}

CASES: tuple[Case, ...] = (
    Case(
        id="simulation-events-cure",
        title="Expected events under a cure fraction, by simulation",
        room="simulation",
        kind="closed form",
        source="integral of (1 - cure) (1 - exp(-rate (T - u))) over uniform accrual; npsurvSS 1.1.0 says 195.8 here",
        inputs="100 patients an arm over 2 years, 2 years of follow-up, cure .3 and .5, exponential latency with median half a year",
        compute=_events_under_cure,
        expected={"events": 117.464},
        tolerance=0.14,  # 4 standard errors of the mean over 40,960 trials
    ),
    Case(
        id="simulation-group-sequential",
        title="Simulated power, early stopping and duration of a group-sequential log-rank design",
        room="simulation",
        kind="other program",
        source="rpact 3.3.4 getSimulationSurvival, 10,000 trials, seed 1",
        inputs="LD-OF, looks at 72 and 120 events, 200 patients over 24 months, median 12, HR .6, dropout 2.5 % a year",
        compute=_p3,
        expected={"power": 0.7892, "early": 0.2977, "months": 30.84},
        tolerance={"power": 0.018, "early": 0.020, "months": 0.3},  # 4 standard errors of both
    ),
    Case(
        id="simulation-one-arm-exact",
        title="One arm at a milestone with complete follow-up: type I error and power",
        room="simulation",
        kind="closed form",
        source="sum of binomial probabilities",
        inputs="40 patients all followed to the milestone, S0 = .6 fixed, plain scale, one-sided .05",
        compute=_one_arm_rates,
        expected=_ONE,
        tolerance={name: _four_se(p, 2 * TRIALS) for name, p in _ONE.items()},
    ),
    Case(
        id="simulation-difference-exact",
        title="Two arms on an absolute margin with complete follow-up: type I error and power",
        room="simulation",
        kind="closed form",
        source="sum of products of binomial probabilities",
        inputs="30 patients an arm all followed to the milestone, S0 = .85, margin .15, one-sided .025",
        compute=_difference_rates,
        expected=_TWO,
        tolerance={name: _four_se(p, 2 * TRIALS) for name, p in _TWO.items()},
    ),
    Case(
        id="simulation-fifth-event",
        title="When the fifth of twelve events comes",
        room="simulation",
        kind="closed form",
        source="Renyi: exponential order statistics are sums of independent spacings; mean and variance are partial harmonic sums",
        inputs="12 patients entered at once, hazard log 2 a year",
        compute=_time_of_fifth_event,
        expected=_FIFTH,
        tolerance={"mean": 4.0 * math.sqrt(_FIFTH["variance"] / TRIALS), "variance": 0.06 * _FIFTH["variance"]},
    ),
    Case(
        id="simulation-no-cure",
        title="A cure fraction of 0 is the model without cure, trial by trial",
        room="simulation",
        kind="limit case",
        source="the same draws through both models",
        inputs="120 patients, Weibull, 4,096 trials",
        compute=_no_cure,
        expected={"events": 0.0, "rejection": 0.0},
        tolerance=0.0,
    ),
    *(_rpact_case(i) for i in range(len(RPACT))),
    *(_agreement_case(i) for i in range(len(COMPARED))),
)
