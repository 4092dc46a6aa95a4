"""Platform trials against a plain twin written from the description, and against what theory says of their limits."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from nextarm.core.errors import PlanError
from nextarm.designs.plan import Plan, plan_from_data
from nextarm.simulation import simulate_platform
from nextarm.simulation.draws import draw_trials, uniform
from nextarm.simulation.platform_block import PlatformPrepared
from nextarm.simulation.platform_kernel import (
    CONTROLS,
    CONTROLS_ALL,
    DROPPED,
    EARLY,
    OPENED,
    SINCE,
    TIME,
    UNTIL,
    WON,
    Z_ALL,
    N,
    Z,
)
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
    """The course of one platform, told patient by patient with lists; picking the best is left out."""
    d, plan, names, (last, low, high) = made.design, made.plan, made.arms, made.limits
    opened, closed, judged, stage = {names[0]: 0.0}, {}, {}, dict.fromkeys(names, 0)
    due: dict[tuple[str, int], float] = {}
    weight = dict.fromkeys(names, 1.0)
    cell, count, block, members, shut = [], dict.fromkeys(names, 0), [], (), False
    numbers = [int(np.ceil(share * (d.events or d.patients_per_arm) - 1e-9)) for share in d.looks_at]

    def seen_events(k: int | None, now: float) -> list[float]:
        name = names[k or 0]
        mine = [
            entry[i] + times[c, i]
            for i, c in enumerate(cell)
            if c >= 0
            and (k is None or c == k or (c == 0 and opened[name] <= entry[i] <= closed.get(name, np.inf)))
            and times[c, i] <= drop[i]
        ]
        return sorted(t for t in mine if t <= now)

    def coming(now: float) -> list[tuple[float, int, bool]]:
        found = []
        for k, name in enumerate(names[1:], 1):
            if name not in opened or name in judged:
                continue
            end = closed.get(name, np.inf) + d.follow_up
            events = seen_events(k, now) if d.events else []
            if d.events and len(events) >= d.events:
                end = min(end, events[d.events - 1])
            found.append((end, k, False))
            if stage[name] < len(numbers):
                wanted = numbers[stage[name]]
                at = due.get((name, stage[name]), np.inf)
                if d.events and len(events) >= wanted:
                    at = events[wanted - 1] + d.interim_lag
                if at < end:
                    found.append((at, k, True))
        return sorted(f for f in found if f[0] <= now and f[0] < np.inf)

    for i, now in enumerate([*entry, np.inf]):
        if now == np.inf:
            for name in names[1:]:
                if name in opened:
                    closed.setdefault(name, made.truths[0].accrual.duration)
        while todo := coming(now):
            at, k, is_look = todo[0]
            name = names[k]
            since = -1.0 if d.control_data == "all" and not is_look else opened[name]
            z, _ = plain_z(k, at, since, closed.get(name, np.inf), entry, cell, times, drop)
            if is_look:
                says = "dropped" if z < low[stage[name]] else "won" if z > high[stage[name]] else ""
                stage[name] += 1
            else:
                says = "won" if z >= last else "lost"
            if says:
                judged[name] = (says, at)
                closed[name] = min(closed.get(name, np.inf), at)
            if says == "won" and d.after_success == "close":
                shut = True
                for other in names[1:]:
                    if other in opened:
                        closed[other] = min(closed.get(other, np.inf), at)
        if now == np.inf:
            break
        for name in names[1:]:
            arm = plan.arms[name]
            before, wait = judged.get(arm.opens_after), arm.opens_after is None
            came = (
                wait
                or {
                    "closed": arm.opens_after in closed,
                    "dropped": before is not None and before[0] == "dropped",
                    "declared": before is not None and before[0] == "won",
                    "decided": before is not None,
                }[arm.opens_when]
            )
            enough = arm.opens_at_events is None or len(seen_events(None, now)) >= arm.opens_at_events
            if name not in opened and not shut and now >= arm.opens and came and enough:
                opened[name] = now
        there = tuple(n for n in names[1:] if n in opened and n not in closed)
        if not there:
            cell.append(-1)
            continue
        if d.allocation_rule == "adaptive":
            enrolled = sum(c >= 0 for c in cell)
            if enrolled and enrolled % d.update_every == 0:
                chance = {n: NormalDist().cdf(plain_z(names.index(n), now, opened[n], np.inf, entry, cell, times, drop)[0]) for n in there}
                power = 0.5 * enrolled / len(entry)
                weight = dict.fromkeys(names, 1.0) | {n: (p + 1e-3) ** power for n, p in chance.items()}
                moved = {n: w for n, w in weight.items() if n != names[0]} | {names[0]: (1.0 - max(chance.values()) + 1e-3) ** power}
                weight = moved if d.control_adapts else weight
            own = weight[names[0]] / (weight[names[0]] + sum(weight[n] for n in there)) if d.control_adapts else 1.0 / (1 + len(there))
            steps = np.cumsum([weight[n] for n in there]) / sum(weight[n] for n in there)
            picked = int(np.searchsorted(steps, (words[i] - own) / (1.0 - own), side="right"))
            block = [0 if words[i] < own else names.index(there[picked])]
        elif there != members or not block:
            members = there
            pattern = [0, *(names.index(n) for n in there)]
            places = np.argsort(words[i : i + len(pattern)])
            block = [0] * len(pattern)
            for q, place in enumerate(places):
                block[place] = pattern[q]
        arm = block.pop(0)
        cell.append(arm)
        count[names[arm]] += 1
        if arm and not d.events and count[names[arm]] in numbers:
            due[names[arm], numbers.index(count[names[arm]])] = now + d.interim_lag
        if arm and count[names[arm]] == d.patients_per_arm:
            closed[names[arm]] = now
    found = {}
    for k, name in enumerate(names[1:], 1):
        if name in opened:
            says, when = judged[name]
            z, controls = plain_z(k, when, opened[name], closed[name], entry, cell, times, drop)
            z_all, controls_all = plain_z(k, when, -1.0, closed[name], entry, cell, times, drop)
            found[name] = {"z": z, "controls": controls, "z_all": z_all, "controls_all": controls_all, "n": count[name], "time": when}
            found[name] |= {"dropped": float(says == "dropped"), "won": float(says == "won"), "since": opened[name], "until": closed[name]}
    return found


def waiting(**second: Any) -> dict[str, Any]:
    return {"control": cure(0.5), "a": cure(0.8), "b": cure(0.5, opens=0.5), "c": cure(0.7, **second)}


TWINS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "dates": ({}, None),
    "one look": ({"interim": 0.5, "drop_below": 0.3}, None),
    "several looks": ({"interim": [0.3, 0.6, 0.8], "drop_below": [-0.5, 0.0, 0.5], "declare_above": [2.8, 2.4, 2.2]}, None),
    "judged at events": ({"events": 22, "interim": [0.4, 0.7], "declare_above": 2.3, "interim_lag": 0.1}, None),
    "enters when one is dropped": ({"interim": 0.5, "drop_below": 0.8}, waiting(opens_after="b", opens_when="dropped")),
    "enters when one wins": ({"interim": 0.6, "declare_above": 1.2}, waiting(opens_after="a", opens_when="declared")),
    "enters when one is decided": ({"follow_up": 0.3}, waiting(opens_after="b", opens_when="decided")),
    "enters at events": ({}, waiting(opens_at_events=15)),
    "success closes": ({"follow_up": 0.5, "after_success": "close"}, waiting(opens_after="a")),
    "allocation moves": ({"allocation_rule": "adaptive", "patients_per_arm": 60}, waiting()),
    "allocation moves, the control's too": ({"allocation_rule": "adaptive", "control_adapts": True, "update_every": 10}, waiting()),
    "all controls": ({"control_data": "all", "events": 25}, waiting(opens_after="b")),
}


@pytest.mark.parametrize("which", TWINS)
def test_kernel_is_the_plain_twin(which: str) -> None:
    design, arms = TWINS[which]
    made = ready(plan_of(design, arms))
    assert isinstance(made, PlatformPrepared)
    draws = draw_trials(7, 0, trials=24, patients=made.patients)
    entry, words = uniform(np.sort(draws.entry, axis=-1)), uniform(draws.order[0])
    truth = made.truths[0]
    seen = made.seen(truth, entry, uniform(draws.event), uniform(draws.dropout), words)
    came = truth.accrual.entry_time(entry)
    assert truth.dropout is not None
    compared, last = 0, 0
    for t in range(24):
        times = np.stack([np.asarray(s.quantile(uniform(draws.event[t]))) for s in truth.survival])
        plain = plain_trial(made, came[t], words[t], times, np.asarray(truth.dropout.quantile(uniform(draws.dropout[t]))))
        for k, name in enumerate(made.arms[1:], 1):
            row = seen[t, k]
            assert bool(row[OPENED]) == (name in plain), (t, name)
            if name in plain:
                want = plain[name]
                got = {"z": row[Z], "controls": row[CONTROLS], "z_all": row[Z_ALL], "controls_all": row[CONTROLS_ALL], "n": row[N]}
                got |= {"time": row[TIME], "dropped": row[DROPPED], "won": row[WON], "since": row[SINCE], "until": row[UNTIL]}
                assert got == pytest.approx(want, abs=1e-10), (t, name)
                compared += 1
                last += name == "c"
    assert compared > 45
    assert last > 3  # the arm that waits does come


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


def test_dunnett_is_sidak_where_arms_do_not_share_all_controls() -> None:
    """Closed form: 1 - (1 - p)^arms = alpha. With the correlation of the first arm it was .031 for .025 (allocations 8, .5 and 1)."""
    sidak = float(norm.isf(1.0 - 0.975 ** (1.0 / 2.0)))
    base = {"patients_per_arm": 50, "adjust": "dunnett"}
    for more in ({"allocation": 8.0}, {"opens_after": "a"}):
        arms = {"control": cure(0.6), "a": cure(0.6), "b": cure(0.6) | more}
        assert plan_of(base, arms).evaluate().bound == pytest.approx(sidak, abs=1e-6)  # type: ignore[attr-defined]
    alike: Any = plan_of(base, {"control": cure(0.6), "a": cure(0.6), "b": cure(0.6)}).evaluate()
    corner = multivariate_normal([0.0, 0.0], [[1.0, 0.5], [0.5, 1.0]]).cdf([alike.bound, alike.bound])
    assert corner == pytest.approx(0.975, abs=1e-5)


def test_drift_biases_controls_of_other_times_and_not_concurrent_ones() -> None:
    arms = {"control": cure(0.6), "a": cure(0.6), "late": cure(0.6, opens_after="a")}
    found = simulate_platform(plan_of({"patients_per_arm": 50}, arms, hazard_trend=-0.25), trials=2_048, seed=3)
    late = found.scenario("null").arm("late")
    assert late.rejection.value == pytest.approx(0.025, abs=4 * late.rejection.se + 0.005)
    assert late.rejection_other.value > 2 * late.rejection.value
    assert late.log_ratio is not None
    assert late.shift is not None
    assert late.log_ratio.value == pytest.approx(0.0, abs=4 * (late.log_ratio.se or 0.0))
    assert late.shift.value < -0.1
    assert late.shift.value == pytest.approx(late.log_ratio_all.value - late.log_ratio.value, abs=1e-9)  # type: ignore[union-attr]
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


@pytest.mark.parametrize(("bounds", "looks"), [("triangular", [1 / 3, 2 / 3]), ("obrien-fleming", [0.5])])
def test_bounds_of_several_looks_hold_the_family_wise_error(bounds: str, looks: list[float]) -> None:
    arms = {"control": cure(0.5), "a": cure(0.5), "b": cure(0.5), "c": cure(0.5)}
    design = {"bounds": bounds, "interim": looks, "interim_lag": 2.0, "patients_per_arm": 80, "follow_up": 2.0}
    found = simulate_platform(plan_of(design, arms, rate=90.0), trials=2_048, seed=5).scenario("plan")
    assert found.any_rejection.value == pytest.approx(0.025, abs=3 * found.any_rejection.se)


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
    assert moved.lesser.value < fixed.lesser.value


def test_a_block_of_randomisation_too_large_for_its_words_is_refused() -> None:
    arms = {"control": cure(0.6, allocation=1.5), "a": cure(0.7, allocation=0.37)}
    with pytest.raises(PlanError, match="block of randomisation"):
        simulate_platform(plan_of({}, arms), trials=16)
