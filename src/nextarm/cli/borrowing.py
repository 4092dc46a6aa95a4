"""The commands compare and prior."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nextarm.cli.options import AssumeOrigin, Json, Out, Package
from nextarm.cli.show import cell, emit, plain, show


def compare(
    arm: Annotated[str, typer.Option(help="The treated arm, by id.")],
    control: Annotated[str, typer.Option(help="The historical control, by arm id.")],
    endpoint: Annotated[str, typer.Option(help="EFS, OS, DFS, RFS.")],
    time: Annotated[float, typer.Option(help="Years at which both arms report.")],
    data_lock: Annotated[str | None, typer.Option(help="Which analysis, where the arms share several.")] = None,
    assume_origin: AssumeOrigin = False,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    package: Package = "infant-all",
    json: Json = False,
    out: Out = None,
) -> None:
    """Compare published survival of two arms of the evidence, and say how large a bias would undo the finding.

    Example: nextarm compare --arm blin --control interfant-06-histctrl --endpoint DFS --time 4
    """
    from nextarm import verbs

    found = verbs.compare(
        arm, control, endpoint=endpoint, time=time, data_lock=data_lock, assume_origin=assume_origin, level=level, package=package
    )
    if json:
        show(found, json=True, out=out)
        return
    tip = verbs.tipping_point(found)
    lines = ["comparison with a historical control, not randomised", plain(found), "", "the smallest bias that would remove the finding"]
    table = tip.table().select(["points_tips", "ratio_tips", "excluded_tips", "drift_sd"])
    lines += [f"{name:<14}{cell(value)}" for name, value in table.to_dicts()[0].items()]
    emit("\n".join(lines), out)


def prior(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="CSV as for pool: study, and estimate with n, or events and n, or se. Without an estimate it is events / n, "
            "the share WITH the event; for survival give n minus events."
        ),
    ] = None,
    arms: Annotated[str | None, typer.Option(help="Arms of the evidence, separated by commas.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Their end point.")] = None,
    time: Annotated[float | None, typer.Option(help="Years at which they report.")] = None,
    likelihood: Annotated[str, typer.Option(help="binomial (counts) or normal (estimates with their precision).")] = "binomial",
    measure: Annotated[str, typer.Option(help="Scale of a normal likelihood.")] = "cloglog",
    tau: Annotated[str, typer.Option(help="Prior of the between-study sd: half-normal, half-cauchy, uniform.")] = "half-normal",
    tau_scale: Annotated[float | None, typer.Option(help="Its scale (default 1 for counts, 0.5 else).")] = None,
    robust: Annotated[float, typer.Option(help="Weight of a uniform component added to the beta mixture.")] = 0.0,
    percent: Annotated[bool, typer.Option("--percent", help="Estimates and limits are in percent.")] = False,
    package: Package = "infant-all",
    json: Json = False,
    out: Out = None,
) -> None:
    """Predictive prior of a new arm from earlier studies, with its beta mixture and effective sample size.

    Example: nextarm prior --arms blin --endpoint DFS --time 4 --likelihood normal --tau-scale 0.3
    """
    from nextarm import verbs

    found = verbs.prior(
        data,
        arms=[a.strip() for a in arms.split(",")] if arms else (),
        endpoint=endpoint,
        time=time,
        likelihood=likelihood,
        measure=measure,
        tau=tau,
        tau_scale=tau_scale,
        percent=percent,
        package=package,
    )
    if json:
        show(found, json=True, out=out)
        return
    made = verbs.beta_prior(found, robust=robust)
    lines = [plain(found), "", f"beta mixture ({made.divergence:.2g} nats from the prior)", *verbs.prior_lines(made)]
    emit("\n".join(lines), out)
