"""The command line: parse, call a verb, show the result.

Every verb has ``--json`` (the whole result, with its trail, on standard output) and an example in its help. Messages go
to standard error; exit codes are those of :mod:`nextarm.core.errors`. Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from nextarm.core.errors import CallError, NextarmError

app = typer.Typer(
    name="nextarm",
    help="From published survival curves to the next trial arm. Supports design decisions; not medical advice.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
evidence_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None, no_args_is_help=False)
app.add_typer(evidence_app, name="evidence")

Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON, with its trail.")]
Package = Annotated[str, typer.Option("--package", help="Bundled package or a folder of your own.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write the result to this file instead of the screen.")]
AssumeOrigin = Annotated[bool, typer.Option("--assume-origin", help="Take time origins that are not stated as equal; recorded and shown.")]


def main() -> NoReturn:
    """Run the command line and exit with the documented code."""
    try:
        app(standalone_mode=True)
        code = 0
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 0
    except NextarmError as error:
        print(f"nextarm: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print("nextarm: interrupted; files that were there before are untouched.", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except Exception as bug:
        code = _report_bug(bug)
    sys.exit(code)


def _report_bug(bug: Exception) -> int:
    import os

    if os.environ.get("NEXTARM_DEBUG"):
        raise bug
    said = f"{type(bug).__name__}: {bug}"
    print(f"nextarm: a bug in nextarm ({said}). Please report it; NEXTARM_DEBUG=1 shows where.", file=sys.stderr)
    return 1


@contextmanager
def _progress(label: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on standard error; none where it is not a terminal or not wished."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    from nextarm.report import write_texts

    write_texts({path: text if text.endswith("\n") else text + "\n"})


def _emit(text: str, out: Path | None) -> None:
    if out is None:
        print(text.rstrip("\n"))
    else:
        _write(out, text)
        print(f"written: {out}", file=sys.stderr)


def _show(result: Any, *, json: bool, out: Path | None = None, columns: tuple[str, ...] = ()) -> None:
    """Print a result: JSON, or its table (only ``columns``, where given) and warnings for a person."""
    _emit(result.to_json(indent=2) if json else _plain(result, columns), out)


def _plain(result: Any, columns: tuple[str, ...] = ()) -> str:
    frame = result.table()
    frame = frame.select([name for name in columns or frame.columns if name in frame.columns])
    records = frame.to_dicts()
    if len(records) == 1:
        width = max(len(name) for name in frame.columns)
        lines = [f"{name:<{width}}  {_cell(value)}" for name, value in records[0].items()]
    else:
        lines = _grid(list(frame.columns), [[_cell(value) for value in row.values()] for row in records])
    lines += [f"assumed: {text}" for text in result.trail.assumptions]
    lines += [f"left out: {left.row.key} ({left.reason})" for left in result.trail.left_out]
    lines += [f"warning: {text}" for text in result.warnings]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.5g}"
    return str(value)


def _grid(columns: list[str], rows: list[list[str]], widest: int = 44) -> list[str]:
    cut = [[cell if len(cell) <= widest else cell[: widest - 1] + "…" for cell in row] for row in rows]
    widths = [max([len(name), *(len(row[i]) for row in cut)]) for i, name in enumerate(columns)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [columns, *cut]]


#: What the screen shows of a row; CSV and JSON hold all columns.
EVIDENCE_COLUMNS = ("arm_id", "endpoint", "what", "time_years", "estimate", "se", "ci_low", "ci_high", "events", "n", "source_id", "marks")

# --- evidence -------------------------------------------------------------------------------------------------------


@evidence_app.callback()
def evidence(
    context: typer.Context,
    package: Package = "infant-all",
    table: Annotated[str, typer.Option(help="outcomes or counts.")] = "outcomes",
    endpoint: Annotated[list[str] | None, typer.Option(help="EFS, OS, DFS, ...; for counts, what was counted.")] = None,
    subtype: Annotated[list[str] | None, typer.Option(help="Disease subtype, such as KMT2A-r.")] = None,
    era: Annotated[str | None, typer.Option(help="Years of enrolment: 1999-2005, 2006-, -1998.")] = None,
    treatment_class: Annotated[list[str] | None, typer.Option(help="Class of treatment.")] = None,
    agent: Annotated[list[str] | None, typer.Option(help="An agent, by id or name.")] = None,
    protocol: Annotated[list[str] | None, typer.Option(help="A study or protocol, by id or name.")] = None,
    setting: Annotated[list[str] | None, typer.Option(help="Frontline, relapsed, ...")] = None,
    pool_set: Annotated[list[str] | None, typer.Option(help="A named set of arms fit for pooling.")] = None,
    arm: Annotated[list[str] | None, typer.Option(help="An arm, by id.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Check the package: every problem with file, line and column.")] = False,
    format: Annotated[str, typer.Option(help="table, csv, json or bibtex.")] = "table",
    json: Json = False,
    out: Out = None,
) -> None:
    """Published facts with their sources: query, check, classify.

    Example: nextarm evidence --endpoint EFS --subtype KMT2A-r --format csv
    """
    if context.invoked_subcommand:
        return
    from nextarm import verbs

    if check:
        _show(verbs.check_evidence(package), json=json or format == "json", out=out)
        return
    chosen = verbs.evidence(
        package,
        table=table,
        endpoint=endpoint,
        subtype=subtype,
        era=era,
        treatment_class=treatment_class,
        agent=agent,
        protocol=protocol,
        setting=setting,
        pool_set=pool_set,
        arm=arm,
    )
    kind = "json" if json else format
    if kind == "csv":
        _emit(chosen.to_csv(), out)
    elif kind == "bibtex":
        _emit(chosen.bibtex(), out)
    elif kind in ("json", "table"):
        _show(chosen, json=kind == "json", out=out, columns=EVIDENCE_COLUMNS)
    else:
        raise CallError(f"format = {format!r}", rule="must be table, csv, json or bibtex")


@evidence_app.command()
def classify(
    patients: Annotated[Path, typer.Argument(help="CSV with one row a patient and the protocol's fields as columns.")],
    protocol: Annotated[str, typer.Option(help="The protocol whose risk groups are used.")],
    package: Package = "infant-all",
    json: Json = False,
    out: Out = None,
) -> None:
    """Put patients into a protocol's risk groups, with the reason and what is missing.

    Example: nextarm evidence classify --protocol Interfant-06 patients.csv
    """
    from nextarm import verbs

    found = verbs.classify(patients, protocol=protocol, package=package)
    _emit(found.to_json(indent=2) if json else found.to_csv(), out)


@app.command()
def new(folder: Annotated[Path, typer.Argument(help="The folder to make.")]) -> None:
    """Make a study folder: empty tables, an example plan, a README.

    Example: nextarm new my-study
    """
    from nextarm import verbs

    made = verbs.new_study(folder)
    print(f"{made.folder}: {', '.join(made.files)}")


def _numbers(text: str | None, name: str) -> list[float] | None:
    """Read ``2,4`` as numbers."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise CallError(f"--{name} {text!r}", rule="must be numbers separated by commas, such as 2,4") from None


# --- designs and simulation -----------------------------------------------------------------------------------------


@app.command()
def design(plan: Annotated[Path, typer.Argument(help="The plan, a TOML file.")], json: Json = False, out: Out = None) -> None:
    """What the design of a plan can do, or what its [solve] asks for.

    Example: nextarm design plan.toml --json
    """
    from nextarm import verbs

    _show(verbs.design(plan), json=json, out=out)


@app.command()
def simulate(
    plan: Annotated[Path, typer.Argument(help="The plan, a TOML file.")],
    trials: Annotated[int, typer.Option(help="Virtual trials under each scenario.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The root seed.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes; the result does not depend on it.")] = 1,
    json: Json = False,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Simulate virtual trials of a plan under its own truth and every scenario.

    Example: nextarm simulate plan.toml --trials 20000 --seed 1 --workers 2
    """
    from nextarm import verbs

    with _progress("virtual trials", quiet=quiet) as progress:
        found = verbs.simulate(plan, trials=trials, seed=seed, workers=workers, progress=progress)
    _show(found, json=json, out=out)


if __name__ == "__main__":
    main()
