"""Virtual trials in the background: a first answer at once, then the same trials and more, until as many as were asked for.

Every stage takes the blocks of the one before from the run's folder, so that refining costs no trial twice, and the last
stage is the command's ``simulate`` with the same plan, seed and number of trials. Where assumptions vary, the plan's own truth and its
scenarios come first, alone: a map is nine times the work and more.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextarm import verbs
from nextarm.core.errors import CallError, NextarmError
from nextarm.report import Report
from nextarm.web.address import address
from nextarm.web.home import Study
from nextarm.web.runs import Run, key_of
from nextarm.web.screen import Ask

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Virtual trials shown at once (two whole blocks), how much each stage has more, and how many a run may go on to.
FIRST, MORE, MOST = 2_048, 4, 1_000_000
#: Virtual trials of a first answer on what a design can do, and for how many seconds a first answer waits for formulas.
ROUGH, SOON = 1_000, 0.1
#: The longest address that is made; the server refuses 16,000 signs.
LONGEST = 14_000


@lru_cache(maxsize=64)
def planned(text: str) -> Plan:
    """The plan of a text; :class:`PlanError` lists what is wrong with it."""
    from nextarm.designs.plan import plan_from_toml

    return plan_from_toml(text)


class Evaluations:
    """What designs can do, kept by the plan's text and the design's name; two who ask for the same at once wait for one answer."""

    def __init__(self, most: int = 128) -> None:
        self._kept: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._doing: dict[tuple[str, str], threading.Lock] = {}
        self._lock, self._most = threading.Lock(), most

    def known(self, text: str, name: str) -> bool:
        """Whether there is nothing left to work out."""
        with self._lock:
            return (text, name) in self._kept

    def whole(self, text: str, name: str) -> Any:
        """The result, or the refusal where there is none."""
        key = (text, name)
        with self._lock:
            doing = self._doing.setdefault(key, threading.Lock())
        with doing:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            found = _result(text, name)
            with self._lock:
                self._kept[key] = found
                self._doing.pop(key, None)
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return found


EVALUATIONS = Evaluations()
#: Where a design is worked out while its page is already on its way.
_AHEAD = ThreadPoolExecutor(2, thread_name_prefix="design")


def evaluated(text: str, *, rough: bool = False) -> tuple[dict[str, Any], str]:
    """What the design of a plan's text, and each that it compares, can do, by name: results or refusals; and in words what is not whole.

    ``rough``: a first answer at once. A design that works by virtual trials takes :data:`ROUGH` of them; one by formula that is not worked
    out within :data:`SOON` seconds (some search their bounds) is None and goes on meanwhile. What has been worked out before is whole.
    """
    end, found, not_yet = time.monotonic() + SOON, dict[str, Any](), ""
    for name in ("", *(table.name for table in planned(text).compare)):
        shown = name or "as planned"
        if not rough or EVALUATIONS.known(text, name):
            found[shown] = EVALUATIONS.whole(text, name)
        elif by_trials := _plan(text, name).design.by_trials:
            found[shown], not_yet = _rough(text, name), f"first from {ROUGH:,} virtual trials, {by_trials:,} follow"
        else:
            try:
                found[shown] = _AHEAD.submit(EVALUATIONS.whole, text, name).result(max(end - time.monotonic(), 0.0))
            except TimeoutError:
                found[shown], not_yet = None, not_yet or "being worked out"
    return found, not_yet


@lru_cache(maxsize=64)
def _plan(text: str, name: str) -> Plan:
    plan = planned(text)
    return next(made for other, made in plan.designs() if other == name) if name else plan


@lru_cache(maxsize=64)
def _rough(text: str, name: str) -> Any:
    return _result(text, name, trials=ROUGH)


def _result(text: str, name: str, *, trials: int | None = None) -> Any:
    try:
        return verbs.design(_plan(text, name), error_trials=0, trials=trials)
    except NextarmError as refusal:
        return refusal


def plan_address(ask: Ask, text: str, *, at: str = "", **values: object) -> str:
    """The address of a plan: it holds the whole text; a longer one is kept as a file of the study, whose name it holds.

    ``at`` is the place on the page. Raises :class:`CallError` for a long plan in the bundled study, where nothing is written.
    """
    anchor = f"#{at}" if at else ""
    whole = address(ask.at("design"), {"toml": text, **values})
    if len(whole) <= LONGEST:
        return whole + anchor
    if ask.study.folder is None:
        cure = "Make a study of your own on the first page: its plans are files"
        raise CallError(
            f"a plan of {len(text):,} signs", rule="is too long for an address, and nothing is saved in the bundled study", cure=cure
        )
    name = f"long-plan-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    ask.study.write({(f"{name}.toml",): text})
    return address(ask.at("design"), {"plan": name, **values}) + anchor


def stages(trials: int) -> tuple[int, ...]:
    """How many trials have been run whenever the page shows them anew; each time the standard errors have halved.

    >>> stages(20_000)
    (2048, 8192, 20000)
    """
    made, size = [], FIRST
    while size < trials:
        made.append(size)
        size *= MORE
    return (*made, trials)


def run_of(ask: Ask, text: str, trials: int, seed: int) -> Run | None:
    """The run of this question as it is now; one of an earlier start of the server goes on from its finished blocks."""
    found = ask.runs.find(_key(ask.study, text, trials, seed))
    if found is None and ask.study.folder is not None and _folder(ask.study, _key(ask.study, text, trials, seed)).is_dir():
        found = start(ask, text, trials, seed)
    return None if found is None else found.as_it_is()


def start(ask: Ask, text: str, trials: int, seed: int) -> Run:
    """Start ``trials`` virtual trials of the plan, or find the run that is there."""
    plan, key = planned(text), _key(ask.study, text, trials, seed)

    def work(run: Run) -> Report:
        from nextarm.report.simulated import report_of_plan

        with ExitStack() as stack:
            kept = ask.study.folder is not None
            out = _folder(ask.study, key) if kept else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nextarm-")))
            if plan.grid:
                alone = plan.without("grid")

                def going(done: int, total: int) -> None:
                    run.progress(0, trials)  # this is where a cancelled run ends

                found = verbs.simulate(alone, trials=min(FIRST, trials), seed=seed, progress=going)
                run.show(report_of_plan(found, alone))
            for size in stages(trials):

                def ahead(done: int, total: int, size: int = size) -> None:
                    run.progress(size * done // max(total, 1), trials)

                shown = report_of_plan(verbs.simulate(plan, trials=size, seed=seed, out=out, progress=ahead), plan)
                if size < trials:
                    run.show(shown)
        return shown

    where = plan_address(ask, text, trials=trials, seed=seed)
    return ask.runs.start(key, work, title=f"Virtual trials: {plan.trial.name}"[:70] + f", seed {seed}", address=where)


def ahead() -> Iterator[None]:
    """What the screen will be asked for soon: the compiled loops of the simulation, and once it is open each card's characteristics."""
    for kind in ("group-sequential-log-rank", "one-arm-milestone", "platform"):
        verbs.simulate(planned(verbs.designs(kind).cards[0].example), trials=1)
    yield
    for card in verbs.designs().cards:
        with suppress(NextarmError):  # the page says it when it is asked
            verbs.simulate(planned(str(card.example)), trials=1)
        yield
        evaluated(str(card.example))
        yield


def _key(study: Study, text: str, trials: int, seed: int) -> str:
    return key_of("simulate", {"study": study.name, "plan": text, "trials": trials, "seed": seed})


def _folder(study: Study, key: str) -> Path:
    return study.path("runs", key)
