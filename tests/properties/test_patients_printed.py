"""Printed numbers beside the curve, landmarks alone, competing events."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nextarm.patients import Landmark, Reconstruction, from_landmarks, incidence_at, reconstruct, reconstruct_competing
from nextarm.patients.curves import curve_at, median_of
from nextarm.patients.pooled import log_hazard_ratio, log_rank_p
from nextarm.patients.soft import printed_half
from nextarm.survival import aalen_johansen, kaplan_meier
from patients_figures import figure


def test_a_printed_landmark_and_median_pull_a_coarse_curve() -> None:
    fig = figure(8, n=60, cure=0.2, noise=0.012, rounding=0.01)
    at = np.array([12.0, 24.0])
    truth = np.round(curve_at(fig.time, fig.event, at), 3)
    middle = median_of(fig.time, fig.event, 1.0)
    assert middle is not None
    plain = reconstruct(fig.clicks, at_risk=fig.at_risk, unit="months", reading_error=0.012)
    told = reconstruct(
        fig.clicks,
        at_risk=fig.at_risk,
        unit="months",
        reading_error=0.012,
        landmarks=[(float(t), float(s)) for t, s in zip(at, truth, strict=True)],
        median=round(middle, 1),
    )

    def miss(made: Reconstruction) -> float:
        each = [curve_at(made.version(v).time, made.version(v).event, at / 12.0) for v in range(20)]
        return float(np.abs(np.array(each) - truth).mean())

    assert miss(told) < 0.7 * miss(plain)
    rows = {i.item: i for i in told.checks.items}
    assert rows["survival at 12"].ok
    assert rows["median"].ok


def test_the_width_of_a_printed_interval_tells_the_censoring() -> None:
    """Without a table, an interval at a landmark chooses among the drawn censorings."""
    fig = figure(6, n=120)
    at = 40.0
    from nextarm.survival import make_patients

    point = kaplan_meier(
        make_patients(fig.time, fig.event, unit="years"),
    ).at(at)
    assert point.survival is not None
    assert point.standard_error is not None
    mark = Landmark(time=at, survival=round(point.survival, 3), se=round(point.standard_error, 4))
    made = reconstruct(fig.clicks, n=120, events=fig.events, unit="months", landmarks=[mark])
    plain = reconstruct(fig.clicks, n=120, events=fig.events, unit="months")

    def error(result: Reconstruction) -> float:
        each = []
        for v in range(20):
            se = kaplan_meier(result.version(v)).at(at / 12.0).standard_error
            assert se is not None
            each.append(abs(se - mark.se))  # type: ignore[operator]
        return float(np.mean(each))

    assert error(made) < 0.7 * error(plain)


def test_hazard_ratio_and_p_choose_among_versions() -> None:
    figs = {"ctl": figure(1, n=60, noise=0.01, rounding=0.01), "exp": figure(12, n=60, cure=0.6, noise=0.01, rounding=0.01)}
    curve = {
        "time": np.concatenate([f.clicks[0] for f in figs.values()]).tolist(),
        "survival": np.concatenate([f.clicks[1] for f in figs.values()]).tolist(),
        "arm": [a for a in figs for _ in range(101)],
    }
    table = {
        "time": np.concatenate([f.at_risk[0] for f in figs.values()]).tolist(),
        "at_risk": np.concatenate([f.at_risk[1] for f in figs.values()]).tolist(),
        "arm": [a for a, f in figs.items() for _ in f.at_risk[0]],
    }
    want = log_hazard_ratio(*((f.time, f.event) for f in figs.values()))
    p = log_rank_p(*((f.time, f.event) for f in figs.values()))
    assert want is not None
    told = reconstruct(
        curve, at_risk=table, unit="months", hazard_ratio=round(math.exp(want[0]), 3), p_value=float(f"{p:.3g}"), reading_error=0.01
    )
    plain = reconstruct(curve, at_risk=table, unit="months", reading_error=0.01)

    def misses(made: Reconstruction) -> float:
        each = []
        for v in range(20):
            a, b = (made.version(v).for_arm(x) for x in figs)
            got = log_hazard_ratio((a.time, a.event), (b.time, b.event))
            assert got is not None
            each.append(abs(got[0] - want[0]))
        return float(np.mean(each))

    assert misses(told) < 0.5 * misses(plain)
    assert {"hazard ratio", "log-rank p"} <= {i.item for i in told.checks.items}


def test_printed_numbers_have_their_rounding() -> None:
    assert printed_half(0.6, 2) == 0.005
    assert printed_half(0.623, 2) == 0.0005
    assert printed_half(14.0, 0) == 0.5


@pytest.mark.parametrize("model", ["mixture-cure:weibull", "weibull", "exponential"])
def test_landmarks_alone_give_versions_that_agree_and_differ(model: str) -> None:
    made = from_landmarks((3.0, 0.55, 0.42, 0.66), n=60, model=model)  # type: ignore[arg-type]
    assert made.approximate
    assert made.patients.n == 60
    each = [kaplan_meier(made.version(v)).at(3.0) for v in range(20)]
    values = np.array([e.survival for e in each], float)
    errors = np.array([e.standard_error for e in each], float)
    assert np.abs(values - 0.55).max() < 0.06
    assert abs(values.mean() - 0.55) < 0.015
    assert abs(errors.mean() - 0.0615) < 0.008
    assert np.std([made.version(v).time.sum() for v in range(20)]) > 1.0
    assert Reconstruction.from_json(made.to_json()) == made


def test_a_wider_interval_means_more_censoring() -> None:
    narrow = from_landmarks(Landmark(time=3.0, survival=0.55, se=0.065), n=60)
    wide = from_landmarks(Landmark(time=3.0, survival=0.55, se=0.09), n=60)

    def left(made: Reconstruction) -> float:
        return float(np.mean([np.sum(made.version(v).time >= 3.0) for v in range(20)]))

    assert left(wide) < 0.8 * left(narrow)


def test_landmarks_use_the_number_of_events() -> None:
    made = from_landmarks([(1.0, 0.7, 0.6, 0.8), (3.0, 0.5, 0.38, 0.61)], n=80, events=38)
    assert np.mean([abs(made.version(v).events - 38) for v in range(20)]) < 1.5


def competing(seed: int, n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    relapse = np.where(rng.random(n) < 0.5, np.inf, rng.exponential(2.0, n))
    toxic = np.where(rng.random(n) < 0.8, np.inf, rng.exponential(1.0, n))
    other = rng.exponential(25.0, n)
    leaves = rng.uniform(3.0, 8.0, n)
    all_ = np.stack([leaves, relapse, toxic, other], axis=1)
    return all_.min(axis=1), all_.argmin(axis=1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_competing_events_with_a_residual_cause(seed: int) -> None:
    time, event = competing(seed)
    rng = np.random.default_rng(seed)
    grid = np.linspace(0.0, time.max(), 101)
    curves: dict[str, list[object]] = {"time": [], "incidence": [], "cause": []}
    for k, name in ((1, "relapse"), (2, "TRM")):
        y = np.round((incidence_at(time, event, k, grid) + rng.normal(0, 0.002, 101)) / 0.005) * 0.005
        y[0] = 0.0
        curves["time"] += grid.tolist()
        curves["incidence"] += np.maximum.accumulate(np.clip(y, 0, 1)).tolist()
        curves["cause"] += [name] * 101
    free = np.round((curve_at(time, (event > 0).astype(np.int64), grid) + rng.normal(0, 0.002, 101)) / 0.005) * 0.005
    free[0] = 1.0
    rows = np.arange(0.0, 9.0)
    table = (rows, np.array([np.sum(time >= r) for r in rows], float))
    made = reconstruct_competing(curves, overall=(grid, np.minimum.accumulate(np.clip(free, 0, 1))), at_risk=table, versions=4)
    assert made.patients.causes == ("relapse", "TRM", "other")
    for k in (1, 2, 3):
        assert abs(int(np.sum(made.patients.event == k)) - int(np.sum(event == k))) <= 1
        gap = incidence_at(made.patients.time, made.patients.event, k, grid) - incidence_at(time, event, k, grid)
        assert np.abs(gap).mean() < 0.005
    free_rebuilt = curve_at(made.patients.time, (made.patients.event > 0).astype(np.int64), grid)
    total = sum(incidence_at(made.patients.time, made.patients.event, k, grid) for k in (1, 2, 3))
    np.testing.assert_allclose(1.0 - free_rebuilt, total, atol=1e-12)
    assert Reconstruction.from_json(made.to_json()) == made


def test_two_competing_curves_alone_with_counts() -> None:
    time, event = competing(5)
    event = np.where(event == 3, 0, event)
    grid = np.linspace(0.0, time.max(), 101)
    curves: dict[str, list[object]] = {"time": [], "incidence": [], "cause": []}
    for k, name in ((1, "relapse"), (2, "TRM")):
        curves["time"] += grid.tolist()
        curves["incidence"] += np.round(incidence_at(time, event, k, grid), 3).tolist()
        curves["cause"] += [name] * 101
    counts = {"relapse": int(np.sum(event == 1)), "TRM": int(np.sum(event == 2))}
    made = reconstruct_competing(curves, n=100, events=counts, versions=5)
    for v in range(5):
        p = made.version(v)
        assert {"relapse": int(np.sum(p.event == 1)), "TRM": int(np.sum(p.event == 2))} == counts
    assert all(i.ok for i in made.checks.items if i.hard)


def test_incidence_agrees_with_the_aalen_johansen_estimate() -> None:
    from nextarm.survival import make_patients

    time, event = competing(3)
    at = np.linspace(0.0, 2.9, 30)
    names = ("a", "b", "c")
    patients = make_patients(time, event, causes=names)
    estimate = aalen_johansen(patients)
    for k, name in enumerate(names, 1):
        np.testing.assert_allclose(incidence_at(time, event, k, at), estimate.incidence_at(at, name), atol=1e-12)
