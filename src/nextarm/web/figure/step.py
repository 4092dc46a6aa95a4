"""The Figure screen's place in the rail, and the list of figures as JSON and CSV; the screen itself is in ``routes``."""

from __future__ import annotations

from nextarm.report import DataTable, Section
from nextarm.report.document import Row
from nextarm.web.figure.routes import QUESTION
from nextarm.web.figure.store import figures_in
from nextarm.web.home import Study
from nextarm.web.screen import Ask, Content, Form, Step


def forms(ask: Ask) -> tuple[Form, ...]:
    """None: files are dropped."""
    return ()


def content(ask: Ask) -> Content:
    """The figures of the study."""
    found = [] if ask.study.folder is None else figures_in(ask.study.folder)
    rows: tuple[Row, ...] = tuple((name, title, str(state.get("last", ""))) for name, title, state in found)
    table = DataTable("Figures of this study", ("Figure", "File", "Steps kept"), rows)
    sections = (Section("figures", "Figures", (), (table,) if rows else ()),)
    empty = "" if rows else "Figure,File,Steps kept\n"
    return Content(sections, command="nextarm read-figure FILE --out DIR --reconstruct", csv=empty)


def state(study: Study) -> str:
    """How many figures there are."""
    count = 0 if study.folder is None else len(figures_in(study.folder))
    return "" if not count else f"{count} {'figure' if count == 1 else 'figures'}"


STEP = Step("figure", "Figure", QUESTION, forms, content, state)
