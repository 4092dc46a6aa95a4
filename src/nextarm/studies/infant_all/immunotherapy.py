"""Section 3: does immunotherapy change it? Blinatumomab against the historical control of its own papers; CAR-T in infants."""

from __future__ import annotations

from nextarm.evidence import Package
from nextarm.report import Section, number, say
from nextarm.report.document import Parts
from nextarm.studies.infant_all.immunotherapy_bias import how_wrong
from nextarm.studies.infant_all.immunotherapy_comparison import comparison, rebuilt_cohort, refusals
from nextarm.studies.infant_all.immunotherapy_control import next_control
from nextarm.studies.infant_all.immunotherapy_counts import car_t, counts
from nextarm.studies.infant_all.immunotherapy_landmarks import Landmark, landmarks, main_landmark


def section(package: Package) -> Section:
    """Write the section from the rows of ``package``."""
    found = landmarks(package)
    return Section(
        id="immunotherapy",
        title="Does immunotherapy change it?",
        lead=lead(found),
        blocks=(
            *comparison(found, package),
            *rebuilt_cohort(package),
            *how_wrong(found, package),
            *next_control(package),
            *refusals(package),
            *counts(package),
            *car_t(package),
        ),
    )


def lead(found: tuple[Landmark, ...]) -> Parts:
    """Say what the comparison shows and how large a bias would undo it; without an interval free of 0, that it shows nothing."""
    if not found:
        return say("The evidence holds no landmark that both the blinatumomab cohort and its historical control report in one analysis.")
    main = main_landmark(found)
    c, tip = main.comparison, main.tipping
    n = number(c.treated.n, "count", name="immunotherapy.n", trail=c.trail, missing="an unknown number of")
    difference = number(c.difference, "signed-points(0)", name="immunotherapy.difference", trail=c.trail, interval=c.difference_ci)
    rows = say(
        n,
        f" infants on blinatumomab had a {main.endpoint} at {main.time:g} years that differs by ",
        difference,
        " from a selected historical control",
        " whose number and selection were not readable" if c.control.n is None else "",
    )
    if not tip.finding:
        return say("That is not shown: ", rows, ", and the interval holds no difference.")
    points = number(tip.points_tips, "points(0)", name="immunotherapy.tips", trail=tip.trail)
    better = "It looks so" if c.difference > 0 else "It looks harmful"
    return say(
        better,
        ", though only against a historical control, without randomisation: ",
        rows,
        "; the finding would be gone if that control had done ",
        points,
        " better",
        *_sceptic(found),
        ".",
    )


def _sceptic(found: tuple[Landmark, ...]) -> Parts:
    """What the sceptical prior leaves of OS, said only where its interval holds 1."""
    overall = [x for x in found if x.endpoint == "OS" and x.sceptical]
    if not overall:
        return ()
    x = max(overall, key=lambda x: x.time)
    prior = x.sceptical
    if prior is None or not prior.ci.low <= 1.0 <= prior.ci.high:
        return ()
    ratio = number(
        prior.hazard_ratio, "hazard-ratio", name=f"{x.key}.sceptical", trail=prior.trail, interval=prior.ci, missing="not defined"
    )
    return say(f"; and for OS at {x.time:g} years a sceptic is not convinced (hazard ratio under a sceptical prior ", ratio, ")")
