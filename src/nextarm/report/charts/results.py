"""From a result to its chart: :func:`chart` knows the kinds of :data:`DRAWN` and draws each as its readers expect.

Where a section wants another order, grouping or wording it calls the builder itself; :func:`pooled_rows` and
:func:`curve_of` make the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import Result
from nextarm.core.trail import RowRef, Trail
from nextarm.core.units import FloatArray
from nextarm.evidence import how_read
from nextarm.report.charts.bars import Bar, bars
from nextarm.report.charts.densities import map_prior_chart, prior_file_chart, prior_update_chart
from nextarm.report.charts.flow import prisma_chart
from nextarm.report.charts.forest import ForestRow, forest
from nextarm.report.charts.pooling import competing_bars, increments_chart, several_times_chart
from nextarm.report.charts.survival import Curve, survival_curves
from nextarm.report.charts.traffic_light import traffic_light
from nextarm.report.charts.trend import Bubble, bubble_trend
from nextarm.report.document import Chart

if TYPE_CHECKING:
    from nextarm.simulation.characteristics import OperatingCharacteristics
    from nextarm.survival.aalen_johansen import AalenJohansen
    from nextarm.survival.kaplan_meier import KaplanMeier
    from nextarm.synthesis.curve import PooledCurve
    from nextarm.synthesis.pool import PooledEstimate, PooledStudy
    from nextarm.synthesis.regression import MetaRegression
    from nextarm.synthesis.trend import EraTrend

#: The 97.5 % point of the normal distribution, for Monte-Carlo error bars.
Z = 1.959963984540054


def chart(result: Result | Sequence[KaplanMeier], *, id: str, title: str, axis: str = "", **options: Any) -> Chart:
    """Draw ``result`` (or several Kaplan-Meier curves together); ``options`` go to the builder that draws it.

    :class:`CallError` names the kinds that can be drawn where ``result`` is of another.
    """
    if not isinstance(result, Result):
        return _kaplan_meier(tuple(result), id=id, title=title, axis=axis, **options)
    draw = DRAWN.get(type(result).__name__)
    if draw is None:
        raise CallError(f"a {type(result).__name__} has no chart", rule=f"can be drawn: {', '.join(DRAWN)}")
    return draw(result, id=id, title=title, axis=axis, **options)


def row_trail(result: Result, row: RowRef) -> Trail:
    """The trail of a value that is one evidence row, with the source it names among those of ``result``."""
    sources = tuple(s for s in result.trail.sources if s.source_id == row.source_id)
    return Trail(how_read(row), rows=(row,), sources=sources, of_row=True)


def pooled_rows(result: PooledEstimate, *, group: Callable[[PooledStudy], str] | None = None) -> list[ForestRow]:
    """The forest rows of a pooled estimate: studies (in order of ``group`` where given), pooled value, prediction interval.

    Each study's number has its own evidence row as trail. Rows that were left out have no estimate here; they stand in
    the trail, and a section that knows their values may add them with ``kind="left-out"``.
    """
    name = group or (lambda study: "")
    studies = sorted(result.studies, key=lambda s: list(dict.fromkeys(name(o) for o in result.studies)).index(name(s)))
    rows = [
        ForestRow(
            s.label,
            s.estimate,
            s.ci.low,
            s.ci.high,
            weight=s.weight,
            group=name(s),
            note=", ".join(part for part in (f"n {s.n}" if s.n else "", f"{s.time:g} years" if s.time else "") if part),
            marks=s.marks,
            trail=row_trail(result, s.row),
        )
        for s in studies
    ]
    rows.append(ForestRow("Pooled", result.estimate, result.ci.low, result.ci.high, kind="pooled"))
    if result.prediction is not None:
        rows.append(ForestRow("Prediction interval", None, result.prediction.low, result.prediction.high, kind="prediction"))
    return rows


def curve_of(result: KaplanMeier, name: str = "") -> Curve:
    """A Kaplan-Meier estimate as a curve from time 0, with its band and the numbers at risk at whole years."""
    time = (0.0, *map(float, result.time))
    survival = (1.0, *map(float, result.survival))
    low, high = (_limits(band, survival) for band in (result.ci_low, result.ci_high))
    risk = []
    for year in range(int(time[-1] + 1e-9) + 1):
        later = np.flatnonzero(result.time >= year - 1e-12)
        if later.size:
            risk.append((float(year), round(float(result.at_risk[later[0]]))))
    origin = cast(Literal["observed", "reconstructed", "simulated"], result.origin)
    return Curve(name or result.arm or "All", origin, time, survival, low, high, tuple(risk), trail=result.trail)


def _limits(band: FloatArray, values: Sequence[float]) -> tuple[float, ...]:
    """A band from time 0; where it is not defined (all survive, nobody is left) it closes on the curve."""
    return (values[0], *(float(b) if np.isfinite(b) else v for b, v in zip(band, values[1:], strict=True)))


def _pooled(result: PooledEstimate, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    group = options.pop("group", None)
    options.setdefault("format", _format(result.measure, [s.estimate for s in result.studies]))
    return forest(pooled_rows(result, group=group), id=id, title=title, axis=axis or "Estimate", trail=result.trail, **options)


def _regression(result: MetaRegression, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    if "year" not in [c.name for c in result.coefficients]:
        raise CallError("a meta-regression without the moderator 'year' has no chart", cure="Call bubble_trend with its rows")
    studies = [s for s in result.studies if s.year is not None]
    years = [float(s.year) for s in studies if s.year is not None]
    line = []
    for x in np.linspace(min(years), max(years), 41):
        middle, band = result.predict(year=float(x))
        line.append((float(x), middle, band.low, band.high))
    options.setdefault("format", _format(result.measure, [s.estimate for s in studies]))
    options.setdefault("x_title", "Middle year of enrolment")
    grouped = 1 < len({s.group for s in studies}) <= 4
    rows = [
        Bubble(
            s.label,
            float(s.year or 0),
            s.estimate,
            s.ci.low,
            s.ci.high,
            s.weight,
            s.group if grouped else "",
            s.marks,
            row_trail(result, s.row),
        )
        for s in studies
    ]
    return bubble_trend(rows, id=id, title=title, y_title=axis or "Estimate", trail=result.trail, line=line, **options)


def _trend(result: EraTrend, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    if result.regression is None:
        raise CallError("the trend has no fitted line", rule="too few cohorts can be used", cure="Show the verdict in words")
    return _regression(result.regression, id=id, title=title, axis=axis, **options)


def _kaplan_meier(result: KaplanMeier | tuple[KaplanMeier, ...], *, id: str, title: str, axis: str, **options: Any) -> Chart:
    several = result if isinstance(result, tuple) else (result,)
    curves = [curve_of(r) for r in several]
    return survival_curves(curves, id=id, title=title, y_title=axis or "Survival", trail=several[0].trail, **options)


def _incidence(result: AalenJohansen, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    time = (0.0, *map(float, result.time))
    origin = cast(Literal["observed", "reconstructed", "simulated"], result.origin)
    curves = []
    for k, cause in enumerate(result.causes):
        value = (0.0, *map(float, result.incidence[:, k]))
        low, high = (_limits(band[:, k], value) for band in (result.ci_low, result.ci_high))
        curves.append(Curve(cause, origin, time, value, low, high))
    return survival_curves(curves, id=id, title=title, y_title=axis or "Cumulative incidence", trail=result.trail, **options)


def _pooled_curve(result: PooledCurve, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    start = [] if result.times[0] == 0.0 else [0.0]
    time = (*start, *map(float, result.times))
    middle, low, high = ((*(1.0 for _ in start), *map(float, part)) for part in (result.survival, result.low, result.high))
    curve = Curve(f"Pooled, {result.k} studies", "pooled", time, middle, low, high, steps=False)
    return survival_curves([curve], id=id, title=title, y_title=axis or "Survival", trail=result.trail, **options)


def _characteristics(result: OperatingCharacteristics, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    rows = []
    for s in result.scenarios:
        rate = s.rejection
        low, high = max(rate.value - Z * rate.se, 0.0), min(rate.value + Z * rate.se, 1.0)
        rows.append(Bar(s.name, rate.value, low, high, note=f"{s.trials:,} virtual trials"))
    options.setdefault("format", "percent(1)")
    options.setdefault("domain", (0.0, 1.0))
    return bars(rows, id=id, title=title, axis=axis or "Share of trials that reject the null", trail=result.trail, **options)


def _format(measure: str, estimates: Sequence[float]) -> str:
    return "percent" if measure in ("cloglog", "logit") or all(0.0 <= v <= 1.0 for v in estimates) else "decimal"


#: Which function draws which kind of result, by the name of its class (the rooms above stay unloaded until they are used).
DRAWN: dict[str, Callable[..., Chart]] = {
    "PooledEstimate": _pooled,
    "MetaRegression": _regression,
    "EraTrend": _trend,
    "KaplanMeier": _kaplan_meier,
    "AalenJohansen": _incidence,
    "PooledCurve": _pooled_curve,
    "OperatingCharacteristics": _characteristics,
    "SeveralTimes": several_times_chart,
    "IncrementCurve": increments_chart,
    "CompetingEvents": competing_bars,
    "BiasTable": lambda result, *, axis="", **options: traffic_light(cast(Any, result), **options),
    "PrismaFlow": lambda result, *, axis="", **options: prisma_chart(cast(Any, result), **options),
    "PriorUpdate": prior_update_chart,
    "MapPrior": map_prior_chart,
    "PriorFile": prior_file_chart,
}
