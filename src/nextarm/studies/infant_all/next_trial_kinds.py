"""Section 6: other kinds of trial for the next question, side by side: one arm, a randomised response, randomised EFS, a platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nextarm.borrowing import PriorFile, beta_mixture
from nextarm.core.trail import Trail
from nextarm.designs import DesignResult, Plan, plan_from_data
from nextarm.evidence import Package
from nextarm.report import Block, DataTable, Heading, Note, number, paragraph, say, slug
from nextarm.report.assured import years_chart
from nextarm.report.document import Parts, Row
from nextarm.simulation import OperatingCharacteristics, PlatformCharacteristics, simulate, simulate_platform
from nextarm.simulation.assurance import Assurance, assurance
from nextarm.simulation.characteristics import Rate
from nextarm.studies.infant_all.next_trial_shown import mean, rate
from nextarm.studies.infant_all.next_trial_worked import NULL, SEED, Designs

#: Virtual trials of each kind, and infants that the control of each kind is taken to be as well known as.
TRIALS, KNOWN_FROM = 4_096, 30
#: Years of accrual over which the assurance of randomised EFS is drawn.
YEARS = (1.5, 3.0, 4.5, 6.0, 7.5, 9.0, 12.0)
#: Responses assumed for the randomised response, and the family of the platform.
RESPONSES = (0.50, 0.75)
PLATFORM_ARMS = ("venetoclax", "menin inhibitor", "second immunotherapy")


@dataclass(frozen=True)
class Kind:
    """One kind of trial worked out: its formula, its virtual trials, and its power averaged over what is not known of the control."""

    words: str
    question: str
    result: DesignResult
    power: Rate
    type1: Rate
    simulated: Trail
    randomised_to_control: float
    assured: Assurance | None
    also: Parts = ()


def kinds(found: Designs, package: Package) -> list[Block]:
    """The table of kinds, the one arm under drift, and what each cannot answer."""
    made = work_out(found.plan, package)
    one_arm: Any = made[0].result
    return [
        Heading("Other kinds of trial, side by side"),
        paragraph(
            "One arm against a historical control, a randomised response, randomised EFS, and a platform answer different questions. ",
            "All stand on the plan's assumptions: the same accrual, the same truth of the control. Assurance is the power averaged over ",
            f"what is not known of the control, here taken to be as well known as from {KNOWN_FROM} infants (an assumption).",
        ),
        DataTable(
            caption=f"Under the planned effect and under none ({TRIALS:,} virtual trials each, {TRIALS // 2:,} of the platform)",
            columns=("Trial", "Infants", "Of these on the control", "Years to the answer", "Power ± SE", "Type I error ± SE", "Assurance"),
            rows=tuple(_row(kind) for kind in made),
            sortable=False,
            narrow="stack",
            note=say(
                "Infants on the control are those on the lesser treatment if the effect is real. The platform's line is the mean of three ",
                "comparisons, each at the level of one; its type I error is that of one comparison. ± is one Monte-Carlo standard error.",
            ),
        ),
        *_over_years(made[2], found.plan),
        paragraph(*_drift(one_arm)),
        paragraph(*made[3].also),
        Note(
            "caution",
            say(
                "The one-arm trial compares with a historical control and counts any change of care, diagnosis or selection since then as ",
                "effect. The sizes of the first two are what the registries list for Interfant-21 and AALL2321; the second is of infants ",
                "with and without the rearrangement together. The randomised response answers for the response alone: ",
                f"{100 * RESPONSES[0]:.0f} % and {100 * RESPONSES[1]:.0f} % are assumptions without a row behind them, and that a better ",
                "response at the end of induction means longer EFS is a further one.",
            ),
        ),
    ]


def _over_years(kind: Kind, plan: Plan) -> list[Block]:
    """The assurance of the randomised trial of EFS by years of accrual."""
    if kind.assured is None:
        return []
    chart = years_chart(
        kind.assured,
        id="trial-assurance-years",
        title="Assurance of the randomised trial of EFS, by years of accrual",
        own=plan.accrual.duration,
        caption=say(
            f"{plan.accrual.rate:g} infants a year, one log-rank test {plan.accrual.follow_up:g} years after the last infant. Assurance "
            "averages the power over what is not known of the control; the other line is the power if the plan's guess were true."
        ),
    )
    return [chart] if chart else []


def work_out(plan: Plan, package: Package) -> tuple[Kind, ...]:
    """Evaluate and simulate the four kinds."""
    return (_one_arm(plan, package), _response(plan, package), _efs(plan), _platform(plan))


def _one_arm(plan: Plan, package: Package) -> Kind:
    listed = _listed(package, "NCT05327894")
    row = next(o for o in package.outcomes if o.arm_id == "interfant-06-r" and o.endpoint == "EFS" and o.preferred)
    own = plan.to_data()
    trial = own["trial"] | {"milestone": row.time_years, "name": "one arm against Interfant-06", "time_origin": "diagnosis"}
    backbone = plan.arms[plan.control].survival
    accrual = own["accrual"] | {"duration": listed / own["accrual"]["rate"], "follow_up": row.time_years}
    made = plan_from_data(
        {
            "trial": {k: v for k, v in trial.items() if k != "control"},
            "accrual": accrual,
            "arms": {"backbone": {"survival": backbone}},
            "reference": {"row": "infant-all:interfant-06-r:EFS"},
            "design": {"kind": "one-arm-milestone", "alpha": plan.design.alpha, "scale": "plain"},
        }
    )
    at = made.survival_at(made.trial.milestone)["backbone"]
    null = made.changed(
        {"arms": {"backbone": {"survival": {"model": "mixture-cure", **_cure_for(backbone, row.estimate, row.time_years)}}}}
    )
    with_null = plan_from_data(
        made.to_data() | {"scenario": [{"name": NULL, "arms": {"backbone": {"survival": null.arms["backbone"].survival}}}]}
    )
    simulated = simulate(with_null, trials=TRIALS, seed=SEED)
    words = f"One arm, EFS at {row.time_years:g} years against Interfant-06 (historical control)"
    prior = _known(at, made, "survival", made.trial.milestone)
    return _kind(words, "Is the backbone better than what was?", made, simulated, 0.0, assurance(made, prior, nodes=16, sizes=(1.0,)))


def _cure_for(spec: dict[str, Any], survival: float | None, at: float | None) -> dict[str, Any]:
    """The plan's latency with the cure fraction that has this survival at ``at`` years."""
    assert survival is not None  # the row has both
    assert at is not None
    latency = spec["latency"]
    beyond = 0.5 ** ((at / latency["median"]) ** latency["shape"])
    return {"cure_fraction": (survival - beyond) / (1.0 - beyond), "latency": latency}


def _response(plan: Plan, package: Package) -> Kind:
    listed = _listed(package, "NCT06317662")
    own = plan.to_data()
    low, high = RESPONSES
    made = plan_from_data(
        {
            "trial": {"name": "randomised response", "endpoint": "MRD negative", "milestone": 0.1},
            "accrual": own["accrual"] | {"duration": listed / own["accrual"]["rate"], "follow_up": 0.1},
            "arms": {"control": {"response": low}, plan.experimental: {"response": high}},
            "design": {"kind": "two-proportions", "alpha": plan.design.alpha},
            "scenario": [{"name": NULL, "arms": {plan.experimental: {"response": low}}}],
        }
    )
    simulated = simulate(made, trials=TRIALS, seed=SEED)
    prior = _known(low, made, "event-probability", None)
    got = made.evaluate()
    words = "Randomised, MRD negative at the end of induction"
    return _kind(
        words, "Does it deepen the response?", made, simulated, got.n_by_arm["control"], assurance(made, prior, nodes=12, sizes=(1.0,))
    )


def _efs(plan: Plan) -> Kind:
    one = plan.without("scenario", "solve", "grid", "compare").to_data() | {"design": {"kind": "log-rank", "alpha": plan.design.alpha}}
    null = {"name": NULL, "arms": {plan.experimental: {"survival": plan.arms[plan.control].survival}}}
    made = plan_from_data(one | {"scenario": [null]})
    simulated = simulate(made, trials=TRIALS, seed=SEED)
    at = made.survival_at(made.trial.milestone)[made.control]
    prior = _known(at, made, "survival", made.trial.milestone)
    got = made.evaluate()
    assured = assurance(made, prior, nodes=12, sizes=(1.0,), years=YEARS)
    return _kind(
        "Randomised, EFS, one log-rank test", "Does it keep more infants well?", made, simulated, got.n_by_arm[made.control], assured
    )


def _platform(plan: Plan) -> Kind:
    own = plan.to_data()
    control, better = plan.arms[plan.control].survival, plan.arms[plan.experimental].survival
    arms: dict[str, Any] = {"control": {"survival": control}} | {name: {"survival": better} for name in PLATFORM_ARMS}
    arms[PLATFORM_ARMS[2]] = {"survival": better, "opens_after": PLATFORM_ARMS[0]}
    per_arm = round(own["accrual"]["rate"] * own["accrual"]["duration"] / 2)
    made = plan_from_data(
        {
            "trial": own["trial"] | {"name": "platform", "control": "control"},
            "accrual": own["accrual"] | {"duration": 4.0 * own["accrual"]["duration"]},
            "arms": arms,
            "design": {
                "kind": "platform",
                "alpha": plan.design.alpha,
                "patients_per_arm": per_arm,
                "follow_up": own["accrual"]["follow_up"],
            },
            "scenario": [{"name": NULL, "arms": {name: {"survival": control} for name in PLATFORM_ARMS}}],
        }
    )
    found = simulate_platform(made, trials=TRIALS // 2, seed=SEED)
    got: Any = made.evaluate()
    words = f"Platform: {', '.join(PLATFORM_ARMS)} around one control, the third after the first"
    controls = _mean_patients(found) - sum(a.patients.value for a in found.scenario("plan").arms)
    at = made.survival_at(made.trial.milestone)[made.control]
    assured = assurance(made, _known(at, made, "survival", made.trial.milestone), nodes=8, sizes=(1.0,))
    power, error = _mean_rate(found, "plan"), _mean_rate(found, NULL)
    return Kind(words, "Which of three, if any?", got, power, error, found.trail, controls, assured, _whole_platform(found))


def _whole_platform(found: PlatformCharacteristics) -> Parts:
    """What the platform says as a whole, and when its arms are open."""
    own, null, key = found.scenario("plan"), found.scenario(NULL), "trial.kind.platform"
    third = own.arm(PLATFORM_ARMS[2])
    assert third.opens is not None  # it opens in every trial of this plan
    return say(
        "The platform declares at least one of the three better in ", rate(own.any_rejection, f"{key}.any", found.trail),
        " of virtual trials if all work, and in ", rate(null.any_rejection, f"{key}.family-wise", found.trail), " if none does; the ",
        f"{PLATFORM_ARMS[2]} opens after ", mean(third.opens, f"{key}.third-opens", found.trail), " years in the mean and the last ",
        "decision falls after ", mean(own.duration, f"{key}.years", found.trail), " years.",
    )  # fmt: skip


def _mean_patients(found: PlatformCharacteristics) -> float:
    return found.scenario("plan").patients.value


def _mean_rate(found: PlatformCharacteristics, scenario: str) -> Rate:
    """The mean of the arms' rates; its error as if they were one (an upper bound: they share a control)."""
    arms = found.scenario(scenario).arms
    return Rate(value=sum(a.rejection.value for a in arms) / len(arms), se=max(a.rejection.se for a in arms))


def _kind(words: str, question: str, plan: Plan, found: OperatingCharacteristics, control: float, assured: Assurance | None) -> Kind:
    own, null = found.scenario("plan").rejection, found.scenario(NULL).rejection
    return Kind(words, question, plan.evaluate(), own, null, found.trail, control, assured)


def _listed(package: Package, registry: str) -> int:
    """The planned size a registry lists."""
    row = next(t for t in package.trials_ongoing if t.registry_id == registry)
    assert row.planned_n is not None  # both list one
    return int(row.planned_n)


def _known(mean: float, plan: Plan, parameter: str, time: float | None) -> PriorFile:
    """An assumed prior: the value as well known as from ``KNOWN_FROM`` infants."""
    made = beta_mixture([1.0], [mean * KNOWN_FROM], [(1.0 - mean) * KNOWN_FROM])
    assumed = Trail(method="assumed", assumptions=(f"as well known as from {KNOWN_FROM} infants",))
    return PriorFile(
        trail=assumed, parameter=parameter, scale="probability", names=(parameter,), endpoint=plan.trial.endpoint, time=time,
        time_origin=plan.trial.time_origin, arms=(), treatment_class="", backbone="", k=0, likelihood="assumed", model="", cuts=(),
        mixture=made, robust_weight=0.0, divergence=None, worth=(), summary={},
    )  # fmt: skip


def _row(kind: Kind) -> Row:
    key = f"trial.kind.{slug(kind.words.split(',')[0].split(':')[0])}-{slug(kind.question)}"
    r = kind.result
    assured: Parts = say("not computed")
    if kind.assured is not None:
        assured = say(number(kind.assured.assurance, "percent", name=f"{key}.assurance", trail=kind.assured.trail))
    return (
        say(kind.words, ". ", kind.question),
        number(round(r.n), "count", name=f"{key}.n", trail=r.trail),
        number(round(kind.randomised_to_control), "count", name=f"{key}.control", trail=r.trail),
        number(r.analysis_time, "years", name=f"{key}.years", trail=r.trail),
        rate(kind.power, f"{key}.power", kind.simulated),
        rate(kind.type1, f"{key}.type1", kind.simulated),
        assured,
    )


def _drift(one_arm: Any) -> Parts:
    """What the one-arm trial rejects when the control has changed and the treatment does nothing."""
    parts: list[Any] = ["If the treatment does nothing and today's control is better than Interfant-06 by "]
    rows = [row for row in one_arm.drift if row.change > 0.0]
    for i, row in enumerate(rows):
        name = f"trial.kind.one-arm.drift-{100 * row.change:.0f}"
        parts += [
            f"{', by ' if i else ''}{100 * row.change:.0f} points, ",
            number(row.rejection, "percent", name=name, trail=one_arm.trail),
            " of one-arm trials call it better",
        ]
    return say(*parts, ". The reference's own standard error is part of the test.")
