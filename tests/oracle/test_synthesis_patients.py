"""Pooling from patients: metafor cases, Rubin's rules, the gate, one stage beside two, stratified Cox."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.survival import cox, fit_model, make_patients
from nextarm.synthesis import PooledCure, pool_cure, pool_multivariate, stratified_cox
from nextarm.synthesis.from_patients import fit_trial, together
from nextarm.validation.cases.synthesis_patients import CASES, drawn_trials

TRIALS = drawn_trials(5, 150, cure=0.4, tau=0.2, seed=3)


@pytest.mark.parametrize("case", [c for c in CASES if not c.slow], ids=lambda c: c.id)
def test_cases(case):
    got = case.compute()
    for name, want in case.expected.items():
        assert abs(got[name] - want) <= case.allowed(name), name


def two_versions(one, other):
    return make_patients(
        np.concatenate([one.time, other.time]),
        np.concatenate([one.event, other.event]),
        version=[1] * one.n + [2] * other.n,
        origin="reconstructed",
    )


def test_one_and_two_stages_stand_side_by_side():
    found = pool_cure(TRIALS)
    assert found.one_stage == pytest.approx(found.cure_fraction, abs=0.02)
    assert found.ci.low < found.cure_fraction < found.ci.high
    assert found.prediction.low <= found.ci.low + 1e-12
    assert found.table().height == len(TRIALS) + 2
    assert PooledCure.from_json(found.to_json()) == found
    assert pool_cure(TRIALS, one_stage=False).one_stage is None


def test_short_follow_up_stays_out_unless_asked():
    random = np.random.default_rng(1)
    time, end = 0.8 * random.weibull(1.2, 150), random.uniform(0.3, 0.8, 150)
    short = make_patients(np.minimum(time, end), (time < end).astype(int))
    found = pool_cure(TRIALS | {"short": short}, one_stage=False)
    assert [o.row.key for o in found.trail.left_out] == ["short"]
    assert found.k == 5
    with pytest.raises(RefusedError, match="short"):
        pool_cure({"short": short, "trial 1": TRIALS["trial 1"]})


def test_versions_are_combined_by_rubins_rules():
    a, b = TRIALS["trial 1"], TRIALS["trial 2"]
    fits = [fit_model(p, model="mixture-cure:weibull", profile=False) for p in (a, b)]
    found = fit_trial("both", two_versions(a, b))
    theta = np.array([f.coefficients for f in fits])
    assert found.coefficients == pytest.approx(theta.mean(axis=0))
    by_hand = np.mean([f.covariance for f in fits], axis=0) + 1.5 * np.cov(theta.T, ddof=1)
    assert found.covariance == pytest.approx(by_hand)
    assert found.versions == 2
    assert found.between_share > 0.0


def test_identical_versions_add_nothing():
    a = TRIALS["trial 1"]
    one, same = fit_trial("one", a), fit_trial("same", two_versions(a, a))
    assert same.covariance == pytest.approx(one.covariance)
    assert same.between_share == pytest.approx(0.0, abs=1e-12)


def test_refusals():
    with pytest.raises(CallError, match="mixture-cure"):
        pool_cure(TRIALS, model="weibull")
    with pytest.raises(RefusedError, match="at least two"):
        pool_cure({"trial 1": TRIALS["trial 1"]})
    with pytest.raises(RefusedError, match="at least 5"):
        pool_multivariate(np.zeros((4, 3)), np.tile(np.eye(3), (4, 1, 1)))
    with pytest.raises(DataError):
        pool_multivariate(np.zeros((4, 2)), np.zeros((4, 2, 2)))
    with pytest.raises(DataError):
        pool_multivariate(np.full((4, 2), np.nan), np.tile(np.eye(2), (4, 1, 1)))


def arms(seed):
    random = np.random.default_rng(seed)
    arm, stratum = random.integers(0, 2, 120), random.integers(0, 3, 120)
    time = random.exponential(1.0, 120) / (0.5 + 0.4 * stratum) / np.where(arm == 1, 0.6, 1.0)
    names = np.array(["control", "new"])[arm].tolist()
    return {"time": np.minimum(time, 3.0), "event": (time < 3.0).astype(int), "arm": names, "stratum": stratum}


def test_stratified_cox_is_that_of_the_survival_room():
    patients = make_patients(**arms(1), arms=("control", "new"))
    fit = cox(patients, stratified=True)
    found = stratified_cox(patients)["arm: new"]
    assert found.estimate == pytest.approx(float(fit.coefficient[0]))
    assert np.exp(found.ci.low) == pytest.approx(float(fit.ci_low[0]))
    with pytest.raises(CallError, match="stratum"):
        stratified_cox(TRIALS["trial 1"])


def test_stratified_cox_over_versions():
    a, b = arms(1), arms(2)
    both = make_patients(
        np.concatenate([a["time"], b["time"]]), np.concatenate([a["event"], b["event"]]), arm=a["arm"] + b["arm"],
        arms=("control", "new"), stratum=np.concatenate([a["stratum"], b["stratum"]]), version=[1] * 120 + [2] * 120,
    )  # fmt: skip
    found = stratified_cox(both)["arm: new"]
    single = [stratified_cox(make_patients(**x, arms=("control", "new")))["arm: new"] for x in (a, b)]
    assert found.estimate == pytest.approx(np.mean([s.estimate for s in single]))
    assert found.versions == 2
    assert found.between_sd == pytest.approx(abs(single[0].estimate - single[1].estimate) / np.sqrt(2))


def test_together_keeps_the_trial():
    assert together(TRIALS).arms == tuple(TRIALS)
    assert together(TRIALS).n == sum(p.n for p in TRIALS.values())
