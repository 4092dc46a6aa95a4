"""The commands designs, design, look, simulate and assurance."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nextarm.cli.options import Json, Out, Quiet
from nextarm.cli.show import emit, plain, progress_bar, show
from nextarm.core.errors import CallError

#: Virtual trials where neither a number nor a precision is asked for.
DEFAULT_TRIALS = 100_000


def designs(
    kind: Annotated[str | None, typer.Argument(help="A kind of design: its card, with an example plan.")] = None,
    example: Annotated[bool, typer.Option("--example", help="Only the example plan of the kind, ready for a file.")] = False,
    json: Json = False,
    out: Out = None,
) -> None:
    """Which designs there are; with KIND, when to use it and when not, and a plan to start from.

    Example: nextarm designs simon-two-stage --example --out plan.toml
    """
    from nextarm import verbs

    found = verbs.designs(kind)
    if example and kind is None:
        raise CallError("--example without KIND", rule="an example is of one kind", cure="Name it, as in: nextarm designs boin --example")
    emit(found.to_json(indent=2) if json else found.cards[0].example if example else "\n".join(found.lines()), out)


def design(
    plan: Annotated[Path, typer.Argument(help="The plan, a TOML file.")],
    error_trials: Annotated[int, typer.Option(help="Virtual trials for the true type I error of a log-rank test; 0: none.")] = 50_000,
    seed: Annotated[int, typer.Option(help="Their seed.")] = 0,
    json: Json = False,
    out: Out = None,
) -> None:
    """What the design of a plan can do, or what its [solve] asks for.

    Example: nextarm design plan.toml --json
    """
    from nextarm import verbs

    show(verbs.design(plan, error_trials=error_trials, seed=seed), json=json, out=out)


def look(
    plan: Annotated[Path, typer.Argument(help="The plan of a group-sequential log-rank trial.")],
    events: Annotated[list[float] | None, typer.Option(help="Events at a look; once for each look so far, the first first.")] = None,
    z: Annotated[list[float] | None, typer.Option(help="Log-rank z at it; positive where the new arm does better.")] = None,
    patients: Annotated[list[Path] | None, typer.Option(help="Instead: the patients at a look, CSV with arm, time, event.")] = None,
    unit: Annotated[str, typer.Option(help="Unit of their times.")] = "years",
    hazard_ratio: Annotated[float | None, typer.Option(help="What conditional power assumes (default: the plan's).")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="The trial ends here: what is left of alpha is spent.")] = False,
    json: Json = False,
    out: Out = None,
) -> None:
    """What the bounds say of a running trial at its latest look, and how it may end.

    Example: nextarm look plan.toml --events 48 --z 1.9
    """
    from nextarm import verbs

    found = verbs.look(plan, events=events or (), z=z or (), patients=patients or (), unit=unit, hazard_ratio=hazard_ratio, ended=ended)
    emit(found.to_json(indent=2) if json else "\n".join([plain(found), *found.lines()]), out)


def simulate(
    plan: Annotated[list[Path], typer.Argument(help="The plan, a TOML file; up to four are compared.")],
    trials: Annotated[
        int | None, typer.Option(help="Virtual trials under each scenario (default 100,000; the first 10,000 are shown at once).")
    ] = None,
    seed: Annotated[int, typer.Option(help="The root seed.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes; the result does not depend on it.")] = 1,
    precision: Annotated[float | None, typer.Option(help="Stop when every rejection rate has this standard error.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Address of a Dask scheduler (extra: cluster).")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for results.json, report.html and finished blocks; resumes where it stopped.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Simulate virtual trials of a plan under its own truth and every scenario.

    Example: nextarm simulate plan.toml --trials 100000 --seed 1 --workers 2 --out build/run
    """
    from nextarm import verbs

    default = trials is None and precision is None

    def first(found: Any) -> None:
        print(f"{plain(found)}\n(the first {found.scenarios[0].trials:,} trials; going on to {DEFAULT_TRIALS:,})\n", flush=True)

    with progress_bar("virtual trials", quiet=quiet) as progress:
        try:
            found = verbs.simulate(
                plan,
                trials=DEFAULT_TRIALS if default else trials,
                seed=seed,
                workers=workers,
                precision=precision,
                out=out,
                cluster=cluster,
                progress=progress,
                preview=first if default and not json and not quiet else None,
            )
        except KeyboardInterrupt:
            if out is not None:
                print(f"nextarm: finished blocks are kept in {out}; the same command goes on from there.", file=sys.stderr)
            raise
    show(found, json=json)
    if out is not None:
        page = verbs.simulation_report(found, plan, out=out)
        print(f"written: {out / 'results.json'}, {page}", file=sys.stderr)


def assurance(
    plan: Annotated[Path, typer.Argument(help="The plan, a TOML file.")],
    prior: Annotated[Path, typer.Option(help="prior.json of nextarm prior: the control's, or the only arm's.")],
    experimental_prior: Annotated[Path | None, typer.Option(help="prior.json of the experimental arm in place of the effect.")] = None,
    effect_sd: Annotated[float, typer.Option(help="Standard deviation of the plan's effect on the log scale.")] = 0.0,
    target: Annotated[float, typer.Option(help="Power whose probability is shown.")] = 0.8,
    nodes: Annotated[int, typer.Option(help="Values of the prior that are averaged over.")] = 24,
    json: Json = False,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Power averaged over a prior, its distribution, and what a larger trial buys.

    Example: nextarm assurance plan.toml --prior prior.json --effect-sd 0.2
    """
    from nextarm import verbs

    with progress_bar("plans", quiet=quiet) as progress:
        found = verbs.assurance(
            plan,
            prior=prior,
            experimental_prior=experimental_prior,
            effect_sd=effect_sd,
            target=target,
            nodes=nodes,
            progress=progress,
        )
    show(found, json=json, out=out)
    if not json and out is None:
        print("\nwhat a larger trial buys:")
        for row in found.sizes:
            expected = f" ({row.expected_n:.0f} expected, an early end counted)" if row.expected_n < row.n - 0.5 else ""
            print(f"  {row.n:6.0f} patients{expected}, {row.years_to_accrue:.1f} years to enter them: assurance {row.assurance:.3f}")
