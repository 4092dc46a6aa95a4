"""A report does not depend on how many processes made its sections."""

from __future__ import annotations

import pytest

from nextarm.core.errors import CallError
from nextarm.report import Section, paragraph, say
from nextarm.studies import build
from nextarm.studies.part import Part, made

CHEAP = ("intensification", "agents")


def test_two_processes_make_the_same_report() -> None:
    handed: dict[int, list[str]] = {1: [], 2: []}
    alone, shared = (
        build("infant-all", sections=CHEAP, workers=workers, each=lambda some, ids=ids: ids.extend(s.id for s in some))
        for workers, ids in handed.items()
    )
    assert shared.sections == alone.sections
    assert handed[1] == handed[2] == list(CHEAP)
    assert len(alone.sections) == len(CHEAP)
    with pytest.raises(CallError, match="workers = 0"):
        build("infant-all", sections=CHEAP, workers=0)


def test_what_another_process_could_not_make_is_made_here() -> None:
    here, there = (Section(id=word, title=word, lead=say(word), blocks=(paragraph(word),)) for word in ("here", "there"))
    parts = [Part("a", "A", lambda: (here,)), Part("b", "B", lambda: (here,))]
    seen: list[tuple[int, int]] = []
    assert made(parts, lambda *at: seen.append(at), elsewhere=iter([None, (there,)])) == (here, there)
    assert seen == [(0, 2), (1, 2), (2, 2)]
