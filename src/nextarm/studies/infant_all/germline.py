"""Section 5: can KMT2A-germline infants have less? Their EFS, how well it is known, and whether a trial could show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from nextarm.core.errors import RefusedError
from nextarm.core.trail import LeftOut, RowRef, Trail
from nextarm.evidence import Outcome, Package, how_read
from nextarm.report import Block, DataTable, Heading, Note, Section, number, paragraph, say
from nextarm.report.charts import ForestRow, forest
from nextarm.report.document import Number, Parts, Row
from nextarm.studies.infant_all import germline_beside, germline_designs, germline_need
from nextarm.studies.infant_all.control_prior import History, control_prior, infants_number, prior_blocks, prior_number
from nextarm.studies.infant_all.evidence_rows import READ, fact_trail, row_trail
from nextarm.studies.infant_all.germline_trial import FEASIBLE, Control, Size, needed, randomised, shipped_plan
from nextarm.studies.infant_all.rebuilt import rebuilt_blocks
from nextarm.synthesis import PooledEstimate, PooledStudy, SelectedRows, StudyEstimate, pool, select_rows

POOL_SET, SUBTYPE = "frontline-kmt2a-g", "KMT2A-g"
#: EFS nearest to 5 years within 2 is pooled; the table also shows what remains within 1 year.
TIME, WINDOW, NEAR = 5.0, 2.0, 1.0
#: Whose interval is shown beside a cohort's EFS.
PRINTED = "printed interval; weighed by a standard error derived on the cloglog scale"
OURS = "interval on the cloglog scale, ours"
#: The margin of the lead, one of those of the tables.
LEAD_MARGIN = 0.10
#: Arms whose infants were chosen after treatment had begun, with the reason; pooled estimates are shown without them too.
SELECTED = {"aall0631-g": "holds only infants with MRD data, so those who came through induction"}


@dataclass(frozen=True)
class Outcomes:
    """EFS of the cohorts: pooled by the rule, without selected arms, near 5 years only, and the largest cohort by itself."""

    chosen: SelectedRows | None
    pooled: PooledEstimate | None
    unselected: PooledEstimate | None
    near: PooledEstimate | None
    largest: PooledStudy | None


def outcomes_of(package: Package) -> Outcomes:
    """Select and pool the EFS rows of this section; fields are None where there is nothing to select or pool."""
    chosen, near = _select(package, WINDOW), _select(package, NEAR)
    if chosen is None or near is None:
        return Outcomes(None, None, None, None, None)
    pooled = _pool(chosen.studies, chosen.trail())
    kept = [s for s in chosen.studies if _row_of(package, s.row).arm_id not in SELECTED]
    out = [LeftOut(s.row, SELECTED[_row_of(package, s.row).arm_id]) for s in chosen.studies if s.row and s not in kept]
    base = chosen.trail()
    return Outcomes(
        chosen=chosen,
        pooled=pooled,
        unselected=_pool(kept, replace(base, left_out=(*base.left_out, *out))),
        near=_pool(near.studies, near.trail()),
        largest=max(pooled.studies, key=lambda s: s.n or 0) if pooled else None,
    )


def _select(package: Package, window: float) -> SelectedRows | None:
    arms = {a.arm_id for a in package.arms if a.pool_set == POOL_SET}
    if not any(o.arm_id in arms and o.endpoint == "EFS" for o in package.outcomes):
        return None
    return select_rows(package, pool_set=POOL_SET, endpoint="EFS", time=TIME, window=window)


def _pool(studies: Iterable[StudyEstimate], base: Trail) -> PooledEstimate | None:
    try:
        return pool(studies, base=base)
    except RefusedError:
        return None


def _row_of(package: Package, ref: RowRef | None) -> Outcome:
    """The outcome row that ``ref`` names."""
    assert ref is not None  # rows chosen from a package carry their place in it
    return next(o for o in package.outcomes if (package.ref(o).table, package.ref(o).line) == (ref.table, ref.line))


def controls(found: Outcomes, package: Package) -> tuple[Control, ...]:
    """What the backbone may achieve: the pooled EFS and, where it is another number, the largest cohort's own."""
    if found.pooled is None or found.largest is None:
        return ()
    pooled, largest = found.pooled, found.largest
    made = [Control("pooled", "as pooled", pooled.estimate, germline_need.natural_se(pooled.estimate, pooled.mu_se), pooled.trail)]
    if pooled.k > 1:
        se = germline_need.natural_se(largest.estimate, largest.se)
        trail = fact_trail(package, _row_of(package, largest.row))
        made.append(Control("largest", f"as in {largest.label}", largest.estimate, se, trail))
    return tuple(made)


def section(package: Package) -> Section:
    """Write the section from the rows of ``package``."""
    found, plan = outcomes_of(package), shipped_plan()
    options = controls(found, package)
    sizes = [randomised(plan, c, margin=LEAD_MARGIN) for c in options]
    own = (_efs_of(found.largest, package), _named(found.largest)) if found.largest else None
    return Section(
        id="germline",
        title="Can KMT2A-germline infants have less?",
        lead=lead(found, sizes, package, rate=plan.accrual.rate or 0.0),
        blocks=(
            *_pooled(found, package),
            *_rebuilt(found, package),
            *germline_beside.blocks(package, efs=own, pool_set=POOL_SET, subtype=SUBTYPE, margin=LEAD_MARGIN),
            *_backbone(found),
            *germline_need.blocks(plan, options, package),
            *germline_designs.blocks(plan, options, package),
        ),
    )


def _rebuilt(found: Outcomes, package: Package) -> list[Block]:
    """The curve of the largest cohort as its printed value allows."""
    if found.largest is None:
        return []
    row = _row_of(package, found.largest.row)
    title = f"EFS of {found.largest.label}, rebuilt from its printed value"
    return rebuilt_blocks(package, row, name="germline.rebuilt", title=title)


def histories(found: Outcomes) -> list[History]:
    """What the EFS of full treatment may be predicted from: all cohorts, without selected arms, and the largest alone."""
    if found.chosen is None or found.pooled is None or found.largest is None:
        return []
    own = {s.label: s for s in found.chosen.studies}
    base = found.chosen.trail()
    made = [History("all", f"all {found.pooled.k} cohorts", tuple(own[s.label] for s in found.pooled.studies), base)]
    if found.unselected is not None and found.unselected.k < found.pooled.k:
        kept = tuple(own[s.label] for s in found.unselected.studies)
        made.append(History("unselected", "cohorts not selected after induction", kept, found.unselected.trail))
    if found.pooled.k > 1:
        made.append(History("largest", f"{found.largest.label} alone, one study", (own[found.largest.label],), base))
    return made


def _backbone(found: Outcomes) -> list[Block]:
    """The predictive prior of EFS under full treatment, the control of a trial of less."""
    options = histories(found)
    first = control_prior(options[0]) if options else None
    if first is None or found.pooled is None:
        return []
    name = "germline.control"
    return [
        Heading("What the control arm of such a trial may do"),
        paragraph(
            "Full treatment is the control of a trial of less. From the cohorts that had it, the EFS of the next such arm is predicted as ",
            prior_number(first, name=f"{name}.all.tau30"), ", worth ", infants_number(first, name=f"{name}.all.tau30.ess"), " infants, or ",
            infants_number(first, name=f"{name}.all.tau30.ess-robust", robust=True), " when made robust. These cohorts were treated "
            "in other years "
            "and under other protocols: whatever of them enters a trial's control is a historical control.",
        ),
        *prior_blocks(
            options,
            name=name,
            title="Predictive prior of EFS under full treatment for the next control arm",
            what=f"EFS at {_span(found.pooled)}",
        ),
    ]  # fmt: skip


def lead(found: Outcomes, sizes: Sequence[Size], package: Package, *, rate: float) -> Parts:
    """Say in one sentence what is known of their EFS, how well, and whether a trial could show that less is enough."""
    tested = [c for c in package.comparisons if c.design == "randomised" and package.arm(c.treated_arm_id).subtype == SUBTYPE]
    start = say("Not known")
    if tested:
        trail = Trail("counted over comparisons.csv", rows=tuple(package.ref(c) for c in tested))
        count = number(len(tested), "count", name="germline.compared", trail=trail)
        start = say("Compared at random in these infants so far: ", count, " time(s), listed in section 2")
    if found.pooled is None or found.largest is None or not sizes:
        return say(start, ": the EFS of no cohort can be pooled, so no trial can be sized either.")
    pooled, largest = found.pooled, found.largest
    own = _efs_of(largest, package)
    if pooled.k == 1:
        known = say(own, f" at {largest.time:g} years in the only cohort that can be used, {largest.label}")
    else:
        efs = number(pooled.estimate, "percent", name="germline.pooled", trail=pooled.trail, interval=pooled.ci)
        k = number(pooled.k, "count", name="germline.k", trail=pooled.trail)
        known = say(
            efs, " pooled over ", k, f" cohorts read at {_span(pooled)}, but ", own, f" at {largest.time:g} years in the largest, ",
            largest.label,
        )  # fmt: skip
    said = [say("; " if i else "", *_need(s), f" with EFS {s.control.words}" if len(sizes) > 1 else "") for i, s in enumerate(sizes)]
    return say(start, *_reach(sizes, rate), ": EFS is ", known, ", and to rule out that loss at 5 years takes ", *said, ".")


def _reach(sizes: Sequence[Size], rate: float) -> Parts:
    """Whether the randomised trial fits into the years a group would plan for, under every control, some or none."""
    fits = [s.result is not None and s.result.accrual_duration <= FEASIBLE for s in sizes]
    limit = number(FEASIBLE, "years(0)", name="germline.lead.feasible", trail=germline_need.feasible_trail())
    at = say(" of accrual at ", number(rate, "per-year", name="germline.feasible.rate", trail=germline_need.plan_trail("accrual.rate")))
    margin = number(LEAD_MARGIN, "points(0)", name="germline.lead.margin", trail=germline_need.margin_trail())
    shown = say("rule out a loss of ", margin, " within ", limit, at)
    if all(fits):
        return say(", but a randomised trial could ", shown)
    if any(fits):
        return say(", and whether a randomised trial could ", shown, " hangs on the EFS of full treatment")
    return say(", and no randomised trial could ", shown)


def _need(size: Size) -> Parts:
    key = f"germline.lead.{size.control.key}"
    if size.result is None:
        return say("more infants than could ever be entered")
    n = number(needed(size), "count", name=f"{key}.n", trail=size.trail)
    years = number(size.result.accrual_duration, "years(0)", name=f"{key}.years", trail=size.trail)
    return say(n, " infants and ", years, " of accrual")


def _efs_of(study: PooledStudy, package: Package) -> Number:
    row = _row_of(package, study.row)
    trail, interval = fact_trail(package, row, _method(row, package)), germline_beside.printed_interval(row) or study.ci
    return number(study.estimate, "percent", name="germline.largest", trail=trail, interval=interval)


def _method(row: Outcome, package: Package) -> str:
    """How a cohort's EFS was read, and whose interval is shown beside it."""
    return f"{how_read(package.ref(row), READ)}; {OURS if germline_beside.printed_interval(row) is None else PRINTED}"


def _named(study: PooledStudy) -> str:
    return f"EFS at {study.time:g} years, {study.label}"


def _span(pooled: PooledEstimate) -> str:
    times = sorted(s.time for s in pooled.studies if s.time is not None)
    return f"{times[0]:g} years" if times[0] == times[-1] else f"{times[0]:g} to {times[-1]:g} years"


def _pooled(found: Outcomes, package: Package) -> list[Block]:
    pooled, chosen = found.pooled, found.chosen
    if pooled is None or chosen is None:
        return [paragraph("No EFS of a frontline cohort can be pooled.")]
    rows = [_study_row(s, package) for s in sorted(pooled.studies, key=lambda s: -(s.n or 0))]
    rows.append(ForestRow(label="Pooled", estimate=pooled.estimate, low=pooled.ci.low, high=pooled.ci.high, kind="pooled"))
    if pooled.prediction:
        low, high = pooled.prediction.low, pooled.prediction.high
        rows.append(ForestRow(label="Next cohort", estimate=None, low=low, high=high, kind="prediction"))
    rows += [_left_row(left, package) for left in chosen.left_out]
    chart = forest(
        rows,
        id="germline-forest",
        title="EFS of frontline cohorts with KMT2A-germline ALL",
        axis=f"EFS from diagnosis at {_span(pooled)}",
        trail=pooled.trail,
        caption=say(
            f"Rows of pool set {POOL_SET} from diagnosis, the one nearest to {TIME:g} years within {WINDOW:g}. Random effects on the "
            "complementary log-log scale, REML, Hartung-Knapp interval with the ad hoc correction. Faint rows are shown and not pooled, "
            "each with its reason. Intervals of cohorts are ours, on that scale, unless the row says that its interval is printed."
        ),
        note_title="What stands behind it",
    )
    names = [package.study_of(arm.arm_id).name for arm in package.arms if arm.arm_id in SELECTED]
    without = f"Without arms selected after induction ({', '.join(names) or 'none here'})"
    within = f"Read within {NEAR:g} year of {TIME:g} only" if NEAR == 1 else f"Read within {NEAR:g} years of {TIME:g} only"
    table = DataTable(
        caption="Pooled EFS, by which rows enter",
        columns=("Rows used", "Cohorts", "EFS"),
        rows=(
            _pooled_row(f"All, read within {WINDOW:g} years of {TIME:g}", "all", pooled),
            _pooled_row(without, "unselected", found.unselected),
            _pooled_row(within, "near", found.near),
        ),
        sortable=False,
        narrow="stack",
    )
    return [chart, table, *_weight(found)]


def _study_row(study: PooledStudy, package: Package) -> ForestRow:
    row = _row_of(package, study.row)
    printed = germline_beside.printed_interval(row)
    ci = printed or study.ci
    basis = PRINTED if printed else "" if study.se_basis == "printed" else study.se_basis
    parts = [f"n {study.n}" if study.n else "", f"{study.time:g} years" if study.time else "", basis]
    return ForestRow(
        label=study.label, estimate=study.estimate, low=ci.low, high=ci.high, weight=study.weight, marks=study.marks,
        note=", ".join(filter(None, parts)), trail=row_trail(package, study.row, _method(row, package)),
    )  # fmt: skip


def _left_row(left: LeftOut, package: Package) -> ForestRow:
    row = _row_of(package, left.row)
    name = package.study_of(row.arm_id).name
    return ForestRow(
        label=f"{name}, {row.time_years:g} years" if row.time_years else name,
        estimate=row.estimate,
        kind="left-out",
        note=left.reason.split(":")[0] if left.reason.startswith("conflict") else left.reason,
        marks=left.row.marks,
        trail=row_trail(package, left.row, "shown, not pooled"),
    )


def _pooled_row(name: str, key: str, pooled: PooledEstimate | None) -> Row:
    if pooled is None:
        return (name, "0", "cannot be pooled")
    return (
        name,
        number(pooled.k, "count", name=f"germline.pool.{key}.k", trail=pooled.trail),
        number(pooled.estimate, "percent", name=f"germline.pool.{key}", trail=pooled.trail, interval=pooled.ci),
    )


def _weight(found: Outcomes) -> list[Block]:
    """Say how far the pooled value lies from the largest cohort, which holds most of the infants but not of the weight."""
    pooled, largest = found.pooled, found.largest
    if pooled is None or largest is None or pooled.k < 2:
        return []
    total = sum(s.n or 0 for s in pooled.studies)
    gap = number(pooled.estimate - largest.estimate, "signed-points", name="germline.gap", trail=pooled.trail)
    weight = number(largest.weight, "percent", name="germline.weight", trail=pooled.trail)
    share = number((largest.n or 0) / total, "percent", name="germline.share", trail=pooled.trail) if total else None
    held = say(" holds ", share, " of the infants and has ") if share else say(" has ")
    return [
        Note(
            "caution",
            say(
                "The pooled EFS is not that of most infants: ", largest.label, held, weight, " of the weight, and the pooled value differs "
                "from its own by ", gap, ". The cohorts read at different times, and few of them hold many infants; where less treatment "
                "is weighed, the largest cohort's own number must be borne in mind.",
            ),
        )
    ]  # fmt: skip
