"""When to use which design, and when not: one card a kind of design, from ``cards.toml``.

Each card has an example plan: a base of ``card_examples.toml`` and the card's own ``[design]`` fields, round numbers that are assumptions
to replace. The command line (``nextarm designs``), the web page and the table in docs/designs.md show these cards and nothing of their own.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.designs.registry import DESIGNS
from nextarm.designs.toml_text import toml_text

if TYPE_CHECKING:
    import polars as pl

#: The base that is a whole plan with comments of its own: the one every new study starts with.
_NEW_STUDY = "new-study"
_FIRST_LINE = "# An example of the kind {kind!r}: every number is an assumption to replace. Years; probabilities 0 to 1; alpha one-sided.\n"


@record
class DesignCard:
    """One kind of design: the question it answers, when to use it and when not, what must be known, source, nearest alternatives.

    ``alternatives`` say for each other kind when it is the better choice; ``example`` is a whole plan (TOML) that loads.
    """

    kind: str
    title: str
    group: str
    question: str
    use_when: tuple[str, ...]
    not_when: tuple[str, ...]
    must_know: tuple[str, ...]
    reference: str
    doi: str
    alternatives: dict[str, str]
    example: str

    def lines(self) -> list[str]:
        """The card in plain text, its example plan below it."""
        made = [f"{self.title} (kind = {self.kind!r})", f"question: {self.question}"]
        for words, values in (("use it when", self.use_when), ("do not use it when", self.not_when), ("you must know", self.must_know)):
            made += [f"{words}:", *(f"  - {value}" for value in values)]
        made += ["nearest alternatives:", *(f"  - {kind}: {why}" for kind, why in self.alternatives.items())]
        return [*made, f"key reference: {self.reference}, doi {self.doi}", "", "an example plan:", "", self.example]


@record
class DesignCards(Result):
    """The cards asked for, in the order of the registry."""

    cards: tuple[DesignCard, ...]

    def card(self, kind: str) -> DesignCard:
        """The card of ``kind``; KeyError lists what there is."""
        return {c.kind: c for c in self.cards}[kind]

    def lines(self) -> list[str]:
        """One card in full; of several the kinds and their questions, by group."""
        if len(self.cards) == 1:
            return self.cards[0].lines()
        wide, made = max(len(c.kind) for c in self.cards), []
        for group in dict.fromkeys(c.group for c in self.cards):
            made += [group, *(f"  {c.kind:<{wide}}  {c.question}" for c in self.cards if c.group == group)]
        return [*made, "", "nextarm designs KIND says when to use one and when not, and has a plan to start from"]

    def table(self) -> pl.DataFrame:
        """One row a kind."""
        import polars as pl

        return pl.DataFrame([{"kind": c.kind, "group": c.group, "question": c.question} for c in self.cards])


def kinds() -> tuple[str, ...]:
    """The kinds of design there are, in the order of the registry."""
    return tuple(str(table.model_fields["kind"].default) for table in DESIGNS)


def design_cards(kind: str | None = None) -> DesignCards:
    """The card of ``kind``, or those of all designs; :class:`CallError` for a kind that does not exist.

    >>> design_cards("boin").cards[0].title
    'BOIN'
    """
    known = kinds()
    if kind is not None and kind not in known:
        raise CallError(f"kind = {kind!r}", rule=f"must be one of {', '.join(known)}")
    chosen = known if kind is None else (kind,)
    return DesignCards(trail=Trail(method="cards of the designs"), cards=tuple(_card(name) for name in chosen))


@cache
def _tables(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("nextarm.designs") / name).read_text(encoding="utf-8"))


@cache
def _card(kind: str) -> DesignCard:
    written = _tables("cards.toml")[kind]
    words: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in written.items()}
    base, fields = words.pop("base"), words.pop("example")
    return DesignCard(kind=kind, example=_example(kind, base, fields), **words)


def _example(kind: str, base: str, fields: dict[str, Any]) -> str:
    if base == _NEW_STUDY:
        return (resources.files("nextarm.evidence") / "data" / "new-study" / "plan.toml").read_text(encoding="utf-8")
    data = {**_tables("card_examples.toml")[base], "design": {"kind": kind, **fields}}
    return _FIRST_LINE.format(kind=kind) + toml_text(data).replace("\n[", "\n\n[") + "\n"


def cards_markdown() -> str:
    """The cards as they stand in docs/designs.md: one table a group."""
    cards, made, group = design_cards().cards, [], ""
    groups = list(dict.fromkeys(card.group for card in cards))
    for card in sorted(cards, key=lambda c: groups.index(c.group)):
        if card.group != group:
            group = card.group
            made += [
                "",
                f"### {group}",
                "",
                "| kind | question | use it when | do not use it when | you must know | nearest alternatives | key reference |",
            ]
            made.append("|---|---|---|---|---|---|---|")
        others = "; ".join(f"`{kind}`: {why}" for kind, why in card.alternatives.items())
        cells = ["; ".join(values) for values in (card.use_when, card.not_when, card.must_know)]
        made.append(f"| `{card.kind}` | {card.question} | {' | '.join(cells)} | {others} | {card.reference}, doi {card.doi} |")
    return "\n".join(made).strip() + "\n"
