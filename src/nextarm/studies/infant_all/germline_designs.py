"""Designs of less treatment side by side: how often each calls it safe, with and without a guard of OS, and what is weighed.

Infants are those that a feasible accrual brings. The control's EFS comes from the evidence; the priors of the Bayesian designs are flat,
or worth what the control is known from. Who is saved after an event is read from the largest cohort's OS and EFS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextarm.core.trail import Trail
from nextarm.designs import Plan, plan_from_data
from nextarm.designs.os_guard import Guarded
from nextarm.evidence import Count, Outcome, Package
from nextarm.report import Block, DataTable, Heading, Note, RowGroup, number, paragraph, say
from nextarm.report.document import CellLike, Row
from nextarm.simulation import OperatingCharacteristics, simulate, simulate_guarded
from nextarm.simulation.characteristics import Mean, Rate, rate_of
from nextarm.studies.infant_all.evidence_rows import fact_trail, share_number
from nextarm.studies.infant_all.germline_trial import FEASIBLE, Control, arms_at, margin_of
from nextarm.studies.infant_all.next_trial_shown import mean, rate

TRIALS, SEED = 10_000, 5
LOST = "the margin is lost"
#: The guard of OS: the loss ruled out and its level, the level of the watch for harm and its looks (years); and the time from
#: event to death. No row supports them.
OS_MARGIN, OS_ALPHA, HARM_ALPHA, HARM_LOOKS, AFTER_EVENT = 0.05, 0.10, 0.05, (8.0, 11.0), 1.0
ARM, TOLL = "interfant-06-g", "treatment_related_death"
INFECTIONS = ("aall0631-g", "infection_grade3_4_each_course")


@dataclass(frozen=True)
class Salvage:
    """The share alive after an event as one cohort's OS and EFS imply it, with the standard error of that OS."""

    share: float
    os_se: float
    words: str
    trail: Trail


@dataclass(frozen=True)
class Candidate:
    """One design under one guard: infants, years to its analysis, and how often it calls less treatment safe."""

    key: str
    words: str
    guard: str
    infants: float
    years: Mean
    nothing_lost: Rate
    margin_lost: Rate
    trail: Trail
    guarded: Guarded | None = None


def salvage_of(package: Package) -> Salvage | None:
    """(OS - EFS) / (1 - EFS) of the largest cohort, both read at one time; None where it does not print both."""
    found: dict[str, Outcome] = {
        o.endpoint: o for o in package.outcomes if o.arm_id == ARM and o.endpoint in ("EFS", "OS") and o.preferred is not False
    }
    efs, os = found.get("EFS"), found.get("OS")
    if efs is None or os is None or os.se is None or efs.time_years != os.time_years or not efs.estimate < os.estimate < 1.0:
        return None
    name = package.study_of(ARM).name
    trail = Trail(
        f"(OS - EFS) / (1 - EFS) of {name} at {os.time_years:g} years",
        rows=(package.ref(efs), package.ref(os)), sources=(package.source(os.source_id),),
        assumptions=("whoever is alive then after an event stays alive",),
    )  # fmt: skip
    return Salvage((os.estimate - efs.estimate) / (1.0 - efs.estimate), os.se, name, trail)


def candidates(plan: Plan, control: Control, salvage: Salvage | None = None) -> tuple[Candidate, ...]:
    """The designs at the feasible accrual, with the same random numbers under both truths; with guards where ``salvage`` is known."""
    margin, alpha = margin_of(plan), plan.design.alpha
    base = plan.without("solve").changed(arms_at(plan, control.survival) | {"accrual": {"duration": FEASIBLE}}).to_data()
    lost: Any = arms_at(plan, control.survival, loss=margin)["arms"]
    two = base | {"scenario": [{"name": LOST, "arms": lost}]}
    arm = plan.experimental
    one: dict[str, Any] = base | {
        "trial": {k: v for k, v in base["trial"].items() if k != "control"},
        "arms": {arm: base["arms"][arm]},
        "scenario": [{"name": LOST, "arms": {arm: lost[arm]}}],
        "reference": {"milestone_survival": control.survival, "se": control.se},
    }
    worth = control.survival * (1.0 - control.survival) / control.se**2
    prior = [[1.0, control.survival * worth, (1.0 - control.survival) * worth]]
    # two infants' worth around the same mean, so that only the control is learnt from history
    weak = [[1.0, 2.0 * control.survival, 2.0 * (1.0 - control.survival)]]
    bayes = {"kind": "bayes-two-arm", "threshold": 1.0 - alpha, "margin": margin}
    borrowed = bayes | {"control_prior": prior, "experimental_prior": weak}
    made: tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...] = (
        ("margin", "Randomised, absolute margin", two, {"kind": "absolute-margin", "alpha": alpha, "margin": margin}),
        ("bayes", "Randomised, Bayesian, flat priors", two, bayes),
        ("borrow", "Randomised, Bayesian, control's history as its prior", two, borrowed),
        (
            "one-arm", "One arm, outcome maintained, the control's error counted", one,
            {"kind": "one-arm-milestone", "alpha": alpha, "margin": margin},
        ),
    )  # fmt: skip
    asked: list[tuple[str, str, str, Plan]] = []
    for key, words, data, design in made:
        guards = guards_of(control, salvage, one_arm="reference" in data) if salvage else {"none": None}
        for guard, table in guards.items():
            with_guard = data | {"design": design | ({"os_guard": table} if table else {})}
            asked.append((key, words, guard, plan_from_data(with_guard)))
    plans = [own for *_, own in asked]
    together = simulate_guarded(plans, trials=TRIALS, seed=SEED) if salvage else None
    runs = together or tuple(simulate(own, trials=TRIALS, seed=SEED) for own in plans)
    return tuple(c for one, found in zip(asked, runs, strict=True) for c in _candidates(*one, found, control, salvage))


def guards_of(control: Control, salvage: Salvage, *, one_arm: bool) -> dict[str, dict[str, Any] | None]:
    """Both guards; the reference of a single arm is the OS that the control's EFS and the salvage make."""
    common: dict[str, Any] = {"salvage": salvage.share, "after_event": AFTER_EVENT}
    if one_arm:
        kept = control.survival + salvage.share * (1.0 - control.survival)
        common |= {"reference": kept, "reference_se": salvage.os_se}
    return {
        "bound": common | {"rule": "bound", "margin": OS_MARGIN, "alpha": OS_ALPHA},
        "harm": common | {"rule": "harm", "margin": 0.0, "alpha": HARM_ALPHA, "look_times": list(HARM_LOOKS)},
    }


def _candidates(
    key: str, words: str, guard: str, plan: Plan, found: OperatingCharacteristics, control: Control, salvage: Salvage | None
) -> list[Candidate]:
    """A design under its guard; with the first guard also what it would do without, which the same trials show."""
    own, lost = found.scenario("plan"), found.scenario(LOST)
    rows, sources = (getattr(control.trail, part) + (getattr(salvage.trail, part) if salvage else ()) for part in ("rows", "sources"))
    trail = Trail(
        found.trail.method, found.trail.reference, rows=tuple(dict.fromkeys(rows)), sources=tuple(dict.fromkeys(sources)), seed=SEED,
        assumptions=(*found.trail.assumptions, f"the backbone's EFS at the milestone is {control.words}", *_guard_words(salvage)),
    )  # fmt: skip
    result: Any = plan.evaluate()
    infants, guarded = own.patients.value, getattr(result, "guard", None)
    made = [Candidate(key, words, guard, infants, own.duration, own.rejection, lost.rejection, trail, guarded)]
    if guard == "bound":
        alone, alone_lost = (rate_of(s.also["efs_alone"], s.trials) for s in (own, lost))
        made.insert(0, Candidate(key, words, "none", infants, own.duration, alone, alone_lost, trail))
    return made


def _guard_words(salvage: Salvage | None) -> tuple[str, ...]:
    if salvage is None:
        return ()
    return (
        f"after an event {100 * salvage.share:.0f} % live on, as in {salvage.words}, the others die after a median of {AFTER_EVENT:g} year",
        "margin, levels and looks of the guard of OS: chosen for this report, no row supports them",
    )


def blocks(plan: Plan, options: Sequence[Control], package: Package) -> list[Block]:
    """The table of designs under the first control of the evidence."""
    if not options:
        return []
    control, salvage = options[0], salvage_of(package)
    found = candidates(plan, control, salvage)
    rows: list[Row | RowGroup] = []
    for key, words in {c.key: c.words for c in found}.items():
        rows += [RowGroup(words), *(_row(c) for c in found if c.key == key)]
    rows += _weighed(plan, found, salvage, package)
    return [
        Heading("Designs side by side"),
        paragraph(
            "Each design may call less treatment safe. It should where nothing is lost, and should not where the whole margin is lost: ",
            f"then every such call is an error. All have the infants of {FEASIBLE:g} years of accrual, followed to 5 years, under a ",
            f"backbone {control.words} ({100 * control.survival:.1f} %).",
        ),
        *_guard_paragraph(salvage),
        DataTable(
            caption=f"How often each design calls a loss below {100 * margin_of(plan):.0f} points of EFS shown, and what is weighed",
            columns=("Design", "Infants", "Mean years to the end", "Nothing lost", "Margin lost"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
            note=say(
                f"{TRIALS:,} virtual trials for each design and guard; ± is one Monte-Carlo standard error. Nominal one-sided level of EFS "
                "2.5 %. More events and more deaths: of 100 infants given less, if the whole margin of EFS is lost."
            ),
        ),
        Note(
            "caution",
            say(
                "The control's history is of other protocols and years. Where its infants did better or worse than those of the ",
                "trial, the one arm and the prior carry the difference into the answer; the randomised margin does not. A guard of OS ",
                "costs power and cannot make up for few infants: half of those with an event are alive later, so few deaths are ever ",
                "seen, and how many are saved after less treatment need not be how many were after full treatment.",
            )
            if salvage
            else say(
                "The control's history is of other protocols and years. No cohort prints EFS and OS from which the guard of OS could be ",
                "planned: these designs look at EFS alone.",
            ),
        ),
    ]


def _guard_paragraph(salvage: Salvage | None) -> list[Block]:
    if salvage is None:
        return []
    share = number(salvage.share, "percent", name="germline.salvage", trail=salvage.trail)
    return [
        paragraph(
            "Events are not deaths: of those with an event ", share, f" were alive in {salvage.words} when it was read. So OS is guarded ",
            f"as well. Either a loss of {100 * OS_MARGIN:.0f} points of OS at 5 years must be ruled out at a one-sided {OS_ALPHA:g} (a ",
            f"posterior probability of {1.0 - OS_ALPHA:g} in the Bayesian designs), or OS is watched: where it is shown to be worse at ",
            f"{HARM_ALPHA:g} after {HARM_LOOKS[0]:g} or {HARM_LOOKS[1]:g} years or at the end, less treatment is not called safe, ",
            "and the trial ends.",
        )
    ]  # fmt: skip


_GUARDS = {"none": "EFS alone", "bound": f"and {100 * OS_MARGIN:.0f} points of OS ruled out", "harm": "and OS watched for harm"}


def _row(c: Candidate) -> Row:
    name = f"germline.designs.{c.key}" + ("" if c.guard == "none" else f".{c.guard}")
    cells = [rate(value, f"{name}.{part}", c.trail) for part, value in (("safe", c.nothing_lost), ("lost", c.margin_lost))]
    years: CellLike = mean(c.years, f"{name}.years", c.trail)
    if not c.years.se:
        years = number(c.years.value, "years(1)", name=f"{name}.years", trail=c.trail)
    return (_GUARDS[c.guard], number(round(c.infants), "count", name=f"{name}.infants", trail=c.trail), years, *cells)


def _weighed(plan: Plan, found: Sequence[Candidate], salvage: Salvage | None, package: Package) -> list[Row | RowGroup]:
    """What is risked and what is saved, per 100 infants who are given less."""
    lead = next((c for c in found if c.guarded is not None), None)
    if lead is None or lead.guarded is None or salvage is None:
        return []
    events, deaths = (
        number(value, "decimal(1)", name=f"germline.weighed.{key}", trail=lead.trail)
        for key, value in (("events", lead.guarded.events_per_100), ("deaths", lead.guarded.deaths_per_100))
    )
    rows: list[Row | RowGroup] = [
        RowGroup("Risk taken, per 100 infants given less"),
        ("More events by 5 years", None, None, "0", events),
        ("More deaths by 5 years", None, None, "0", deaths),
        RowGroup("Harm from treatment saved, per 100 infants given less"),
    ]
    if (toll := _count(package, ARM, TOLL)) is not None:
        most = number(100.0 * (toll.rate or 0.0), "decimal(1)", name="germline.weighed.toll", trail=fact_trail(package, toll))
        rows.append((f"Deaths from treatment, if all were spared ({salvage.words}): at most", None, None, most, most))
    if (infected := _count(package, *INFECTIONS)) is not None:
        seen = share_number(
            package, infected, name="germline.weighed.infections", printed="as printed in the source",
            missing="in words" if infected.note else "not printed",
        )  # fmt: skip
        where = package.study_of(infected.arm_id).name
        said = infected.note.removeprefix("reported as ") or "no share printed"
        rows.append((f"Infections of grade 3 or 4, what infants had ({where}): {said}", None, None, seen, seen))
    nothing = "no value in the evidence"
    rows.append(("Late effects, days in hospital", None, None, nothing, nothing))
    return rows


def _count(package: Package, arm: str, what: str) -> Count | None:
    """The first count of ``what`` in an arm."""
    return next((c for c in package.counts if c.arm_id == arm and c.what == what), None)
