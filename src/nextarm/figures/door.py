"""The door for strangers' files: kind by first bytes, size, then a child process with limits that does the parsing.

The child may use 30 s of processor time and 1.5 GiB of address space, has no network and starts no program
(:mod:`nextarm.figures.jail`). What comes back is JSON and a PNG; nothing else of the file reaches this process. Limits need
a POSIX system; elsewhere the child has a time limit only.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextarm.core.errors import CallError, DataError, NextarmError, OutputError, OwnFault, PlanError, Problem, RefusedError
from nextarm.core.result import from_data
from nextarm.figures.jail import CPU_SECONDS
from nextarm.figures.marks import Marks
from nextarm.figures.reading import FigureReading, FigureRefused, Kind

MOST_BYTES = 20_000_000
#: Longest wait for the child by the clock, a guard against one that hangs: on a busy machine little of it may be the child's own.
#: Its processor time is bounded by itself (:data:`nextarm.figures.jail.CPU_SECONDS`); where the system cannot, the clock alone counts.
WAIT_SECONDS = 600.0 if os.name == "posix" else 120.0
_ERRORS: dict[str, type[NextarmError]] = {e.__name__: e for e in (CallError, DataError, PlanError, RefusedError, OutputError, OwnFault)}


@dataclass(frozen=True)
class ReadFigure:
    """A reading with its overlay as PNG bytes."""

    reading: FigureReading
    overlay: bytes


@dataclass(frozen=True)
class Picture:
    """The figure as a PNG that covers ``width`` times ``height`` figure units."""

    png: bytes
    width: float
    height: float
    kind: Kind


def kind_of(data: bytes) -> Kind:
    """The kind of file by its first bytes; the name of a file says nothing. :class:`DataError` for every other kind."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "tiff"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith(b"%PDF-"):
        return "pdf"
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<") and b"<svg" in data[:65_536]:
        return "svg"
    raise DataError(
        "the file is empty" if not data else "the file is none of PNG, JPEG, TIFF, WebP, SVG and PDF",
        rule="the kind is told by the first bytes", cure="Save the figure as PNG, SVG or PDF",
    )  # fmt: skip


def load(path: str | Path) -> bytes:
    """The bytes of a file of at most 20 MB."""
    name = Path(path).name
    try:
        if not Path(path).is_file():
            raise DataError(f"{name} is not a file" if Path(path).exists() else f"{name} does not exist")
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise DataError(f"{name} cannot be read", rule=getattr(error, "strerror", None) or "not a usable path") from None
    if len(data) > MOST_BYTES:
        raise DataError(f"{name} is too large", rule=f"at most {MOST_BYTES // 1_000_000} MB", cure="Give the page with the figure alone")
    return data


def read_figure(path: str | Path, *, page: int | None = None, panel: int | None = None, marks: Marks | None = None) -> ReadFigure:
    """Read the figure in a file.

    Args:
        path: PNG, JPEG, TIFF, WebP, SVG or PDF. page: of a PDF, from 1; found where one page alone holds a figure.
        panel: number from 1 where the page holds several. marks: what was marked by hand.

    Raises:
        DataError: the file is missing, too large, damaged or of another kind. CallError: a page or panel that is not there.
        FigureRefused: the figure cannot be read; says why and carries the marks to fill.
    """
    for name, value in (("page", page), ("panel", panel)):
        if value is not None and not 1 <= value <= 10_000:
            raise CallError(f"{name} = {value}", rule="counts from 1")
    data = load(path)
    try:
        kind = kind_of(data)
    except DataError as error:
        raise DataError(problems=[_at(p, Path(path).name) for p in error.problems]) from None
    given = None if marks is None else marks.model_dump(mode="json")
    # The reader of pictures takes long to load: for a PDF it is loaded only when the page turns out to hold a picture.
    request = {"kind": kind, "page": page, "panel": panel, "marks": given, "pictures": kind not in ("svg", "pdf")}
    try:
        answer, image = ask(request, data)
        if answer.get("error") == "PictureOnPage":
            answer, image = ask(request | {"pictures": True}, data)
    except DataError as error:
        raise DataError(problems=[_at(p, Path(path).name) for p in error.problems]) from None
    if "reading" in answer:
        return ReadFigure(from_data(FigureReading, answer["reading"]), image)
    raise _error(answer, Path(path).name, image)


def read_picture(path: str | Path, *, page: int = 1) -> Picture:
    """The figure in a file as a plain picture in the positions that :func:`read_figure` uses; drawn in the child.

    Raises:
        DataError: the file is missing, too large, damaged or of another kind. CallError: a page that is not there.
    """
    data = load(path)
    try:
        kind = kind_of(data)
        answer, image = ask({"kind": kind, "page": page, "picture": True}, data)
    except DataError as error:
        raise DataError(problems=[_at(p, Path(path).name) for p in error.problems]) from None
    if "picture" not in answer:
        raise _error(answer, Path(path).name, image)
    return Picture(image, float(answer["picture"]["width"]), float(answer["picture"]["height"]), kind)


def _at(problem: Problem, name: str) -> Problem:
    where = f"{name}, {problem.where}" if problem.where and name not in problem.where else problem.where or name
    return Problem(problem.what, where, problem.rule, problem.cure)


def _error(answer: dict[str, Any], name: str, image: bytes) -> NextarmError:
    """The error that the child met, as the same kind here."""
    problems = [Problem(*map(str, p)) for p in answer.get("problems", [])] or [Problem("the figure could not be read")]
    if answer.get("error") == "FigureRefused":
        first = _at(problems[0], name)
        marks = Marks.model_validate(answer["marks"]) if answer.get("marks") else None
        found = tuple(map(str, answer.get("found", ())))
        refusal = FigureRefused(first.what, where=first.where, rule=first.rule, cure=first.cure, found=found, marks=marks)
        refusal.image = image
        return refusal
    return _ERRORS.get(str(answer.get("error")), DataError)(problems=[_at(p, name) for p in problems])


def ask(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """Send one request to a fresh child; its answer and image. :class:`DataError` if the child broke a limit or died."""
    head = json.dumps(request).encode()
    environment = {
        k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")
    }
    environment |= {
        "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1",
        "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "1",
    }  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-m", "nextarm.figures.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        out, _ = child.communicate(struct.pack(">I", len(head)) + head + data, timeout=WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        used = _processor_seconds(child.pid)
        child.kill()
        child.communicate()
        raise _waited(used) from None
    except BaseException:
        child.kill()
        child.communicate()
        raise
    if child.returncode == 0 and len(out) >= 4:
        size = struct.unpack(">I", out[:4])[0]
        answer = json.loads(out[4 : 4 + size])
        return answer, out[4 + size :]
    raise _died(child.returncode)


def _processor_seconds(pid: int) -> float | None:
    """Processor time that a running process has used, where the system tells it (Linux)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return None


def _waited(used: float | None) -> DataError:
    """The clock ran out: with the processor time that the reader got, since a busy machine is no fault of the figure."""
    rule = f"at most {WAIT_SECONDS:g} s by the clock"
    if used is None:
        return DataError("reading took too long", rule=rule, cure="Try again when less is running, or give a smaller picture")
    what = f"the machine is busy: reading got {used:.1f} s of processor time in {WAIT_SECONDS:g} s and took too long"
    return DataError(
        what, rule=f"{rule}, {CPU_SECONDS} s of processor time", cure="Try again when less is running; the figure is not at fault"
    )


def _died(code: int) -> DataError:
    stopped = -code
    if stopped in (getattr(signal, "SIGXCPU", 24), getattr(signal, "SIGKILL", 9)):
        return DataError(
            "reading took too long", rule=f"at most {CPU_SECONDS} s of processor time", cure="Give a smaller picture of the figure alone"
        )
    if code == 71:
        return DataError("reading needs too much memory", rule="at most 1.5 GiB", cure="Give a smaller picture of the figure alone")
    return DataError("the file is damaged, or made to break its reader: reading stopped", rule=f"the reader ended with code {code}")
