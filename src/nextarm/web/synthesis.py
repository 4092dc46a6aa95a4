"""Synthesis: several studies together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextarm.core.errors import CallError
from nextarm.report.evidence_blocks import facets, opened
from nextarm.web.screen import Ask, Content, Field, Form, Step

if TYPE_CHECKING:
    from nextarm.report.pooled import PoolQuestion

MEASURES = ("cloglog", "logit", "log", "identity")
METHODS = ("reml", "ml", "dl", "pm", "eb", "sj", "he")
INTERVALS = ("ad-hoc", "hartung-knapp", "wald")


def _set(ask: Ask) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    known = facets(opened(ask.study.package), "outcomes")
    sets = known["pool_set"]
    default = "frontline-kmt2a-r" if "frontline-kmt2a-r" in sets else next(iter(sets), "")
    return ask.query.text("pool_set", default), sets, known["endpoint"]


def _same(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((v, v) for v in values)


def forms(ask: Ask) -> tuple[Form, ...]:
    """The question: which cohorts, which end point, when, how."""
    from nextarm.report.pooled import VIEWS, arms_of

    q = ask.query
    chosen, sets, endpoints = _set(ask)
    arms = arms_of(opened(ask.study.package), chosen)
    first = (
        Field("view", "Show", "select", q.text("view", "pooled"), choices=(*VIEWS.items(), ("all", "All of it"))),
        Field("pool_set", "Cohorts", "select", chosen, choices=_same(sets)),
        Field("endpoint", "End point", "select", q.text("endpoint", "EFS"), choices=_same(endpoints)),
        Field("time", "At, years", "number", q.text("time", "" if q.pairs else "5"), help="Empty: whatever each cohort reports"),
        Field("window", "Within, years", "number", q.text("window", "1")),
        Field("margin", "Margin of the trend, points a decade", "number", q.text("margin", "5")),
        Field("measure", "Scale", "select", q.text("measure", "cloglog"), choices=_same(MEASURES)),
        Field("method", "Between cohorts", "select", q.text("method", "reml"), choices=_same(METHODS)),
        Field("interval", "Interval", "select", q.text("interval", "ad-hoc"), choices=_same(INTERVALS)),
        Field("assume_origin", "Take unstated origins of time to be the same", "check", q.text("assume_origin")),
        Field(
            "without",
            "Leave out",
            "many",
            values=q.many("without"),
            choices=arms,
            help="The pooled value moves as you choose; what is left out is said in the trail.",
        ),
    )
    return (Form("pool", "Pool", first, "Pool"),)


def question(ask: Ask) -> PoolQuestion:
    """The question of the address."""
    from nextarm.report.pooled import PoolQuestion

    q = ask.query
    chosen, sets, endpoints = _set(ask)
    if chosen not in sets:
        raise CallError(f"pool_set = {chosen[:60]!r}", rule=f"must be one of {', '.join(sets) or 'none: no arm has a pool set'}")
    time = q.number("time", None if q.pairs else 5.0, low=0.0, high=50.0)
    return PoolQuestion(
        pool_set=chosen,
        endpoint=q.choice("endpoint", endpoints, "EFS"),
        time=time,
        window=q.needed("window", 1.0, low=0.0, high=20.0),
        assume_origin=q.text("assume_origin") == "yes",
        measure=q.choice("measure", MEASURES, "cloglog"),
        method=q.choice("method", METHODS, "reml"),
        interval=q.choice("interval", INTERVALS, "ad-hoc"),
        margin=q.needed("margin", 5.0, low=0.1, high=50.0) / 100.0,
        without=q.many("without"),
    )


def content(ask: Ask) -> Content:
    """Forest, cohort after cohort, trend, competing events, summary of findings."""
    from nextarm.report.pooled import VIEWS, pooled_sections

    asked = question(ask)
    view = ask.query.choice("view", (*VIEWS, "all"), "pooled")
    sections = pooled_sections(opened(ask.study.package), asked, tuple(VIEWS) if view == "all" else (view,))
    time = "" if asked.time is None else f", time={asked.time:g}, window={asked.window:g}"
    how = f", measure={asked.measure!r}, method={asked.method!r}, interval={asked.interval!r}" + (
        ", assume_origin=True" if asked.assume_origin else ""
    )
    flags = "" if asked.time is None else f" --time {asked.time:g} --window {asked.window:g}"
    flags += f" --measure {asked.measure} --method {asked.method} --interval {asked.interval}" + (
        " --assume-origin" if asked.assume_origin else ""
    )
    if asked.without:
        how += f", without={asked.without!r}"
        flags += f" --without {','.join(asked.without)}"
    return Content(
        sections,
        python=f"import nextarm\nnextarm.pool(package={ask.study.shown!r}, "
        f"pool_set={asked.pool_set!r}, endpoint={asked.endpoint!r}{time}{how})",
        command=f"nextarm pool --package {ask.study.shown} --pool-set {asked.pool_set} --endpoint {asked.endpoint}{flags}",
        keep=True,
    )


STEP = Step("synthesis", "Synthesis", "What do several studies say together?", forms, content)
