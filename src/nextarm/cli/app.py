"""The application: its commands in the order of the line, and the way out with the documented exit code."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

import typer

from nextarm.cli import INTERRUPTED, borrowing, evidence, figures, leave_interrupted, patients, reports, synthesis, trials
from nextarm.core.errors import NextarmError

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

evidence_app.callback()(evidence.evidence)
evidence_app.command()(evidence.classify)
for command in (
    evidence.new, figures.read_figure, patients.reconstruct, patients.fit, synthesis.pool, synthesis.chart, borrowing.compare,
    borrowing.match, borrowing.prior, trials.designs, trials.design, trials.look, trials.simulate, trials.assurance,
    reports.report, reports.verify, reports.serve,
):  # fmt: skip
    app.command()(command)


def main() -> NoReturn:
    """Run the command line and exit with the documented code."""
    try:
        app(standalone_mode=True)
        code = 0
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 0
        if code == INTERRUPTED:
            leave_interrupted()
    except NextarmError as error:
        print(f"nextarm: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        leave_interrupted()
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except Exception as bug:
        code = _report_bug(bug)
    gc.freeze()  # the interpreter would look through all that was loaded for dead cycles, three times, before it ends
    sys.exit(code)


def _report_bug(bug: Exception) -> int:
    import os

    if os.environ.get("NEXTARM_DEBUG"):
        raise bug
    said = f"{type(bug).__name__}: {bug}"
    print(f"nextarm: a bug in nextarm ({said}). Please report it; NEXTARM_DEBUG=1 shows where.", file=sys.stderr)
    return 1
