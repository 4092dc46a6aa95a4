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


INTERRUPTED = 130
INTERRUPTED_TEXT = "nextarm: interrupted; files that were there before are untouched."


def main() -> NoReturn:
    """Run the command line and exit with the documented code."""
    try:
        app(standalone_mode=True)
        code = 0
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 0
        if code == INTERRUPTED:
            print(INTERRUPTED_TEXT, file=sys.stderr)
    except NextarmError as error:
        print(f"nextarm: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print(INTERRUPTED_TEXT, file=sys.stderr)
        code = INTERRUPTED
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


# --- patients and survival ------------------------------------------------------------------------------------------


@app.command()
def reconstruct(
    curve: Annotated[Path, typer.Argument(help="CSV: time, survival[, arm].")],
    at_risk: Annotated[Path | None, typer.Option(help="CSV: time, at_risk[, arm]. Holds exactly.")] = None,
    ticks: Annotated[Path | None, typer.Option(help="CSV of censoring marks: time[, arm].")] = None,
    n: Annotated[list[str] | None, typer.Option(help="Patients: 100, or arm=100 for each arm.")] = None,
    events: Annotated[list[str] | None, typer.Option(help="Total events: 62, or arm=62 for each arm.")] = None,
    median: Annotated[list[str] | None, typer.Option(help="Printed median: 12.5 or arm=12.5.")] = None,
    hazard_ratio: Annotated[str | None, typer.Option(help="Printed ratio of the second arm to the first: 0.68 or 0.68,0.52,0.89.")] = None,
    p_value: Annotated[float | None, typer.Option(help="Printed two-sided log-rank p.")] = None,
    unit: Annotated[str, typer.Option(help="years, months, weeks or days.")] = "years",
    percent: Annotated[bool, typer.Option("--percent", help="Survival is in percent.")] = False,
    versions: Annotated[int, typer.Option(help="Number of plausible versions.")] = 20,
    seed: Annotated[int, typer.Option(help="Root of the random numbers.")] = 0,
    method: Annotated[str, typer.Option(help="dp, or guyot for comparison.")] = "dp",
    allow_rising_at_risk: Annotated[bool, typer.Option("--allow-rising-at-risk", help="Leave out rows of a table that rises.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the patients (single best version) to this CSV.")] = None,
    versions_out: Annotated[Path | None, typer.Option(help="Write all versions to this CSV, with a version column.")] = None,
    json: Json = False,
) -> None:
    """Rebuild patients from a published Kaplan-Meier curve and what is printed beside it.

    Example: nextarm reconstruct curve.csv --at-risk nar.csv --unit months --out patients.csv
    """
    from nextarm import verbs

    ratio = _numbers(hazard_ratio, "hazard-ratio")
    made = verbs.reconstruct(
        curve,
        at_risk=at_risk,
        ticks=ticks,
        n=_by_arm(n, "n", whole=True),
        events=_by_arm(events, "events", whole=True),
        median=_by_arm(median, "median"),
        hazard_ratio=None if ratio is None else ratio[0] if len(ratio) == 1 else tuple(ratio),
        p_value=p_value,
        unit=unit,
        percent=percent,
        versions=versions,
        seed=seed,
        method=method,
        allow_rising_at_risk=allow_rising_at_risk,
    )
    for path, table in ((out, made.patients), (versions_out, made.versions)):
        if path is not None:
            _write(path, table.to_frame(unit).write_csv())
            print(f"written: {path} ({table.n} rows, times in {unit})", file=sys.stderr)
    if json:
        print(made.to_json(indent=2))
        return
    for arm in made.arms:
        error = f"reading error {arm.reading_error:.4f}{' (estimated)' if arm.reading_error_estimated else ''}"
        fit = f"curve within {arm.mean_residual:.4f} on average, {arm.max_residual:.4f} at most"
        print(f"{arm.arm}: {arm.n} patients, {arm.events} events, {arm.person_years:.1f} years at risk; {error}; {fit}")
    for repair in made.repairs:
        print(f"repaired: {repair.arm}: {repair.what} ({repair.count})")
    print(f"grade {made.checks.grade}" + ("" if all(item.ok for item in made.checks.items) else "; not met:"))
    for item in made.checks.items:
        if not item.ok:
            print(f"  {item.arm}: {item.item}: published {item.published:g}, rebuilt {_cell(item.rebuilt)}")
    for text in made.warnings:
        print(f"warning: {text}")


@app.command()
def fit(
    patients: Annotated[Path, typer.Argument(help="CSV: time, event[, arm, entry, weight, version].")],
    model: Annotated[
        str, typer.Option(help="kaplan-meier, weibull, mixture-cure:weibull, promotion-cure:log-normal, ...")
    ] = "kaplan-meier",
    unit: Annotated[str, typer.Option(help="years, months, weeks or days.")] = "years",
    arm: Annotated[str | None, typer.Option(help="The arm to fit, where there are several.")] = None,
    version: Annotated[int | None, typer.Option(help="One version of a reconstruction.")] = None,
    cuts: Annotated[str | None, typer.Option(help="Cuts of piecewise-exponential, in years: 0.5,1,2.")] = None,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    json: Json = False,
    out: Out = None,
) -> None:
    """Estimate survival: the Kaplan-Meier curve, or a model with or without cure.

    Example: nextarm fit patients.csv --unit months --model mixture-cure:weibull
    """
    from nextarm import verbs

    found = verbs.fit(patients, model=model, unit=unit, arm=arm, version=version, cuts=_numbers(cuts, "cuts") or (), level=level)
    _show(found, json=json, out=out)


def _by_arm(values: list[str] | None, name: str, *, whole: bool = False) -> Any:
    """Read ``100`` or ``arm=100`` (repeated) as a number or a dict by arm."""
    if not values:
        return None
    found: dict[str, float | int] = {}
    for value in values:
        arm, _, text = value.rpartition("=")
        try:
            number = float(text)
        except ValueError:
            raise CallError(f"--{name} {value!r}", rule="must be a number, or arm=number for each arm") from None
        if whole and number != int(number):
            raise CallError(f"--{name} {value!r}", rule="must be a whole number")
        found[arm] = int(number) if whole else number
    if "" in found:
        if len(values) > 1:
            raise CallError(f"--{name} given {len(values)} times", rule="name the arm of each, as arm=number")
        return found[""]
    return found


# --- synthesis ------------------------------------------------------------------------------------------------------


@app.command()
def pool(
    data: Annotated[Path | None, typer.Argument(help="CSV: study, estimate, and se, or ci_low and ci_high, or n and events.")] = None,
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
    _show(found, json=json, out=out)


# --- borrowing ------------------------------------------------------------------------------------------------------


@app.command()
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
        _show(found, json=True, out=out)
        return
    tip = verbs.tipping_point(found)
    lines = ["comparison with a historical control, not randomised", _plain(found), "", "the smallest bias that would remove the finding"]
    table = tip.table().select(["points_tips", "ratio_tips", "excluded_tips", "drift_sd"])
    lines += [f"{name:<14}{_cell(value)}" for name, value in table.to_dicts()[0].items()]
    _emit("\n".join(lines), out)


@app.command()
def prior(
    data: Annotated[Path | None, typer.Argument(help="CSV as for pool: study, and estimate with n, or events and n, or se.")] = None,
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
        _show(found, json=True, out=out)
        return
    made = verbs.beta_prior(found, robust=robust)
    lines = [_plain(found), "", f"beta mixture ({made.divergence:.2g} nats from the prior)", *verbs.prior_lines(made)]
    _emit("\n".join(lines), out)


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

    with _progress("virtual trials", quiet=quiet) as progress:
        try:
            found = verbs.simulate(
                plan, trials=trials, seed=seed, workers=workers, precision=precision, out=out, cluster=cluster, progress=progress
            )
        except KeyboardInterrupt:
            if out is not None:
                print(f"nextarm: finished blocks are kept in {out}; the same command goes on from there.", file=sys.stderr)
            raise
    _show(found, json=json)
    if out is not None:
        print(f"written: {out / 'results.json'}", file=sys.stderr)


# --- report and verify ----------------------------------------------------------------------------------------------


@app.command()
def report(
    study: Annotated[str, typer.Argument(help="A bundled study.")] = "infant-all",
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("build/infant-all"),
    json: Annotated[bool, typer.Option("--json", help="Print results.json on standard output as well.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a study's report: one HTML file that opens offline, and every number as JSON.

    Example: nextarm report infant-all --out build/infant-all
    """
    from nextarm import verbs

    with _progress("sections", quiet=quiet) as progress:
        written = verbs.report(study, out=out, progress=progress)
    if json:
        print(written.results.read_text(encoding="utf-8"), end="")
        return
    print(f"The report is at {written.html} ({written.numbers} numbers, {len(written.charts)} charts).")
    print(f"Every number with its trail: {written.results}")


@app.command()
def verify(
    slow: Annotated[bool, typer.Option("--slow", help="Run the cases that take long as well.")] = False,
    room: Annotated[str | None, typer.Option(help="Only the cases of one room.")] = None,
    out: Annotated[Path, typer.Option(help="The folder for verify.html and verify.json.")] = Path("build/verify"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the validation cases on this machine and write what reproduced what; exit code 7 if any fails.

    Example: nextarm verify --out build/verify
    """
    from nextarm import verbs

    with _progress("cases", quiet=quiet) as progress:
        found = verbs.verify(slow=slow, room=room, out=out, progress=progress)
    if json:
        print(found.to_json(indent=2))
    else:
        for kind, (passed, run) in found.counts().items():
            print(f"{kind:<30}{passed:>5} of {run} passed")
        left = f"; {len(found.not_run)} slow cases not run" if found.not_run else ""
        print(f"{len(found.outcomes)} cases, {found.outside()} with an expected value from outside{left}")
        print(f"The dossier is at {out / 'verify.html'}")
    verbs.require_passed(found)


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="A folder that nextarm report wrote.")] = Path("build/infant-all"),
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1.")] = 8765,
) -> None:
    """Show a report in the browser, on this machine only; Ctrl-C ends it.

    Example: nextarm serve build/infant-all
    """
    from nextarm.web.app import serve as run

    print(f"The report is at http://127.0.0.1:{port}/ (Ctrl-C ends)", file=sys.stderr)
    run(folder, port=port)


if __name__ == "__main__":
    main()
