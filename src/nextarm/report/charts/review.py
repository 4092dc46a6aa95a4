"""Charts of a review from its files: what is read, how it is pooled and which builder draws it, by one word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nextarm.core.errors import CallError, DataError, unreadable
from nextarm.report.charts.pooling import baujat_plot, named_forest
from nextarm.report.charts.results import chart
from nextarm.report.document import Chart
from nextarm.synthesis import (
    StudyEstimate,
    baujat,
    bias_from_csv,
    cumulative,
    meta_regression,
    pool,
    pool_curves,
    screening_from_csv,
)
from nextarm.synthesis.read import read_studies

TITLES: dict[str, str] = {
    "prisma": "Flow of records through the review",
    "bias": "Risk of bias by domain",
    "forest": "Studies and their pool",
    "cumulative": "The pool as studies were added",
    "influence": "What each study does to the pool",
    "trend": "Estimates by year",
    "curve": "Pooled survival curve",
}


def review_chart(
    kind: str, source: str | Path, *, title: str = "", measure: str = "cloglog", unit: str = "years", percent: bool = False
) -> Chart:
    """The chart ``kind`` of :data:`TITLES` from the file or folder ``source``.

    :class:`CallError` for another word, and whatever the readers and models raise for what they cannot use.
    """
    if kind not in TITLES:
        raise CallError(f"chart {kind!r}", rule=f"must be one of {', '.join(TITLES)}")
    heading = title or TITLES[kind]
    if kind == "prisma":
        return chart(screening_from_csv(source), id=kind, title=heading)
    if kind == "bias":
        return chart(bias_from_csv(_text(Path(source))), id=kind, title=heading)
    if kind == "curve":
        return chart(pool_curves(source, unit=unit, percent=percent), id=kind, title=heading)
    probability = measure in ("cloglog", "logit")
    studies = read_studies(source, percent=percent, probability=probability)
    draw: dict[str, Callable[[], Chart]] = {
        "forest": lambda: chart(pool(studies, measure=measure, probability=probability), id=kind, title=heading),
        "cumulative": lambda: _cumulative(studies, heading, measure, probability),
        "influence": lambda: _influence(studies, heading, measure, probability),
        "trend": lambda: chart(
            meta_regression(studies, moderators=("year",), measure=measure, probability=probability), id=kind, title=heading, x_title="year"
        ),
    }
    return draw[kind]()


def _cumulative(studies: tuple[StudyEstimate, ...], title: str, measure: str, probability: bool) -> Chart:
    pools = cumulative(studies, measure=measure, probability=probability)
    trail = pool(studies, measure=measure, probability=probability).trail
    form = "percent" if probability else "decimal"
    return named_forest(pools, id="cumulative", title=title, axis="pooled value", trail=trail, format=form)


def _influence(studies: tuple[StudyEstimate, ...], title: str, measure: str, probability: bool) -> Chart:
    points = baujat(studies, measure=measure, probability=probability)
    return baujat_plot(points, id="influence", title=title, trail=pool(studies, measure=measure, probability=probability).trail)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} is missing", cure="Check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
