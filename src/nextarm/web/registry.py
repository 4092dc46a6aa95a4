"""The screens there are, in the order of the line: adding one is a file and a line here."""

from __future__ import annotations

from nextarm.web import borrowing, design, evidence, patients, start, study_report, synthesis, trust
from nextarm.web.figure.step import STEP as FIGURE
from nextarm.web.screen import Step

STEPS: tuple[Step, ...] = (
    start.STEP,
    evidence.STEP,
    FIGURE,
    patients.STEP,
    synthesis.STEP,
    borrowing.STEP,
    design.STEP,
    study_report.STEP,
    trust.STEP,
)
