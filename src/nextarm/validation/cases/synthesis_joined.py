"""Cases of several times joined: conditional increments against R, one time as plain pooling, cohorts carried by a timing."""

from __future__ import annotations

import math
from functools import partial

from nextarm.synthesis.estimates import StudyEstimate
from nextarm.synthesis.increments import IncrementCurve, pool_increments
from nextarm.synthesis.joined import EventTiming, join_times, timing_from_shares
from nextarm.synthesis.pool import pool
from nextarm.validation.case import Case, expected

FROZEN = "synthesis_increments"


def glioma(arm: str) -> IncrementCurve:
    """The increments model on one arm of metadat dat.fine1993."""
    data = expected(FROZEN)["sets"][arm]
    columns = zip(data["study"], data["time"], data["s"], data["n"], strict=True)
    return pool_increments([StudyEstimate(label=str(i), estimate=s, n=n, time=t) for i, t, s, n in columns])


def _numbers(curve: IncrementCurve) -> dict[str, float]:
    return {"tau2": curve.tau2, "log-likelihood": curve.log_likelihood} | {
        f"S({t:g})": float(s) for t, s in zip(curve.times, curve.survival, strict=True)
    }


def _expected(arm: str) -> dict[str, float]:
    fit = expected(FROZEN)["sets"][arm]["fit"]
    return {"tau2": fit["tau2"], "log-likelihood": fit["log_likelihood"]} | {
        f"S({t:g})": s for t, s in zip(fit["times"], fit["survival"], strict=True)
    }


def _fitted(arm: str) -> dict[str, float]:
    return _numbers(glioma(arm))


_ONE_TIME = tuple(
    StudyEstimate(label=f"study {i}", estimate=s, se=e, time=4.0)
    for i, (s, e) in enumerate([(0.3, 0.05), (0.5, 0.06), (0.42, 0.03), (0.6, 0.08)])
)


def _one_time() -> dict[str, float]:
    curve, plain = pool_increments(_ONE_TIME), pool(_ONE_TIME, method="ml", interval="wald")
    assert plain.tau2 is not None
    return {
        "estimate": float(curve.survival[0]) - plain.estimate,
        "low": float(curve.low[0]) - plain.ci.low,
        "high": float(curve.high[0]) - plain.ci.high,
        "tau2": curve.tau2 - plain.tau2,
    }


def _timing() -> dict[str, float]:
    t = timing_from_shares((1.0, 2.0 / 3.0), (2.0, 0.9))
    return {"shape": t.shape, "scale": t.scale, "within 1": t.within(1.0), "within 2": t.within(2.0)}


def _carried() -> dict[str, float]:
    """Four cohorts of known cure fraction, read off at different times, all come back to their true 5-year survival."""
    timing = EventTiming(shape=1.2, scale=0.8)
    cure = {0.3: (2.0,), 0.4: (3.0,), 0.5: (5.0,), 0.6: (1.5, 4.0)}
    rows = [
        StudyEstimate(label=f"{c}", estimate=1.0 - (1.0 - c) * timing.within(t), se=0.02 * (1 + t / 10), time=t)
        for c, times in cure.items()
        for t in times
    ]
    carried, _, _ = join_times(rows, time=5.0, timing=timing)
    return {f"c = {s.label}": s.estimate for s in carried}


CASES: tuple[Case, ...] = (
    *(
        Case(
            id=f"synthesis/increments-{arm}",
            title=f"curve on conditional increments, glioma, {arm} arm",
            room="synthesis",
            kind="second implementation",
            source="our likelihood in R 4.2.2, optim, numerical gradients",
            inputs="metadat dat.fine1993, 17 trials at 6, 12, 18, 24 months, gaps and flat tails",
            compute=partial(_fitted, arm),
            expected=_expected(arm),
            tolerance=1e-7,
            reference=FROZEN,
        )
        for arm in ("experimental", "control")
    ),
    Case("synthesis/increments-one-time", "increments at one time are plain pooling (ML, cloglog)", "synthesis", "limit case",
         "maximum likelihood pool at one time", "four made-up studies at 4 years", _one_time,
         dict.fromkeys(("estimate", "low", "high", "tau2"), 0.0), 1e-8),
    Case("synthesis/timing-two-shares", "Weibull through two thirds by 1 year and 90 % by 2", "synthesis", "closed form",
         "shape = log2(ln 10 / ln 3), scale = (ln 3)^(-1/shape)", "two shares", _timing,
         {"shape": math.log2(math.log(10) / math.log(3)), "scale": math.log(3) ** (-1.0 / math.log2(math.log(10) / math.log(3))),
          "within 1": 2.0 / 3.0, "within 2": 0.9}, 1e-12),
    Case("synthesis/joined-times", "cohorts read at 1.5 to 5 years return to their 5-year survival", "synthesis", "closed form",
         "S(T) = 1 - (1 - c) F(T)", "cure fractions 0.3 to 0.6, Weibull events", _carried,
         {f"c = {c}": 1.0 - (1.0 - c) * -math.expm1(-((5.0 / 0.8) ** 1.2)) for c in (0.3, 0.4, 0.5, 0.6)}, 1e-6),
)  # fmt: skip
