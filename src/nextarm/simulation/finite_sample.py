"""The true type I error of a log-rank design at its own size, and a calibrated bound where it is not what it should be.

The log-rank z is only nearly normal where events are few or the arms unequal: with 153 infants 2:1 and three quarters
cured, a test at .025 rejects a true null in .029 in one direction and .022 in the other. Virtual trials in which both arms
have the control's truth (times the margin, if there is one) tell; the smallest change of the nominal alpha that keeps the
true one is the calibration.
"""

from __future__ import annotations

import math

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.random import blocks_of
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.plan import Plan
from nextarm.designs.seam import LookData
from nextarm.simulation.block import Prepared, patients_of, prepared, seen_in_block
from nextarm.simulation.characteristics import Rate, rate_of
from nextarm.simulation.statistics import look_data

#: Nominal alphas looked at when calibrating, as shares of the wished one.
_LEAST = 0.2
_STEPS = 20


@record
class FiniteSampleError(Result):
    """Rejections of a true null in ``trials`` virtual trials of ``patients`` patients with ``mean_events`` events.

    ``type1_error`` in favour of the experimental arm, ``opposite`` what the same test of the control against it would do;
    ``exceeds`` where the first is more than a tenth above alpha. Then ``calibrated_alpha`` is the nominal alpha at which
    the true error is alpha in these trials, ``calibrated_bound`` its bound on the Z scale for one look, and
    ``calibrated`` the rejections with it in other trials than those that found it. None where no calibration is needed.
    """

    alpha: float
    patients: int
    trials: int
    mean_events: float
    rejections: int
    opposite_rejections: int
    calibrated_alpha: float | None
    calibrated_bound: float | None
    calibrated_rejections: int | None

    @property
    def type1_error(self) -> Rate:
        """True type I error, with its Monte-Carlo standard error."""
        return rate_of(self.rejections, self.trials)

    @property
    def opposite(self) -> Rate:
        """The same in the other direction."""
        return rate_of(self.opposite_rejections, self.trials)

    @property
    def calibrated(self) -> Rate | None:
        """Type I error at the calibrated alpha, in fresh trials."""
        return None if self.calibrated_rejections is None else rate_of(self.calibrated_rejections, self.trials)

    @property
    def exceeds(self) -> bool:
        """Whether the true type I error is more than a tenth above the nominal one."""
        return self.type1_error.value > 1.1 * self.alpha


def finite_sample_error(plan: Plan, *, trials: int = 200_000, seed: int = 0, calibrate: bool = True) -> FiniteSampleError:
    """Simulate ``plan`` (a fixed or group-sequential log-rank design, at its own size) under its null.

    ``calibrate`` looks for a nominal alpha where the true one exceeds it by more than a tenth. Raises
    :class:`RefusedError` for other designs, :class:`CallError` for fewer than 1,000 trials.
    """
    if trials < 1000:
        raise CallError(f"trials = {trials}", rule="must be at least 1,000 to say anything of a type I error")
    own = plan.without("solve", "scenario")
    if own.design.kind not in ("log-rank", "group-sequential-log-rank"):
        raise RefusedError(f"design.kind = {own.design.kind!r}", rule="its finite-sample error is offered for log-rank designs")
    made = _under_null(own)
    data, mean_events = _trials(made, trials=trials, seed=seed)
    rejections, opposite = _rejections(own, data), _rejections(own, _mirrored(data))
    alpha = own.design.alpha
    calibrated_alpha = bound = fresh = None
    if calibrate and rejections > 1.1 * alpha * trials:
        calibrated_alpha = _calibrated(own, data, alpha)
        bound = z_of(calibrated_alpha) if data.z.shape[1] == 1 else None
        other, _ = _trials(made, trials=trials, seed=seed + 1)
        fresh = _rejections(own.changed({"design": {"alpha": calibrated_alpha}}), other)
    result = FiniteSampleError(
        trail=Trail(
            method="virtual trials under the null, both arms with the control's truth; calibrated by the nominal alpha",
            assumptions=(f"the truth of {own.control!r}, accrual and dropout of the plan {own.trial.name!r}",),
            seed=seed,
        ),
        alpha=alpha,
        patients=patients_of(own),
        trials=trials,
        mean_events=mean_events,
        rejections=rejections,
        opposite_rejections=opposite,
        calibrated_alpha=calibrated_alpha,
        calibrated_bound=bound,
        calibrated_rejections=fresh,
    )
    return result if not result.exceeds else _warned(result)


def _under_null(plan: Plan) -> Prepared:
    """The plan's own schedule and decisions, its experimental arm with the hazard of the null."""
    ratio = float(getattr(plan.design, "margin", 1.0))
    survival = {"hazard_ratio": ratio, "of": plan.control}
    null = prepared(plan.changed({"arms": {plan.experimental: {"survival": survival}}})).truths[:1]
    return Prepared(plan, plan.design.schedule(plan), plan.design.decider(plan), null)


def _trials(made: Prepared, *, trials: int, seed: int) -> tuple[LookData, float]:
    parts, events = [], 0.0
    for block, size in blocks_of(trials):
        seen = seen_in_block(made, seed=seed, block=block, trials=size)[0]
        found = look_data(seen, made.schedule)
        parts.append(found)
        events += float(np.max(np.where(found.done, found.events, 0), axis=1).sum())
    joined = LookData(
        z=np.concatenate([p.z for p in parts]),
        events=np.concatenate([p.events for p in parts]),
        done=np.concatenate([p.done for p in parts]),
    )
    return joined, events / trials


def _mirrored(data: LookData) -> LookData:
    return LookData(z=-data.z, events=data.events, done=data.done)


def _rejections(plan: Plan, data: LookData) -> int:
    return int(np.count_nonzero(plan.design.decide(data, plan).rejected_at >= 0))


def _calibrated(plan: Plan, data: LookData, alpha: float) -> float:
    """The largest nominal alpha (on a grid halved ``_STEPS`` times) at which at most a share ``alpha`` is rejected."""
    low, high = math.log(_LEAST * alpha), math.log(alpha)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        rejected = _rejections(plan.changed({"design": {"alpha": math.exp(middle)}}), data)
        low, high = (middle, high) if rejected <= alpha * len(data.z) else (low, middle)
    return math.exp(low)


def _warned(result: FiniteSampleError) -> FiniteSampleError:
    from dataclasses import replace

    cure = f"; at a nominal alpha of {result.calibrated_alpha:.4g} it is kept" if result.calibrated_alpha is not None else ""
    rate = result.type1_error
    words = f"the true type I error is {rate.value:.4f} (Monte-Carlo standard error {rate.se:.4f}), not {result.alpha:g}{cure}"
    return replace(result, warnings=(words,))
