"""Borrowing: a prior from earlier arms with its robust weight, and a comparison with a historical control."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError, RefusedError
from nextarm.report import Note, Section, say
from nextarm.report.evidence_blocks import opened
from nextarm.web.against import add as add_patients
from nextarm.web.against import against
from nextarm.web.against import fields as against_fields
from nextarm.web.against import form as against_form
from nextarm.web.against import kept as against_kept
from nextarm.web.nothing_yet import nothing_yet
from nextarm.web.screen import Ask, Content, Field, Form, Step

#: What the screen shows: published arms, or patients.
VIEWS = (("arms", "Prior, and published arms compared"), ("patients", "Patients against patients"))
ENDPOINTS = ("EFS", "DFS", "OS", "RFS")
#: Priors of the spread between studies: value, name, when to take it.
TAUS = (
    ("half-normal", "half-normal", "The usual choice: spreads far beyond its scale are hardly believed."),
    ("half-cauchy", "half-Cauchy", "A long tail: large spreads stay possible, so less is borrowed from few studies. The cautious choice."),
    ("uniform", "uniform", "Every spread up to its scale alike, none beyond: only where the scale is a bound that you can defend."),
)


@lru_cache(maxsize=64)
def _prior(package: Any, arms: tuple[str, ...], endpoint: str, time: float, tau: str, scale: float, assume: bool) -> Any:
    """The prior without its robust component, kept: that is added as the slider moves. Packages are told apart by identity."""
    return verbs.prior(arms=arms, endpoint=endpoint, time=time, package=package, tau=tau, tau_scale=scale, assume_origin=assume)


def _reported(ask: Ask) -> tuple[tuple[str, str], ...]:
    package = opened(ask.study.package)
    with_rows = {o.arm_id for o in package.outcomes if o.endpoint in ENDPOINTS and o.time_years is not None}
    return tuple((a.arm_id, f"{package.study_of(a).name}: {a.label} ({a.subtype})") for a in package.arms if a.arm_id in with_rows)


def _times(ask: Ask, arms: tuple[str, ...], endpoint: str) -> str:
    package = opened(ask.study.package)
    rows = sorted({f"{o.endpoint} at {o.time_years:g}" for o in package.outcomes if o.arm_id in arms and o.time_years is not None})
    return ", ".join(rows) or "none"


def forms(ask: Ask) -> tuple[Form, ...]:
    """The prior's arms and robust weight; the control of the comparison."""
    q, arms = ask.query, _reported(ask)
    view = Field("view", "Show", "select", q.text("view", "arms"), choices=VIEWS)
    if q.text("view") == "patients":
        made = (Form("patients", "Patients against patients", (view, *against_fields(ask)), "Compare"),)
        return made if ask.study.folder is None else (*made, against_form(ask))
    if not arms:
        return (Form("prior", "Prior and comparison", (view,), "Show"),)
    named = q.many("arms") or _worked(ask)
    fields = (
        view,
        Field("endpoint", "End point", "select", q.text("endpoint", "DFS"), choices=tuple((e, e) for e in ENDPOINTS)),
        Field("time", "At, years", "number", q.text("time", "4"), help=f"The arms report {_times(ask, named, '')}" if named else ""),
        Field(
            "robust",
            "Robust weight",
            "range",
            q.text("robust", "0.2"),
            low=0.0,
            high=0.9,
            step="0.05",
            help="Share of a vague component: what the prior gives up if the new arm differs",
        ),
        Field("after", "Patients of the new arm, for the preview of conflict", "number", q.text("after", "30")),
        Field(
            "tau", "Prior of the spread between studies", "select", q.text("tau", "half-normal"), choices=tuple((t, n) for t, n, _ in TAUS)
        ),
        Field("tau_scale", "Its scale", "number", q.text("tau_scale", "0.3")),
        Field(
            "control",
            "Historical control",
            "select",
            q.text("control", _control(ask)),
            choices=(("", "none"), *arms),
            help="For the comparison, with the first arm chosen",
        ),
        Field("assume_origin", "Take unstated origins of time to be the same", "check", q.text("assume_origin")),
        Field("arms", "Arms of the history", "many", values=named, choices=arms),
    )
    terms = (("Prior of the spread between studies (tau)", tuple((name, words) for _, name, words in TAUS)),)
    return (Form("prior", "Prior and comparison", fields, "Show", terms=terms),)


@dataclass(frozen=True)
class PriorQuestion:
    """What the address asks of prior and comparison; ``control`` is "" for no comparison."""

    arms: tuple[str, ...]
    endpoint: str
    time: float
    robust: float
    tau: str
    tau_scale: float
    control: str
    assume_origin: bool


def question(ask: Ask) -> PriorQuestion:
    """The question of the address, with the worked one where it says nothing."""
    q = ask.query
    return PriorQuestion(
        arms=tuple(q.many("arms")) or _worked(ask),
        endpoint=q.choice("endpoint", ENDPOINTS, "DFS"),
        time=q.needed("time", 4.0, low=0.1, high=50.0),
        robust=q.needed("robust", 0.2, low=0.0, high=0.95),
        tau=q.choice("tau", [t for t, _, _ in TAUS], "half-normal"),
        tau_scale=q.needed("tau_scale", 0.3, low=0.001, high=5.0),
        control=q.text("control", "" if q.has("control") else _control(ask)),
        assume_origin=q.text("assume_origin") == "yes",
    )


def _control(ask: Ask) -> str:
    """The historical control of the worked question, where the package has it."""
    return "interfant-06-histctrl" if any(arm == "interfant-06-histctrl" for arm, _ in _reported(ask)) else ""


def _worked(ask: Ask) -> tuple[str, ...]:
    """The history of the worked question, where the package has it."""
    return ("blin",) if any(arm == "blin" for arm, _ in _reported(ask)) else ()


def kept(ask: Ask) -> tuple[str, dict[str, object]]:
    """What the report keeps of the address: the table of report.toml, and the question as a record of it."""
    if ask.query.text("view") == "patients":
        return "comparison", against_kept(ask)
    return "prior", asdict(question(ask))


def content(ask: Ask) -> Content:
    """The prior, what it is worth, what conflict would do; the comparison and its array of biases."""
    q, package = ask.query, opened(ask.study.package)
    if q.choice("view", [v for v, _ in VIEWS], "arms") == "patients":
        return against(ask)
    from nextarm.report.borrowed import comparison_sections, prior_sections

    known, asked = dict(_reported(ask)), question(ask)
    named, endpoint, time, share = asked.arms, asked.endpoint, asked.time, asked.robust
    tau, scale, assume, control = asked.tau, asked.tau_scale, asked.assume_origin, asked.control
    if not known:
        return nothing_yet(
            ask, "prior", "The prior", "No arm of this study has a survival estimate at a time yet.",
            "Save a row for each earlier arm. Patients against patients needs none: it compares curves and patients of yours.",
        )  # fmt: skip
    if not named:
        return Content((Section("prior", "The prior", say("Choose at least one arm of the history."), ()),))
    if odd := [a for a in named if a not in known]:
        raise CallError(f"arms = {odd[0][:60]!r}", rule="is not an arm with a survival estimate")
    sections: list[Section] = []
    try:
        sections += prior_sections(
            _prior(package, named, endpoint, time, tau, scale, assume), share=share, n=q.whole("after", 30, low=2, high=2000)
        )
    except (RefusedError, CallError) as refusal:
        sections.append(Section("prior", "The prior", say("These rows make no prior."), (Note("caution", say(str(refusal))),)))
    if control and control in known and control not in named:
        try:
            found = verbs.compare(named[0], control, endpoint=endpoint, time=time, assume_origin=assume, package=package)
            array = verbs.sensitivity(found) if found.log_ratio is not None else None
            sections += comparison_sections(found, array)
        except (RefusedError, CallError) as refusal:
            sections.append(
                Section(
                    "comparison",
                    "Against a historical control",
                    say("These two cannot be compared."),
                    (Note("caution", say(str(refusal))),),
                )
            )
    also = ", assume_origin=True" if assume else ""
    flag = " --assume-origin" if assume else ""
    python = (
        f"import nextarm\nprior = nextarm.prior(arms={named!r}, endpoint={endpoint!r}, time={time:g}, "
        f"tau={tau!r}, tau_scale={scale:g}, robust={share:g}{also}, package={ask.study.shown!r})"
    )
    command = (
        f"nextarm prior --arms {','.join(named)} --endpoint {endpoint} --time {time:g} --tau "
        f"{tau} --tau-scale {scale:g} --robust {share:g}{flag} --package {ask.study.shown}"
    )
    if control:
        python += (
            f"\ncompared = nextarm.compare({named[0]!r}, {control!r}, endpoint={endpoint!r}, "
            f"time={time:g}{also}, package={ask.study.shown!r})\nnextarm.sensitivity(compared)"
        )
        command += (
            f"\nnextarm compare --arm {named[0]} --control {control} --endpoint "
            f"{endpoint} --time {time:g}{flag} --package {ask.study.shown}"
        )
    return Content(tuple(sections), python=python, command=command, keep=True)


STEP = Step(
    "borrowing", "Borrowing", "What may the next trial take from earlier patients?", forms, content, actions={"patients": add_patients}
)
