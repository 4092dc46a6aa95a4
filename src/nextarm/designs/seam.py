"""The seam between designs and virtual trials: when a design looks, what is measured there, what it is told, what it says.

Nothing here knows how trials are simulated. A design asks for measures in its :class:`Schedule` and decides many trials at
once from :class:`LookData`; a new rule needs no compiled code.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.core.units import FloatArray, IntArray

BoolArray = NDArray[np.bool_]
Statistic = Literal[
    "log-rank", "max-combo", "milestone-one-arm", "milestone-difference", "rmst-difference", "one-sample-log-rank", "none"
]  # fmt: skip


@record
class Look:
    """One analysis: at ``events`` events (None: not event-driven), not before ``earliest``, at ``latest`` years if that comes first."""

    events: int | None
    latest: float
    earliest: float = 0.0


@record
class RankWeight:
    """A weight of the log-rank family: S^p (1 - S)^q of the pooled S before the event, or with ``until`` 1 / max(S, S(until))."""

    p: float = 0.0
    q: float = 0.0
    until: float | None = None


@record
class Measures:
    """What is measured at each look, besides time, patients and events by arm. Only what is asked for costs time.

    ``weights``: scores of the log-rank family of each arm against arm 0, against the hazard ratio ``hazard_ratio``;
    ``milestones``: Kaplan-Meier estimates there with Greenwood's variance; ``tau``: restricted means to there; ``cuts``:
    events and years of follow-up of each arm between these times since entry (``()``: in all); ``reference``: the events
    expected in each arm under a survival truth's cumulative hazard. ``strata`` (share of the patients, hazard ratio) are
    randomised each by itself and their scores added.
    """

    weights: tuple[RankWeight, ...] = ()
    hazard_ratio: float = 1.0
    milestones: tuple[float, ...] = ()
    tau: float | None = None
    cuts: tuple[float, ...] | None = None
    reference: Any = None
    strata: tuple[tuple[float, float], ...] = ()


@record
class Schedule:
    """The looks of a design in order, and the statistic computed at each.

    ``log-rank``: z = -U / sqrt(V) with the first of the weights, against the hazard ratio ``null``, added over strata;
    ``max-combo``: the largest z of all weights. ``milestone-one-arm`` and ``milestone-difference`` compare Kaplan-Meier
    estimates at ``milestone`` on ``scale`` against ``null`` (reference S, or minus the margin), ``reference_se`` entering
    the variance; ``rmst-difference`` restricted means against ``null`` (minus the margin). ``one-sample-log-rank``:
    (E - O) / sqrt(E + (E error)^2) with the relative ``reference_errors`` (looks,) of the expected events. ``none``: the
    design makes its own of :attr:`LookData.seen`. z is positive where the experimental arm does better than the null. A
    trial that has not reached its events at ``latest`` has its last look then.
    """

    looks: tuple[Look, ...]
    statistic: Statistic
    null: float
    milestone: float
    scale: Literal["cloglog", "plain"] = "plain"
    reference_se: float = 0.0
    reference_errors: tuple[float, ...] = ()
    measures: Measures | None = None

    @property
    def measured(self) -> Measures:
        """The measures asked for; without any, those that the statistic needs."""
        if self.measures is not None:
            return self.measures
        if self.statistic == "log-rank":
            return Measures(weights=(RankWeight(),), hazard_ratio=self.null)
        return Measures(milestones=(self.milestone,)) if self.statistic.startswith("milestone") else Measures()


@record
class Seen:
    """What many trials show at their looks; first axes (trials, looks), then arms in the plan's order, control first.

    ``time`` of the look in years from the first patient; ``took`` 1 where the look took place with its events reached, 0
    at its latest time instead, -1 where the trial had had its last look. ``entered`` and ``events`` (.., arms). As asked:
    ``score`` (.., arms - 1, weights) is O - E of each arm against arm 0 and ``covariance`` (.., arms - 1, weights,
    weights); ``survival`` and ``variance`` (.., arms, milestones); ``rmst`` and ``rmst_variance`` (.., arms);
    ``piece_events`` and ``exposure`` (.., arms, pieces); ``expected`` (.., arms). What was not asked for has size 0.
    """

    time: FloatArray
    took: IntArray
    entered: IntArray
    events: IntArray
    score: FloatArray
    covariance: FloatArray
    survival: FloatArray
    variance: FloatArray
    rmst: FloatArray
    rmst_variance: FloatArray
    piece_events: IntArray
    exposure: FloatArray
    expected: FloatArray


@record
class LookData:
    """What a design decides from: arrays of shape (trials, looks).

    ``z`` the statistic, ``events`` the events seen, ``done`` whether the look took place. A trial's last look is its
    last ``done`` one. ``seen`` has all that was measured.
    """

    z: FloatArray
    events: IntArray
    done: BoolArray
    seen: Seen | None = None


@record
class Decisions:
    """What became of each virtual trial: arrays of shape (trials,).

    ``rejected_at`` the look (from 0) at which the null was rejected, -1 if never; ``stopped_at`` the look at which the
    trial ended; ``futile`` whether it was stopped for futility (None: the design has no such rule).
    """

    rejected_at: IntArray
    stopped_at: IntArray
    futile: BoolArray | None = None
