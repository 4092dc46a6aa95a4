"""Section 3, third part: what the control arm of the next trial may be expected to do, from the one cohort that had its backbone."""

from __future__ import annotations

from nextarm.borrowing import make_prior
from nextarm.core.errors import NextarmError
from nextarm.evidence import Package
from nextarm.report import Block, Heading, Note, number, paragraph, say
from nextarm.studies.infant_all.control_prior import USED, History, control_prior, infants_number, prior_blocks, prior_number
from nextarm.studies.infant_all.immunotherapy_landmarks import ENDPOINT, TIME, TREATED
from nextarm.synthesis.arms import studies_of_arms

NAME = "immunotherapy.control"
#: The backbone's agent, the arm whose remissions stand for induction, and when remission is taken to come (years).
BACKBONE, INDUCTION, REMISSION_AT = "blinatumomab", "interfant-99-r", 0.1


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
        *_from_diagnosis(package),
        Note(
            "caution",
            say(
                f"The {ENDPOINT} above is of infants who came through induction, counted from an origin that was not in the text read; it "
                "is not EFS from diagnosis. A control arm that borrows either prior is in part a historical control."
            ),
        ),
    ]  # fmt: skip


def _from_diagnosis(package: Package) -> list[Block]:
    """EFS from diagnosis out of that DFS, with the term for induction shown; nothing where a part of it is missing."""
    try:
        found = make_prior(
            arms=(TREATED,), endpoint=ENDPOINT, time=TIME, package=package, tau_scale=USED, backbone=BACKBONE, no_remission=INDUCTION,
            remission_at=REMISSION_AT, assume_origin=True,
        )  # fmt: skip
    except NextarmError:
        return []
    term, trail = found.induction, found.trail
    if term is None or found.time is None:
        return []
    low, middle, high = (found.summary[key] for key in ("low", "median", "high"))
    return [
        paragraph(
            "A trial that counts from diagnosis needs a term for infants who die in induction or do not reach remission. With that of ",
            say(number(term.n, "count", name=f"{NAME}.efs.term-n", trail=trail)), " infants of Interfant-99, of whom ",
            say(number(term.mean, "percent", name=f"{NAME}.efs.term", trail=trail)), " reached remission, the prior becomes one of EFS at ",
            f"{found.time:g} years from diagnosis: ", say(number(middle, "percent", name=f"{NAME}.efs.median", trail=trail)), " (",
            say(number(low, "percent", name=f"{NAME}.efs.low", trail=trail)), " to ",
            say(number(high, "percent", name=f"{NAME}.efs.high", trail=trail)), "). It assumes that DFS counts from remission, that ",
            f"remission comes {REMISSION_AT:g} years after diagnosis, that induction does as it did then, and that both are independent.",
        ),
    ]  # fmt: skip
