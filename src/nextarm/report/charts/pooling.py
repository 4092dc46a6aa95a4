"""Charts of a synthesis beyond the forest plot: pools in order of era, what each study does to the pool, curves with their bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nextarm.core.trail import Trail
from nextarm.report.charts.forest import ForestRow, forest
from nextarm.report.charts.stacked import Part, stacked_areas, stacked_bars
from nextarm.report.charts.survival import Curve, survival_curves
from nextarm.report.charts.trend import Bubble, bubble_trend
from nextarm.report.document import Chart

if TYPE_CHECKING:
    from nextarm.survival.aalen_johansen import AalenJohansen
    from nextarm.synthesis.competing import CompetingEvents
    from nextarm.synthesis.increments import IncrementCurve
    from nextarm.synthesis.sensitivity import BaujatPoint, Named
    from nextarm.synthesis.several_times import SeveralTimes


def named_forest(pools: Sequence[Named], *, id: str, title: str, axis: str, trail: Trail, format: str = "percent", **options: Any) -> Chart:
    """Pools under their names, one row each: cumulative by era, without each study, by subgroup.

    A pool that could not be made stands as a row with its reason. ``options`` go to :func:`~nextarm.report.charts.forest.forest`.
    """
    rows = []
    for named in pools:
        p = named.pooled
        if p is None:
            rows.append(ForestRow(named.name, None, note=named.why, kind="left-out"))
            continue
        rows.append(ForestRow(named.name, p.estimate, p.ci.low, p.ci.high, note=f"{p.k} studies" if p.k > 1 else "1 study", trail=p.trail))
    return forest(rows, id=id, title=title, axis=axis, trail=trail, format=format, **options)


def baujat_plot(points: Sequence[BaujatPoint], *, id: str, title: str, trail: Trail, **options: Any) -> Chart:
    """Each study by what it adds to the heterogeneity (across) and how far it moves the pooled value (up)."""
    bubbles = [Bubble(label=p.label, x=p.heterogeneity, y=p.influence) for p in points]
    top = max(p.influence for p in points) * 1.1 or 1.0
    return bubble_trend(
        bubbles,
        id=id,
        title=title,
        x_title="share of the heterogeneity, (y − mean)² / (v + tau²)",
        y_title="influence on the pooled value",
        trail=trail,
        format="decimal",
        x_format="decimal",
        domain=(0.0, top),
        **options,
    )


def several_times_chart(result: SeveralTimes, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    """The estimates of the multivariate model joined by lines, with their pointwise limits; they may rise."""
    name = f"Multivariate, {result.k} studies"
    return _curve(result, name, result.survival, result.low, result.high, id=id, title=title, axis=axis, **options)


def increments_chart(result: IncrementCurve, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    """The curve on increments with its confidence band; the wider band of a further study as a second, dashed curve would
    hide it, so that stands in the data table of the section."""
    name = f"Increments, {result.k} studies"
    return _curve(result, name, result.survival, result.low, result.high, id=id, title=title, axis=axis, **options)


def _curve(result: Any, name: str, middle: Any, low: Any, high: Any, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    time = (0.0, *map(float, result.times))
    bands = [(1.0, *map(float, part)) for part in (middle, low, high)]
    curve = Curve(name, "pooled", time, bands[0], bands[1], bands[2], steps=False)
    return survival_curves([curve], id=id, title=title, y_title=axis or "Survival", trail=result.trail, **options)


def stacked_incidence(result: AalenJohansen, *, id: str, title: str, axis: str = "", **options: Any) -> Chart:
    """Cumulative incidences of one arm stacked; with event-free survival on top they sum to one."""
    time = (0.0, *map(float, result.time))
    parts = [Part(cause, (0.0, *(float(v) for v in result.incidence[:, k]))) for k, cause in enumerate(result.causes)]
    return stacked_areas(parts, time=time, id=id, title=title, y_title=axis or "Cumulative incidence", trail=result.trail, **options)


def competing_bars(result: CompetingEvents, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    """Pooled incidences and event-free survival as one divided bar."""
    parts = [Part(i.cause, (i.estimate,), (i.ci.low,), (i.ci.high,)) for i in result.incidences]
    label = f"Pooled, {result.k} cohorts"
    return stacked_bars([label], parts, id=id, title=title, axis=axis or "Share of patients", trail=result.trail, **options)
