"""The command line for tests: in a process of its own, as a user starts it, or in this one, where a second or more of start is spared."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

Done = subprocess.CompletedProcess[str]


def fresh(*words: str | Path, cwd: Path | None = None) -> Done:
    """The command in a new process, in which nothing is loaded: each verb is tried so once at least."""
    command = [sys.executable, "-m", "nextarm.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def run(*words: str | Path, cwd: Path | None = None) -> Done:
    """The same entry in this process: what it printed and its exit code."""
    from nextarm.cli.app import main

    out, err, code = io.StringIO(), io.StringIO(), 0
    with chdir(cwd or Path.cwd()), redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", ["nextarm", *map(str, words)]):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Done(sys.argv, code, out.getvalue(), err.getvalue())
