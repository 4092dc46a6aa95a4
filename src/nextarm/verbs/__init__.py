"""The public verbs: the one door for notebooks, the command line and the web page.

Each verb takes plain values, paths, frames or earlier results and returns a record with its trail. The names are the
same in Python (``nextarm.pool``), on the command line (``nextarm pool``) and in the web page's addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextarm.verbs.figures import (
    adjust_figure,
    arm_tones,
    check_changes,
    draft_figure,
    figure_about,
    figure_csv,
    figure_look,
    figure_marks,
    picture_figure,
    reading_grade,
    rebuilt_lines,
    residuals,
    saved_curve,
    saved_figure,
)
from nextarm.verbs.reports import report, report_parts, report_questions, report_questions_text
from nextarm.verbs.trials import assurance, beside, design, designs, follow_null, look, misnamed_nulls, simulate, simulation_report

if TYPE_CHECKING:
    from nextarm.borrowing import (
        AnchoredComparison,
        DriftPrior,
        LandmarkComparison,
        PatientComparison,
        PriorFile,
        SensitivityArray,
        TippingPoint,
        Weighting,
    )
    from nextarm.evidence import Classification, NewStudy, Package, Selection
    from nextarm.evidence.checks import PackageCheck
    from nextarm.figures import FigureReading
    from nextarm.patients import Reconstruction
    from nextarm.survival import KaplanMeier, Patients
    from nextarm.survival.fit_result import Fit
    from nextarm.synthesis import IncrementCurve, MetaRegression, PooledCurve, PooledEstimate, PooledProportion, SeveralTimes
    from nextarm.validation.verify import Verification

Progress = Callable[[int, int], None]
Choice = str | Iterable[str] | None

__all__ = [
    "adjust_figure",
    "arm_tones",
    "assurance",
    "beside",
    "chart",
    "check_changes",
    "check_evidence",
    "classify",
    "compare",
    "compare_patients",
    "design",
    "designs",
    "draft_figure",
    "drift",
    "evidence",
    "figure_about",
    "figure_csv",
    "figure_look",
    "figure_marks",
    "fit",
    "follow_null",
    "indirect",
    "look",
    "match",
    "misnamed_nulls",
    "new_study",
    "picture_figure",
    "pool",
    "prior",
    "prior_lines",
    "read_figure",
    "read_patients",
    "read_prior",
    "reading_grade",
    "rebuilt_lines",
    "reconstruct",
    "report",
    "report_parts",
    "report_questions",
    "report_questions_text",
    "require_passed",
    "residuals",
    "saved_curve",
    "saved_figure",
    "sensitivity",
    "simulate",
    "simulation_report",
    "tipping_point",
    "verify",
    "weighted_csv",
]


def evidence(
    package: str | Path | Package = "infant-all",
    *,
    table: str = "outcomes",
    endpoint: Choice = None,
    subtype: Choice = None,
    era: str | tuple[float | None, float | None] | None = None,
    treatment_class: Choice = None,
    agent: Choice = None,
    protocol: Choice = None,
    setting: Choice = None,
    pool_set: Choice = None,
    arm: Choice = None,
) -> Selection:
    """Choose rows of published evidence; filters are joined by "and", each takes one value or several.

    ``table`` is ``outcomes`` or ``counts``; ``protocol`` a study's id or name. Raises :class:`CallError` for a value that
    no row has and when nothing fits, :class:`DataError` with all problems of a broken package.

    >>> rows = evidence(endpoint="EFS", pool_set="frontline-kmt2a-g")
    >>> len(rows.cells)
    6
    """
    from nextarm.evidence import select

    return select(
        _package(package),
        table=table,  # type: ignore[arg-type]  # checked there, with the message a user needs
        endpoint=endpoint,
        subtype=subtype,
        era=era,
        treatment_class=treatment_class,
        agent=agent,
        study=protocol,
        setting=setting,
        pool_set=pool_set,
        arm=arm,
    )


def _package(package: str | Path | Package) -> Package:
    from nextarm.evidence import load_package

    return load_package(package) if isinstance(package, str | Path) else package


def classify(patients: Any, *, protocol: str, package: str | Path | Package = "infant-all") -> Classification:
    """Put patients (CSV path or any frame) into the risk groups of ``protocol``, with the reason and what is missing."""
    from nextarm.evidence import classify as run

    return run(patients, protocol=protocol, package=_package(package))


def new_study(folder: str | Path, *, empty: bool = False) -> NewStudy:
    """Make a study folder with tables for rows of one's own, an example plan and a README; an existing folder is refused.

    It builds on the bundled evidence, which every selection then holds too; an ``empty`` one stands alone.
    """
    from nextarm.evidence import new_study as run

    return run(folder, extends=()) if empty else run(folder)


def check_evidence(package: str | Path = "infant-all") -> PackageCheck:
    """Check a package and say what it holds; :class:`DataError` with every problem, each with file, line and column.

    >>> check_evidence("infant-all").rows["arms"]
    168
    """
    from nextarm.evidence.loading import check_evidence as run

    return run(package)


def read_figure(file: str | Path, *, out: str | Path | None = None, **options: Any) -> FigureReading:
    """Read a published Kaplan-Meier figure (PNG, JPEG, TIFF, WebP, SVG, PDF) in a locked child process; see docs/figures.md.

    ``options``: ``page`` of a PDF and ``panel``, from 1; ``marks``, a file or record. ``out`` gets curves.csv, ticks.csv,
    at_risk.csv, about.json, figure.json, overlay.png, or after :class:`FigureRefused` marks.json to fill and rulers.png.
    """
    from nextarm.report.figure_files import read_figure as run

    return run(file, folder=out, **options)


def reconstruct(curve: Any, **options: Any) -> Reconstruction:
    """Rebuild patients from a published Kaplan-Meier curve and whatever is printed beside it.

    ``curve`` is what :func:`read_figure` returned (its marks, table and unit are used unless ``options`` say otherwise), a curve that
    was saved (``curves/NAME.curve.csv`` of a study, ``curves.csv`` of ``read-figure``: taken with the files beside it, so that it gives
    the same patients), another CSV path, a frame with the columns time, survival[, arm], or arrays (time, survival). ``options`` are
    those of :func:`nextarm.patients.reconstruct`: ``at_risk``, ``ticks``, ``n``, ``events``, ``median``, ``landmarks``,
    ``hazard_ratio``, ``p_value``, ``unit``, ``percent``, ``versions``, ``seed``, ``method``.

    >>> made = reconstruct(([0, 1, 2, 3], [1, 0.9, 0.8, 0.7]), at_risk=([0, 3], [10, 5]), points="corners")
    >>> made.patients.n, made.patients.events
    (10, 3)
    """
    from nextarm.patients.from_figure import reconstruct as run

    return run(curve, **options)


def read_patients(patients: Any, *, unit: str = "years", time_origin: str = "not-stated") -> Patients:
    """Patients from a CSV path or frame (columns time, event[, arm, entry, weight, version]), times in ``unit``, as a checked table.

    >>> import polars as pl
    >>> read_patients(pl.DataFrame({"time": [12.0, 24.0], "event": [1, 0]}), unit="months").time.tolist()
    [1.0, 2.0]
    """
    from nextarm.survival import read_patients as run

    return run(patients, unit=unit, time_origin=time_origin)


def fit(
    patients: Any,
    *,
    model: str = "kaplan-meier",
    unit: str = "years",
    arm: str | None = None,
    version: int | None = None,
    cuts: Iterable[float] = (),
    level: float = 0.95,
) -> KaplanMeier | Fit:
    """Estimate survival of one arm: the Kaplan-Meier curve, or a model by maximum likelihood.

    ``patients`` is a CSV path, a frame (columns time, event[, arm, entry, weight, version]) or a ``Patients`` record, times
    in ``unit``. ``model`` is ``kaplan-meier``, a name such as ``weibull``, or a cure model around one such as
    ``mixture-cure:weibull``; ``cuts`` (years) belong to ``piecewise-exponential``. ``version`` takes one version of a
    reconstruction.

    >>> import polars as pl
    >>> found = fit(pl.DataFrame({"time": [1.0, 2.0, 3.0, 4.0, 5.0], "event": [1, 1, 0, 1, 0]}), model="exponential")
    >>> round(found.parameter("rate").estimate, 6)
    0.2
    """
    from nextarm.core.errors import CallError
    from nextarm.survival import Patients, kaplan_meier, read_patients
    from nextarm.survival.fit import fit_model

    table = patients if isinstance(patients, Patients) else read_patients(patients, unit=unit)
    if version is not None:
        table = table.for_version(version)
    elif table.version is not None:
        raise CallError(
            f"the table holds versions {table.versions[0]} to {table.versions[-1]}",
            rule="one is fitted at a time",
            cure="Choose one: --version K",
        )
    if model == "kaplan-meier":
        return kaplan_meier(table, arm=arm, level=level)
    return fit_model(table, model=model, arm=arm, cuts=tuple(cuts), level=level)


def pool(
    data: Any = None,
    *,
    package: str | Path | Package = "infant-all",
    endpoint: str | None = None,
    pool_set: str | None = None,
    time: float | None = None,
    window: float = 0.0,
    time_origin: str | None = None,
    assume_origin: bool = False,
    measure: str = "cloglog",
    method: str = "reml",
    interval: str = "ad-hoc",
    prediction: str = "t(k-2)",
    level: float = 0.95,
    moderators: Iterable[str] = (),
    percent: bool = False,
    model: str = "normal",
    curves: str | Path | None = None,
    curve_model: str = "combescure",
    times: Iterable[float] | None = None,
    unit: str = "years",
    without: Iterable[str] = (),
) -> PooledEstimate | MetaRegression | PooledProportion | PooledCurve | SeveralTimes | IncrementCurve:
    """Pool several studies under random effects, or regress on ``moderators`` (``year`` counts in decades).

    Either ``data`` (CSV path or frame with the columns study, estimate, and se, or ci_low and ci_high, or n and events)
    or rows of ``package`` chosen by ``pool_set``, ``endpoint`` and ``time`` (within ``window`` years); the rows that
    stay out are in the trail with their reasons, also those of the arms ``without``. ``model`` ``binomial-normal`` or
    ``beta-binomial`` pools events of n by their exact likelihood (0 of n is welcome). ``curves`` is a folder of survival
    curves, one CSV file a study, in ``unit``, pooled at ``times`` (years) by ``curve_model``: combescure (default), multivariate
    or increments.

    >>> result = pool(endpoint="EFS", pool_set="frontline-kmt2a-r", time=5, window=1)
    >>> result.k, round(result.estimate, 3)
    (5, 0.375)
    """
    from nextarm.synthesis.pool_any import pool_any

    return pool_any(
        data,
        package=lambda: _package(package),
        package_named=not (isinstance(package, str) and package == "infant-all"),
        endpoint=endpoint,
        pool_set=pool_set,
        time=time,
        window=window,
        time_origin=time_origin,
        assume_origin=assume_origin,
        measure=measure,
        method=method,
        interval=interval,
        prediction=prediction,
        level=level,
        moderators=tuple(moderators),
        percent=percent,
        model=model,
        curves=curves,
        curve_model=curve_model,
        times=times,
        unit=unit,
        without=without,
    )


def chart(
    kind: str,
    source: str | Path,
    *,
    out: str | Path,
    title: str = "",
    measure: str = "cloglog",
    unit: str = "years",
    percent: bool = False,
) -> tuple[Path, ...]:
    """Draw a chart of a review and write it to the folder ``out`` as Vega-Lite, SVG and PNG, wide and narrow.

    ``kind``: ``prisma`` (a screening table), ``bias`` (judgements by domain), ``forest``, ``cumulative``, ``influence`` or
    ``trend`` (a file of studies), ``curve`` (a folder of survival curves). Returns the files written.
    """
    from nextarm.report.charts.files import chart_files
    from nextarm.report.charts.review import review_chart
    from nextarm.report.write import write_texts

    files = chart_files(review_chart(kind, source, title=title, measure=measure, unit=unit, percent=percent), out)
    write_texts(files)
    return tuple(files)


def compare(
    treated: str,
    control: str,
    *,
    endpoint: str,
    time: float,
    data_lock: str | None = None,
    assume_origin: bool = False,
    level: float = 0.95,
    package: str | Path | Package = "infant-all",
) -> LandmarkComparison:
    """Compare the published survival of two arms of ``package`` at ``time`` years: an external, historical comparison.

    Rows of one analysis may be compared with their time origin not stated (marked); across sources that is refused
    unless ``assume_origin`` (recorded in the trail).

    >>> found = compare("blin", "interfant-06-histctrl", endpoint="DFS", time=4)
    >>> round(found.difference, 3), round(found.difference_ci.low, 3), round(found.difference_ci.high, 3)
    (0.393, 0.193, 0.51)
    """
    from nextarm.borrowing import compare_arms

    return compare_arms(
        _package(package),
        treated=treated,
        control=control,
        endpoint=endpoint,
        time=time,
        data_lock=data_lock,
        assume_origin=assume_origin,
        level=level,
    )


def compare_patients(treated: Any, control: Any = None, **options: Any) -> PatientComparison:
    """Compare patients with an external control: difference at milestones, RMST, hazard ratio, cure fractions.

    ``treated`` and ``control`` are CSV paths or frames (columns time, event[, arm, entry, weight, version] and covariates), or one
    file with both arms, named by ``arm`` and ``control_arm``. ``options`` are those of :func:`nextarm.borrowing.compare_files`:
    ``milestones``, ``tau``, ``unit``, ``control_unit``, ``treated_origin``, ``control_origin``, ``landmark_treated``,
    ``landmark_control``, ``adjust``, ``baseline``, ``method``, ``estimand``, ``replicates``. Across files the origins of time must
    be stated and equal, unless ``assume_origin``.

    >>> import polars as pl
    >>> new = pl.DataFrame({"time": [1.0, 5.0, 5.0, 5.0], "event": [1, 0, 0, 0]})
    >>> old = pl.DataFrame({"time": [1.0, 2.0, 5.0, 5.0], "event": [1, 1, 0, 0]})
    >>> found = compare_patients(
    ...     new, old, milestones=(4,), treated_origin="diagnosis", control_origin="diagnosis", cure_model=None
    ... )
    >>> found.milestones[0].difference
    0.25
    """
    from nextarm.borrowing import compare_files

    return compare_files(treated, control, **options)


def match(patients: Any, **options: Any) -> Weighting:
    """Weights that match patients to a published ``baseline`` table (MAIC), or two files of patients to each other.

    ``options`` are those of :func:`nextarm.borrowing.match_files`: ``baseline`` or ``control``, ``method`` (maic, entropy,
    propensity), ``estimand``, ``covariates``, ``standard_deviations``, ``least_size``.

    >>> import polars as pl
    >>> old = pl.DataFrame({"time": [1.0] * 30, "event": [0] * 30, "cns": [0, 1] * 15})
    >>> round(match(old, baseline=pl.DataFrame({"covariate": ["cns"], "mean": [0.25]})).treated_size, 6)
    24.0
    """
    from nextarm.borrowing import match_files

    return match_files(patients, **options)


def weighted_csv(patients: Any, control: Any, found: Weighting) -> str:
    """The rows of the patients' file (and of the control's, below) with a column ``weight``; an old one is replaced."""
    from nextarm.borrowing.weighted_rows import weighted_csv as run

    return run(patients, control, found)


def indirect(
    patients: Any,
    *,
    baseline: Any,
    published: tuple[float, float, float],
    common: str,
    unit: str = "years",
    method: str = "maic",
    standard_deviations: bool = False,
    least_size: float | None = None,
    replicates: int = 0,
    seed: int = 1,
    level: float = 0.95,
) -> AnchoredComparison:
    """Compare a treatment with another through a ``common`` arm (anchored): ``published`` is the other's hazard ratio to it.

    ``patients`` is a CSV path or frame with two arms and the covariates of the ``baseline`` table; ``method`` is maic, stc
    (simulated treatment comparison) or unadjusted.
    """
    from nextarm.borrowing import LEAST_SIZE, anchored_comparison, read_baseline, read_covariates
    from nextarm.survival import read_patients

    rows = read_baseline(baseline)
    table = read_patients(patients, unit=unit)
    return anchored_comparison(
        table,
        read_covariates(patients, [r.covariate for r in rows]),
        rows,
        published=published,
        common=common,
        method=method,
        standard_deviations=standard_deviations,
        least_size=LEAST_SIZE if least_size is None else least_size,
        replicates=replicates,
        seed=seed,
        level=level,
    )


def sensitivity(comparison: LandmarkComparison, *, drift: DriftPrior | None = None) -> SensitivityArray:
    """A comparison read again under an array of stated biases, with the smallest that overturns it named in a sentence.

    ``drift`` (from :func:`drift`) adds readings as if the control had been treated 5 and 10 years later.
    """
    from nextarm.borrowing import sensitivity_array

    return sensitivity_array(comparison, drift=drift)


def drift(
    pool_set: str,
    *,
    endpoint: str,
    time: float | None = None,
    window: float = 0.0,
    assume_origin: bool = False,
    package: str | Path | Package = "infant-all",
) -> DriftPrior:
    """How controls drift over eras, learnt from the trend of the cohorts of ``pool_set``: a prior of the change a decade.

    Raises :class:`RefusedError` where too few cohorts make a line.

    >>> drift("frontline-kmt2a-r", endpoint="EFS", time=5, window=1).k
    5
    """
    from nextarm.borrowing import drift_prior
    from nextarm.synthesis.select import select_rows
    from nextarm.synthesis.trend import era_trend

    found = select_rows(_package(package), pool_set=pool_set, endpoint=endpoint, time=time, window=window, assume_origin=assume_origin)
    return drift_prior(era_trend(found.studies, base=found.trail()))


def tipping_point(comparison: LandmarkComparison) -> TippingPoint:
    """How large a bias of the control would remove what ``comparison`` found, and where the estimate itself vanishes."""
    from nextarm.borrowing import tipping_point as run

    return run(comparison)


def prior(
    data: Any = None,
    *,
    arms: Iterable[str] = (),
    endpoint: str | None = None,
    time: float | None = None,
    package: str | Path | Package = "infant-all",
    **options: Any,
) -> PriorFile:
    """Meta-analytic predictive prior of a new arm, with its mixture, what it is worth, and what it is a prior of.

    Either ``data`` (CSV path or frame) or the rows of ``arms`` of ``package`` that report ``endpoint`` at ``time`` years, or with
    ``pool_set`` (``window``, ``without``) the rows that :func:`pool` would take.
    ``options`` are those of :func:`nextarm.borrowing.make_prior`: ``likelihood`` (binomial, normal, poisson, exponential,
    piecewise-exponential, mixture-cure), ``tau``, ``tau_scale``, ``tau_by``, ``stratum``, ``new``, ``backbone``, ``no_remission``,
    ``remission_at``, ``robust``, ``horizon`` and others.

    >>> found = prior(arms=("blin",), endpoint="DFS", time=4, tau_scale=0.3, backbone="blinatumomab")
    >>> found.k, round(found.summary["median"], 3), found.parameter
    (1, 0.833, 'survival')
    """
    from nextarm.borrowing import make_prior

    return make_prior(data, arms=arms, endpoint=endpoint, time=time, package=_package(package), **options)


def read_prior(path: str | Path) -> PriorFile:
    """Read a prior that ``nextarm prior --json --out FILE`` wrote."""
    from nextarm.borrowing import read_prior as run

    return run(path)


def prior_lines(found: PriorFile) -> list[str]:
    """The components of a prior's mixture in words, and what it is worth by three definitions."""
    from nextarm.borrowing import worth_lines

    return worth_lines(found)


def verify(
    *, slow: bool = False, room: str | None = None, workers: int = 1, out: str | Path | None = None, progress: Progress | None = None
) -> Verification:
    """Run the validation cases on this machine in ``workers`` processes; ``slow`` adds those that take long.

    With ``out`` the dossier (verify.html and verify.json) is written to that folder. Failures are in the result; see
    :func:`require_passed`.
    """
    from datetime import UTC, datetime

    from nextarm.validation.verify import verify as run

    found = run(slow=slow, room=room, workers=workers, progress=progress)
    if out is not None:
        from nextarm.validation.dossier import write_dossier

        write_dossier(found, out, made_on=datetime.now(UTC).date().isoformat())
    return found


def require_passed(found: Verification) -> None:
    """Raise :class:`VerificationError` if a case of ``found`` failed."""
    from nextarm.validation.dossier import require_passed as run

    run(found)
