"""Platform trials against a plain twin written from the description, and against what theory says of their limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import PlanError
from nextarm.designs.plan import Plan, plan_from_data
from nextarm.simulation import simulate_platform
from nextarm.simulation.draws import draw_trials, uniform
from nextarm.simulation.platform_block import PlatformPrepared
from nextarm.simulation.platform_kernel import CONTROLS, CONTROLS_ALL, DROPPED, EARLY, OPENED, TIME, Z_ALL, N, Z
from nextarm.simulation.ready import ready

LATENCY = {"model": "weibull", "shape": 1.3, "median": 0.7}


def cure(fraction: float, **more: Any) -> dict[str, Any]:
    return {"survival": {"model": "mixture-cure", "cure_fraction": fraction, "latency": LATENCY}, **more}


def plan_of(design: dict[str, Any], arms: dict[str, Any] | None = None, **accrual: float) -> Plan:
    made = arms or {"control": cure(0.6), "a": cure(0.75), "b": cure(0.6, opens=1.0), "c": cure(0.7, opens_after="a")}
    null = {"name": "null", "arms": {n: {"survival": {"cure_fraction": 0.6}} for n in made if n != "control"}}
    return plan_from_data(
        {
            "trial": {"name": "p", "endpoint": "EFS", "milestone": 3.0},
            "accrual": {"rate": 45.0, "duration": 5.0, "follow_up": 2.0, "dropout_hazard": 0.02, **accrual},
            "arms": made,
            "design": {"kind": "platform", "patients_per_arm": 40, "follow_up": 1.5, **design},
            "scenario": [null],
        }
    )


def plain_z(arm: int, now: float, since: float, until: float, entry: Any, cell: Any, times: Any, drop: Any) -> tuple[float, int]:
    """The log-rank z of an arm against its controls, event by event."""
    rows = []
    for i, c in enumerate(cell):
        if c not in (0, arm) or entry[i] > now or (c == 0 and not since <= entry[i] <= until):
            continue
        end = min(drop[i], now - entry[i])
        rows.append((min(times[c, i], end), times[c, i] <= end, c == arm))
    u = v = 0.0
    for t, event, mine in rows:
        if event:
            at_risk = [r for r in rows if r[0] >= t]
            share = sum(r[2] for r in at_risk) / len(at_risk)
            u, v = u + mine - share, v + share * (1 - share)
    return (-u / v**0.5 if v > 0 else 0.0), sum(not r[2] for r in rows)


def plain_trial(made: PlatformPrepared, entry: Any, words: Any, times: Any, drop: Any) -> dict[str, dict[str, float]]:
    d, plan, names = made.design, made.plan, made.arms
    opened, closed, look, state = {names[0]: 0.0}, {}, {}, {}
    cell, count, block, members = [], dict.fromkeys(names, 0), [], ()
    target_look = None if d.interim is None else int(np.ceil(d.interim * d.patients_per_arm))
    arrivals = [*entry, np.inf]
    for i, now in enumerate(arrivals):
        for k, name in enumerate(names[1:], 1):
            if name in look and look[name] <= now and name not in state:
                z, _ = plain_z(k, look[name], opened[name], np.inf, entry, cell, times, drop)
                state[name] = "dropped" if d.drop_below is not None and z < d.drop_below else "going"
                if state[name] == "dropped":
                    closed.setdefault(name, look[name])
        if now == np.inf:
            break
        for name in names[1:]:
            after = plan.arms[name].opens_after
            if name not in opened and now >= plan.arms[name].opens and (after is None or after in closed):
                opened[name] = now
        there = tuple(n for n in names[1:] if n in opened and n not in closed)
        if not there:
            cell.append(-1)
            continue
        if there != members or not block:
            members = there
            pattern = [0, *(names.index(n) for n in there)]
            places = np.argsort(words[i : i + len(pattern)])
            block = [0] * len(pattern)
            for q, place in enumerate(places):
                block[place] = pattern[q]
        arm = block.pop(0)
        cell.append(arm)
        name = names[arm]
        count[name] += 1
        if arm and count[name] == target_look:
            look[name] = now + d.interim_lag
        if arm and count[name] == d.patients_per_arm:
            closed[name] = now
    found = {}
    for k, name in enumerate(names[1:], 1):
        if name in opened:
            end = closed.get(name, made.truths[0].accrual.duration)
            when = end if state.get(name) == "dropped" else end + d.follow_up
            z, controls = plain_z(k, when, opened[name], end, entry, cell, times, drop)
            z_all, controls_all = plain_z(k, when, -1.0, end, entry, cell, times, drop)
            found[name] = {"z": z, "controls": controls, "z_all": z_all, "controls_all": controls_all, "n": count[name], "time": when}
            found[name]["dropped"] = float(state.get(name) == "dropped")
    return found


@pytest.mark.parametrize("design", [{}, {"interim": 0.5, "drop_below": 0.3}])
def test_kernel_is_the_plain_twin(design: dict[str, Any]) -> None:
    made = ready(plan_of(design))
    assert isinstance(made, PlatformPrepared)
    draws = draw_trials(7, 0, trials=40, patients=made.patients)
    entry, words = uniform(np.sort(draws.entry, axis=-1)), uniform(draws.order[0])
    truth = made.truths[0]
    seen = made.seen(truth, entry, uniform(draws.event), uniform(draws.dropout), words)
    came = truth.accrual.entry_time(entry)
    assert truth.dropout is not None
    compared = 0
    for t in range(40):
        times = np.stack([np.asarray(s.quantile(uniform(draws.event[t]))) for s in truth.survival])
        plain = plain_trial(made, came[t], words[t], times, np.asarray(truth.dropout.quantile(uniform(draws.dropout[t]))))
        for k, name in enumerate(made.arms[1:], 1):
            row = seen[t, k]
            assert bool(row[OPENED]) == (name in plain)
            if name in plain:
                want = plain[name]
                got = {"z": row[Z], "controls": row[CONTROLS], "z_all": row[Z_ALL], "controls_all": row[CONTROLS_ALL], "n": row[N]}
                got |= {"time": row[TIME], "dropped": row[DROPPED]}
                assert got == pytest.approx(want, abs=1e-10)
                compared += 1
    assert compared > 80


def test_one_arm_alone_is_the_log_rank_design() -> None:
    arms = {"control": cure(0.6), "a": cure(0.8)}
    platform = plan_of({"patients_per_arm": 100, "follow_up": 2.0}, arms, rate=50.0, duration=4.0)
    expected: Any = platform.evaluate()
    found = simulate_platform(platform, trials=4_096, seed=1)
    power, error = found.scenario("plan").arm("a").rejection, found.scenario("null").arm("a").rejection
    assert power.value == pytest.approx(expected.power, abs=4 * power.se + 0.01)
    assert error.value == pytest.approx(0.025, abs=4 * error.se + 0.003)


def test_family_wise_error_is_held_by_dunnett_and_not_by_each() -> None:
    arms = {"control": cure(0.6), "a": cure(0.6), "b": cure(0.6), "c": cure(0.6)}
    rates = {}
    for adjust in ("each", "dunnett", "bonferroni"):
        found = simulate_platform(plan_of({"adjust": adjust}, arms, rate=60.0), trials=4_096, seed=2)
        rates[adjust] = found.scenario("null").any_rejection
    assert rates["each"].value > 0.05
    assert rates["dunnett"].value == pytest.approx(0.025, abs=4 * rates["dunnett"].se + 0.004)
    assert rates["bonferroni"].value <= rates["dunnett"].value


def test_drift_biases_controls_of_other_times_and_not_concurrent_ones() -> None:
    arms = {"control": cure(0.6), "a": cure(0.6), "late": cure(0.6, opens_after="a")}
    found = simulate_platform(plan_of({"patients_per_arm": 50}, arms, hazard_trend=-0.25), trials=2_048, seed=3)
    late = found.scenario("null").arm("late")
    assert late.rejection.value == pytest.approx(0.025, abs=4 * late.rejection.se + 0.005)
    assert late.rejection_other.value > 2 * late.rejection.value
    assert late.controls.value < 60


def test_workers_and_early_success() -> None:
    plan = plan_of({"interim": 0.5, "declare_above": 2.0})
    one, two = simulate_platform(plan, trials=2_048, seed=4), simulate_platform(plan, trials=2_048, seed=4, workers=2)
    assert one == two
    made = ready(plan)
    assert isinstance(made, PlatformPrepared)
    draws = draw_trials(4, 0, trials=64, patients=made.patients)
    seen = made.seen(
        made.truths[0], uniform(np.sort(draws.entry, axis=-1)), uniform(draws.event), uniform(draws.dropout), uniform(draws.order[0])
    )
    assert (seen[:, 1:, EARLY].astype(bool) <= made.rejects(seen, everybody=False)).all()
    assert seen[:, 1:, EARLY].sum() > 0


def test_pick_the_winner_leaves_one_arm() -> None:
    arms = {"control": cure(0.6), "a": cure(0.8), "b": cure(0.6), "c": cure(0.6)}
    found = simulate_platform(plan_of({"interim": 0.5, "select": "best", "adjust": "dunnett"}, arms, rate=60.0), trials=1_024, seed=5)
    scenario = found.scenario("plan")
    dropped = sum(a.dropped for a in scenario.arms)
    assert dropped >= 2 * scenario.trials
    assert scenario.arm("a").rejected > scenario.arm("b").rejected + scenario.arm("c").rejected
    assert found.scenario("null").any_rejection.value <= 0.025 + 4 * found.scenario("null").any_rejection.se


def test_adaptive_allocation_moves_patients_to_the_better_arm() -> None:
    arms = {"control": cure(0.6), "a": cure(0.9), "b": cure(0.5)}
    fixed = simulate_platform(plan_of({"patients_per_arm": 80}, arms, duration=4.0), trials=512, seed=6).scenario("plan")
    adaptive = simulate_platform(plan_of({"patients_per_arm": 80, "allocation_rule": "adaptive"}, arms, duration=4.0), trials=512, seed=6)
    moved = adaptive.scenario("plan")
    assert moved.arm("b").patients.value < fixed.arm("b").patients.value
    assert moved.arm("a").patients.value > moved.arm("b").patients.value


def test_a_block_of_randomisation_too_large_for_its_words_is_refused() -> None:
    arms = {"control": cure(0.6, allocation=1.5), "a": cure(0.7, allocation=0.37)}
    with pytest.raises(PlanError, match="block of randomisation"):
        simulate_platform(plan_of({}, arms), trials=16)
