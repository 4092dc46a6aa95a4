"""The frame around a screen: rail, forms, answer, trail drawer, the same in Python and on the command line, downloads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nextarm import __version__
from nextarm.core.errors import CallError
from nextarm.report import ledger_of, results_json
from nextarm.report.charts.palette import css_variables
from nextarm.report.html import Drawings, Fold, page_asset, render_parts
from nextarm.report.ledger import charts_of
from nextarm.report.marks import marks_in
from nextarm.web.address import Query, address
from nextarm.web.screen import Ask, Shown, Step, tables_of

#: Rows of a long table that a screen shows at first; ``rows=all`` in its address shows them all.
FIRST_ROWS = 12
#: Files that pages ask for, and where they come from.
_TYPES = {"report.css": "text/css", "web.css": "text/css", "report.js": "text/javascript", "web.js": "text/javascript"}


@cache
def asset(name: str) -> tuple[str, str] | None:
    """A style sheet or script by name, with its type; None if there is none."""
    if name not in _TYPES:
        return None
    if name == "report.css":
        light, dark = css_variables("light"), css_variables("dark")
        themes = (
            f":root{{color-scheme:light;{light}}}"
            f'@media screen and (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{color-scheme:dark;{dark}}}}}'
            f'@media screen{{:root[data-theme="dark"]{{color-scheme:dark;{dark}}}}}'
        )
        return themes + page_asset("style.css"), _TYPES[name]
    if name == "report.js":
        return page_asset("script.js"), _TYPES[name]
    return (resources.files("nextarm.web") / "assets" / name).read_text(encoding="utf-8"), _TYPES[name]


@cache
def environment() -> Environment:
    """The templates of the page."""
    loader = PackageLoader("nextarm.web", "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False)
    made.globals.update(version=__version__, address=address)
    return made


def page_of(shown: Shown, *, ask: Ask, drawings: Drawings, steps: Sequence[Step]) -> str:
    """The whole page of a screen that was asked."""
    report = shown.report()
    book = ledger_of(report)
    here = ask.at(shown.step.key)
    whole, few = (address(here, ask.query.changed(rows=rows)) for rows in ("all", None))
    fold = Fold(FIRST_ROWS, whole, few, open=ask.query.text("rows") == "all")
    parts = render_parts(report, drawings=drawings, ledger=book, fold=fold)
    links: list[tuple[str, list[tuple[str, str]]]] = [
        (f"Chart: {c.title}", [(kind.upper(), address(f"{here}/chart/{c.id}.{kind}", ask.query)) for kind in ("svg", "png")])
        for c in charts_of(report)
    ]
    links += [
        (f"Table: {t.caption}", [("CSV", address(f"{here}/table/{i}.csv", ask.query))]) for i, t in enumerate(tables_of(report), start=1)
    ]
    return (
        environment()
        .get_template("screen.html")
        .render(
            shown=shown, step=shown.step, content=shown.content, parts=parts, book=book, marks=marks_in(book), here=here, ask=ask,
            rail=_rail(ask, steps),
            downloads=links, machine=[(k.upper(), address(f"{here}.{k}", ask.query)) for k in ("json", "csv")],
            active=[r for r in ask.runs.listed() if r.active],
        )
    )  # fmt: skip


def own_page(ask: Ask, *, step: str, title: str, question: str, body: str, steps: Sequence[Step]) -> str:
    """A screen that makes its own body (trusted HTML), in the frame of all."""
    made = environment().get_template("own.html")
    return made.render(
        title=title, question=question, body=Markup(body), study=ask.study, step_key=step, rail=_rail(ask, steps),
        active=[r for r in ask.runs.listed() if r.active],
    )  # fmt: skip


def _rail(ask: Ask, steps: Sequence[Step]) -> list[tuple[Step, str, str]]:
    """The screens with their addresses and states."""
    return [(s, ask.at(s.key) if s.key != "start" else "/", _state(s, ask)) for s in steps]


def _state(step: Step, ask: Ask) -> str:
    """What the rail says of a step; a study folder that is broken says so on its own screens."""
    try:
        return step.state(ask.study)
    except (CallError, OSError):
        return ""
    except Exception:
        return "not readable"


def plain_page(words: str, *, status: int) -> str:
    """A page that only says something: an error, mostly."""
    phrase = HTTPStatus(status).phrase.lower()
    return environment().get_template("plain.html").render(words=words, status=status, phrase=phrase)


def json_of(shown: Shown, *, address: str) -> str:
    """A screen as JSON: its numbers and trails as in results.json, and the same question in Python and on the command line."""
    data: dict[str, Any] = json.loads(results_json(shown.report()))
    content = shown.content
    data["screen"] = {"step": shown.step.key, "address": address, "python": content.python, "command": content.command}
    data["screen"] |= {"plan": content.plan, "run": content.run.facts() if content.run else None}
    data["problems"] = [{"what": p.what, "where": p.where, "rule": p.rule, "cure": p.cure} for p in shown.problems]
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def empty() -> Markup:
    """Nothing."""
    return Markup("")


__all__ = ["Query", "asset", "json_of", "own_page", "page_of", "plain_page"]
