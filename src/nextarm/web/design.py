"""Design: a plan, what its design can do, virtual trials of it; the address holds the whole plan, or the name of its file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError, NextarmError, PlanError
from nextarm.report import DataTable, Note, Section, say
from nextarm.report.designed import characteristics_of
from nextarm.report.document import Inline, Parts, Report, Row
from nextarm.web import design_kept, design_variants
from nextarm.web.address import Query, address
from nextarm.web.design_answer import arranged, in_words, to_card
from nextarm.web.design_fields import fields_of, merged
from nextarm.web.design_runs import FIRST, MOST, ahead, evaluated, plan_address, planned, run_of, start
from nextarm.web.home import Study
from nextarm.web.screen import Ask, Content, Field, Form, Place, Step

PLANS = ".toml"
#: Where the page leads after a form was sent: below it stands what was asked for.
ANSWER = "#answer"
#: Said where an address asks for virtual trials that this server has not run.
GONE = (
    "This server has not run the virtual trials of this address, or has forgotten them. Simulate runs them; the same seed gives the same."
)
#: Said where the screen is opened without a question and shows the one asked last.
LATEST = "This is the plan you last worked on here, with all that was laid over it. The plans saved in the study are listed below."


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


def _resumed(ask: Ask) -> Ask:
    """The question; where there is none, the one that was asked last, as long as its plan is still sound."""
    kept = design_kept.latest(ask)
    if kept is not None:
        with suppress(NextarmError):
            planned(text_of(kept))
            return kept
    return ask


def _card(q: Query) -> Any:
    """The card that the address names."""
    cards = verbs.designs().cards
    kind = q.choice("card", [c.kind for c in cards], "")
    return next(c for c in cards if c.kind == kind)


def _card_section(card: Any) -> Section:
    """When to use the design of a card, and when not."""
    parts = (("Use it when", card.use_when), ("Do not use it when", card.not_when), ("You must know", card.must_know))
    rows: tuple[Row, ...] = (
        *((name, _joined(values)) for name, values in parts),
        ("Nearest alternatives", say(*_between([(to_card(kind), f": {why}") for kind, why in card.alternatives.items()]))),
        ("Key reference", f"{card.reference}, doi {card.doi}"),
    )
    table = DataTable(f"{card.title}: when to use it", ("About", "What the card says"), rows, sortable=False, narrow="stack")
    return Section("card", card.title, say(card.question), (table,))


def _joined(said: Sequence[str]) -> Parts:
    return say(*_between([in_words(text) for text in said]))


def _between(parts: Sequence[Parts]) -> list[Inline]:
    """Parts with a semicolon between them."""
    return [piece for i, part in enumerate(parts) for piece in (("; ", *part) if i else part)]


def _card_places(ask: Ask) -> tuple[tuple[str, tuple[Place, ...]], ...]:
    """The cards by group, each a way to its example; the chosen one stands out."""
    chosen = ask.query.text("card")
    made: dict[str, list[Place]] = {}
    for c in verbs.designs().cards:
        points = (("Use it when", _joined(c.use_when)), ("Not when", _joined(c.not_when)))
        made.setdefault(c.group, []).append(
            Place(c.title, c.question, address(ask.at("design"), {"card": c.kind}), points, c.kind == chosen, f"card-{c.kind}")
        )
    return tuple((group, tuple(places)) for group, places in made.items())


def plans_of(study: Study) -> list[str]:
    """The names of the plans of a study; report.toml is none."""
    return [name for name in study.files(suffix=PLANS) if name != "report"]


def forms(ask: Ask) -> tuple[Form, ...]:
    """The plan by fields, what is laid over it, the plan as text, virtual trials, saving."""
    ask = _resumed(ask)
    q = ask.query
    try:
        text = text_of(ask)
    except NextarmError:
        text = q.text("toml")
    here, hidden = ask.at("design"), Field("toml", "", "hidden", text)
    made: list[Form] = []
    blamed = False
    with suppress(tomllib.TOMLDecodeError):
        data = tomllib.loads(text)
        note = "Made from the plan's own schema. An empty field takes its default."
        fields, laid = fields_of(data, sent=q), tuple[Form, ...]()
        try:
            planned(text)
            laid = design_variants.forms(text, data, here, q)
        except NextarmError:  # what is wrong with the plan is said below, and was so before any field was changed
            fields = tuple(replace(f, changed=False) for f in fields)
            blamed = not any("." in name for name, _ in q.pairs)  # no field was sent with it
        simulated = q.has("trials") and bool(laid)
        made.append(Form("fields", "The plan by fields", (hidden, *fields), "Evaluate", action=f"{here}/set", note=note, folded=simulated))
        made += laid
    area = Field("toml", "Plan (TOML)", "area", text, rows=18, upload=True)
    folded = bool(made) and not blamed
    made.append(Form("text", "The plan as text", (area,), "Evaluate", action=f"{here}/text", folded=folded, blamed=blamed or not made))
    shown_at_once = f"{FIRST:,} are shown at once; it then refines in the background"
    trials = Field("trials", "Virtual trials of each scenario", "number", q.text("trials", "20000"), help=shown_at_once)
    seed = Field("seed", "Seed", "number", q.text("seed", "1"))
    made.append(Form("trials", "Virtual trials", (hidden, trials, seed), "Simulate", action=f"{here}/simulate", jump=True))
    if ask.study.folder is not None:
        name = q.text("name") or q.text("plan", "plan")
        named = Field("name", "Save the plan as", value=name, required=True, help="Small letters, digits and hyphens")
        made.append(Form("save", "Save the plan in the study", (hidden, named), "Save", action=f"{here}/save", folded=True))
    return tuple(made)


def content(ask: Ask) -> Content:
    """What the design can do, and what its virtual trials said."""
    opened, ask = ask, _resumed(ask)
    q, text = ask.query, text_of(ask)
    misnamed = verbs.misnamed_nulls(planned(text))
    sections: list[Section] = [_card_section(_card(q))] if q.text("card") and not (q.text("toml") or q.text("plan")) else []
    found, not_yet = evaluated(text, rough=ask.rough and not q.has("whole"))
    answer: tuple[Section, ...] = (characteristics_of(found, not_yet=not_yet),)
    run = None
    trials, seed = q.whole("trials", 0, low=0, high=MOST), q.whole("seed", 1, low=0, high=2**31)
    if trials:
        run = run_of(ask, text, trials, seed)
        if run is None:
            answer = (*answer, Section("rates", "Virtual trials", say(GONE)))
        elif isinstance(run.result, Report):
            answer = arranged(run.result.sections, answer[0])
    saved = tuple(Place(name, "A plan of this study", address(ask.at("design"), {"plan": name})) for name in plans_of(ask.study))
    count = trials or 20_000
    return Content(
        (*sections, *answer),
        intro=(*(() if ask is opened else (Note("information", say(LATEST)),)), *map(_misnamed, misnamed), *_repeated(planned(text))),
        python=f'import nextarm\nnextarm.design("plan.toml")\nnextarm.simulate("plan.toml", trials={count}, seed={seed})',
        command=f"nextarm design plan.toml\nnextarm simulate plan.toml --trials {count} --seed {seed} --out build/run",
        plan=text,
        run=run,
        rough=bool(not_yet),
        places=(("Plans of this study", saved),) if saved else (),
        cards=_card_places(ask),
        cards_title="Which design, and when",
    )


def _misnamed(name: str) -> Note:
    """Said aloud: what such a scenario rejects would be read as the type I error."""
    words = "is not the design's null: what it rejects is no type I error. Change its numbers under Scenarios, or add one without effect."
    return Note("caution", say(f"The scenario {name} {words}"))


def _repeated(plan: Any) -> tuple[Note, ...]:
    """Said aloud: the same trials again are no sign that the design holds under another truth."""
    (_, own), *others = plan.scenario_plans
    same = [name for name, scenario in others if scenario.to_data() == own.to_data()]
    words = "is the same as the plan: its numbers are those of the plan again and show nothing of another truth. Change it under Scenarios."
    return tuple(Note("caution", say(f"The scenario {name} {words}")) for name in same)


def simulate(ask: Ask, sent: Query) -> str:
    """Start the run and show it."""
    text = sent.text("toml") + "\n"
    trials, seed = sent.whole("trials", 20_000, low=1, high=MOST), sent.whole("seed", 1, low=0, high=2**31)
    return design_kept.keep(ask, start(ask, text, trials, seed).address) + ANSWER


def take_text(ask: Ask, sent: Query) -> str:
    """Take the plan as it was written; the address holds it."""
    planned(sent.text("toml") + "\n")
    return design_kept.keep(ask, plan_address(ask, sent.text("toml"))) + ANSWER


def _data(sent: Query) -> dict[str, Any]:
    """The plan that a form sends along."""
    try:
        return tomllib.loads(sent.text("toml"))
    except tomllib.TOMLDecodeError as error:
        raise PlanError("the plan is not TOML", rule=str(error)) from None


def _changed(ask: Ask, sent: Query, data: dict[str, Any], new: dict[str, Any], *, at: str = "") -> str:
    """The address of the changed plan; of the text as it was sent where nothing has changed."""
    if json.dumps(new, default=str) == json.dumps(data, default=str):
        return design_kept.keep(ask, plan_address(ask, sent.text("toml"), at=at))
    from nextarm.designs.plan import plan_from_data

    return design_kept.keep(ask, plan_address(ask, plan_from_data(new).to_toml(), at=at))


def set_fields(ask: Ask, sent: Query) -> str:
    """Lay the fields over the plan; the new plan is the new address."""
    data = _data(sent)
    new = merged(data, sent)
    return _changed(ask, sent, data, verbs.follow_null(data, new)) + ANSWER


def lay(ask: Ask, sent: Query) -> str:
    """Add, change or remove a design to compare, a scenario or an assumption that varies."""
    data = _data(sent)
    planned(sent.text("toml") + "\n")
    new, at = design_variants.laid(data, sent)
    return _changed(ask, sent, data, new, at=at)


def save(ask: Ask, sent: Query) -> str:
    """Save the plan in the study folder."""
    name, text = sent.text("name"), sent.text("toml") + "\n"
    planned(text)
    if "." in name or name == "report":
        raise CallError(f"name = {name[:40]!r}", rule="must be small letters, digits and hyphens, and not report")
    ask.study.write({(name + PLANS,): text})
    return design_kept.keep(ask, address(ask.at("design"), {"plan": name}))


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
    {"simulate": simulate, "set": set_fields, "lay": lay, "text": take_text, "save": save},
    ahead=ahead,
)
