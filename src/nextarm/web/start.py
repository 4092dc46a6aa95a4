"""The first page: the tour, a new study, the studies there are."""

from __future__ import annotations

from datetime import datetime

from nextarm import verbs
from nextarm.report import Block, DataTable, ListBlock, Section, paragraph, say
from nextarm.report.document import Row
from nextarm.web.address import Query
from nextarm.web.home import BUNDLED
from nextarm.web.screen import Ask, Content, Field, Form, Place, Step

#: The tour: step, what to look at, and the address it starts from.
TOUR = (
    (
        "Evidence",
        "What was published on infants with KMT2A-r ALL; open a number to see its row and source.",
        "evidence?subtype=KMT2A-r&endpoint=EFS",
    ),
    (
        "Figure",
        "Drop a published survival curve (in a study of your own); it is read, drawn over the figure, corrected by hand.",
        "figure",
    ),
    (
        "Patients and survival",
        "A curve becomes patients again, with checks; a cure model with its follow-up warning.",
        "patients?model=mixture-cure:weibull",
    ),
    (
        "Synthesis",
        "Cohorts pooled; leave one out and watch the pooled value move.",
        "synthesis?pool_set=frontline-kmt2a-r&endpoint=EFS&time=5&window=1",
    ),
    (
        "Borrowing",
        "A prior from 30 infants, made robust; how large a bias would undo the historical comparison.",
        "borrowing?arms=blin&endpoint=DFS&time=4",
    ),
    ("Design", "The next trial as a plan: what it can do, and virtual trials of it.", "design"),
    ("Report", "The whole line as one file, every number with its trail.", "report"),
)


#: What a new study may begin with.
BEGINS = (("bundled", "the bundled evidence on infant ALL, and rows of your own"), ("empty", "nothing: rows of your own alone"))
#: Where a new study may open: the screen from which it was asked for.
OPENS = ("evidence", "figure", "patients")


def forms(ask: Ask) -> tuple[Form, ...]:
    """A new study."""
    fields = (
        Field(
            "name",
            "Name of the study",
            value=ask.query.text("name"),
            required=True,
            help="Small letters, digits and hyphens, such as my-study",
        ),
        Field("begins", "It begins with", "select", ask.query.choice("begins", [b for b, _ in BEGINS], "bundled"), choices=BEGINS),
        Field("then", "Opens at", "hidden", ask.query.choice("then", OPENS, OPENS[0])),
    )
    note = "A folder with tables for your rows and an example plan. What you add is saved there and nowhere else."
    return (Form("new-study", "New study", fields, "Make the study", action=f"/study/{BUNDLED}/start/new", note=note),)


def content(ask: Ask) -> Content:
    """The tour and the studies."""
    tour = tuple(Place(title, words, f"/study/{BUNDLED}/{where}") for title, words, where in TOUR)
    studies = [Place("infant-all", "The bundled, worked study; for reading.", f"/study/{BUNDLED}/evidence")]
    rows: list[Row] = []
    for study, changed in ask.home.recent()[:20]:
        when = datetime.fromtimestamp(changed).strftime("%Y-%m-%d %H:%M")
        studies.append(Place(study.name, f"Last change {when}", f"/study/{study.name}/evidence"))
        rows.append((study.name, when, str(study.folder)))
    blocks: list[Block] = [
        paragraph(
            "Studies are folders in ",
            str(ask.home.folder),
            ". To open one from elsewhere, move it there or start nextarm serve with its parent folder.",
        ),
    ]
    if rows:
        blocks.append(DataTable("Your studies", ("Study", "Last change", "Folder"), tuple(rows), narrow="stack"))
    limits = ListBlock(
        (
            say("It reads what a figure shows, not what it means: end point, origin of time and data lock are yours to state."),
            say("Nothing leaves this machine, and nothing is written outside the study folder."),
            say("It does not decide, and it is not medical advice: comparisons with historical controls are labelled as such."),
        )
    )
    return Content(
        (Section("studies", "Where studies are", (), tuple(blocks)), Section("limits", "What this page does not do", (), (limits,))),
        places_first=True,
        forms_after=True,
        places=(("The tour: ten minutes through infant ALL", tour), ("Open a study", tuple(studies))),
        command="nextarm new my-study",
        python='import nextarm\nnextarm.new_study("my-study")',
    )


def new(ask: Ask, sent: Query) -> str:
    """Make a study and open it, at the screen from which it was asked for."""
    name, then = sent.text("name"), sent.choice("then", OPENS, OPENS[0])
    verbs.new_study(ask.home.place_for(name), empty=sent.choice("begins", [b for b, _ in BEGINS], "bundled") == "empty")
    return f"/study/{name}/{then}"


STEP = Step("start", "Start", "From published survival curves to the next trial arm", forms, content, actions={"new": new})
