"""Truths from a fit: the plan's truth is its estimate, power over draws is the mean over drawn parameters; broken files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import CallError, PlanError, RefusedError
from nextarm.designs import drawn_scenarios, load_plan, plan_from_data, plan_from_toml, power_over_draws
from nextarm.survival import Exponential, MixtureCure, fit_model, make_patients

TEXT = """
[trial]
name = "a test"
endpoint = "EFS"
milestone = 2.0
[accrual]
rate = 60.0
duration = 3.0
follow_up = 2.0
[arms.control]
survival = { posterior = "old.json" }
[arms.new]
survival = { hazard_ratio = 0.6, of = "control" }
[design]
kind = "log-rank"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    event = np.asarray(MixtureCure(cure_fraction=0.5, latency=Exponential(rate=1.0)).quantile(rng.random(120)))
    left = rng.uniform(1.0, 6.0, 120)
    patients = make_patients(np.minimum(event, left), (event <= left).astype(int))
    (tmp_path / "old.json").write_text(fit_model(patients, model="mixture-cure:exponential", profile=False).to_json(), encoding="utf-8")
    (tmp_path / "plan.toml").write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_the_truth_is_the_estimate(folder: Path) -> None:
    from nextarm.survival.fit_result import Fit

    plan = load_plan(folder / "plan.toml")
    want = Fit.from_json((folder / "old.json").read_text(encoding="utf-8")).distribution()
    t = np.array([0.5, 1.0, 3.0])
    assert np.allclose(plan.truths()["control"].survival(t), want.survival(t))
    assert plan_from_toml(plan.to_toml()) == plan  # the file's place is kept, whoever reads the text
    assert 0.0 < plan.evaluate().power < 1.0


def test_power_over_draws_is_the_mean_over_drawn_plans(folder: Path) -> None:
    from nextarm.survival.fit_result import Fit

    plan = load_plan(folder / "plan.toml")
    got = power_over_draws(plan, draws=12, seed=5)
    fit = Fit.from_json((folder / "old.json").read_text(encoding="utf-8"))
    slow = []
    for model in fit.distributions(12, seed=5):
        assert isinstance(model, MixtureCure)
        assert isinstance(model.latency, Exponential)
        spec = {
            "model": "mixture-cure",
            "cure_fraction": model.cure_fraction,
            "latency": {"model": "exponential", "rate": model.latency.rate},
        }
        slow.append(plan.changed({"arms": {"control": {"survival": spec}}}).evaluate().power)
    assert np.allclose(got.powers, slow)
    assert got.assurance == pytest.approx(float(np.mean(slow)))
    assert got.interval.low <= got.assurance <= got.interval.high
    assert got.power_at_estimate == plan.evaluate().power
    assert type(got).from_json(got.to_json()) == got


def test_draws_as_scenarios_of_virtual_trials(folder: Path) -> None:
    plan = drawn_scenarios(load_plan(folder / "plan.toml"), draws=3, seed=1)
    names = [name for name, _ in plan.scenarios()]
    assert names == ["plan", "draw 1", "draw 2", "draw 3"]
    at = [scenario.survival_at(2.0)["control"] for _, scenario in plan.scenarios()]
    assert len(set(at)) == 4


def test_broken_files(folder: Path) -> None:
    with pytest.raises(PlanError, match="not a file that can be read"):
        plan_from_toml(TEXT.replace("old.json", "none.json"))
    (folder / "old.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PlanError, match="must be 'Fit'"):
        load_plan(folder / "plan.toml")
    with pytest.raises(PlanError, match="not known beside posterior"):
        plan_from_toml(TEXT.replace('"old.json"', '"old.json", shape = 1.0'))
    plain: Any = plan_from_data(
        {
            "trial": {"name": "a", "endpoint": "EFS", "milestone": 1.0},
            "accrual": {"rate": 50.0, "duration": 2.0, "follow_up": 2.0},
            "arms": {
                "control": {"survival": {"model": "exponential", "rate": 1.0}},
                "new": {"survival": {"hazard_ratio": 0.5, "of": "control"}},
            },
            "design": {"kind": "log-rank"},
        }
    )
    with pytest.raises(RefusedError, match="no arm comes from a fit"):
        power_over_draws(plain)
    with pytest.raises(CallError, match="at least 2"):
        power_over_draws(plain, draws=1)
