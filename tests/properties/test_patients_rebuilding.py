"""What must hold for every reconstruction, on figures drawn here with known truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.patients import Reconstruction, reconstruct
from nextarm.patients.curves import curve_at
from nextarm.survival import read_patients
from patients_figures import Figure, figure


def gap(made: Reconstruction, fig: Figure) -> float:
    """Mean absolute error of S over follow-up."""
    at = np.linspace(0.0, fig.time.max(), 801)
    return float(np.abs(curve_at(made.patients.time * 12.0, made.patients.event, at) - curve_at(fig.time, fig.event, at)).mean())


@pytest.mark.parametrize(("kind", "limit"), [("clicks", 0.006), ("corners", 0.002), ("vector", 0.0005)])
def test_curve_and_table_give_back_the_patients(kind: str, limit: float) -> None:
    errors, missed = [], []
    for seed in range(6):
        fig = figure(seed)
        made = reconstruct(getattr(fig, kind), at_risk=fig.at_risk, unit="months", versions=5)
        errors.append(gap(made, fig))
        missed.append(abs(made.patients.events - fig.events))
        assert made.checks.grade in ("A", "B")
    assert np.mean(errors) < limit
    assert np.mean(missed) <= (0.5 if kind == "clicks" else 0.2)


@pytest.mark.parametrize("kind", ["corners", "vector"])
def test_ticks_fix_the_censorings(kind: str) -> None:
    for seed in range(4):
        fig = figure(seed)
        made = reconstruct(getattr(fig, kind), at_risk=fig.at_risk, ticks=fig.ticks, unit="months", versions=3)
        assert made.patients.events == fig.events
        assert abs(made.patients.time.sum() * 12.0 - fig.time.sum()) < 0.002 * fig.time.sum()


def test_a_fifth_of_the_ticks_may_be_missed() -> None:
    for seed in range(3):
        fig = figure(seed, n=120)
        rng = np.random.default_rng(seed)
        seen = fig.ticks[rng.random(fig.ticks.size) > 0.2]
        made = reconstruct(fig.corners, at_risk=fig.at_risk, ticks=seen, unit="months", versions=3)
        assert abs(made.patients.events - fig.events) <= 1
        assert gap(made, fig) < 0.003


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(12, 150),
    cure=st.floats(0.0, 0.95),
    kind=st.sampled_from(["clicks", "corners", "vector"]),
    table=st.booleans(),
    total=st.booleans(),
)
def test_hard_facts_hold_in_every_version(seed: int, n: int, cure: float, kind: str, table: bool, total: bool) -> None:
    fig = figure(seed, n, cure)
    made = reconstruct(
        getattr(fig, kind),
        at_risk=fig.at_risk if table else None,
        n=n,
        events=fig.events if total else None,
        unit="months",
        versions=4,
        seed=seed,
    )
    for p in (made.patients, *(made.version(v) for v in range(4))):
        assert p.n == n
        assert (p.time >= 0.0).all()
        assert p.time.max() <= made.arms[0].fine_time[-1] + 1e-9
        assert p.origin == "reconstructed"
        if total:
            assert p.events == fig.events
        if table:
            for t, r in zip(*fig.at_risk, strict=True):
                assert np.sum(p.time >= t / 12.0) == r
    assert made.checks.grade != "D"


def test_noise_that_rises_is_read_as_noise() -> None:
    fig = figure(3, n=150)
    rng = np.random.default_rng(0)
    t = fig.clicks[0]
    y = np.clip(curve_at(fig.time, fig.event, t) + rng.normal(0.0, 0.004, t.size), 0.0, 1.0)
    made = reconstruct((t, y), at_risk=fig.at_risk, unit="months")
    assert any("rise" in r.what for r in made.repairs)
    assert 0.0025 < made.arms[0].reading_error < 0.006
    assert gap(made, fig) < 0.004


def test_total_events_together_with_the_table() -> None:
    fig = figure(5, n=200)
    made = reconstruct(fig.clicks, at_risk=fig.at_risk, events=fig.events, unit="months", versions=3)
    assert made.patients.events == fig.events


def test_without_a_table_the_events_place_the_censorings() -> None:
    errors = []
    for seed in range(5):
        fig = figure(seed, n=150)
        made = reconstruct(fig.clicks, n=150, events=fig.events, unit="months", versions=3)
        assert made.patients.events == fig.events
        assert any("without an at-risk table" in w for w in made.warnings)
        errors.append(abs(made.patients.time.sum() * 12 - fig.time.sum()) / fig.time.sum())
    assert np.mean(errors) < 0.08


def test_the_table_after_its_times_is_recognised() -> None:
    time = np.repeat(np.arange(1.0, 25.0), 4)
    event = np.tile([1, 0, 0, 0], 24)
    rows = np.arange(0.0, 25.0, 6.0)
    ticks = time[event == 0]
    at = np.unique(time)
    curve = (np.concatenate([[0.0], at]), np.concatenate([[1.0], curve_at(time, event, at)]))
    before = np.array([np.sum(time >= r) for r in rows], float)
    after = np.array([np.sum(time > r) for r in rows], float)
    after[0] = time.size
    for table, name in ((before, "before"), (after, "after")):
        made = reconstruct(curve, at_risk=(rows, table), ticks=ticks, unit="months", points="corners", versions=3)
        assert made.arms[0].at_risk_convention == name
        assert [i.item for i in made.checks.items if "at risk" in i.item][-1] == f"at risk just {name} 24"
        assert any("just after the events" in text for text in made.trail.assumptions) == (name == "after")
        assert made.patients.events == 24
        assert made.checks.grade in ("A", "B")


def test_units_only_change_the_scale() -> None:
    fig = figure(2)
    months = reconstruct(fig.clicks, at_risk=fig.at_risk, unit="months", versions=2)
    years = reconstruct((fig.clicks[0] / 12.0, fig.clicks[1]), at_risk=(fig.at_risk[0] / 12.0, fig.at_risk[1]), versions=2)
    assert months.patients.events == years.patients.events
    np.testing.assert_allclose(np.sort(months.patients.time), np.sort(years.patients.time), atol=0.02)


def test_percent_is_seen_and_listed() -> None:
    fig = figure(2)
    plain = reconstruct(fig.clicks, at_risk=fig.at_risk, unit="months", versions=2)
    told = reconstruct((fig.clicks[0], 100.0 * fig.clicks[1]), at_risk=fig.at_risk, unit="months", versions=2, percent=True)
    seen = reconstruct((fig.clicks[0], 100.0 * fig.clicks[1]), at_risk=fig.at_risk, unit="months", versions=2)
    np.testing.assert_allclose(np.sort(told.patients.time), np.sort(plain.patients.time), atol=1e-6)
    np.testing.assert_allclose(np.sort(seen.patients.time), np.sort(plain.patients.time), atol=1e-6)
    assert any("percent" in r.what for r in seen.repairs)
    assert not any("percent" in r.what for r in told.repairs)


def test_the_same_seed_gives_the_same_patients_and_another_does_not() -> None:
    fig = figure(1)
    a, b, c = (reconstruct(fig.clicks, at_risk=fig.at_risk, unit="months", seed=s) for s in (7, 7, 8))
    assert a == b
    assert not np.array_equal(a.versions.time, c.versions.time)


def test_the_result_reads_back_equal_from_json() -> None:
    fig = figure(1)
    made = reconstruct(fig.clicks, at_risk=fig.at_risk, unit="months", versions=3)
    assert Reconstruction.from_json(made.to_json()) == made
    assert made.table().height == len(made.checks.items)


def test_versions_differ_where_something_is_unknown() -> None:
    for kind in ("clicks", "corners", "vector"):
        fig = figure(4)
        made = reconstruct(getattr(fig, kind), at_risk=fig.at_risk, unit="months")
        assert np.std([made.version(v).time.sum() for v in range(20)]) > 0.0


def test_files_frames_and_several_arms(tmp_path: Path) -> None:
    import pandas as pd
    import polars as pl

    figs = {"ctl": figure(1), "exp": figure(2, cure=0.6)}
    curve = pl.concat([pl.DataFrame({"time": f.clicks[0], "survival": f.clicks[1], "arm": [a] * 101}) for a, f in figs.items()])
    table = pl.concat([pl.DataFrame({"time": f.at_risk[0], "at_risk": f.at_risk[1], "arm": [a] * 11}) for a, f in figs.items()])
    curve.write_csv(tmp_path / "curve.csv")
    table.write_csv(tmp_path / "nar.csv")
    files = reconstruct(tmp_path / "curve.csv", at_risk=str(tmp_path / "nar.csv"), unit="months", versions=2)
    frames = reconstruct(curve, at_risk=pd.DataFrame(table.to_dict(as_series=False)), unit="months", versions=2)
    assert files.patients.arms == ("ctl", "exp")
    np.testing.assert_allclose(files.patients.time, frames.patients.time, atol=1e-9)
    assert files.trail.inputs[0].endswith("curve.csv")
    files.versions.to_frame("months").write_csv(tmp_path / "patients.csv")
    back = read_patients(tmp_path / "patients.csv", unit="months", origin="reconstructed")
    assert back.versions == (0, 1)
    np.testing.assert_allclose(back.time, files.versions.time)


def test_guyot_is_there_for_comparison_and_is_worse() -> None:
    ours, theirs = [], []
    for seed in range(5):
        fig = figure(seed, n=100)
        ours.append(gap(reconstruct(fig.corners, at_risk=fig.at_risk, unit="months", versions=1), fig))
        made = reconstruct(fig.corners, at_risk=fig.at_risk, unit="months", versions=1, method="guyot")
        assert made.patients.n == 100
        assert made.method == "guyot"
        theirs.append(gap(made, fig))
    assert np.mean(ours) < np.mean(theirs)


def test_deaths_at_one_time_a_curve_to_zero_and_a_late_row() -> None:
    time = np.concatenate([np.full(12, 3.0), np.full(10, 6.0), np.full(8, 9.0), np.full(10, 12.0)])
    event = np.ones(40, np.int64)
    made = reconstruct(
        ([0, 3, 6, 9, 12], curve_at(time, event, np.array([0.0, 3, 6, 9, 12]))), at_risk=([0, 6, 12, 18], [40, 28, 10, 0]), points="corners"
    )
    assert made.patients.events == 40
    np.testing.assert_allclose(np.sort(made.patients.time), np.sort(time), atol=1e-9)
    assert any("nobody left" in r.what for r in made.repairs)


def test_a_flat_curve_has_no_deaths() -> None:
    made = reconstruct(([0, 5, 10], [1, 1, 1]), at_risk=([0, 5, 10], [20, 15, 4]), points="corners")
    assert made.patients.events == 0
    assert np.sum(made.patients.time >= 10.0) == 4


@pytest.mark.parametrize(("end", "told"), [(59.96, False), (57.0, True)])
def test_a_line_read_a_little_short_of_the_last_printed_number_ends_there(end: float, told: bool) -> None:
    made = reconstruct(([0, 20, 40, end], [1, 0.8, 0.6, 0.6]), at_risk=([0, 30, 60], [50, 35, 12]), unit="months", points="corners")
    assert any("beyond the end of the curve" in r.what for r in made.repairs) is told
    assert int((made.patients.time >= 5.0 - 1e-9).sum()) == 12
