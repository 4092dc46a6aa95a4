"""The folder of a run: ``blocks.jsonl``, one line a finished block, and ``results.json`` when all is done.

The first line says whose blocks these are; each line ends with a checksum, so that a line cut short by a crash is
known and dropped. A run with the same plan, seed and version goes on from what is there; any other is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from nextarm import __version__
from nextarm.core.errors import OutputError
from nextarm.core.random import BLOCK_TRIALS
from nextarm.designs.plan import Plan
from nextarm.simulation.counted import BlockCounts

BLOCKS, RESULTS = "blocks.jsonl", "results.json"


class Folder:
    """An open run folder; use it in a ``with`` statement.

    ``done`` maps a block to (its trials, its counts by scenario). Only one process at a time may have it open.
    """

    def __init__(self, path: str | Path, *, plan: Plan, seed: int) -> None:
        self.path = Path(path)
        self.done: dict[int, tuple[int, tuple[BlockCounts, ...]]] = {}
        self._owner = {"nextarm": __version__, "seed": seed, "plan": _digest(plan), "block_trials": BLOCK_TRIALS}
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path / BLOCKS, "a+b")
        except OSError as error:
            raise _cannot_write(self.path, error) from None
        try:
            _lock(self._file, self.path)
            self._read(self._file)
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # what could not be written was said when it was tried
                self._file.close()

    def add(self, block: int, trials: int, counts: tuple[BlockCounts, ...]) -> None:
        """Keep a finished block: after this returns it survives the end of this process."""
        self._append({"block": block, "trials": trials, "counts": [_to_data(c) for c in counts]})

    def write_result(self, text: str) -> None:
        """Write ``results.json``, whole or not at all."""
        write_result(self.path, text)

    def _append(self, data: dict[str, Any]) -> None:
        assert self._file is not None  # open while in the with statement
        text = json.dumps(data)
        try:
            self._file.write(f"{text}\t{zlib.crc32(text.encode()):08x}\n".encode())
            self._file.flush()
        except OSError as error:
            raise _cannot_write(self.path / BLOCKS, error) from None

    def _read(self, file: IO[bytes]) -> None:
        file.seek(0)
        content = file.read()
        lines, whole = [], 0
        for line in content.splitlines(keepends=True):
            data = _checked(line)
            if data is None:
                break
            lines.append(data)
            whole += len(line)
        if content and not lines and b"\n" in content:
            raise OutputError(f"{self.path / BLOCKS} was not written by a simulation", cure="Choose another folder")
        file.truncate(whole)  # what a crash left of its last line
        if not lines:
            self._append(self._owner)
            return
        if different := [f"{key} {lines[0].get(key)!r}, not {own!r}" for key, own in self._owner.items() if lines[0].get(key) != own]:
            raise OutputError(
                f"{self.path} holds the blocks of another run",
                rule="; ".join(different),
                cure=f"Choose another folder, or remove {BLOCKS} there to begin again",
            )
        for data in lines[1:]:
            self.done[data["block"]] = (data["trials"], tuple(_from_data(c) for c in data["counts"]))


def write_result(folder: Path, text: str) -> None:
    """Write ``results.json`` to ``folder``, whole or not at all; :class:`OutputError` if that fails."""
    target, temporary = folder / RESULTS, ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{RESULTS}.", dir=folder)
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise _cannot_write(target, error) from None


def _digest(plan: Plan) -> str:
    """What tells one plan from another, in 16 digits."""
    return hashlib.sha256(json.dumps(plan.to_data(), sort_keys=True).encode()).hexdigest()[:16]


def _checked(line: bytes) -> dict[str, Any] | None:
    """The data of a whole line; None if it was cut or changed."""
    text, tab, check = line.rpartition(b"\t")
    if not tab or not line.endswith(b"\n") or check.strip() != f"{zlib.crc32(text):08x}".encode():
        return None
    data: dict[str, Any] = json.loads(text)
    return data


def _to_data(counts: BlockCounts) -> list[Any]:
    looks = (counts.rejected_by_look, counts.stopped_by_look, counts.futile_by_look, counts.time_by_look)
    return [*(part.tolist() for part in looks), counts.never_reached, counts.sums.tolist()]


def _from_data(data: list[Any]) -> BlockCounts:
    rejected, stopped, futile, times, never, sums = data
    a, b, c = (np.array(part, np.int64) for part in (rejected, stopped, futile))
    return BlockCounts(a, b, c, np.array(times, np.float64), never, np.array(sums, np.float64))


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {path}", rule=error.strerror or str(error), cure="Choose a folder you may write to, with space left")


def _lock(file: IO[bytes], path: Path) -> None:
    """Keep other processes out while this one runs; the lock goes with the process, however it ends."""
    try:
        import fcntl
    except ImportError:  # where there is none (Windows), two runs in one folder are the user's to avoid
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise OutputError(f"{path} is in use by another run", cure="Wait for it to end, or choose another folder") from None
