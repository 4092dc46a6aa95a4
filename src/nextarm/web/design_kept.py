"""The question last asked on Design, kept in the study's folder: who comes back finds the plan with all that was laid over it.

``design/latest.txt`` holds it as it stands in an address. In the bundled study nothing is written: the browser's tab
keeps it, as it keeps where every step was left.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from nextarm.core.errors import NextarmError
from nextarm.web.address import Query
from nextarm.web.screen import Ask

FILE = ("design", "latest.txt")


def keep(ask: Ask, where: str) -> str:
    """Keep the question of the address ``where`` as the latest one; gives ``where`` back."""
    if ask.study.folder is not None:
        ask.study.write({FILE: urlsplit(where).query + "\n"})
    return where


def latest(ask: Ask) -> Ask | None:
    """The latest question, where the screen is opened without any and one has been kept."""
    if ask.query.pairs or ask.study.folder is None or not ask.study.path(*FILE).is_file():
        return None
    with suppress(NextarmError):  # a file that somebody has broken is no reason to refuse the screen
        return replace(ask, query=Query.read(ask.study.read(*FILE).strip()))
    return None
