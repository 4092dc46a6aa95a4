"""Densities of a prior: alone, or with likelihood and posterior, so that a conflict between prior and data is seen.

The numbers that matter (what the prior expected, what was seen, what is believed after) stand in the caption; the lines show
where they overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray
from nextarm.report.charts.lines import LineSeries, lines
from nextarm.report.document import Chart
from nextarm.report.formats import format_number

if TYPE_CHECKING:
    from nextarm.borrowing import MapPrior, PriorFile, PriorUpdate

_POINTS = 121


def prior_update_chart(result: PriorUpdate, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    """Prior, likelihood (scaled to the same area) and posterior, with the conflict in words."""
    shares = bool(result.x[0] >= 0.0 and result.x[-1] <= 1.0)
    spec = options.pop("x_format", "percent" if shares else "decimal")

    def said(value: float) -> str:
        return format_number(value, spec)

    parts = [
        f"The prior expected {said(result.prior_mean)} ({said(result.prior_ci.low)} to {said(result.prior_ci.high)}); "
        f"seen were {result.data}, {said(result.estimate)}; after the data "
        f"{said(result.posterior_mean)} ({said(result.posterior_ci.low)} to {said(result.posterior_ci.high)}).",
        f"Data at least as far out have a prior predictive probability of {result.conflict_p:.2g}: "
        + ("prior and data are in conflict." if result.in_conflict else "no conflict is seen."),
    ]
    if result.robust_weight_after is not None and result.robust_weight_before is not None:
        parts.append(
            f"The vague component goes from weight {format_number(result.robust_weight_before, 'percent')} to "
            f"{format_number(result.robust_weight_after, 'percent')}."
        )
    series = [
        ("Prior", result.prior_density),
        ("Likelihood", result.likelihood_density),
        ("Posterior", result.posterior_density),
    ]
    return _drawn(
        result.x, series, id=id, title=title, axis=axis or "Parameter", spec=spec, caption=" ".join(parts), result=result, **options
    )


def map_prior_chart(result: MapPrior, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    """The predictive density of a new study's true value, with its interval in words."""
    shares = result.measure in ("cloglog", "logit")
    spec = options.pop("x_format", "percent" if shares else "decimal")
    low, high = (0.0, 1.0) if shares else (result.quantile(0.001), result.quantile(0.995))
    edges = np.linspace(low, high, 2 * _POINTS)
    density = np.diff([result.cdf(float(v)) for v in edges]) / np.diff(edges)
    x = (edges[1:] + edges[:-1]) / 2.0
    said = (
        f"Median {format_number(result.median, spec)}, {result.ci.level:.0%} predictive interval {format_number(result.ci.low, spec)} "
        f"to {format_number(result.ci.high, spec)}, from {result.k} {'study' if result.k == 1 else 'studies'}; {result.tau_prior}."
    )
    series = [("Predictive density", density)]
    return _drawn(
        x, series, id=id, title=title, axis=axis or "True value of the next arm", spec=spec, caption=said, result=result, **options
    )


def prior_file_chart(result: PriorFile, *, id: str, title: str, axis: str, **options: Any) -> Chart:
    """The mixture of a prior as it is used, with and without its vague component."""
    from nextarm.borrowing import BetaMixture, GammaMixture, MultinormalMixture, NormalMixture

    mixture = result.mixture.marginal(0) if isinstance(result.mixture, MultinormalMixture) else result.mixture
    shares = isinstance(mixture, BetaMixture)
    spec = options.pop("x_format", "percent" if shares else "decimal")
    x = np.linspace(0.003, 0.997, 2 * _POINTS) if shares else np.linspace(mixture.quantile(0.002), mixture.quantile(0.99), 2 * _POINTS)
    series = [("Prior", mixture.density(x))]
    if result.robust_weight and isinstance(mixture, BetaMixture | GammaMixture | NormalMixture):
        kept = mixture.weights[:-1] / mixture.weights[:-1].sum()
        fields: dict[type, tuple[str, str]] = {BetaMixture: ("a", "b"), GammaMixture: ("shapes", "rates"), NormalMixture: ("means", "sds")}
        names = fields[type(mixture)]
        parts = {name: getattr(mixture, name)[:-1] for name in names}
        series = [("History alone", type(mixture)(weights=kept, **parts).density(x)), ("With the vague part", series[0][1])]
    first = next((w for w in result.worth if w.patients is not None or w.events is not None), None)
    size = (
        ""
        if first is None
        else f" Worth {first.patients:.0f} patients"
        if first.patients is not None
        else f" Worth {first.events:.0f} events"
    )
    said = f"Made from {result.k} {'study' if result.k == 1 else 'studies'}, {result.likelihood} likelihood.{size}" + (
        f" ({first.method.upper()})." if first is not None else ""
    )
    return _drawn(x, series, id=id, title=title, axis=axis or result.parameter, spec=spec, caption=said, result=result, **options)


def _drawn(
    x: FloatArray,
    series: Sequence[tuple[str, FloatArray]],
    *,
    id: str,
    title: str,
    axis: str,
    spec: str,
    caption: str,
    result: Any,
    **options: Any,
) -> Chart:
    if spec.startswith("percent"):
        options.setdefault("x_domain", (0.0, 1.0))
    if not all(np.isfinite(y).all() for _, y in series):
        raise CallError(f"chart {id!r}: a density has a pole", rule="must be finite where it is drawn")
    take = np.unique(np.linspace(0, x.size - 1, _POINTS).round().astype(int))
    top = float(max(np.quantile(y, 0.995) for _, y in series)) * 1.08
    made = [LineSeries(name, tuple(x[take].tolist()), tuple(y[take].tolist())) for name, y in series]
    return lines(
        made,
        id=id,
        title=title,
        x_title=axis,
        y_title="Density",
        trail=result.trail,
        format="decimal",
        x_format=spec,
        points=False,
        y_domain=options.pop("y_domain", (0.0, top)),
        caption=caption,
        alt_text=f"Density against {axis.lower()}. {caption}",
        **options,
    )
