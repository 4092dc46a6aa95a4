"""The cards of the designs: one for every registered kind, whole, with an example that loads; docs/designs.md shows the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import nextarm
from nextarm.core.errors import CallError
from nextarm.designs.cards import DesignCards, cards_markdown, design_cards, kinds
from nextarm.designs.plan import Plan, plan_from_toml
from nextarm.simulation.null_excess import allowed_errors
from nextarm.simulation.ready import ready

ROOT = Path(__file__).resolve().parents[2]


def test_every_registered_kind_has_a_card_and_no_card_is_left_over() -> None:
    written = tomllib.loads((ROOT / "src/nextarm/designs/cards.toml").read_text(encoding="utf-8"))
    assert list(written) == list(kinds()), "one table a kind in designs/cards.toml, in the order of the registry"


@pytest.mark.parametrize("kind", kinds())
def test_a_card_is_whole_and_its_example_is_of_its_kind(kind: str) -> None:
    card = design_cards(kind).cards[0]
    for words in (card.title, card.group, card.question, card.reference, *card.use_when, *card.not_when, *card.must_know):
        assert words.strip() == words != ""
    assert card.use_when
    assert card.not_when
    assert card.must_know
    assert card.alternatives
    assert card.question.endswith("?")
    assert re.fullmatch(r"10\.\d{4,5}/\S+", card.doi)
    assert set(card.alternatives) <= set(kinds()) - {kind}
    plan = plan_from_toml(card.example)
    assert plan.design.kind == kind
    assert plan.scenario or kind == "gated-endpoints"


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind not in ("boin", "rolling-six")])
def test_a_scenario_of_an_example_is_exactly_the_null(kind: str) -> None:
    plan = plan_from_toml(design_cards(kind).cards[0].example)
    allowed = allowed_errors(ready(plan))
    assert allowed[0] is None or kind == "gated-endpoints", "under its plan an example has something to find"
    assert any(a is not None for a in allowed), "so that the check of the null applies"
    nulls = [scenario for a, (_, scenario) in zip(allowed, plan.scenarios(), strict=False) if a is not None]
    for scenario in nulls:
        beyond = barely_beyond(scenario).without("scenario")
        assert allowed_errors(ready(beyond))[0] is None, "by a thousandth more it is the null no more"


def barely_beyond(plan: Plan) -> Plan:
    """Every experimental arm a thousandth further to where its design looks: better, or more toxic where toxicity is watched."""
    toxicity = 0.001 if plan.design.kind == "toxicity-monitoring" else -0.001
    by = {"cure_fraction": 0.001, "response": 0.001, "toxicity": toxicity, "hazard_ratio": -0.001}

    def moved(told: dict[str, Any]) -> dict[str, Any]:
        found = {key: round(value + by[key], 6) for key, value in told.items() if key in by}
        return found | {key: inner for key, value in told.items() if isinstance(value, dict) and (inner := moved(value))}

    arms = plan.to_data()["arms"]
    return plan.changed({"arms": {name: moved(arm) for name, arm in arms.items() if len(arms) == 1 or name != plan.control}})


def test_the_cards_in_the_documentation_are_these() -> None:
    text = (ROOT / "docs/designs.md").read_text(encoding="utf-8")
    shown = text.partition("cards_markdown -->\n")[2].partition("<!-- end of cards -->")[0]
    assert shown == cards_markdown(), "paste nextarm.designs.cards.cards_markdown() between the marks in docs/designs.md"


def test_cards_read_back_equal_and_are_reached_by_the_verb() -> None:
    found = nextarm.designs("boin")
    assert DesignCards.from_json(found.to_json()) == found
    assert found.card("boin").example in "\n".join(found.lines())
    assert nextarm.designs().table()["kind"].to_list() == list(kinds())
    with pytest.raises(CallError, match="must be one of one-arm-milestone"):
        nextarm.designs("bon")
