"""What a screen says where the study has nothing for it yet: what is missing, and what to do next."""

from __future__ import annotations

from nextarm.report import Section, paragraph, say
from nextarm.web.screen import Ask, Content, Place

#: The form of Evidence that saves a row, and the folds it stands in.
ROW_FORM = "evidence#add-row"
#: Where there is nothing to pool: what is missing, and what makes it.
NO_SET = (
    "No arm of this study belongs to a pool set yet.",
    "Cohorts that may be pooled carry one name, their pool set. Save at least two rows, each with a new arm, and give both arms the same "
    "pool set of your own.",
)


def nothing_yet(ask: Ask, section: str, title: str, missing: str, cure: str = "", *, command: str = "") -> Content:
    """``missing`` says what there is none of, ``cure`` what makes it; in a study of one's own the ways to do so follow."""
    words = (paragraph(cure),) if cure else ()
    places: tuple[tuple[str, tuple[Place, ...]], ...] = ()
    if ask.study.folder is not None:
        ways = (
            Place("Save a row of evidence", "A published value with its source; the study and the arm are made with it.", ask.at(ROW_FORM)),
            Place("Drop a figure", "A published survival curve becomes patients; no evidence is needed for that.", ask.at("figure")),
            Place("Design a trial", "A plan needs no evidence either; every number in it is then an assumption.", ask.at("design")),
        )
        places = (("What to do next", ways),)
    return Content((Section(section, title, say(missing), words),), command=command, places=places)
