"""The commands pool and chart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nextarm.cli.options import AssumeOrigin, Json, Out, Package, read_names, read_numbers
from nextarm.cli.show import show


def pool(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="CSV: study, estimate, and se, or ci_low and ci_high, or n and events. Without an estimate it is events / n, "
            "the share WITH the event; for survival give n minus events."
        ),
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="End point of the evidence rows.")] = None,
    pool_set: Annotated[str | None, typer.Option(help="A named set of arms fit for pooling.")] = None,
    time: Annotated[float | None, typer.Option(help="Years from the origin.")] = None,
    window: Annotated[float, typer.Option(help="Take rows within this many years of --time.")] = 0.0,
    without: Annotated[str, typer.Option(help="Arms of the pool set to leave out, separated by commas.")] = "",
    measure: Annotated[str, typer.Option(help="cloglog, logit, log or identity.")] = "cloglog",
    method: Annotated[str, typer.Option(help="reml, ml, dl, pm, eb, sj or he.")] = "reml",
    interval: Annotated[str, typer.Option(help="ad-hoc, hartung-knapp or wald.")] = "ad-hoc",
    prediction: Annotated[str, typer.Option(help="t(k-2), t(k-1) or normal.")] = "t(k-2)",
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    moderator: Annotated[list[str] | None, typer.Option(help="Regress on this column; year counts in decades.")] = None,
    percent: Annotated[bool, typer.Option("--percent", help="Estimates and limits are in percent.")] = False,
    model: Annotated[
        str, typer.Option(help="normal; or binomial-normal, beta-binomial: events of n by their exact likelihood (0 of n is welcome).")
    ] = "normal",
    curves: Annotated[
        Path | None,
        typer.Option(help="Pool survival curves: a folder with one CSV a study (time, survival, and at_risk, at_risk_before, se or n)."),
    ] = None,
    curve_model: Annotated[str, typer.Option(help="combescure, multivariate or increments.")] = "combescure",
    times: Annotated[str | None, typer.Option(help="Years at which curves are pooled, such as 1,2,3.")] = None,
    unit: Annotated[str, typer.Option(help="Unit of the times in curve files: years, months, weeks or days.")] = "years",
    package: Package = "infant-all",
    time_origin: Annotated[str | None, typer.Option(help="Only rows with this time origin.")] = None,
    assume_origin: AssumeOrigin = False,
    json: Json = False,
    out: Out = None,
) -> None:
    """Pool studies under random effects, from evidence rows, from a file, or whole survival curves from a folder.

    Example: nextarm pool --endpoint EFS --pool-set frontline-kmt2a-r --time 4 --window 1

    Others: nextarm pool data.csv --measure logit --moderator year; nextarm pool --curves FOLDER --unit months
    """
    from nextarm import verbs

    found = verbs.pool(
        data,
        package=package,
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
        moderators=moderator or (),
        percent=percent,
        model=model,
        curves=curves,
        curve_model=curve_model,
        without=read_names(without),
        times=read_numbers(times, "times"),
        unit=unit,
    )
    show(found, json=json, out=out)


def chart(
    kind: Annotated[str, typer.Argument(help="prisma, bias, forest, cumulative, influence, trend or curve.")],
    source: Annotated[
        Path,
        typer.Argument(help="prisma: a screening table; bias: a table of judgements; curve: a folder of curves; else a file of studies."),
    ],
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("build/charts"),
    title: Annotated[str, typer.Option(help="Heading of the chart.")] = "",
    measure: Annotated[str, typer.Option(help="Scale of pooling: cloglog, logit, log or identity.")] = "cloglog",
    unit: Annotated[str, typer.Option(help="Unit of the times in curve files.")] = "years",
    percent: Annotated[bool, typer.Option("--percent", help="Estimates and limits are in percent.")] = False,
) -> None:
    """Draw a chart of a review from a file: Vega-Lite, SVG and PNG, wide and narrow.

    Example: nextarm chart prisma screening.csv --out build/charts
    """
    from nextarm import verbs

    for path in verbs.chart(kind, source, out=out, title=title, measure=measure, unit=unit, percent=percent):
        print(path)
