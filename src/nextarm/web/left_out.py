"""Evidence, trials left out: what is pooled of the others, and the assurance of a plan whose control they are the history of."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nextarm import verbs
from nextarm.core.errors import CallError, NextarmError
from nextarm.report import Section
from nextarm.report.evidence_blocks import facets, opened
from nextarm.web.nothing_yet import NO_SET, nothing_yet
from nextarm.web.screen import Ask, Content, Field
from nextarm.web.synthesis import left_out_of, times_told

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Nodes of the prior that the assurance is averaged over here; the error this leaves is stated with it.
NODES = 12
WORKED = "log-rank"


def fields(ask: Ask) -> tuple[Field, ...]:
    """The pool set, the end point and its time, the plan, and the trials to leave out."""
    from nextarm.report.pooled import arms_of

    q, package = ask.query, opened(ask.study.package)
    known = facets(package, "outcomes")
    if not known["pool_set"]:
        return ()
    chosen = _set(ask)
    plans = ask.study.files(suffix=".toml") if ask.study.folder is not None else []
    return (
        Field("pool_set", "Cohorts", "select", chosen, choices=tuple((v, v) for v in known["pool_set"])),
        Field("endpoint", "End point", "select", q.text("endpoint", "EFS"), choices=tuple((v, v) for v in known["endpoint"])),
        Field("time", "At, years", "number", q.text("time", "5"), help=times_told(ask, chosen, q.text("endpoint", "EFS"))),
        Field("window", "Within, years", "number", q.text("window", "1")),
        Field("plan", "Plan", "select", q.text("plan"), choices=(("", "a worked plan: two arms, log-rank"), *((p, p) for p in plans))),
        Field("assume_origin", "Take unstated origins of time to be the same", "check", q.text("assume_origin")),
        Field(
            "without", "Leave out", "many", values=q.many("without"), choices=arms_of(package, chosen),
            help="The pooled value and the assurance move as you choose.",
        ),
    )  # fmt: skip


def _set(ask: Ask) -> str:
    known = facets(opened(ask.study.package), "outcomes")["pool_set"]
    return ask.query.text("pool_set", "frontline-kmt2a-r" if "frontline-kmt2a-r" in known else next(iter(known), ""))


@lru_cache(maxsize=128)
def _pooled(package: Any, **question: Any) -> Any:
    return verbs.pool(package=package, **question)


@lru_cache(maxsize=128)
def _prior(package: Any, **question: Any) -> Any:
    return verbs.prior(package=package, **question)


@lru_cache(maxsize=128)
def _assured(text: str, package: Any, **question: Any) -> Any:
    """The assurance of a plan that is moved to the end point, the time and the origin of the prior."""
    prior = _prior(package, **question)
    plan = _moved(text, endpoint=prior.endpoint, milestone=prior.time, time_origin=prior.time_origin)
    return verbs.assurance(plan, prior=prior, nodes=NODES, sizes=(1.0,))


@lru_cache(maxsize=32)
def _moved(text: str, **trial: Any) -> Plan:
    from nextarm.designs.plan import plan_from_toml

    return plan_from_toml(text).changed({"trial": trial})


def left_out(ask: Ask) -> Content:
    """The pooled value and the assurance with the trials chosen, beside all of them where some are left out."""
    from nextarm.report.assured import Reading, assured_section
    from nextarm.report.pooled import PoolQuestion, pooled_sections

    q, package = ask.query, opened(ask.study.package)
    known = facets(package, "outcomes")
    if not known["pool_set"]:
        return nothing_yet(ask, "pooled", "Trials left out", *NO_SET)
    if (chosen := _set(ask)) not in known["pool_set"]:
        raise CallError(f"pool_set = {chosen[:60]!r}", rule=f"must be one of {', '.join(known['pool_set']) or 'none'}")
    endpoint = q.choice("endpoint", known["endpoint"], "EFS")
    time, window = q.needed("time", 5.0, low=0.1, high=50.0), q.needed("window", 1.0, low=0.0, high=20.0)
    asked = PoolQuestion(chosen, endpoint, time, window, assume_origin=q.text("assume_origin") == "yes", without=left_out_of(ask, chosen))
    pooled_of_these = pooled_sections(package, asked, ("pooled",))  # first: where nothing can be pooled, it says what helps on this screen
    name = q.text("plan")
    text = ask.study.read(f"{name}.toml") if name else str(verbs.designs(WORKED).cards[0].example)
    readings, why_not = [], ""
    for title, key, without in (("As chosen", "chosen", asked.without), ("All cohorts", "all", ())):
        if key == "all" and not asked.without:
            continue
        about = {"endpoint": endpoint, "pool_set": chosen, "time": time, "window": window, "assume_origin": asked.assume_origin}
        about["without"] = without
        pooled = _pooled(package, **about)
        try:
            assured = _assured(text, package, **about)
        except NextarmError as refusal:
            assured, why_not = None, why_not or str(refusal)
        readings.append(Reading(title, key, pooled, assured))
    words = (
        f"The plan: {name or 'two arms and a log-rank test, the worked plan of the Design screen'}, its milestone moved to {time:g} years."
    )
    sections: tuple[Section, ...] = (assured_section(readings, plan=words, why_not=why_not), *pooled_of_these)
    also = (", assume_origin=True" if asked.assume_origin else "") + (f", without={asked.without!r}" if asked.without else "")
    flags = (" --assume-origin" if asked.assume_origin else "") + (f" --without {','.join(asked.without)}" if asked.without else "")
    ours = f"pool_set={chosen!r}, endpoint={endpoint!r}, time={time:g}, window={window:g}{also}, package={ask.study.shown!r}"
    line = f"--pool-set {chosen} --endpoint {endpoint} --time {time:g} --window {window:g}{flags} --package {ask.study.shown}"
    return Content(
        sections,
        python=f"import nextarm\nnextarm.pool({ours})\nprior = nextarm.prior({ours})\n"
        f"nextarm.assurance('plan.toml', prior=prior, nodes={NODES})  # a plan of {endpoint} at {time:g} years, as below",
        command=f"nextarm pool {line}\nnextarm prior {line} --json --out prior.json\n"
        f"nextarm assurance plan.toml --prior prior.json --nodes {NODES}",
        plan=_moved(text, endpoint=endpoint, milestone=time).to_toml(),
    )
