"""A part of a report: something a reader may ask for by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from nextarm.core.errors import CallError
from nextarm.report import Section

Progress = Callable[[int, int], None]
Each = Callable[[Sequence[Section]], None]


@dataclass(frozen=True)
class Part:
    """A part by its id and title; ``usual`` parts are made unless others are asked for. ``make`` gives its sections.

    ``of`` is the bundled study that a part of another study's report is taken from.
    """

    id: str
    title: str
    make: Callable[[], Sequence[Section]]
    usual: bool = True
    of: str = ""


def chosen(parts: Sequence[Part], sections: Sequence[str] | None) -> tuple[Part, ...]:
    """The parts named in ``sections`` (None: the usual ones), in the report's order; :class:`CallError` for a name that no part has."""
    if sections is None:
        return tuple(p for p in parts if p.usual)
    known = [p.id for p in parts]
    if odd := [s for s in sections if s not in known]:
        raise CallError(f"sections = {odd[0][:60]!r}", rule=f"must be of {', '.join(known)}")
    if not sections:
        raise CallError("sections", rule="must name at least one", cure=f"There are {', '.join(known)}")
    return tuple(p for p in parts if p.id in sections)


def made(
    parts: Sequence[Part], progress: Progress | None = None, *, each: Each | None = None, elsewhere: Iterable[Sequence[Section] | None] = ()
) -> tuple[Section, ...]:
    """The sections of ``parts``; ``progress(done, total)`` is called before the first and after each.

    ``elsewhere`` gives those of each part as another process made them, or None where it could not: then they are made here.
    ``each`` is handed the sections of a part as soon as they are there, while other processes make those of the next.
    """
    found: list[Section] = []
    if progress:
        progress(0, len(parts))
    for done, (part, there) in enumerate(zip_longest(parts, elsewhere), start=1):
        sections = part.make() if there is None else there
        if each:
            each(sections)
        found += sections
        if progress:
            progress(done, len(parts))
    return tuple(found)
