"""The bundled studies by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from nextarm.core.errors import CallError

if TYPE_CHECKING:
    from nextarm.report import Report

#: Name of each study and the module whose ``build(progress)`` makes its report.
STUDIES: dict[str, str] = {"infant-all": "nextarm.studies.infant_all.report"}


def build(study: str, *, progress: Callable[[int, int], None] | None = None) -> Report:
    """Make the report of ``study``; ``progress(done, total)`` is called after each section.

    Raises :class:`CallError` for an unknown study.
    """
    if study not in STUDIES:
        raise CallError(f"study = {study!r}", rule=f"must be one of {', '.join(STUDIES)}")
    made: Report = import_module(STUDIES[study]).build(progress=progress)
    return made
