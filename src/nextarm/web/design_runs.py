"""Virtual trials in the background: a first answer at once, then the same trials and more, until as many as were asked for.

Every stage takes the blocks of the one before from the run's folder, so that refining costs no trial twice, and the last
stage is the command's ``simulate`` with the same plan, seed and number of trials.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
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
#: The longest address that is made; the server refuses 16,000 signs.
LONGEST = 14_000


@lru_cache(maxsize=64)
def planned(text: str) -> Plan:
    """The plan of a text; :class:`PlanError` lists what is wrong with it."""
    from nextarm.designs.plan import plan_from_toml

    return plan_from_toml(text)


def evaluated(text: str) -> dict[str, Any]:
    """What the design of a plan's text, and each that it compares, can do by formula, by name; the refusal where one has no formula."""
    plan = planned(text)
    return {"as planned": _evaluated(text, ""), **{table.name: _evaluated(text, table.name) for table in plan.compare}}


@lru_cache(maxsize=128)
def _evaluated(text: str, name: str) -> Any:
    plan = planned(text)
    if name:
        plan = next(made for other, made in plan.designs() if other == name)
    try:
        return verbs.design(plan, error_trials=0)
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
            for size in stages(trials):

                def ahead(done: int, total: int, size: int = size) -> None:
                    run.progress(size * done // max(total, 1), trials)

                shown = report_of_plan(verbs.simulate(plan, trials=size, seed=seed, out=out, progress=ahead), plan)
                if size < trials:
                    run.show(shown)
        return shown

    where = plan_address(ask, text, trials=trials, seed=seed)
    return ask.runs.start(key, work, title=f"Virtual trials: {plan.trial.name}"[:80], address=where)


def ahead() -> Iterator[None]:
    """What the screen will be asked for soon: the compiled loops of the simulation, and once it is open each card's characteristics."""
    for kind in ("group-sequential-log-rank", "one-arm-milestone", "platform"):
        verbs.simulate(planned(verbs.designs(kind).cards[0].example), trials=1)
    yield
    for card in verbs.designs().cards:
        with suppress(NextarmError):  # the page says it when it is asked
            evaluated(str(card.example))
        yield


def _key(study: Study, text: str, trials: int, seed: int) -> str:
    return key_of("simulate", {"study": study.name, "plan": text, "trials": trials, "seed": seed})


def _folder(study: Study, key: str) -> Path:
    return study.path("runs", key)
