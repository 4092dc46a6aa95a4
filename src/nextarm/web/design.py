"""Design: a plan, what its design can do, virtual trials of it; the address holds the whole plan."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError, NextarmError, PlanError
from nextarm.report import DataTable, Note, Section, say
from nextarm.report.designed import characteristics
from nextarm.report.document import Report, Row
from nextarm.web.address import Query, address
from nextarm.web.design_fields import fields_of, merged
from nextarm.web.design_runs import FIRST, MOST, ahead, evaluated, planned, run_of, start
from nextarm.web.home import Study
from nextarm.web.screen import Ask, Content, Field, Form, Place, Step

PLANS = ".toml"


def text_of(ask: Ask) -> str:
    """The plan of the address: its text, a saved one, a card's example, else the study's own or the example."""
    q = ask.query
    if q.text("toml"):
        return q.text("toml") + "\n"
    if q.text("plan"):
        return ask.study.read(q.text("plan") + PLANS)
    if q.text("card"):
        return str(_card(q).example)
    if ask.study.folder is not None and "plan" in ask.study.files(suffix=PLANS):
        return ask.study.read("plan.toml")
    return str(verbs.designs("group-sequential-log-rank").cards[0].example)


def _card(q: Query) -> Any:
    """The card that the address names."""
    cards = verbs.designs().cards
    kind = q.choice("card", [c.kind for c in cards], "")
    return next(c for c in cards if c.kind == kind)


def _card_section(card: Any) -> Section:
    """When to use the design of a card, and when not."""
    parts = (("Use it when", card.use_when), ("Do not use it when", card.not_when), ("You must know", card.must_know))
    rows: tuple[Row, ...] = (
        *((name, "; ".join(values)) for name, values in parts),
        ("Nearest alternatives", "; ".join(f"{kind}: {why}" for kind, why in card.alternatives.items())),
        ("Key reference", f"{card.reference}, doi {card.doi}"),
    )
    table = DataTable(f"{card.title}: when to use it", ("", "What the card says"), rows, sortable=False, narrow="stack")
    return Section("card", card.title, say(card.question), (table,))


def _plain(said: Sequence[str]) -> str:
    return "; ".join(said).replace("`", "")


def _card_places(ask: Ask) -> tuple[tuple[str, tuple[Place, ...]], ...]:
    """The cards by group, each a way to its example."""
    made: dict[str, list[Place]] = {}
    for c in verbs.designs().cards:
        points = (("Use it when", _plain(c.use_when)), ("Not when", _plain(c.not_when)))
        made.setdefault(f"Which design, and when: {c.group[0].lower()}{c.group[1:]}", []).append(
            Place(c.title, c.question, address(ask.at("design"), {"card": c.kind}), points)
        )
    return tuple((group, tuple(places)) for group, places in made.items())


def plans_of(study: Study) -> list[str]:
    """The names of the plans of a study; report.toml is none."""
    return [name for name in study.files(suffix=PLANS) if name != "report"]


def forms(ask: Ask) -> tuple[Form, ...]:
    """The plan by fields, the plan as text, virtual trials, saving."""
    q = ask.query
    try:
        text = text_of(ask)
    except NextarmError:
        text = q.text("toml")
    here = ask.at("design")
    made: list[Form] = []
    try:
        data = tomllib.loads(text)
        made.append(
            Form(
                "fields",
                "The plan by fields",
                (Field("toml", "", "hidden", text), *fields_of(data, sent=q)),
                "Evaluate",
                action=f"{here}/set",
                note="Made from the plan's own schema. An empty field takes its default.",
            )
        )
    except tomllib.TOMLDecodeError:
        pass
    made.append(
        Form(
            "text",
            "The plan as text",
            (Field("toml", "Plan (TOML)", "area", text, rows=18, upload=True),),
            "Evaluate",
            live=False,
            folded=not q.text("toml") or bool(made),
        )
    )
    trials = Field(
        "trials",
        "Virtual trials of each scenario",
        "number",
        q.text("trials", "20000"),
        help=f"{FIRST:,} are shown at once; it then refines in the background",
    )
    seed = Field("seed", "Seed", "number", q.text("seed", "1"))
    made.append(Form("trials", "Virtual trials", (Field("toml", "", "hidden", text), trials, seed), "Simulate", action=f"{here}/simulate"))
    if ask.study.folder is not None:
        name = Field(
            "name",
            "Save the plan as",
            value=q.text("name") or q.text("plan", "plan"),
            required=True,
            help="Small letters, digits and hyphens",
        )
        made.append(
            Form(
                "save", "Save the plan in the study", (Field("toml", "", "hidden", text), name), "Save", action=f"{here}/save", folded=True
            )
        )
    return tuple(made)


def content(ask: Ask) -> Content:
    """What the design can do, and what its virtual trials said."""
    q, text = ask.query, text_of(ask)
    planned(text)
    sections: list[Section] = [_card_section(_card(q))] if q.text("card") and not (q.text("toml") or q.text("plan")) else []
    try:
        sections.append(characteristics(evaluated(text)))
    except NextarmError as error:
        sections.append(
            Section("characteristics", "What it can do", say("No characteristics by formula."), (Note("caution", say(str(error))),))
        )
    run = None
    trials, seed = q.whole("trials", 0, low=0, high=MOST), q.whole("seed", 1, low=0, high=2**31)
    if trials:
        run = run_of(ask, text, trials, seed)
        if run is not None and isinstance(run.result, Report):
            sections += run.result.sections
    saved = tuple(Place(name, "A plan of this study", address(ask.at("design"), {"plan": name})) for name in plans_of(ask.study))
    count = trials or 20_000
    return Content(
        tuple(sections),
        python=f'import nextarm\nnextarm.design("plan.toml")\nnextarm.simulate("plan.toml", trials={count}, seed={seed})',
        command=f"nextarm design plan.toml\nnextarm simulate plan.toml --trials {count} --seed {seed} --out build/run",
        plan=text,
        run=run,
        places=(*((("Plans of this study", saved),) if saved else ()), *_card_places(ask)),
    )


def simulate(ask: Ask, sent: Query) -> str:
    """Start the run and show it."""
    text = sent.text("toml") + "\n"
    trials, seed = sent.whole("trials", 20_000, low=1, high=MOST), sent.whole("seed", 1, low=0, high=2**31)
    return start(ask, text, trials, seed).address


def set_fields(ask: Ask, sent: Query) -> str:
    """Lay the fields over the plan; the new plan is the new address."""
    text = sent.text("toml")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError("the plan is not TOML", rule=str(error)) from None
    new = merged(data, sent)
    if json.dumps(new, default=str) == json.dumps(data, default=str):
        return address(ask.at("design"), {"toml": text})
    from nextarm.designs.plan import plan_from_data

    return address(ask.at("design"), {"toml": plan_from_data(new).to_toml()})


def save(ask: Ask, sent: Query) -> str:
    """Save the plan in the study folder."""
    name, text = sent.text("name"), sent.text("toml") + "\n"
    planned(text)
    if "." in name or name == "report":
        raise CallError(f"name = {name[:40]!r}", rule="must be small letters, digits and hyphens, and not report")
    ask.study.write({(name + PLANS,): text})
    return address(ask.at("design"), {"plan": name})


def state(study: Study) -> str:
    """How many plans there are."""
    count = len(plans_of(study))
    return f"{count} plan{'s' if count != 1 else ''}" if count else "example plan"


STEP = Step(
    "design",
    "Design",
    "What should the next trial look like, and what can it do?",
    forms,
    content,
    state,
    {"simulate": simulate, "set": set_fields, "save": save},
    ahead=ahead,
)
