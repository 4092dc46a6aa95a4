"""How a Design answer is laid out: what was asked for first, what is read less often folded below it; cards call designs by title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from nextarm.report import DataTable, Details, Section, paragraph, say
from nextarm.report.designed import titles
from nextarm.report.document import Block, Link, Parts

#: Sections on virtual trials that stand folded below the others.
SECONDARY = ("times", "looks", "one-trial", "whole", "years", "controls", "cost", "rule", "plans")


def arranged(simulated: Sequence[Section], by_formula: Section) -> tuple[Section, ...]:
    """What virtual trials said, the less asked of it folded; below it the characteristics by formula with their tables folded."""
    first = [s for s in simulated if s.id not in SECONDARY]
    folded = tuple(Details(s.title, _inside(s)) for s in simulated if s.id in SECONDARY)
    more = Section("more", "More about these trials", (), folded)
    blocks = tuple(Details(b.caption, (b,)) if isinstance(b, DataTable) else b for b in by_formula.blocks)
    return (*first, *([more] if folded else []), replace(by_formula, blocks=blocks))


def _inside(section: Section) -> tuple[Block, ...]:
    """The blocks of a section behind a fold; a fold of its own that is all it holds is opened with it."""
    only = section.blocks[0] if len(section.blocks) == 1 else None
    blocks = only.blocks if isinstance(only, Details) else section.blocks
    return (paragraph(*section.lead), *blocks) if section.lead else blocks


def to_card(kind: str) -> Link:
    """The title of a kind of design; it leads to its card on this page."""
    return Link(titles()[kind], f"#card-{kind}")


def in_words(text: str) -> Parts:
    """What a card says, with other designs that it sends to by their title."""
    pieces = re.split(r"(?<=see )([a-z0-9-]+)|(?<= or )([a-z0-9-]+)$", text.replace("`", ""))
    return say(*(to_card(piece) if piece in titles() else piece for piece in pieces))
