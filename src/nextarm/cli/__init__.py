"""The command line: parse, call a verb, show the result.

Every verb has ``--json`` (the whole result, with its trail, on standard output) and an example in its help. Messages go
to standard error; exit codes are those of :mod:`nextarm.core.errors`. Nothing heavy is imported before it is needed.
May import: verbs, the plan schema (designs.plan), core.errors, report; starts web, late.
"""

from __future__ import annotations

import gc
from typing import NoReturn

#: New objects before the collector looks for dead cycles. Loading numba and scipy makes hundreds of thousands that live to the end;
#: at Python's 700, looking through them again and again is a fifth of the time of a short command.
OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> NoReturn:
    """Run the command line and exit with the documented code."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        from nextarm.cli.app import main as run

        run()
    except KeyboardInterrupt:  # before the application was there to catch it
        leave_interrupted()


INTERRUPTED = 130


def leave_interrupted() -> NoReturn:
    """Say that the run was interrupted and leave with the documented code.

    Not by ``sys.exit``: where the interruption fell inside code run by ``exec`` (as dataclasses and compilers do), CPython
    remembers it as unhandled and would end by the signal instead.
    """
    import os
    import sys

    print("nextarm: interrupted; files that were there before are untouched.", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(INTERRUPTED)
