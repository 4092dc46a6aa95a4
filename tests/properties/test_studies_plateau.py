"""Section 1 on invented cohorts: its answer flips where the numbers, their uncertainty or their number do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextarm.core.errors import CallError
from nextarm.evidence import load_package
from nextarm.report import Paragraph
from nextarm.studies.infant_all import plateau
from nextarm.synthesis import era_trend
from studies_example import bundled, everything, invented, numbers, plain

STARTS = {
    "rise above the margin": "No: EFS has risen",
    "fall beyond the margin": "No: EFS has fallen",
    "plateau within the margin": "Yes, within the margin",
    "excludes a rise above the margin": "A rise is excluded",
    "excludes a fall beyond the margin": "A fall is excluded",
    "undecided": "Undecided",
    "cannot answer": "The bundled evidence cannot answer",
}


def line(change: float, k: int = 10) -> list[float]:
    """``k`` estimates three years apart on a line of ``change`` a decade around 0.5."""
    return [0.5 + change * 0.3 * (i - (k - 1) / 2) for i in range(k)]


def trend_of(package):
    chosen = plateau.select(package)
    return era_trend(chosen.studies, margin=plateau.MARGIN, base=chosen.trail())


@pytest.mark.parametrize(
    ("change", "se", "k", "conclusion"),
    [
        (0.12, 0.02, 10, "rise above the margin"),
        (-0.12, 0.02, 10, "fall beyond the margin"),
        (0.0, 0.02, 10, "plateau within the margin"),
        (0.01, 0.02, 8, "plateau within the margin"),
        (-0.05, 0.03, 10, "excludes a rise above the margin"),
        (0.05, 0.03, 10, "excludes a fall beyond the margin"),
        (0.0, 0.10, 10, "undecided"),
        (0.0, 0.02, 7, "cannot answer"),
        (0.12, 0.02, 7, "cannot answer"),
    ],
)
def test_the_answer_follows_the_cohorts(change, se, k, conclusion):
    trend = trend_of(invented(line(change, k), se=se))
    assert trend.verdict.conclusion == conclusion
    said = plain(plateau.lead(trend))
    assert said.startswith(STARTS[conclusion])
    assert sum(said.startswith(start) for start in STARTS.values()) == 1


def test_the_change_and_its_interval_stand_in_the_answer():
    trend = trend_of(invented(line(0.12), se=0.02))
    change = next(p for p in plateau.lead(trend) if getattr(p, "name", "") == "plateau.change")
    assert (change.value, change.low, change.high) == (trend.change, trend.change_ci.low, trend.change_ci.high)
    assert change.low < 0.12 < change.high


def test_one_group_with_half_of_the_cohorts_cannot_answer():
    apart = invented(line(0.0), se=0.02)
    together = invented(line(0.0), se=0.02, groups=["Big"] * 5 + list("ABCDE"))
    assert plain(plateau.lead(trend_of(apart))).startswith("Yes")
    said = plain(plateau.lead(trend_of(together)))
    assert said.startswith(STARTS["cannot answer"])
    assert "one group (Big) holds 5 of 10" in said


def test_predecessors_count_as_one_group():
    package = invented(line(0.0), se=0.02, groups=["JILSG", "JPLSG", "JILSG", "JPLSG", "JPLSG", *"ABCDE"])
    assert "one group (Japan) holds 5 of 10" in plain(plateau.lead(trend_of(package)))


def test_a_large_p_with_a_wide_interval_is_never_a_plateau():
    package = invented(line(0.0), se=0.10)
    trend = trend_of(package)
    assert trend.p > 0.05
    assert trend.change_ci.high > plateau.MARGIN
    section = plateau.section(package)
    statements = [section.lead, *(b.parts for b in section.blocks if isinstance(b, Paragraph))]
    assert not any("plateau" in plain(parts).lower() for parts in statements)
    assert not plain(section.lead).startswith("Yes")


def test_few_cohorts_still_say_what_they_lean_to():
    said = plain(plateau.lead(trend_of(invented(line(0.15, 7), se=0.02))))
    assert "leans to a rise above the margin" in said


def test_two_cohorts_make_no_line():
    section = plateau.section(invented([0.4, 0.5]))
    assert "no line over eras can be fitted" in plain(section.lead)
    assert "plateau.change" not in numbers(section)


def test_bundled_evidence_cannot_answer_and_shows_every_row_of_the_pool_set():
    package = load_package()
    section = bundled("plateau")
    assert plain(section.lead).startswith(STARTS["cannot answer"])
    arms = {a.arm_id for a in package.arms if a.pool_set == plateau.POOL_SET}
    lines = {r.line for n in numbers(section).values() for r in n.trail.rows if r.table == "outcomes"}
    assert {o.line for o in package.outcomes if o.arm_id in arms and o.endpoint == "EFS"} <= lines
    assert "plateau.step.interfant-99.interfant-06" in numbers(section)


def test_without_any_row_there_is_one_clear_error():
    with pytest.raises(CallError, match="EFS"):
        plateau.section(replace(load_package(), outcomes=()))


def test_an_estimate_changed_in_the_package_changes_the_pool():
    package = load_package()
    before = numbers(bundled("plateau"))["plateau.pooled"]
    higher = tuple(
        replace(o, estimate=min(o.estimate + 0.1, 1.0), ci_low=None, ci_high=None) if o.endpoint == "EFS" else o for o in package.outcomes
    )
    after = numbers(plateau.section(replace(package, outcomes=higher)))["plateau.pooled"]
    assert after.value > before.value + 0.05
    assert len(everything(bundled("plateau"))) > 50
