"""A design with its true type I error beside its power: what ``nextarm design`` shows of log-rank tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nextarm.core.errors import CallError, NextarmError
from nextarm.designs.design import TrueError
from nextarm.designs.solution import solved_plan

if TYPE_CHECKING:
    from nextarm.designs.design import DesignResult
    from nextarm.designs.plan import Plan

#: Virtual trials for the error, the most patients drawn for them, and the fewest trials that say anything.
ERROR_TRIALS, MOST_DRAWN, FEWEST = 50_000, 20_000_000, 1_000
#: Designs whose finite-sample error is simulated.
KINDS = ("log-rank", "group-sequential-log-rank")


def evaluate(plan: Plan, *, error_trials: int = ERROR_TRIALS, seed: int = 0, trials: int | None = None) -> DesignResult:
    """Evaluate the plan's design, or what its ``[solve]`` asks for.

    Log-rank designs also get their true type I error at the size found, from ``error_trials`` virtual trials (0: none), and
    where it exceeds alpha by more than a tenth the nominal alpha that keeps it. Above 4,000 patients the normal law is not in
    doubt and nothing is simulated. Designs whose characteristics come from virtual trials take at most ``trials`` of them: a first answer,
    which says how many it is from. Raises :class:`CallError` for fewer than 1,000 trials.
    """
    if trials is not None and trials < FEWEST:
        raise CallError(f"trials = {trials}", rule=f"must be at least {FEWEST:,} to say anything")
    if error_trials and error_trials < FEWEST:
        raise CallError(f"error_trials = {error_trials}", rule=f"must be 0, or at least {FEWEST:,} to say anything of a type I error")
    design = plan.design if trials is None or not plan.design.by_trials else plan.design.in_trials(trials)
    result: DesignResult = design.evaluate(plan)
    if doubts := _doubts(plan, result):
        result = replace(result, warnings=(*doubts, *result.warnings))
    if not error_trials or plan.design.kind not in KINDS or result.n * 5.0 * FEWEST > MOST_DRAWN:
        return result
    return _with_error(plan, result, trials=min(error_trials, int(MOST_DRAWN / result.n)), seed=seed)


def _doubts(plan: Plan, result: DesignResult) -> tuple[str, ...]:
    """What looks like a slip of the plan: months for years, an effect the wrong way round."""
    found = []
    end = plan.accrual_model().study_duration
    if plan.trial.milestone > end:
        found.append(
            f"milestone = {plan.trial.milestone:g} years lies after the trial's end ({end:g} years of accrual and follow-up): nobody is "
            "watched so long; times are in years"
        )
    if result.power < result.alpha / 2.0:
        found.append(
            f"power {result.power:.2g} lies below alpha {result.alpha:g}: under the plan's truth the new arm is worse than the null; see "
            "that the effect is the right way round and no percentage (a hazard ratio of 0.60 is 0.6, not 60)"
        )
    return tuple(found)


def _with_error(plan: Plan, result: DesignResult, *, trials: int, seed: int) -> DesignResult:
    from nextarm.simulation.finite_sample import finite_sample_error

    try:
        found = finite_sample_error(solved_plan(plan, result), trials=trials, seed=seed)
    except NextarmError as error:  # the design stands without it
        return replace(result, warnings=(*result.warnings, f"the true type I error was not simulated: {error}"))
    true = TrueError(
        trials=found.trials,
        seed=seed,
        type1_error=found.type1_error.value,
        se=found.type1_error.se,
        opposite=found.opposite.value,
        opposite_se=found.opposite.se,
        calibrated_alpha=found.calibrated_alpha,
        calibrated_bound=found.calibrated_bound,
        calibrated_error=None if found.calibrated is None else found.calibrated.value,
    )
    return replace(result, true_error=true, warnings=(*result.warnings, *found.warnings))
