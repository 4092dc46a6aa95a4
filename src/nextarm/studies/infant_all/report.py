"""The report on infant ALL: its sections in order, what stands before them and after them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module

from nextarm import __version__
from nextarm.evidence import Package, load_package
from nextarm.report import Note, Report, Section, paragraph, say
from nextarm.studies.part import Part

#: The sections in the order of the reader's questions: id and title. Each has a module of its name with ``section(package)``, which is
#: imported where the section is made: who only asks which there are, or puts together what others made, needs none of them.
SECTIONS: tuple[tuple[str, str], ...] = (
    ("plateau", "Is the plateau real?"),
    ("intensification", "What did intensification cost?"),
    ("immunotherapy", "Does immunotherapy change it?"),
    ("agents", "Which agents are ready?"),
    ("germline", "Can KMT2A-germline infants have less?"),
    ("next-trial", "The next trial"),
    ("methods", "Methods and limitations"),
)


def parts(package: Package | None = None) -> tuple[Part, ...]:
    """The parts of the report, made from ``package`` (the bundled evidence if none is given)."""

    def part(id: str, title: str) -> Part:
        return Part(id, title, lambda: (section(id, package or load_package("infant-all")),))

    return tuple(part(*known) for known in SECTIONS)


def section(id: str, package: Package) -> Section:
    """The section ``id`` of :data:`SECTIONS`, made from ``package``."""
    found: Section = import_module(f"nextarm.studies.infant_all.{id.replace('-', '_')}").section(package)
    return found


def report_of(sections: Sequence[Section]) -> Report:
    """The report around its sections: title, what stands before them and after them."""
    return Report(
        title="Infants with KMT2A-rearranged leukaemia: from the evidence to the next trial",
        subtitle="Acute lymphoblastic leukaemia below one year of age: published results, small studies, the next arm",
        sections=tuple(sections),
        intro=(
            paragraph(
                "Made by nextarm from evidence tables in which every value has a source. Nothing here was taken from patients' records; "
                "comparisons with historical controls are named as such wherever they stand."
            ),
            Note("caution", say("This report supports design decisions by people who know the field. It is not medical advice.")),
        ),
        made_on=datetime.now(UTC).date().isoformat(),
        notes=(f"nextarm {__version__}; code Apache-2.0, evidence tables CC BY 4.0.", "Supports design decisions; not medical advice."),
    )
