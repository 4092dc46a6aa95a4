"""The prior of a new arm from a user's file or from arms of the evidence, by any likelihood: what the verb ``prior`` calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from nextarm.borrowing.backbone import require_backbone
from nextarm.borrowing.covariate_prior import map_prior_counts_covariates, map_prior_covariates
from nextarm.borrowing.cure_prior import CurePrior, map_prior_cure
from nextarm.borrowing.information import PROBABILITY, SURVIVAL
from nextarm.borrowing.map_prior import RATE_MEAN, MapPrior, map_prior, map_prior_poisson
from nextarm.borrowing.piecewise_prior import PiecewisePrior, map_prior_piecewise
from nextarm.borrowing.prior_file import PriorFile, prior_file
from nextarm.borrowing.read_history import read_cures, read_exposure, source_name
from nextarm.borrowing.remission import EfsPrior, InductionTerm, efs_from_dfs, induction_of_text
from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.core.trail import LeftOut, RowRef, Trail
from nextarm.evidence import Package
from nextarm.synthesis import TauPrior, half_cauchy, half_normal, uniform
from nextarm.synthesis.arms import studies_of_arms
from nextarm.synthesis.estimates import FROM_COUNTS, StudyEstimate, scale_all
from nextarm.synthesis.read import read_studies
from nextarm.synthesis.select import leave_out, select_rows

LIKELIHOODS = ("binomial", "normal", "poisson", "exponential", "piecewise-exponential", "mixture-cure")
TAUS: dict[str, Callable[[float], TauPrior]] = {"half-normal": half_normal, "half-cauchy": half_cauchy, "uniform": uniform}
#: Survivals among the end points; the others are cumulative incidences.
SURVIVALS = ("EFS", "OS", "DFS", "RFS")
#: The covariate year counts in decades, as in the verb pool.
DECADE = 10.0
AnyPrior = MapPrior | EfsPrior | CurePrior | PiecewisePrior


@dataclass(frozen=True)
class PriorOptions:
    """What a user may choose; see the verb ``prior``."""

    likelihood: str | None = None
    measure: str = "cloglog"
    tau: str = "half-normal"
    tau_scale: float | None = None
    mean_prior: tuple[float, float] | None = None
    new: Mapping[str, float] | None = None
    slope_sd: float | None = None
    tau_by: Mapping[str, float] | None = None
    stratum: str = ""
    cuts: tuple[float, ...] = ()
    shared_tau: bool = False
    latency: str = "common"
    latency_model: str = "weibull"
    level: float = 0.95
    percent: bool = False
    unit: str = "years"
    seed: int = 0


@dataclass(frozen=True)
class MadePrior:
    """A prior with what is known of the thing it is a prior of."""

    prior: AnyPrior
    parameter: str = ""
    endpoint: str = ""
    time: float | None = None
    time_origin: str = "not-stated"
    arms: tuple[str, ...] = ()
    treatment_class: str = ""
    backbone: str = ""


def tau_prior(name: str, scale: float | None, default: float) -> TauPrior:
    """The prior of tau by its name; :class:`CallError` for an unknown one."""
    if name not in TAUS:
        raise CallError(f"tau = {name!r}", rule=f"must be one of {', '.join(TAUS)}")
    if scale is not None and not (math.isfinite(scale) and scale > 0.0):
        raise CallError(f"tau_scale = {scale}", rule="must be above 0")
    return TAUS[name](default if scale is None else scale)


def make_prior(
    data: Any = None,
    *,
    package: Package,
    arms: Iterable[str] = (),
    endpoint: str | None = None,
    time: float | None = None,
    time_origin: str = "not-stated",
    parameter: str = "",
    backbone: str = "",
    assume_origin: bool = False,
    no_remission: str = "",
    remission_at: float | None = None,
    robust: float = 0.0,
    horizon: float | None = None,
    pool_set: str = "",
    window: float = 0.0,
    without: Iterable[str] = (),
    **options: Any,
) -> PriorFile:
    """The prior from ``data`` or from ``arms`` of ``package``, written down with what it is a prior of.

    ``options`` are the fields of :class:`PriorOptions`: ``likelihood`` is ``binomial`` (counts, exact; the default of files),
    ``normal`` (estimates with their precision on the scale ``measure``; the default of arms), ``poisson`` or ``exponential``
    (events in years), ``piecewise-exponential`` (with ``cuts``), ``mixture-cure`` (patients, one arm a study). ``tau`` and ``tau_scale``
    are the prior of the between-study sd; ``tau_by`` gives a scale for each group of studies and ``stratum`` the group of the
    next study (differential discounting); ``new`` the covariates of the next study. ``backbone`` names an agent every arm must
    have had. ``no_remission`` ("20/297" or an arm with counts of remission) and ``remission_at`` (years) turn DFS into EFS from
    diagnosis. ``robust`` is the weight of a vague component, ``horizon`` the years a new patient is followed. ``pool_set``
    takes the rows that :func:`nextarm.synthesis.select_rows` would pool within ``window`` years of ``time``, but for the arms
    ``without``.
    """
    if unknown := sorted(set(options) - {f.name for f in fields(PriorOptions)}):
        raise CallError(f"option {unknown[0]!r}", rule=f"must be one of {', '.join(f.name for f in fields(PriorOptions))}")
    values: dict[str, Any] = {**options, "cuts": tuple(options.get("cuts", ()))}
    named, chosen, without = tuple(arms), PriorOptions(**values), tuple(without)
    if pool_set and (data is not None or named or backbone or no_remission):
        raise CallError("a pool set with other history", rule="its rows are the history", cure="Give the pool set, or arms, or a file")
    if not pool_set and (window or without):
        raise CallError("window, without", rule="belong to a pool set", cure="Give --pool-set")
    term = induction_of_text(no_remission, remission_at, lambda: package)
    if data is not None:
        if named or backbone:
            raise CallError("both data and arms of the evidence were given", rule="give one of the two")
        made = prior_of_file(
            data, options=chosen, parameter=parameter, endpoint=endpoint or "", time=time, time_origin=time_origin, induction=term,
            assume_origin=assume_origin,
        )  # fmt: skip
    elif pool_set and endpoint and time is not None:
        made = prior_of_pool(
            package, pool_set, endpoint=endpoint, time=time, window=window, without=without, options=chosen, assume_origin=assume_origin
        )
    elif named and endpoint and time is not None:
        made = prior_of_arms(
            package, named, endpoint=endpoint, time=time, options=chosen, backbone=backbone, assume_origin=assume_origin, induction=term
        )
    else:
        raise CallError("no history", rule="give a file of studies, or --arms or --pool-set with --endpoint and --time")
    return prior_file(
        made.prior, parameter=parameter or made.parameter, endpoint=made.endpoint, time=made.time, time_origin=made.time_origin,
        arms=made.arms, treatment_class=made.treatment_class, backbone=made.backbone, robust=robust, horizon=horizon,
    )  # fmt: skip


def prior_of_arms(
    package: Package,
    arms: Iterable[str],
    *,
    endpoint: str,
    time: float,
    options: PriorOptions,
    backbone: str = "",
    assume_origin: bool = False,
    induction: InductionTerm | None = None,
) -> MadePrior:
    """The prior from the rows of ``arms`` that report ``endpoint`` at ``time``; with ``induction`` DFS becomes EFS from diagnosis.

    Raises :class:`DataError` for an arm without the ``backbone``, :class:`RefusedError` for mixed treatment, shared patients or
    different time origins.
    """
    names = tuple(dict.fromkeys(arms))
    if backbone:
        require_backbone(package, names, backbone)
    if options.likelihood not in (None, "binomial", "normal"):
        raise CallError(f"likelihood = {options.likelihood!r}", rule="must be binomial or normal for printed survival", cure="Give a file")
    if induction is not None and endpoint not in ("DFS", "RFS"):
        raise CallError(f"endpoint = {endpoint!r}", rule="the term for induction turns DFS into EFS", cure="Use --endpoint DFS")
    studies, base = studies_of_arms(package, names, endpoint=endpoint, time=time)
    origins = {row.time_origin for name in names for row in package.outcomes if row.arm_id == name and row.endpoint == endpoint}
    stated = origins - {"not-stated"}
    origin = stated.pop() if len(stated) == 1 and len(origins) == 1 else "not-stated"
    if options.tau_by or options.new:
        raise CallError(
            "covariates or strata", rule="belong to a file of studies", cure="Write the studies to a CSV file with a group column"
        )
    chosen = options.likelihood or "normal"
    scale = tau_prior(options.tau, options.tau_scale, 1.0 if chosen == "binomial" else 0.5)
    made: MapPrior | EfsPrior = map_prior(
        studies,
        likelihood=chosen,
        measure=_measure(endpoint, options),
        tau=scale,
        mean_prior=options.mean_prior,
        level=options.level,
        base=base,
    )
    treatment = "; ".join(sorted({package.arm(n).treatment_class for n in names}))
    kind = SURVIVAL if endpoint in SURVIVALS else PROBABILITY
    if induction is not None:
        assert isinstance(made, MapPrior)
        made = efs_from_dfs(made, induction, time=time, time_origin=origin, assume_origin=assume_origin, level=options.level)
        return MadePrior(made, SURVIVAL, "EFS", made.time, "diagnosis", names, treatment, backbone)
    return MadePrior(made, kind, endpoint, time, origin, names, treatment, backbone)


def prior_of_pool(
    package: Package,
    pool_set: str,
    *,
    endpoint: str,
    time: float,
    window: float = 0.0,
    without: Iterable[str] = (),
    options: PriorOptions,
    assume_origin: bool = False,
) -> MadePrior:
    """The prior of a further cohort, from the rows of ``pool_set`` that pooling would take, but for the arms ``without``.

    Raises :class:`RefusedError` with the reasons where no row is left.
    """
    if options.likelihood not in (None, "normal") or options.tau_by or options.new:
        raise CallError("likelihood, covariates or strata", rule="of a pool set: normal, without covariates", cure="Give a file of studies")
    found = select_rows(package, pool_set=pool_set, endpoint=endpoint, time=time, window=window, assume_origin=assume_origin)
    found = leave_out(found, package, without)
    if not found.studies:
        reasons = "; ".join(f"{o.row.key}: {o.reason}" for o in found.left_out[:8])
        raise RefusedError(f"no {endpoint} row of {pool_set} makes a prior at {time:g} years", rule=reasons, cure="Widen --window")
    at = {(s.row.table, s.row.line) for s in found.studies if s.row is not None}
    rows = [o for o in package.outcomes if (package.ref(o).table, o.line) in at]
    origins, names = {o.time_origin for o in rows}, tuple(dict.fromkeys(o.arm_id for o in rows))
    made = map_prior(
        found.studies, likelihood="normal", measure=_measure(endpoint, options), tau=tau_prior(options.tau, options.tau_scale, 0.5),
        mean_prior=options.mean_prior, level=options.level, base=found.trail(),
    )  # fmt: skip
    treatment = "; ".join(sorted({package.arm(n).treatment_class for n in names}))
    origin = origins.pop() if len(origins) == 1 else "not-stated"
    return MadePrior(made, SURVIVAL if endpoint in SURVIVALS else PROBABILITY, endpoint, time, origin, names, treatment)


def _measure(endpoint: str, options: PriorOptions) -> str:
    """The complementary log-log scale is that of a survival; an incidence near 0 would have a pole there."""
    return "logit" if endpoint not in SURVIVALS and options.measure == "cloglog" else options.measure


def prior_of_file(
    source: Any,
    *,
    options: PriorOptions,
    parameter: str = "",
    endpoint: str = "",
    time: float | None = None,
    time_origin: str = "not-stated",
    induction: InductionTerm | None = None,
    assume_origin: bool = False,
) -> MadePrior:
    """The prior from a CSV file or a frame: studies of counts or estimates, events in follow-up, or patients (arms are studies)."""
    chosen = options.likelihood or "binomial"
    if chosen not in LIKELIHOODS:
        raise CallError(f"likelihood = {chosen!r}", rule=f"must be one of {', '.join(LIKELIHOODS)}")
    if options.cuts and chosen != "piecewise-exponential":
        raise CallError("cuts", rule="belong to --likelihood piecewise-exponential")
    found, stated = _from_studies(source, chosen, options) if chosen in ("binomial", "normal") else _from_exposure(source, chosen, options)
    if stated != "not-stated" and time_origin not in ("not-stated", stated):
        raise RefusedError(
            f"time_origin = {time_origin}", rule=f"the patients count from {stated}", cure="Leave it out, or align the patients"
        )
    origin = stated if time_origin == "not-stated" else time_origin
    if options.new and "year" in options.new:  # entered in decades, said as it was given
        year = options.new["year"]
        told = tuple(a.replace(f"year = {year / DECADE:g}", f"year = {year:g}") for a in found.trail.assumptions)
        found = replace(found, trail=replace(found.trail, assumptions=told))
    if induction is None:
        counted = bool(found.trail.rows) and all(FROM_COUNTS in row.marks for row in found.trail.rows)
        return MadePrior(found, parameter or (PROBABILITY if chosen == "normal" and counted else ""), endpoint, time, origin)
    if not isinstance(found, MapPrior) or time is None:
        raise CallError("the term for induction", rule="needs a prior of DFS at one --time")
    if chosen == "binomial" and parameter != SURVIVAL:
        rule = "needs the share WITHOUT the event, and events / n is the share with it"
        raise CallError("the term for induction", rule=rule, cure="Give n minus events and --parameter survival")
    made = efs_from_dfs(found, induction, time=time, time_origin=origin, assume_origin=assume_origin, level=options.level)
    return MadePrior(made, SURVIVAL, "EFS", made.time, "diagnosis")


def _from_studies(source: Any, chosen: str, options: PriorOptions) -> tuple[MapPrior, str]:
    moderators = tuple(options.new or ())
    proportion = chosen == "binomial" or options.measure in ("cloglog", "logit")
    studies = read_studies(source, percent=options.percent, level=options.level, probability=proportion, moderators=moderators)
    times = {s.time for s in studies if s.time is not None}
    if len(times) > 1:
        listed = ", ".join(f"{t:g}" for t in sorted(times))
        said = f"the studies report at {listed} years"
        raise DataError(said, where=source_name(source), rule="one history is of one time", cure="Keep rows of one time")
    base = Trail(method="", inputs=(source_name(source),))
    scale = tau_prior(options.tau, options.tau_scale, 1.0 if chosen == "binomial" else 0.5)
    if not (moderators or options.tau_by):
        made = map_prior(
            studies, likelihood=chosen, measure=options.measure, tau=scale, mean_prior=options.mean_prior, level=options.level, base=base
        )
        return made, "not-stated"
    more = _more(options, scale, [s.group for s in studies], {m: [_moderator(s, m) for s in studies] for m in moderators})
    if chosen == "binomial":
        counts, sizes = _counts_of(studies)
        rows = replace(base, rows=tuple(s.row for s in studies if s.row is not None))
        made = map_prior_counts_covariates(
            counts, sizes, mean_prior=options.mean_prior or (0.0, 2.0), slope_sd=options.slope_sd or 1.0, level=options.level,
            seed=options.seed, base=rows, **more,
        )  # fmt: skip
        return made, "not-stated"
    used, refused = scale_all(studies, measure=options.measure, probability=proportion)
    if refused:
        raise DataError(f"{refused[0].row.key} cannot be used", where=source_name(source), rule=refused[0].reason, cure="Leave the row out")
    rows = replace(base, rows=tuple(replace(u.study.row, marks=u.marks) for u in used if u.study.row is not None))
    made = map_prior_covariates(
        [u.y for u in used], [math.sqrt(u.v) for u in used], measure=options.measure, mean_prior=options.mean_prior,
        slope_sd=options.slope_sd, level=options.level, base=rows, **more,
    )  # fmt: skip
    return made, "not-stated"


def _from_exposure(source: Any, chosen: str, options: PriorOptions) -> tuple[MapPrior | CurePrior | PiecewisePrior, str]:
    base = Trail(method="", inputs=(source_name(source),))
    scale = tau_prior(options.tau, options.tau_scale, 0.5)
    if chosen == "mixture-cure":
        studies, left, origin = read_cures(source, model=f"mixture-cure:{options.latency_model}", unit=options.unit)
        aside = tuple(LeftOut(RowRef("patients", 0, text.split(" is not used")[0]), text) for text in left)
        cure = map_prior_cure(studies, tau_cure=scale, latency=options.latency, level=options.level, base=replace(base, left_out=aside))
        return replace(cure, warnings=(*cure.warnings, *left)), origin
    moderators = tuple(options.new or ())
    history = read_exposure(source, cuts=options.cuts, moderators=moderators, unit=options.unit)
    base = replace(base, rows=history.rows)
    mean = options.mean_prior or RATE_MEAN
    if chosen == "piecewise-exponential":
        if moderators or options.tau_by:
            raise CallError("covariates or strata", rule="are not offered for piecewise hazards")
        made: MapPrior | PiecewisePrior = map_prior_piecewise(
            history.events, history.years, cuts=options.cuts, tau=scale, shared_tau=options.shared_tau, mean_prior=mean,
            level=options.level, base=base,
        )  # fmt: skip
        return made, history.time_origin
    events, years = [int(d) for d in history.events[:, 0]], [float(t) for t in history.years[:, 0]]
    if moderators or options.tau_by:
        more = _more(
            options, scale, history.groups, {m: [x / (DECADE if m == "year" else 1.0) for x in v] for m, v in history.moderators.items()}
        )
        made = map_prior_counts_covariates(
            events, years, likelihood=chosen, mean_prior=mean, slope_sd=options.slope_sd or 1.0, level=options.level, seed=options.seed,
            base=base, **more,
        )  # fmt: skip
        return made, history.time_origin
    return map_prior_poisson(
        events, years, tau=scale, mean_prior=mean, likelihood=chosen, level=options.level, base=base
    ), history.time_origin


def _more(options: PriorOptions, tau: TauPrior, groups: Sequence[str], covariates: dict[str, list[float]]) -> dict[str, Any]:
    """Covariates and strata as the priors with covariates take them."""
    new = {name: value / (DECADE if name == "year" else 1.0) for name, value in (options.new or {}).items()}
    made: dict[str, Any] = {"covariates": covariates, "new": new, "tau": tau}
    if options.tau_by:
        if not options.stratum:
            raise CallError("tau_by", rule="needs the stratum of the next study", cure="Add --stratum NAME")
        if not any(groups):
            raise CallError("tau_by", rule="needs a column group in the file, the stratum of each study")
        made["tau"] = {name: tau_prior(options.tau, scale, scale) for name, scale in options.tau_by.items()}
        made |= {"strata": list(groups), "new_stratum": options.stratum}
    return made


def _in_decades(moderators: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: [v / (DECADE if name == "year" else 1.0) for v in values] for name, values in moderators.items()}


def _moderator(study: StudyEstimate, name: str) -> float:
    value = study.year if name == "year" else study.moderators.get(name)
    if value is None:
        raise DataError(f"{name} of {study.label} is empty", rule="every study needs it")
    return float(value) / (DECADE if name == "year" else 1.0)


def _counts_of(studies: Sequence[StudyEstimate]) -> tuple[list[int], list[int]]:
    counts, sizes = [], []
    for s in studies:
        if s.n is None:
            raise DataError(f"{s.label} has no n", rule="a count needs n", cure="Use --likelihood normal")
        counts.append(round(s.estimate * s.n))
        sizes.append(s.n)
    return counts, sizes
