"""The commands pool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nextarm.cli.options import AssumeOrigin, Json, Out, Package
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
    measure: Annotated[str, typer.Option(help="cloglog, logit, log or identity.")] = "cloglog",
    method: Annotated[str, typer.Option(help="reml, ml, dl, pm, eb, sj or he.")] = "reml",
    interval: Annotated[str, typer.Option(help="ad-hoc, hartung-knapp or wald.")] = "ad-hoc",
    prediction: Annotated[str, typer.Option(help="t(k-2), t(k-1) or normal.")] = "t(k-2)",
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    moderator: Annotated[list[str] | None, typer.Option(help="Regress on this column; year counts in decades.")] = None,
    percent: Annotated[bool, typer.Option("--percent", help="Estimates and limits are in percent.")] = False,
    package: Package = "infant-all",
    time_origin: Annotated[str | None, typer.Option(help="Only rows with this time origin.")] = None,
    assume_origin: AssumeOrigin = False,
    json: Json = False,
    out: Out = None,
) -> None:
    """Pool studies under random effects, from evidence rows or from a file.

    Example: nextarm pool --endpoint EFS --pool-set frontline-kmt2a-r --time 4 --window 1
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
    )
    show(found, json=json, out=out)
