"""Section 3, third part: what the control arm of the next trial may be expected to do, from the one cohort that had its backbone."""

from __future__ import annotations

from nextarm.core.errors import NextarmError
from nextarm.evidence import Package
from nextarm.report import Block, Heading, Note, paragraph, say
from nextarm.studies.infant_all.control_prior import History, control_prior, infants_number, prior_blocks, prior_number
from nextarm.studies.infant_all.immunotherapy_landmarks import ENDPOINT, TIME, TREATED
from nextarm.synthesis.arms import studies_of_arms

NAME = "immunotherapy.control"


def history(package: Package, endpoint: str = ENDPOINT) -> History | None:
    """The blinatumomab cohort as the only history of its backbone; None where it has no such row."""
    try:
        studies, trail = studies_of_arms(package, (TREATED,), endpoint=endpoint, time=TIME)
    except NextarmError:
        return None
    return History(endpoint.lower(), f"{endpoint} of the blinatumomab cohort, one study", tuple(studies), trail)


def next_control(package: Package) -> list[Block]:
    """The predictive prior of blinatumomab plus chemotherapy for DFS and OS, with its worth in infants."""
    histories = [h for h in (history(package, e) for e in (ENDPOINT, "OS")) if h is not None]
    found = control_prior(histories[0]) if histories else None
    if found is None:
        return []
    n = histories[0].studies[0].n
    of = say(f" of {n} infants") if n else ()
    return [
        Heading("What the control arm of the next trial may do"),
        paragraph(
            "The next trial's control is blinatumomab with chemotherapy, and one cohort", of, " had it. A predictive prior says where "
            f"the next such arm may lie: {ENDPOINT} at {TIME:g} years ", prior_number(found, name=f"{NAME}.dfs.tau30"),
            ", worth ", infants_number(found, name=f"{NAME}.dfs.tau30.ess"), " infants, and ",
            infants_number(found, name=f"{NAME}.dfs.tau30.ess-robust", robust=True), " when made robust. With one study, how far "
            "the next may lie from it rests on the prior alone, so three are shown. Infants treated with chemotherapy only do not "
            "enter it.",
        ),
        *prior_blocks(
            histories,
            name=NAME,
            title=f"Predictive prior of {ENDPOINT} at {TIME:g} years for the control arm of the next trial",
            what=f"Survival at {TIME:g} years",
        ),
        Note(
            "caution",
            say(
                f"This is {ENDPOINT} of infants who came through induction, counted from an origin that was not in the text read. "
                "It is not EFS "
                "from diagnosis: infants who die in induction or do not reach remission are not in it, and a trial that counts from "
                "diagnosis "
                "needs a term for them. A control arm that borrows it is in part a historical control."
            ),
        ),
    ]  # fmt: skip
