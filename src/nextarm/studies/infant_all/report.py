"""The report on infant ALL: its sections in order, what stands before them and after them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from nextarm import __version__
from nextarm.evidence import Package, load_package
from nextarm.report import Note, Report, Section, paragraph, say
from nextarm.studies.infant_all import agents, germline, immunotherapy, intensification, methods, next_trial, plateau

#: The sections in the order of the reader's questions; each module has ``section(package)``.
SECTIONS: tuple[Callable[[Package], Section], ...] = (
    plateau.section,
    intensification.section,
    immunotherapy.section,
    agents.section,
    germline.section,
    next_trial.section,
    methods.section,
)


def build(*, package: Package | None = None, progress: Callable[[int, int], None] | None = None) -> Report:
    """Make the report from ``package`` (the bundled evidence if none is given)."""
    evidence = package or load_package("infant-all")
    sections = []
    for done, make in enumerate(SECTIONS, start=1):
        sections.append(make(evidence))
        if progress:
            progress(done, len(SECTIONS))
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
