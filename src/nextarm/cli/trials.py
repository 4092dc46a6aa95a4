"""The commands design and simulate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nextarm.cli.options import Json, Out, Quiet
from nextarm.cli.show import progress_bar, show


def design(plan: Annotated[Path, typer.Argument(help="The plan, a TOML file.")], json: Json = False, out: Out = None) -> None:
    """What the design of a plan can do, or what its [solve] asks for.

    Example: nextarm design plan.toml --json
    """
    from nextarm import verbs

    show(verbs.design(plan), json=json, out=out)


def simulate(
    plan: Annotated[Path, typer.Argument(help="The plan, a TOML file.")],
    trials: Annotated[int | None, typer.Option(help="Virtual trials under each scenario (default 10,000).")] = None,
    seed: Annotated[int, typer.Option(help="The root seed.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes; the result does not depend on it.")] = 1,
    precision: Annotated[float | None, typer.Option(help="Stop when every rejection rate has this standard error.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Address of a Dask scheduler (extra: cluster).")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json and finished blocks; resumes where it stopped.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Simulate virtual trials of a plan under its own truth and every scenario.

    Example: nextarm simulate plan.toml --trials 100000 --seed 1 --workers 2 --out build/run
    """
    from nextarm import verbs

    with progress_bar("virtual trials", quiet=quiet) as progress:
        try:
            found = verbs.simulate(
                plan, trials=trials, seed=seed, workers=workers, precision=precision, out=out, cluster=cluster, progress=progress
            )
        except KeyboardInterrupt:
            if out is not None:
                print(f"nextarm: finished blocks are kept in {out}; the same command goes on from there.", file=sys.stderr)
            raise
    show(found, json=json)
    if out is not None:
        print(f"written: {out / 'results.json'}", file=sys.stderr)
