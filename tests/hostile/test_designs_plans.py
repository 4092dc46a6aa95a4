"""Broken plans: every problem at once, each with key path, line, rule and cure; impossible designs refused with the reason."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nextarm
import nextarm.studies
from nextarm.core.errors import CallError, PlanError, RefusedError
from nextarm.designs import (
    boundaries,
    constant_accrual,
    efficacy_bounds,
    load_plan,
    plan_from_data,
    plan_from_toml,
    ramp_accrual,
    spent,
    stepped_accrual,
)

GOOD = (Path(nextarm.studies.__file__).parent / "infant_all" / "plan.toml").read_text(encoding="utf-8")


def problems(text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        plan_from_toml(text)
    assert caught.value.exit_code == 4
    return [str(p) for p in caught.value.problems]


def line_of(text: str, start: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if line.startswith(start))


def edited(*changes: tuple[str, str]) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_the_message_of_the_house() -> None:
    text = edited(("rate = 45.0", "rate = -2"))
    line = line_of(text, "rate = -2")
    assert problems(text) == [f"accrual.rate = -2 in plan.toml line {line}: must be above 0 patients a year."]


ONE_WRONG = [
    ("alpha = 0.025", "alpha = 2.5", "design.alpha = 2.5", "Give a proportion, not a percentage: 0.025"),
    ("alpha = 0.025", "alpha = 0.0", "design.alpha = 0", "must be above 0"),
    ("alpha = 0.025", "alpha = true", "design.alpha = True", "must be a number"),
    ("alpha = 0.025", "alpha = nan", "design.alpha = nan", "must be a finite number"),
    ("alpha = 0.025", "alpa = 0.025", "design.alpa is not known", "Perhaps alpha is meant"),
    ("duration = 3.0", 'duration = "3"', "accrual.duration = '3'", "must be a number"),
    ("duration = 3.0", "duration = inf", "accrual.duration = inf", "must be a finite number"),
    ("follow_up = 2.0", "follow_up = -1.0", "accrual.follow_up = -1", "must be at least 0 years"),
    ("dropout_hazard = 0.01", "dropout_hazard = -0.1", "accrual.dropout_hazard = -0.1", "must be at least 0 a year"),
    ("rate = 45.0", "ramp = 1.0", "accrual has neither rate nor rates", "exactly one"),
    ("rate = 45.0", "rate = 45.0\nramp = 4.0", "accrual.ramp = 4", "must be shorter than the accrual duration of 3 years"),
    ("rate = 45.0", "rate = 45.0\nrates = [1.0, 2.0]", "accrual has both rate and rates", "exactly one"),
    ("rate = 45.0", "rates = [1.0, 2.0]", "accrual.rates = [1.0, 2.0] with 0 cuts", "one rate more than cuts"),
    ("looks = [0.6, 1.0]", "looks = [60, 100]", "design.looks = [60, 100]", "Give fractions, not percentages"),
    ("looks = [0.6, 1.0]", "looks = [0.6, 0.5, 1.0]", "design.looks", "must rise from above 0 to exactly 1.0"),
    ("looks = [0.6, 1.0]", "looks = [0.6, 0.9]", "design.looks", "exactly 1.0"),
    ("looks = [0.6, 1.0]", "looks = []", "design.looks", "at least 1 entries"),
    ("looks = [0.6, 1.0]", 'looks = ["a"]', "design.looks", "must be a number"),
    ("events = 80", "events = 80.5", "design.events = 80.5", "must be a whole number"),
    ("events = 80", "events = 500", "design.events = 500", "more than the 135 patients"),
    (
        'kind = "group-sequential-log-rank"',
        'kind = "group-sequential-logrank"',
        "design.kind",
        "Perhaps group-sequential-log-rank is meant",
    ),
    ('kind = "group-sequential-log-rank"', "", "design.kind is missing", "must be one of one-arm-milestone"),
    (
        'spending = "lan-demets-obrien-fleming"',
        'spending = "lan-demets-obrien-flemming"',
        "design.spending",
        "Perhaps lan-demets-obrien-fleming",
    ),
    ("latest = 5.0", "latest = 5.0\nfutility_bounds = [3.0]", "design.futility_bounds = [3.0]", "must lie below its efficacy bound 2.669"),
    ("latest = 5.0", "latest = 5.0\nfutility_bounds = [0.0, 1.0]", "design.futility_bounds", "one for each look but the last"),
    ("latest = 5.0", 'latest = 5.0\nfutility = "kim-demets"', "design.futility without beta", "Give beta"),
    ("latest = 5.0", "latest = 5.0\nbinding = true", "design.binding = true", "needs futility"),
    ("latest = 5.0", 'latest = 5.0\nmethod = "schoenfeld"', "design.method = 'schoenfeld'", "constant over time"),
    ("cure_fraction = 0.60", "cure_fraction = 60", "arms.control.survival.cure_fraction = 60", "Give a proportion, not a percentage"),
    ("cure_fraction = 0.60", "cure = 0.60", "arms.control.survival.cure is", "not a parameter of mixture-cure"),
    ('model = "mixture-cure"', 'model = "mixture-curve"', "arms.control.survival.model = 'mixture-curve'", "Did you mean 'mixture-cure'"),
    ("[arms.control]", "[arms.control]\nalocation = 2", "arms.control.alocation is not known", "Perhaps allocation is meant"),
    ("allocation = 1", "allocation = 0", "arms.control.allocation = 0", "must be above 0"),
    ("milestone = 3.0", "", "trial.milestone is missing", "trial must have it"),
    ("milestone = 3.0", "milestone = 3.0\ncontrol = 'contol'", "trial.control = 'contol'", "Perhaps control is meant"),
    ('name = "venetoclax on a blinatumomab backbone"', 'name = ""', "trial.name = ''", "must not be empty"),
    ("[trial]", "[tral]", "tral is not known", "Perhaps trial is meant"),
    (
        "arms.venetoclax.survival.cure_fraction = 0.60",
        "arms.venetoklax.survival.cure_fraction = 0.6",
        "scenario[1].arms.venetoklax",
        "no arm of the plan",
    ),
    (
        "arms.venetoclax.survival.cure_fraction = 0.60",
        "arms.venetoclax.survival.curefraction = 0.6",
        "scenario[1] arms.venetoclax.survival",
        "not a parameter",
    ),
    (
        "arms.venetoclax.survival.cure_fraction = 0.60",
        "arms.venetoclax.survival.cure_fraction = 60",
        "scenario[1] arms.venetoclax.survival",
        "percentage",
    ),
    ("accrual.rate = 30.0", "accrual.rate = -30.0", "scenario[3] accrual.rate = -30", "must be above 0 patients a year"),
    ("accrual.rate = 30.0", "accrual.rat = 30.0", "scenario[3] accrual.rat is not known", "Perhaps rate is meant"),
    ("accrual.rate = 30.0", "design.alpha = 0.05", "scenario[3].design is not known", ""),
    ('name = "slow accrual"', 'name = "null"', "scenario[3].name = 'null'", "is taken already"),
    ('name = "slow accrual"', "", "scenario[3].name is missing", ""),
]


@pytest.mark.parametrize(("old", "new", "what", "says"), ONE_WRONG, ids=[f"{i}-{w[2][:30]}" for i, w in enumerate(ONE_WRONG)])
def test_one_thing_wrong_is_one_message(old: str, new: str, what: str, says: str) -> None:
    text = edited((old, new))
    found = problems(text)
    matching = [m for m in found if m.startswith(what)]
    assert len(matching) == 1, found
    assert says in matching[0]
    assert "line " in matching[0] or "missing" in matching[0] or "not known" in matching[0]
    assert not re.search(r"pydantic|validation error|Traceback", "\n".join(found))


def test_lines_are_those_of_the_file() -> None:
    text = edited(
        ("alpha = 0.025", "alpha = 2.5"), ("accrual.rate = 30.0", "accrual.rate = -30.0"), ("cure_fraction = 0.75", "cure_fraction = 7.5")
    )
    found = "\n".join(problems(text))
    for start, key in (("alpha", "design.alpha"), ('survival = { model = "mixture-cure", cure_fraction = 7.5', "arms.venetoclax")):
        line = line_of(text, start)
        assert re.search(rf"{key}\S* = \S+ in plan.toml line {line}:", found), (line, found)
    only = edited(("accrual.rate = 30.0", "accrual.rate = -30.0"))
    assert f"line {line_of(only, 'accrual.rate')}" in problems(only)[0]


def test_everything_wrong_comes_at_once() -> None:
    text = edited(
        ("rate = 45.0", "rate = -2"),
        ("duration = 3.0", "duratoin = 3.0"),
        ("alpha = 0.025", "alpha = 2.5"),
        ("looks = [0.6, 1.0]", "looks = [1.0, 0.6]"),
        ("cure_fraction = 0.60", "cure_fraction = 60"),
        ("arms.venetoclax.survival.cure_fraction = 0.60", "arms.nobody.survival.cure_fraction = 0.60"),
    )
    found = problems(text)
    for part in (
        "accrual.rate",
        "accrual.duratoin",
        "accrual.duration",
        "design.alpha",
        "design.looks",
        "arms.control",
        "scenario[1].arms.nobody",
    ):
        assert sum(m.startswith(part) for m in found) == 1, (part, found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "missing"),
        ("trial = 3", "must be a table"),
        ("[trial", "is not TOML"),
        ("[[trial]]", "must be a table"),
        ("arms = []", "must be a table"),
    ],
)
def test_what_is_no_plan_at_all(text: str, says: str) -> None:
    assert says in "\n".join(problems(text))


def test_files_that_are_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="there is no file"):
        load_plan(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError, match="not UTF-8"):
        load_plan(tmp_path / "binary.toml")
    with pytest.raises(PlanError, match="cannot be read"):
        load_plan(tmp_path)


ONE_ARM: dict[str, Any] = {
    "trial": {"name": "one arm", "endpoint": "EFS", "milestone": 2.0},
    "accrual": {"rate": 40.0, "duration": 2.0, "follow_up": 2.0},
    "arms": {"new": {"survival": {"model": "exponential", "rate": 0.2}}},
    "reference": {"milestone_survival": 0.5, "n": 200.0},
    "design": {"kind": "one-arm-milestone"},
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"reference": {"milestone_survival": 0.5}}, "exactly one of se, n, fixed = true"),
        ({"reference": {"milestone_survival": 0.5, "n": 200.0, "fixed": True}}, "reference has fixed and n"),
        ({"reference": {"n": 200.0}}, "reference has no value"),
        ({"reference": {"milestone_survival": 50.0, "n": 200.0}}, "not a percentage: 0.5"),
        ({"reference": {"milestone_survival": 0.5, "row": "infant-all:x:EFS", "se": 0.1}}, "exactly one of survival"),
        ({"reference": {"row": "nonsense"}}, "must read PACKAGE:ARM_ID:ENDPOINT"),
        ({"reference": {"row": "infant-all:interfant-06-r:EFS"}}, "The arm has"),
        ({"reference": {"survival": {"model": "exponential", "rate": -1.0}, "se": 0.05}}, "reference.survival.rate"),
        ({"accrual": {"rate": 40.0, "duration": 1.0, "follow_up": 0.5}}, "nobody is followed to the milestone"),
        ({"design": {"kind": "log-rank"}}, "log-rank needs 2 arms"),
        ({"arms": {"a": {"survival": {"hazard_ratio": 0.5, "of": "b"}}}}, "must name another arm"),
        ({"solve": {"for": "n"}, "arms": {"new": {"survival": {"model": "exponential", "rate": 2.0}}}}, "to solve for n"),
        ({"solve": {"for": "nn"}}, "Perhaps n is meant"),
        ({"solve": {"for": "n", "power": 80.0}}, "not a percentage: 0.8"),
        ({"solve": {}}, "solve.for is missing"),
    ],
)
def test_one_arm_plans_that_cannot_be(change: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_from_data(ONE_ARM | change)
    assert says in str(caught.value)


def test_without_a_reference_a_one_arm_plan_is_refused() -> None:
    with pytest.raises(PlanError, match=r"\[reference\] is missing"):
        plan_from_data({k: v for k, v in ONE_ARM.items() if k != "reference"})


def test_a_reference_that_is_so_uncertain_that_no_size_helps() -> None:
    plan = plan_from_data(ONE_ARM | {"reference": {"milestone_survival": 0.6, "n": 10.0}, "solve": {"for": "n", "power": 0.9}})
    with pytest.raises(RefusedError, match="the most is"):
        plan.evaluate()


def test_truths_in_a_circle_and_other_bad_ratios() -> None:
    base = plan_from_toml(GOOD).without("scenario").to_data()
    for arms, says in (
        (
            {"control": {"of": "venetoclax", "hazard_ratio": 0.5}, "venetoclax": {"of": "control", "hazard_ratio": 0.5}},
            "must name another arm",
        ),
        ({"venetoclax": {"of": "control", "hazard_ratio": -0.5}}, "hazard_ratio = -0.5"),
        ({"venetoclax": {"of": "control"}}, "hazard_ratio = None"),
        ({"venetoclax": {"of": "control", "hazard_ratio": 0.5, "dealy": 1.0}}, "arms.venetoclax.survival.dealy"),
        ({"venetoclax": {"of": "control", "hazard_ratio": 0.5, "delay": -1.0}}, "delay = -1.0"),
    ):
        data = base | {"arms": base["arms"] | {name: {"survival": spec} for name, spec in arms.items()}}
        with pytest.raises(PlanError, match=re.escape(says)):
            plan_from_data(data)


def test_events_that_can_never_come_are_refused_with_the_maximum() -> None:
    text = edited(("latest = 5.0", ""))
    found = problems(text)
    assert len(found) == 1
    assert "at most 43.5 events are expected, however long the follow-up" in found[0]


@pytest.mark.parametrize("kind", ["log-rank", "group-sequential-log-rank"])
def test_no_events_in_an_arm(kind: str) -> None:
    data = plan_from_toml(GOOD).without("scenario").to_data()
    data["arms"]["venetoclax"]["survival"] = {"model": "exponential", "rate": 1e-12}
    data["design"] = {"kind": kind} | ({"looks": [0.5, 1.0]} if kind.startswith("group") else {})
    with pytest.raises(PlanError, match="no events are expected in at least one arm"):
        plan_from_data(data)


def test_events_cannot_be_given_and_solved_for() -> None:
    found = problems(GOOD + '\n[solve]\nfor = "n"\n')
    assert any("cannot be given when solving for n" in m for m in found)


def test_waiting_does_not_help_when_survivors_are_cured() -> None:
    plan = plan_from_toml(GOOD).without("design.events", "design.latest").changed({"solve": {"for": "events"}})
    with pytest.raises(RefusedError, match=r"at most 43\.5 events are ever expected"):
        plan.evaluate()


@pytest.mark.parametrize(
    "call",
    [
        lambda: efficacy_bounds(np.array([0.5, 0.9])),
        lambda: efficacy_bounds(np.array([0.9, 0.5, 1.0])),
        lambda: efficacy_bounds(np.array([0.0, 1.0])),
        lambda: efficacy_bounds(np.array([math.nan, 1.0])),
        lambda: efficacy_bounds(np.array([1.0]), family="haybittle"),
        lambda: boundaries(np.array([1.0]), alpha=0.6),
        lambda: boundaries(np.array([1.0]), beta=1.0),
        lambda: boundaries(np.array([0.5, 1.0]), futility="kim-demets"),
        lambda: boundaries(np.array([0.5, 1.0]), family="pocock", beta=0.1, futility="kim-demets", binding=True),
        lambda: spent("kim-demets", 0.5, total=0.025, parameter=-1.0),
        lambda: spent("nobody", 0.5, total=0.025),
        lambda: spent("kim-demets", 0.0, total=0.025),
        lambda: constant_accrual(rate=0.0, duration=1.0, follow_up=1.0),
        lambda: constant_accrual(rate=1.0, duration=-1.0, follow_up=1.0),
        lambda: constant_accrual(rate=1.0, duration=1.0, follow_up=math.nan),
        lambda: ramp_accrual(rate=1.0, ramp=2.0, duration=1.0, follow_up=0.0),
        lambda: stepped_accrual(rates=(1.0, 2.0), cuts=(3.0,), duration=2.0, follow_up=0.0),
        lambda: stepped_accrual(rates=(1.0, 0.0), cuts=(1.0,), duration=2.0, follow_up=0.0).years_for(5.0),
        lambda: constant_accrual(rate=1.0, duration=1.0, follow_up=1.0).times(0.0),
    ],
)
def test_calls_outside_their_domain(call: Any) -> None:
    with pytest.raises(CallError):
        call()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rate = 45.0", "rate = 4e9", "must be at most 1,000,000 patients"),
        ("events = 80", "events = 1000001", "design.events = 1000001"),
        ("milestone = 3.0", "milestone = 100.5", "must be at most 100 years"),
    ],
)
def test_sizes_no_trial_has_are_refused(old: str, new: str, says: str) -> None:
    assert any(says in p for p in problems(edited((old, new))))


@pytest.mark.parametrize("looks", [None, [0.5, 1.0]])
def test_hardly_any_events_and_an_analysis_before_the_last_patient_are_said(looks: list[float] | None) -> None:
    def said(**accrual: float) -> str:
        design = {"kind": "log-rank"} if looks is None else {"kind": "group-sequential-log-rank", "looks": looks}
        plan = plan_from_data(
            {
                "trial": {"name": "t", "endpoint": "EFS", "milestone": 2.0},
                "accrual": {"rate": 45.0, "duration": 3.0, "follow_up": 2.0} | accrual,
                "arms": {
                    "control": {"survival": {"model": "exponential", "rate": 0.5}},
                    "new": {"survival": {"model": "exponential", "rate": 0.3}},
                },
                "design": design | {"alpha": 0.025, "latest": 2.0 if not accrual else 5.0},
            }
        )
        return " ".join(plan.design.evaluate(plan).warnings)

    assert "asymptotic formulas do not hold" in said(dropout_hazard=100.0)
    early = said()
    assert "asymptotic formulas" not in early
    assert "before the end of accrual at 3 years: 90.0 of n = 135 patients have entered" in early


def test_the_example_plan_of_a_new_study_can_work() -> None:
    folder = Path(nextarm.__file__).parent / "evidence" / "data" / "new-study"
    plan = load_plan(folder / "plan.toml")
    made = plan.design.evaluate(plan)
    assert 0.78 < made.power < 0.83
    assert all("not constant" in w for w in made.warnings)


VARIANTS_WRONG = [
    ('[[grid]]\nkey = "arms.contrl.survival.cure_fraction"\nvalues = [0.5, 0.6]', "grid[1].key", "names no arm of the plan"),
    ('[[grid]]\nkey = "design.events"\nvalues = [50, 60]', "grid[1].key", "must start with arms or accrual"),
    ('[[grid]]\nkey = "accrual"\nvalues = [50, 60]', "grid[1].key", "is not a number in the plan"),
    ('[[grid]]\nkey = "arms.control.survivl.cure_fraction"\nvalues = [0.5, 0.6]', "grid[1].key", "is not in the plan"),
    ('[[grid]]\nkey = "accrual.rat"\nvalues = [50, 60]', "grid[1] with accrual.rat = 50", "Perhaps rate is meant"),
    ('[[grid]]\nkey = "accrual.rate"\nvalues = [60, 50]', "grid[1].values", "must rise"),
    ('[[grid]]\nkey = "accrual.rate"\nvalues = [60]', "grid[1].values", "at least 2 entries"),
    ('[[grid]]\nkey = "accrual.rate"\nvalues = [30, "b"]', "grid[1].values[2]", "must be a number"),
    ('[[grid]]\nkey = "arms.control.survival.cure_fraction"\nvalues = [0.5, 60]', "grid[1] with arms.control", "not a percentage"),
    ('[[compare]]\nname = "x"\ndesign = { kind = "log-rank", events = 500 }', "compare[1] design.events = 500", "than the 135 patients"),
    ('[[compare]]\nname = "x"\ndesign = { kind = "rmst" }', "compare[1] design.kind = 'rmst'", "must be one of"),
    ('[[compare]]\nname = "plan"\ndesign = { kind = "rmst-difference" }', "compare[1].name = 'plan'", "is taken already"),
    ('[[compare]]\nname = "x"\ndesign = { kind = "stratified-log-rank", strata = [] }', "compare[1] design.strata", "entries"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what", "rule"), VARIANTS_WRONG)
def test_grids_and_comparisons_are_checked_as_plans(text: str, what: str, rule: str) -> None:
    found = problems(f"{GOOD}\n{text}\n")
    assert len(found) == 1
    assert what in found[0]
    assert rule in found[0]
    assert re.search(r"in plan\.toml line \d+", found[0])
    assert int(re.search(r"line (\d+)", found[0])[1]) > GOOD.count("\n")  # type: ignore[index]  # the variant's own lines


def test_a_map_of_too_many_cells_and_a_key_named_twice_are_refused() -> None:
    many = ", ".join(str(10 + i) for i in range(30))
    two = f"[[grid]]\nkey = 'accrual.rate'\nvalues = [{many}]\n[[grid]]\nkey = 'accrual.duration'\nvalues = [{many}]\n"
    assert "grid has 900 cells" in problems(f"{GOOD}\n{two}")[0]
    twice = "[[grid]]\nkey = 'accrual.rate'\nvalues = [30, 40]\n" * 2
    assert "is varied already" in problems(f"{GOOD}\n{twice}")[0]


def test_a_corner_of_the_map_that_no_plan_can_have_is_named() -> None:
    grid = "[[grid]]\nkey = 'accrual.rate'\nvalues = [30, 45]\n[[grid]]\nkey = 'accrual.duration'\nvalues = [2.0, 30000.0]\n"
    assert any("accrual.duration = 30000" in p for p in problems(f"{GOOD}\n{grid}"))


PARAMETERS = [
    ('spending = "wang-tsiatis"\nspending_parameter = 50.0', "design.spending_parameter = 50", "must lie between -0.5 and 1"),
    ('spending = "hwang-shih-decani"\nspending_parameter = -1e6', "design.spending_parameter", "must lie between -40 and 40"),
    ('spending = "kim-demets"\nspending_parameter = 0.0', "design.spending_parameter = 0", "must lie between 0.01 and 40"),
    ('spending = "lan-demets-pocock"\nspending_parameter = 1.0', "design.spending_parameter = 1", "has no parameter"),
    ('spending = "pocock"\nfutility_parameter = 1.0', "design.futility_parameter = 1", "needs futility"),
]


@pytest.mark.parametrize(("new", "what", "rule"), PARAMETERS)
def test_parameters_of_spending_stay_where_bounds_exist(new: str, what: str, rule: str) -> None:
    found = problems(edited(('spending = "lan-demets-obrien-fleming"', new)))
    assert len(found) == 1
    assert what in found[0]
    assert rule in found[0]


def test_looks_that_cannot_be_told_apart_are_refused() -> None:
    assert "must rise by at least 0.0001 each" in problems(edited(("looks = [0.6, 1.0]", "looks = [0.6, 0.60001, 1.0]")))[0]
    with pytest.raises(CallError, match="at least"):
        boundaries(np.array([0.5, 0.50001, 1.0]))


CALENDAR = [
    ("looks = [0.6, 1.0]", "look_times = [2.0, 5.0]", "design.latest = 5", "cannot be given with look_times"),
    ("looks = [0.6, 1.0]", "looks = [0.6, 1.0]\nlook_times = [2.0, 5.0]", "looks and look_times are both given", "exactly one"),
    ("looks = [0.6, 1.0]", "", "looks is missing", "exactly one"),
    ("looks = [0.6, 1.0]", "look_times = [2.0, 1.0]", "design.look_times", "must rise from above 0 years"),
    ("looks = [0.6, 1.0]\nlatest = 5.0", "look_times = [0.1, 5.0]", "look_times", "events are expected by the first look"),
    ("looks = [0.6, 1.0]\nlatest = 5.0", "look_times = [4.0, 5.0]\nevents = 20", "look_times", "later looks would not take place"),
]


@pytest.mark.parametrize(("old", "new", "what", "rule"), CALENDAR)
def test_calendar_looks_that_cannot_be(old: str, new: str, what: str, rule: str) -> None:
    text = re.sub(r"(?m)[ ]*#.*$", "", GOOD)
    if "events" in new:
        text = text.replace("events = 80\n", "")
    assert old in text
    found = problems(text.replace(old, new, 1))
    assert len(found) == 1, found
    assert what in found[0]
    assert rule in found[0]


def test_ours_a_plan_whose_numbers_look_like_a_slip_is_asked_about() -> None:
    def warned(**changed: Any) -> str:
        text = str(nextarm.designs("log-rank").cards[0].example)
        for old, new in changed.values():
            assert old in text
            text = text.replace(old, new)
        return " ".join(nextarm.design(plan_from_toml(text), error_trials=0).warnings)

    late = ("milestone = 3.0", "milestone = 36.0")
    assert "milestone = 36 years lies after the trial's end (6 years" in warned(late=late)
    worse = ("cure_fraction = 0.7,", "cure_fraction = 0.1,")
    assert "lies below alpha 0.025" in warned(worse=worse)
    slips = ("lies after the trial's end", "lies below alpha")
    assert not any(slip in warned() for slip in slips)
    null = ("cure_fraction = 0.7,", "cure_fraction = 0.5,")
    assert not any(slip in warned(null=null) for slip in slips)
