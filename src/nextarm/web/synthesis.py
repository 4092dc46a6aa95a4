"""Synthesis: several studies together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextarm.core.errors import CallError
from nextarm.report.evidence_blocks import facets, opened
from nextarm.web.nothing_yet import NO_SET, nothing_yet
from nextarm.web.screen import Ask, Content, Field, Form, Step

if TYPE_CHECKING:
    from nextarm.report.pooled import PoolQuestion

#: Each choice of the question: its value, what it is, and when to take it.
MEASURES = (
    ("cloglog", "cloglog: log(-log S)", "The usual choice for survival: limits stay between 0 and 1."),
    (
        "logit",
        "logit: log of the odds",
        "For shares, such as remission, or beside results of others on this scale; limits stay between 0 and 1.",
    ),
    ("log", "log: log S", "The cumulative hazard with its sign turned; for survival well above 0."),
    ("identity", "identity: S itself", "Easiest to read; not for values near 0 or 1, where limits are too even on both sides."),
)
METHODS = (
    (
        "reml",
        "REML: restricted maximum likelihood",
        "The usual choice: little bias in the variance between cohorts, also with few of them.",
    ),
    ("ml", "ML: maximum likelihood", "Takes that variance for too small with few cohorts; to match an analysis that used it."),
    ("dl", "DL: DerSimonian-Laird", "By moments; in most older papers, so to reproduce one. Can be too small with few cohorts."),
    ("pm", "PM: Paule-Mandel", "By the weighted deviations, without taking effects for normal; a second opinion beside REML."),
    ("eb", "EB: empirical Bayes", "Gives the value of Paule-Mandel; the name that other programs use."),
    ("sj", "SJ: Sidik-Jonkman", "Never 0, and often large: a cautious choice where cohorts surely differ."),
    ("he", "HE: Hedges", "By moments without weights; where cohorts are of about one size."),
)
INTERVALS = (
    (
        "ad-hoc",
        "Hartung-Knapp (HKSJ), ad hoc",
        "The usual choice: as below, but with q not below 1, so that cohorts which happen to agree do not make it too narrow.",
    ),
    (
        "hartung-knapp",
        "Hartung-Knapp (HKSJ)",
        "t distribution with the weighted residual variance q; can be far too narrow where few cohorts happen to agree.",
    ),
    ("wald", "Wald", "Normal distribution; too narrow with few cohorts. To reproduce older papers."),
)
TERMS = (
    ("Scale", MEASURES),
    ("Between cohorts: how their variance (tau2) is estimated", METHODS),
    ("Interval of the pooled value", INTERVALS),
)


def _set(ask: Ask) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    known = facets(opened(ask.study.package), "outcomes")
    sets = known["pool_set"]
    default = "frontline-kmt2a-r" if "frontline-kmt2a-r" in sets else next(iter(sets), "")
    return ask.query.text("pool_set", default), sets, known["endpoint"]


def times_told(ask: Ask, chosen: str, endpoint: str) -> str:
    """The times at which the cohorts report an end point, in words."""
    from nextarm.report.pooled import times_of

    times = times_of(opened(ask.study.package), chosen, endpoint)
    return (
        f"{chosen} reports {endpoint} at {', '.join(f'{t:g}' for t in times)}"
        if times
        else f"{chosen} reports no {endpoint} at a stated time"
    )


def _at(ask: Ask) -> float:
    """The time that is asked for first: 5 years, or what a row reports nearest to it."""
    from nextarm.report.pooled import times_of

    times = times_of(opened(ask.study.package), _set(ask)[0], "EFS")
    return 5.0 if not times or any(abs(t - 5.0) <= 1.0 for t in times) else min(times, key=lambda t: abs(t - 5.0))


def left_out_of(ask: Ask, chosen: str) -> tuple[str, ...]:
    """The arms to leave out; those of another set, ticked before this one was chosen, have no say."""
    elsewhere = {a.arm_id for a in opened(ask.study.package).arms if a.pool_set != chosen}
    return tuple(a for a in ask.query.many("without") if a not in elsewhere)


def _named(known: tuple[tuple[str, str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((value, name) for value, name, _ in known)


def _same(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((v, v) for v in values)


def forms(ask: Ask) -> tuple[Form, ...]:
    """The question: which cohorts, which end point, when, how."""
    from nextarm.report.pooled import VIEWS, arms_of

    q = ask.query
    chosen, sets, endpoints = _set(ask)
    if not sets:
        return ()
    arms = arms_of(opened(ask.study.package), chosen)
    first = (
        Field("view", "Show", "select", q.text("view", "pooled"), choices=(*VIEWS.items(), ("all", "All of it"))),
        Field("pool_set", "Cohorts", "select", chosen, choices=_same(sets)),
        Field("endpoint", "End point", "select", q.text("endpoint", "EFS"), choices=_same(endpoints)),
        Field(
            "time",
            "At, years",
            "number",
            q.text("time", "" if q.pairs else f"{_at(ask):g}"),
            help=f"Empty: whatever each cohort reports. {times_told(ask, chosen, q.text('endpoint', 'EFS'))}",
        ),
        Field("window", "Within, years", "number", q.text("window", "1")),
        Field("margin", "Margin of the trend, points a decade", "number", q.text("margin", "5")),
        Field("measure", "Scale", "select", q.text("measure", "cloglog"), choices=_named(MEASURES)),
        Field("method", "Between cohorts", "select", q.text("method", "reml"), choices=_named(METHODS)),
        Field("interval", "Interval", "select", q.text("interval", "ad-hoc"), choices=_named(INTERVALS)),
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
    terms = tuple((name, tuple((term, words) for _, term, words in known)) for name, known in TERMS)
    return (Form("pool", "Pool", first, "Pool", terms=terms),)


def question(ask: Ask) -> PoolQuestion:
    """The question of the address."""
    from nextarm.report.pooled import PoolQuestion

    q = ask.query
    chosen, sets, endpoints = _set(ask)
    if chosen not in sets:
        raise CallError(f"pool_set = {chosen[:60]!r}", rule=f"must be one of {', '.join(sets) or 'none: no arm has a pool set'}")
    time = q.number("time", None if q.pairs else _at(ask), low=0.0, high=50.0)
    return PoolQuestion(
        pool_set=chosen,
        endpoint=q.choice("endpoint", endpoints, "EFS"),
        time=time,
        window=q.needed("window", 1.0, low=0.0, high=20.0),
        assume_origin=q.text("assume_origin") == "yes",
        measure=q.choice("measure", [v for v, _ in _named(MEASURES)], "cloglog"),
        method=q.choice("method", [v for v, _ in _named(METHODS)], "reml"),
        interval=q.choice("interval", [v for v, _ in _named(INTERVALS)], "ad-hoc"),
        margin=q.needed("margin", 5.0, low=0.1, high=50.0) / 100.0,
        without=left_out_of(ask, chosen),
    )


def content(ask: Ask) -> Content:
    """Forest, cohort after cohort, trend, competing events, summary of findings."""
    from nextarm.report.pooled import VIEWS, pooled_sections

    if not facets(opened(ask.study.package), "outcomes")["pool_set"]:
        return nothing_yet(ask, "pooled", "Several studies together", *NO_SET)
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
