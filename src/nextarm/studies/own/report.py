"""The report on a study of one's own: which parts it can have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from nextarm.report import Section
from nextarm.studies.own import sections
from nextarm.studies.own.study import OwnStudy
from nextarm.studies.part import Part

COMPARISONS = "Patients against patients: comparisons with historical controls"


def own_parts(study: OwnStudy) -> tuple[Part, ...]:
    """The parts in the order of the line; those that would be empty are not made unless they are asked for."""

    def part(id: str, title: str, make: Callable[[OwnStudy], Sequence[Section]], usual: bool) -> Part:
        return Part(id, title, partial(make, study), usual)

    rows = any(row.package == study.package.name for table in (study.package.outcomes, study.package.counts) for row in table)
    return (
        part("evidence", "Evidence: the study's own rows", sections.evidence, rows),
        part("patients", "Patients behind its curves", sections.patients, bool(study.curves())),
        part("synthesis", "Synthesis", sections.synthesis, bool(study.asked.pool or sections.suggested_pools(study))),
        part("priors", "Priors and historical comparisons", sections.priors, bool(study.asked.prior)),
        part("comparisons", COMPARISONS, sections.comparisons, bool(study.asked.comparison)),
        part("designs", "Designs: its plans, with virtual trials", sections.designs, bool(study.plans())),
        part("methods", "Methods and limits", sections.methods, True),
    )
