"""Section 1: is the plateau real? EFS of frontline KMT2A-r cohorts by era of enrolment."""

from __future__ import annotations

import re

from nextarm.core.trail import Trail
from nextarm.evidence import Package
from nextarm.report import Block, Heading, ListBlock, Number, Section, number, paragraph, say
from nextarm.report.document import Parts
from nextarm.studies.infant_all import findings
from nextarm.studies.infant_all.plateau_cohorts import ENDPOINT, MARGIN, POOL_SET, gather, select
from nextarm.studies.infant_all.plateau_pool import cumulative_blocks, curve_blocks, doubtful_blocks, pooled_blocks
from nextarm.studies.infant_all.plateau_trend import group_blocks, trend_blocks
from nextarm.synthesis import EraTrend

__all__ = ["ENDPOINT", "MARGIN", "POOL_SET", "lead", "section", "select"]


def section(package: Package) -> Section:
    """Write the section from the rows of ``package``."""
    cohorts = gather(package)
    return Section(
        id="plateau",
        title="Is the plateau real?",
        lead=lead(cohorts.trend),
        blocks=(
            *pooled_blocks(cohorts, package),
            *curve_blocks(cohorts, package),
            *trend_blocks(cohorts, package),
            *cumulative_blocks(cohorts),
            *group_blocks(cohorts),
            *doubtful_blocks(cohorts),
            *findings.blocks(cohorts, package),
            *_missing(cohorts.trend, package),
        ),
    )


def lead(trend: EraTrend) -> Parts:
    """Answer the section's question in one sentence; it changes with the numbers, their uncertainty and their number."""
    margin = number(
        MARGIN, "points(0)", name="plateau.margin", trail=Trail("margin stated before the analysis", assumptions=(_MARGIN_WHY,))
    )
    if trend.change is None or trend.change_ci is None:
        return say(
            "The bundled evidence cannot answer this: ",
            _reasons(trend),
            ", so no line over eras can be fitted. What is missing is listed below.",
        )
    change = number(trend.change, "signed-points", name="plateau.change", trail=trend.trail, interval=trend.change_ci)
    code = trend.verdict.conclusion
    if code == "cannot answer":
        return say(
            "The bundled evidence cannot answer this: ",
            _reasons(trend),
            ". The fitted change is ",
            change,
            " a decade; ",
            _lean(trend),
            _times(trend),
            ".",
        )
    words = {
        "rise above the margin": "No: EFS has risen by more than ",
        "fall beyond the margin": "No: EFS has fallen by more than ",
        "plateau within the margin": "Yes, within the margin stated: EFS has changed by less than ",
        "excludes a rise above the margin": "A rise is excluded, a fall is not: EFS has not risen by more than ",
        "excludes a fall beyond the margin": "A fall is excluded, a rise is not: EFS has not fallen by more than ",
        "undecided": "Undecided: the cohorts exclude neither a rise nor a fall of more than ",
    }
    return say(words[code], margin, " a decade; the fitted change is ", change, " a decade", _times(trend), ".")


def _margin(name: str) -> Number:
    return number(MARGIN, "points(0)", name=name, trail=Trail("margin stated before the analysis", assumptions=(_MARGIN_WHY,)))


_MARGIN_WHY = "5 points of EFS a decade as the smallest change worth calling one: set for this report, no row supports it"


_FEWEST = Trail("fewest cohorts with which a verdict is given", assumptions=("a fixed rule of the analysis, no row supports it",))


def _reasons(trend: EraTrend) -> Parts:
    """The reasons why the evidence cannot answer; the counts in them are numbers with the trend's trail."""
    said = " and ".join(r for r in trend.verdict.reasons if "different times" not in r) or "too few cohorts can be used"
    pieces = re.split(r"(?<![\w-])(\d+)(?![\w-])", said)
    return say(
        *(
            number(int(piece), "count", name=f"plateau.reason.{i // 2 + 1}", trail=trend.trail) if i % 2 else piece
            for i, piece in enumerate(pieces)
        )
    )


def _times(trend: EraTrend) -> str:
    return (
        "; the cohorts report at different times, which alone can make a trend"
        if any("different times" in r for r in trend.verdict.reasons)
        else ""
    )


def _lean(trend: EraTrend) -> Parts:
    shares = trend.probabilities
    if shares is None or trend.verdict.lean == "no side":
        return say("it leans to no side")
    value = {"rise above the margin": shares.above, "change within the margin": shares.within, "fall beyond the margin": shares.below}
    share = number(value[trend.verdict.lean], "probability", name="plateau.lean", trail=trend.trail)
    return say(f"it leans to a {trend.verdict.lean} of {100 * MARGIN:g} points a decade (posterior probability ", share, ")")


def _missing(trend: EraTrend, package: Package) -> list[Block]:
    if not trend.verdict.missing:
        return []
    return [
        Heading("What is missing"),
        paragraph("These would enter the question if what is missing were printed or found:"),
        ListBlock(tuple(say(_in_words(text, package)) for text in trend.verdict.missing)),
    ]


def _in_words(text: str, package: Package) -> str:
    """The arm id a row's key opens with, replaced by study and arm."""
    arm = next((a for a in package.arms if text.startswith(f"{a.arm_id} ")), None)
    return text if arm is None else f"{package.study_of(arm).name}, {arm.label}: {text.removeprefix(f'{arm.arm_id} ')}"
