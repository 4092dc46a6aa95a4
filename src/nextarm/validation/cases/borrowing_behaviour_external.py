"""Slow cases: weighted external comparisons in the long run, and a historical control taken as known (simulated)."""

from __future__ import annotations

from functools import cache

from nextarm.borrowing.weighted_behaviour import METHODS, Behaviour, control_taken_as_known, simulate_weighted
from nextarm.validation.case import Case

#: Printed in the project's reference list (P14): one arm of 160 at nominal 0.05 against a control worth about 200 infants.
P14 = {"known": 0.112, "error included": 0.052, "drift 5 points": 0.25, "drift 10 points": 0.60}
STUDIES = 1000


@cache
def _behaviour() -> Behaviour:
    return simulate_weighted(studies=STUDIES, drifts=(0.0,))


def _coverage() -> dict[str, float]:
    return {m: _behaviour().row(m, 0.0).coverage for m in METHODS if m != "unadjusted"}


def _p14() -> dict[str, float]:
    known, both = control_taken_as_known()
    return {
        "known": known,
        "error included": both,
        "drift 5 points": control_taken_as_known(drift=0.05)[1],
        "drift 10 points": control_taken_as_known(drift=0.10)[1],
    }


CASES: tuple[Case, ...] = (
    Case(
        id="borrowing/weighted-coverage",
        title="95 % intervals of the hazard ratio after weighting, no effect and no drift",
        room="borrowing",
        kind="limit case",
        source="nominal level, within three Monte-Carlo standard errors",
        inputs=f"{STUDIES} simulated studies, 60 treated and 160 control, two covariates that differ",
        compute=_coverage,
        expected={m: 0.95 for m in METHODS if m != "unadjusted"},
        tolerance=0.021,
        slow=True,
    ),
    Case(
        id="borrowing/control-taken-as-known",
        title="Rejections against a historical control taken as known, with its error, and under drift",
        room="borrowing",
        kind="second implementation",
        source="simulation of this project before this code, 2e5 to 1e6 trials (P14)",
        inputs="20,000 trials, S = 0.5, complete follow-up: settings of ours, P14 does not print its own, hence 1.5 points",
        compute=_p14,
        expected=P14,
        tolerance=0.015,
        slow=True,
    ),
)
