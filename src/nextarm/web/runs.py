"""Long runs: at most two at a time, a short queue behind them, progress, cancel.

A run is named by what it computes (a key from its plan, seed and size), so that the same address in two tabs shows one
run, and asking twice does not compute twice. What a run leaves in a study folder is its own business: after a kill the
same key goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nextarm.core.errors import NextarmError, Problem

log = logging.getLogger("nextarm.web")


class BusyError(Exception):
    """Two runs and a full queue: the answer is 429."""


class CancelledError(Exception):
    """Raised inside a run, at its next report of progress, once somebody has cancelled it."""


@dataclass
class Run:
    """One run and what is known of it; ``result`` may hold a first, coarser answer while it still refines."""

    key: str
    title: str
    address: str
    state: str = "waiting"
    done: int = 0
    total: int = 0
    result: Any = None
    problems: tuple[Problem, ...] = ()
    started: float | None = None
    seconds: float = 0.0
    revision: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int, total: int) -> None:
        """What the verb calls as it goes on; raises :class:`CancelledError` if so."""
        self.done, self.total = done, total
        if self._stop.is_set():
            raise CancelledError

    def show(self, result: Any) -> None:
        """Put a result where the page finds it; a later one takes its place."""
        self.result = result
        self.revision += 1

    def as_it_is(self) -> Run:
        """A copy for one page: its state is read before its result, so that no page calls a run done and lacks what it gave."""
        return replace(self)

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")

    @property
    def words(self) -> str:
        """What its state means for whoever looks at it, beyond the word."""
        kept = " What it had found by then stands below." if self.result is not None else ""
        return {
            "waiting": "It begins once one of the two that are running is done.",
            "cancelled": f"It was stopped before its end.{kept} Started again, it goes on from what is kept in the study, if anything is.",
            "failed": f"It came to no end.{kept} It can be started again.",
        }.get(self.state, "")

    def facts(self) -> dict[str, Any]:
        """What the page asks for again and again."""
        taken = self.seconds or (time.monotonic() - self.started if self.started else 0.0)
        return {
            "key": self.key, "title": self.title, "address": self.address, "state": self.state, "done": self.done, "total": self.total,
            "seconds": round(taken, 1), "revision": self.revision, "problems": [str(p) for p in self.problems],
        }  # fmt: skip


def key_of(what: str, facts: Mapping[str, Any]) -> str:
    """A short name of a run: what is done with which facts.

    >>> key_of("simulate", {"seed": 1}) == key_of("simulate", {"seed": 1})
    True
    """
    text = json.dumps([what, facts], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


class Runs:
    """All runs of this server; the oldest finished ones are forgotten."""

    def __init__(self, *, at_once: int = 2, waiting: int = 4, kept: int = 40) -> None:
        self._at_once, self._waiting, self._kept = at_once, waiting, kept
        self._all: OrderedDict[str, Run] = OrderedDict()
        self._work: dict[str, Callable[[Run], Any]] = {}
        self._lock = threading.Lock()

    def find(self, key: str) -> Run | None:
        """The run of this key, if there is one."""
        with self._lock:
            return self._all.get(key)

    def listed(self) -> list[Run]:
        """All runs, the newest first."""
        with self._lock:
            return list(reversed(self._all.values()))

    def start(self, key: str, work: Callable[[Run], Any], *, title: str, address: str) -> Run:
        """Start ``work(run)`` or queue it; the run of this key if it is there and has not failed. :class:`BusyError` if full."""
        with self._lock:
            found = self._all.get(key)
            if found is not None and (found.active or found.state == "done"):
                return found
            active = [r for r in self._all.values() if r.active]
            if len(active) >= self._at_once + self._waiting:
                raise BusyError
            run = Run(key, title, address)
            self._all[key] = run
            self._all.move_to_end(key)
            self._work[key] = work
            for old in [k for k, r in self._all.items() if not r.active][: max(0, len(self._all) - self._kept)]:
                del self._all[old]
            self._next()
        return run

    def forget(self, key: str) -> None:
        """Drop a finished run, so that its key can be run anew."""
        with self._lock:
            found = self._all.get(key)
            if found is not None and not found.active:
                del self._all[key]

    def cancel(self, key: str) -> bool:
        """Ask the run to stop; a waiting one never starts. False if there is none that waits or runs."""
        with self._lock:
            run = self._all.get(key)
            if run is None or not run.active:
                return False
            run._stop.set()
            if run.state == "waiting":
                run.state = "cancelled"
                self._work.pop(key, None)
        return True

    def stop_all(self) -> None:
        """Cancel everything: the server ends."""
        for run in self.listed():
            self.cancel(run.key)

    def _next(self) -> None:
        """Start waiting runs while there is room; the lock is held."""
        running = sum(r.state == "running" for r in self._all.values())
        for run in list(self._all.values()):
            if run.state == "waiting" and running < self._at_once:
                run.state, run.started = "running", time.monotonic()
                running += 1
                threading.Thread(target=self._go, args=(run, self._work.pop(run.key)), daemon=True, name=f"run {run.key}").start()

    def _go(self, run: Run, work: Callable[[Run], Any]) -> None:
        state = "done"
        problems: tuple[Problem, ...] = ()
        try:
            found = work(run)
            if found is not None:
                run.show(found)
        except CancelledError:
            state = "cancelled"
        except NextarmError as error:
            state, problems = "failed", error.problems
        except Exception:
            log.exception("the run %r failed", run.title)
            state, problems = "failed", (Problem("the run failed in nextarm itself", cure="The server's window says what happened"),)
        with self._lock:
            run.seconds = time.monotonic() - (run.started or 0.0)
            run.problems = problems
            run.revision += 1
            run.state = state
            self._next()
