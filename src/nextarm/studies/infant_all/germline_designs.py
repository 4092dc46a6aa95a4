"""Designs of less treatment side by side, over the same truths: what each calls safe when nothing is lost, and when the margin is.

Infants are those that a feasible accrual brings. The control's EFS comes from the evidence; the priors of the Bayesian designs are flat,
or worth what the control is known from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextarm.core.trail import Trail
from nextarm.designs import Plan, plan_from_data
from nextarm.report import Block, DataTable, Heading, Note, number, paragraph, say
from nextarm.report.document import Row
from nextarm.simulation import OperatingCharacteristics, simulate
from nextarm.simulation.characteristics import Rate
from nextarm.studies.infant_all.germline_trial import FEASIBLE, Control, arms_at, margin_of
from nextarm.studies.infant_all.next_trial_shown import rate

TRIALS, SEED = 10_000, 5
LOST = "the margin is lost"


@dataclass(frozen=True)
class Candidate:
    """One design: what it is called, infants, years to its analysis, and how often it calls less treatment safe."""

    key: str
    words: str
    infants: float
    years: float
    nothing_lost: Rate
    margin_lost: Rate
    trail: Trail


def candidates(plan: Plan, control: Control) -> tuple[Candidate, ...]:
    """The designs at the feasible accrual, simulated with the same random numbers under both truths."""
    margin, alpha = margin_of(plan), plan.design.alpha
    base = plan.without("solve").changed(arms_at(plan, control.survival) | {"accrual": {"duration": FEASIBLE}}).to_data()
    lost: Any = arms_at(plan, control.survival, loss=margin)["arms"]
    two = base | {"scenario": [{"name": LOST, "arms": lost}]}
    arm = plan.experimental
    one: dict[str, Any] = base | {
        "trial": {k: v for k, v in base["trial"].items() if k != "control"},
        "arms": {arm: base["arms"][arm]},
        "scenario": [{"name": LOST, "arms": {arm: lost[arm]}}],
    }
    known = {"milestone_survival": control.survival}
    worth = control.survival * (1.0 - control.survival) / control.se**2
    prior = [[1.0, control.survival * worth, (1.0 - control.survival) * worth]]
    # two infants' worth around the same mean, so that only the control is learnt from history
    weak = [[1.0, 2.0 * control.survival, 2.0 * (1.0 - control.survival)]]
    bayes = {"kind": "bayes-two-arm", "threshold": 1.0 - alpha, "margin": margin}
    borrowed = bayes | {"control_prior": prior, "experimental_prior": weak}
    made = (
        ("margin", "Randomised, absolute margin", two | {"design": {"kind": "absolute-margin", "alpha": alpha, "margin": margin}}),
        ("bayes", "Randomised, Bayesian, flat priors", two | {"design": bayes}),
        ("borrow", "Randomised, Bayesian, control's history as its prior", two | {"design": borrowed}),
        (
            "one-arm", "One arm, outcome maintained, the control's error counted",
            one | {"reference": {**known, "se": control.se}, "design": {"kind": "one-arm-milestone", "alpha": alpha, "margin": margin}},
        ),
    )  # fmt: skip
    return tuple(_candidate(key, words, plan_from_data(data), control) for key, words, data in made)


def _candidate(key: str, words: str, plan: Plan, control: Control) -> Candidate:
    found: OperatingCharacteristics = simulate(plan, trials=TRIALS, seed=SEED)
    own, lost = found.scenario("plan"), found.scenario(LOST)
    trail = Trail(
        found.trail.method, found.trail.reference, rows=control.trail.rows, sources=control.trail.sources, seed=SEED,
        assumptions=(*found.trail.assumptions, f"the backbone's EFS at the milestone is {control.words}"),
    )  # fmt: skip
    return Candidate(key, words, own.patients.value, own.duration.value, own.rejection, lost.rejection, trail)


def blocks(plan: Plan, options: Sequence[Control]) -> list[Block]:
    """The table of designs under the first control of the evidence."""
    if not options:
        return []
    control = options[0]
    rows = [_row(c) for c in candidates(plan, control)]
    return [
        Heading("Designs side by side"),
        paragraph(
            "Each design may call less treatment safe. It should where nothing is lost, and should not where the whole margin is lost: ",
            f"then every such call is an error. All have the infants of {FEASIBLE:g} years of accrual, followed to 5 years, under a ",
            f"backbone {control.words} ({100 * control.survival:.1f} %).",
        ),
        DataTable(
            caption=f"How often each design calls a loss below {100 * margin_of(plan):.0f} points of EFS shown ({TRIALS:,} virtual trials)",
            columns=("Design", "Infants", "Years to the analysis", "Nothing lost ± SE", "Margin lost ± SE"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
            note=say("± is one Monte-Carlo standard error. Nominal one-sided level 2.5 %."),
        ),
        Note(
            "caution",
            say(
                "The control's history is of other protocols and years. Where its infants did better or worse than those of the ",
                "trial, the one arm and the prior carry the difference into the answer; the randomised margin does not. None of these ",
                "designs looks at survival: that less intensive treatment costs no lives needs a guard of its own.",
            ),
        ),
    ]


def _row(c: Candidate) -> Row:
    name = f"germline.designs.{c.key}"
    cells = [rate(value, f"{name}.{part}", c.trail) for part, value in (("safe", c.nothing_lost), ("lost", c.margin_lost))]
    return (
        c.words, number(round(c.infants), "count", name=f"{name}.infants", trail=c.trail),
        number(c.years, "years(1)", name=f"{name}.years", trail=c.trail), *cells,
    )  # fmt: skip
