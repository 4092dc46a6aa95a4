"""The sections of the report on a study of one's own. Each takes the study and gives its sections; what is refused is told, not hidden."""

from __future__ import annotations

from functools import partial
from typing import Any

from nextarm.borrowing import compare_arms, make_prior, sensitivity_array
from nextarm.core.errors import CallError, DataError, NextarmError, RefusedError
from nextarm.core.trail import Trail
from nextarm.designs.design import DesignResult
from nextarm.designs.plan import Plan, load_plan
from nextarm.patients.from_figure import reconstruct
from nextarm.patients.traced import ENDINGS, arm_tones, reading_grade, saved_curve
from nextarm.report import Block, Code, Heading, Note, Section, number, paragraph, say, slug
from nextarm.report.against import Group, GroupsQuestion, answer
from nextarm.report.borrowed import comparison_sections, prior_sections
from nextarm.report.designed import characteristics_of
from nextarm.report.evidence_blocks import facts, timeline
from nextarm.report.pooled import PoolQuestion, pooled_sections
from nextarm.report.rebuilt import checks_section, rebuilt_section, survival_section
from nextarm.report.simulated import report_of_plan
from nextarm.report.under import under, with_inputs
from nextarm.simulation.compare import designs_by_name, simulate_designs
from nextarm.simulation.run import simulate_any
from nextarm.simulation.true_error import evaluate
from nextarm.studies.own.asked import FILE, ComparisonAsked, CurveAsked, GroupAsked, PoolAsked, PriorAsked
from nextarm.studies.own.study import CURVES, OwnStudy, joined
from nextarm.survival import kaplan_meier
from nextarm.survival.fit import fit_model

#: Largest number of questions that rows suggest by themselves.
SUGGESTED = 6


def evidence(study: OwnStudy) -> tuple[Section, ...]:
    """The rows of the study itself, each with its source, and when its studies enrolled."""
    blocks: list[Block] = []
    trail = Trail("counted over the tables of the study", inputs=(f"package {study.package.name}",))
    counted = []
    for table in ("outcomes", "counts"):
        found = study.own(table)
        counted.append(0 if found is None else len(found.cells))
        if found is not None:
            blocks.append(facts(study.package, found, most=5_000))
    own_studies = [s.study_id for s in study.package.studies if s.package == study.package.name]
    blocks += timeline(study.package, own_studies) if own_studies else []
    if not blocks:
        return (_nothing("evidence", "What was published", "no rows of its own yet", "On the Evidence screen: Add a row"),)
    lead = say(
        "The study adds ",
        number(counted[0], "count", name="evidence.outcomes", trail=trail),
        f" published outcome{'s' if counted[0] != 1 else ''} and ",
        number(counted[1], "count", name="evidence.counts", trail=trail),
        f" count{'s' if counted[1] != 1 else ''} of its own",
        f" to those of {' and '.join(study.package.extends)}." if study.package.extends else ".",
    )
    return (Section("evidence", "What was published", lead, tuple(blocks)),)


def suggested_pools(study: OwnStudy) -> tuple[PoolAsked, ...]:
    """The questions that the study's own rows suggest: their pool set, end point and time."""
    found: dict[tuple[str, str, float], None] = {}
    for row in study.package.outcomes:
        pool_set = study.package.arm(row.arm_id).pool_set
        if row.package == study.package.name and pool_set and row.time_years and row.endpoint in ("EFS", "OS", "DFS", "RFS"):
            found.setdefault((pool_set, row.endpoint, float(row.time_years)))
    return tuple(PoolAsked(pool_set=s, endpoint=e, time=t, window=1.0) for s, e, t in found)[:SUGGESTED]


def synthesis(study: OwnStudy) -> tuple[Section, ...]:
    """One section a question: forest, each cohort, trend, competing events, findings."""
    asked = study.asked.pool or suggested_pools(study)
    if not asked:
        return (_nothing("synthesis", "What studies say together", "no question yet", "On the Synthesis screen: Keep in the report"),)
    return tuple(_pool(study, i, question) for i, question in enumerate(asked, start=1))


def _pool(study: OwnStudy, place: int, asked: PoolAsked) -> Section:
    question = PoolQuestion(**asked.model_dump())
    title = f"What {asked.pool_set} says together: {question.words}"
    try:
        return under(f"pool-{place}", joined("synthesis", title, pooled_sections(study.package, question)))
    except (RefusedError, CallError) as refusal:
        return _refused(f"pool-{place}-synthesis", title, refusal)


def patients(study: OwnStudy) -> tuple[Section, ...]:
    """One section a curve: the patients rebuilt from it, checks, Kaplan-Meier and models."""
    curves = study.curves()
    if not curves:
        return (_nothing("patients", "Patients behind published curves", "no curves yet", "On the Figure or the Patients screen"),)
    return tuple(_curve(study, name, asked) for name, asked in curves)


def _curve(study: OwnStudy, name: str, asked: CurveAsked | None) -> Section:
    title = f"Patients behind the curve {name}"
    try:
        if asked is None:
            cure = f"Write it in {FILE}: [[curve]] with name and unit, or open the curve on the Patients screen and keep it"
            raise CallError(f"the curve {name}", rule="does not say the unit of its times", cure=cure)
        place = study.folder / CURVES / f"{name}{ENDINGS['curve']}"
        made = reconstruct(place, unit=asked.unit, seed=1, **({"n": asked.n} if asked.n else {}))
        tones = arm_tones(saved_curve(place))
        fit_of = partial(_fit, made.patients)
        end = float(made.patients.time.max())
        times = tuple(t for t in (1.0, 2.0, 3.0, 5.0) if t <= end) or (end,)
        sections = [rebuilt_section(made, tones=tones, grade=reading_grade(saved_curve(place))), checks_section(made)]
        sections += [
            survival_section(
                fit_of, made.patients, arm, models=asked.models, times=times, convention=told.at_risk_convention, tone=tones.get(arm)
            )
            for arm, told in zip(made.patients.arms, made.arms, strict=True)
        ]
        section = with_inputs(joined("patients", title, sections), lambda path: path.replace(f"{study.folder}/", ""))
        return under(slug(f"curve-{name}"), section)
    except (NextarmError, OSError, ValueError) as refusal:
        return _refused(f"{slug(f'curve-{name}')}-patients", title, refusal)


def _fit(patients: Any, model: str, arm: str | None) -> Any:
    return kaplan_meier(patients, arm=arm) if model == "kaplan-meier" else fit_model(patients, model=model, arm=arm)


def priors(study: OwnStudy) -> tuple[Section, ...]:
    """One section a prior: its density and worth, and the comparison with a historical control."""
    if not study.asked.prior:
        return (_nothing("priors", "What earlier patients may lend", "no prior yet", "On the Borrowing screen: Keep in the report"),)
    return tuple(_prior(study, i, asked) for i, asked in enumerate(study.asked.prior, start=1))


def _prior(study: OwnStudy, place: int, asked: PriorAsked) -> Section:
    title = f"A prior from {', '.join(asked.arms)}: {asked.endpoint} at {asked.time:g} years"
    shared: Any = {"endpoint": asked.endpoint, "time": asked.time, "package": study.package, "assume_origin": asked.assume_origin}
    try:
        found = make_prior(None, arms=asked.arms, tau=asked.tau, tau_scale=asked.tau_scale, **shared)
        sections = list(prior_sections(found, share=asked.robust))
        if asked.control:
            options = {key: value for key, value in shared.items() if key != "package"}
            compared = compare_arms(study.package, treated=asked.arms[0], control=asked.control, **options)
            sections += comparison_sections(compared, sensitivity_array(compared) if compared.log_ratio is not None else None)
        return under(f"prior-{place}", joined("borrowing", title, sections))
    except (RefusedError, CallError, DataError) as refusal:
        return _refused(f"prior-{place}-borrowing", title, refusal)


def comparisons(study: OwnStudy) -> tuple[Section, ...]:
    """One section a comparison of patients with patients: both curves, every effect, weights, what biases would undo it."""
    if not study.asked.comparison:
        where = "On the Borrowing screen, Patients against patients: Keep in the report"
        return (_nothing("comparisons", "Patients against patients", "no comparison yet", where),)
    return tuple(_comparison(study, i, asked) for i, asked in enumerate(study.asked.comparison, start=1))


def _comparison(study: OwnStudy, place: int, asked: ComparisonAsked) -> Section:
    treated, control = map(_group, (asked.treated, asked.control))
    question = GroupsQuestion(
        treated, control, asked.endpoint, tuple(sorted(set(asked.times))), asked.drift, asked.cure, asked.assume_origin, asked.adjust
    )
    kind = "two arms of one source" if question.one_curve else "a comparison with a historical control, not randomised"
    title = f"{question.words}, {kind}"
    try:
        sources = (study.source(asked.treated), study.source(asked.control))
        return under(f"comparison-{place}", joined("borrowing", title, answer(question, sources, package=study.package)))
    except NextarmError as refusal:
        return _refused(f"comparison-{place}-borrowing", title, refusal)


def _group(asked: GroupAsked) -> Group:
    name, given = (asked.curve, False) if asked.curve is not None else (str(asked.patients), True)
    return Group(name, given, asked.arm, asked.unit, asked.n, asked.origin, asked.landmark)


def designs(study: OwnStudy) -> tuple[Section, ...]:
    """One section a plan: what its design can do, virtual trials of it, the plan itself."""
    if not study.plans():
        return (_nothing("designs", "Trials that could be", "no plan yet", "On the Design screen: Save the plan"),)
    return tuple(_design(study, name) for name in study.plans())


def _design(study: OwnStudy, name: str) -> Section:
    stem = slug(f"plan-{name.removesuffix('.toml')}")
    try:
        plan = load_plan(study.folder / name)
    except NextarmError as refusal:
        return _refused(f"{stem}-design", f"The plan {name}", refusal)
    first, *others = designs_by_name([plan]).items()
    sections = [characteristics_of({first[0]: _formula(plan), **{name: _formula(made) for name, made in others}})]
    try:
        sections += _virtual(study, plan)
    except NextarmError as refusal:
        sections.append(_refused("no-trials", "Virtual trials", refusal))
    if not any(s.id == "plans" for s in sections):
        sections.append(Section("plans", "What was assumed?", (), (Code(plan.to_toml(), caption=name),)))
    return under(stem, joined("design", f"The trial {plan.trial.name} ({name})", sections))


def _formula(plan: Plan) -> DesignResult | NextarmError:
    try:
        return evaluate(plan)
    except NextarmError as refusal:
        return refusal


def _virtual(study: OwnStudy, plan: Plan) -> tuple[Section, ...]:
    plans = designs_by_name([plan])
    options: Any = {"trials": study.asked.trials, "seed": study.asked.seed}
    found = simulate_designs(plans, **options) if len(plans) > 1 else simulate_any(plan, **options)
    return report_of_plan(found, plan).sections


def methods(study: OwnStudy) -> tuple[Section, ...]:
    """What the report was made from, and what it does not say."""
    named = {study.package.ref(row).source_id for name, table in study.package.tables() if name != "sources" for row in table} - {""}
    trail = Trail("counted over the tables of the study", inputs=(f"package {study.package.name}",))
    extends = f", which extends {', '.join(study.package.extends)}" if study.package.extends else ""
    lead = say(
        f"Made from the study {study.package.name}{extends}; its tables name ",
        number(len(named), "count", name="methods.sources", trail=trail),
        " sources.",
    )
    blocks: list[Block] = [
        paragraph(
            "Every number opens its trail: method, rows, sources, assumptions, version. Survival at time 0 is 1, time is in years, "
            "alpha is one-sided; simulated rates carry their Monte-Carlo standard error."
        ),
        Note("caution", say("A comparison with a historical control is not randomised and can be wrong in ways no interval shows.")),
        Heading("What was asked"),
        Code(study.asked.to_toml().strip() or "# nothing: the study's own rows, curves and plans decide", caption=FILE),
    ]
    return (Section("methods", "Methods and limits", lead, tuple(blocks)),)


def _nothing(id: str, title: str, what: str, where: str) -> Section:
    return Section(id, title, say(f"There is {what}."), (Note("information", say(f"{where}.")),))


def _refused(id: str, title: str, refusal: Exception) -> Section:
    return Section(id, title, say("This could not be made."), (Note("caution", say(str(refusal))),))
