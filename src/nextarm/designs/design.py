"""What all designs share: the ``[design]`` table, the seam to the simulation, the result.

A design is one file with a table class (its fields), ``schedule`` (when it looks), ``decide`` (what it does with the
statistics of many virtual trials at once) and ``evaluate`` (its exact or asymptotic characteristics).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, PrivateAttr

from nextarm.core.errors import Problem, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.units import IntArray, whole_up
from nextarm.designs.seam import BoolArray, Decisions, Look, LookData, Measures, RankWeight, Schedule, Seen, Statistic
from nextarm.designs.tables import Table, unit
from nextarm.designs.true_null import no_better

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

__all__ = [
    "BLOCKED", "BoolArray", "Decisions", "DesignResult", "DesignTable", "Look", "LookData", "Measures", "RankWeight", "Schedule", "Seen",
    "Statistic", "TrueError", "decide_once", "estimand_text", "last_look",
]  # fmt: skip

#: What all two-arm designs assume of the randomisation; the virtual trials do it.
BLOCKED = "randomised in permuted blocks, so that the numbers in the arms are those of the allocation but for a last block cut short"

#: What a person plans as whole numbers.
WHOLE = ("n", "events", "max_events")


@record
class TrueError:
    """What a log-rank test really does under the null at its own size, in ``trials`` virtual trials.

    ``type1_error`` in favour of the experimental arm, ``opposite`` what the same test of the control against it would do,
    each with its Monte-Carlo standard error. Where the first is more than a tenth above alpha, ``calibrated_alpha`` is the
    nominal alpha that keeps the level (``calibrated_bound`` on the Z scale for one look) and ``calibrated_error`` what
    fresh trials say of it.
    """

    trials: int
    seed: int
    type1_error: float
    se: float
    opposite: float
    opposite_se: float
    calibrated_alpha: float | None = None
    calibrated_bound: float | None = None
    calibrated_error: float | None = None


@record
class DesignResult(Result):
    """What a design can do, as the plan has it or as solved for.

    ``n`` patients; ``events`` expected (or needed) at the last analysis; ``analysis_time`` of the last analysis in
    years; ``years_to_accrue`` the n patients at the plan's own rate; ``rate_needed`` patients a year to enter n within
    the plan's accrual duration; ``hazard_ratio_at_milestone`` log S1 / log S0 there; ``max_events`` what could ever be
    seen (survivors are cured); ``cure_fraction`` the height of each arm's plateau (0 without one); ``estimand`` in words;
    ``true_error`` where it was simulated (the verb ``design`` does it for log-rank tests).
    """

    kind_of_design: str
    solved_for: str
    power: float
    alpha: float
    n: float
    n_by_arm: dict[str, float]
    events: float
    events_by_arm: dict[str, float]
    max_events: float
    analysis_time: float
    accrual_duration: float
    years_to_accrue: float
    rate_needed: float
    milestone: float
    survival_at_milestone: dict[str, float]
    cure_fraction: dict[str, float]
    hazard_ratio_at_milestone: float | None
    estimand: str
    true_error: TrueError | None = None

    shown: ClassVar[tuple[str, ...]] = (
        "kind_of_design", "solved_for", "power", "alpha", "n", "events", "max_events", "analysis_time", "accrual_duration",
        "years_to_accrue", "rate_needed", "milestone", "hazard_ratio_at_milestone",
    )  # fmt: skip

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """More columns of :meth:`table`, for what a reader of this design must see."""
        return {}

    def titles(self) -> dict[str, str]:
        """What a report calls fields of :meth:`also_shown` whose own names do not say enough."""
        return {}

    def shown_rows(self) -> list[dict[str, Any]]:
        """The rows for a person: patients and events rounded up to whole ones; :meth:`table` and the JSON keep the exact values."""
        return [
            {k: whole_up(v) if k in WHOLE and isinstance(v, float) and math.isfinite(v) else v for k, v in row.items()}
            for row in super().shown_rows()
        ]

    def _own_fields(self) -> dict[str, float | str | bool | None]:
        """What this design's result adds to the common fields, in their order; for results that add single values only."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in DesignResult.__dataclass_fields__}

    def _rows(self) -> list[dict[str, Any]]:
        """One row: what all designs have in common, then what this one adds."""
        return [super()._rows()[0] | self.also_shown() | self._true_error_shown() | {"estimand": self.estimand}]

    def _true_error_shown(self) -> dict[str, float | str | bool | None]:
        error = self.true_error
        if error is None:
            return {}
        shown: dict[str, float | str | bool | None] = {"true_type1_error": error.type1_error, "true_type1_error_se": error.se}
        return shown | ({"calibrated_alpha": error.calibrated_alpha} if error.calibrated_alpha is not None else {})


class DesignTable(Table):
    """Base of the ``[design]`` tables: every design has a kind and a one-sided alpha."""

    kind: str
    alpha: Annotated[float, Field(gt=0.0, lt=0.5, description="One-sided", json_schema_extra=unit("proportion"))] = 0.025

    #: Arms a plan of this kind must have, and whether it needs a ``[reference]``.
    arms_needed: ClassVar[int] = 2
    needs_reference: ClassVar[bool] = False
    #: Whether there may be more arms than needed.
    more_arms: ClassVar[bool] = False
    #: The truths that every arm must state.
    outcomes: ClassVar[tuple[str, ...]] = ("survival",)
    #: Virtual trials that ``evaluate`` and the search of a rule take; 0: all is by formula.
    by_trials: ClassVar[int] = 0
    #: Whether the number of its looks is fixed; else the last is one of several that may be.
    looks_fixed: ClassVar[bool] = True

    _trials: int = PrivateAttr(0)

    @property
    def trials(self) -> int:
        """Virtual trials that the characteristics come from: :attr:`by_trials`, or fewer where a first answer was asked for."""
        return self._trials or self.by_trials

    def in_trials(self, trials: int) -> Self:
        """The same design, its characteristics from at most ``trials`` virtual trials; by formula it stays what it is."""
        made = self.model_copy()
        made._trials = min(trials, self.by_trials)
        return made

    def problems(self, plan: Plan) -> list[Problem]:
        """What cannot be about this design in this plan; ``what`` starts with the key under ``design``."""
        return []

    @property
    def formula_is_whole(self) -> bool:
        """Whether ``power`` of ``evaluate`` is, by formula, the probability that virtual trials estimate: all looks are in it."""
        guard = getattr(self, "os_guard", None)
        return not self.by_trials and not (guard is not None and guard.look_times)

    def error_allowed(self, plan: Plan) -> float | None:
        """How often the design may reject under the plan's truth where its null is true there; None where it is not, or where it has none.

        Here: where no arm's survival is at any time above that of the control (of a single arm: of the reference).
        """
        return self.alpha if no_better(plan) else None

    def schedule(self, plan: Plan) -> Schedule:
        """When the design looks, and at what.

        :class:`RefusedError` for a design whose statistic the virtual trials do not compute.
        """
        raise RefusedError(
            f"virtual trials of a design of the kind {self.kind!r}",
            rule="its statistic is not among those computed in virtual trials",
            cure="Its characteristics by formula are what `nextarm design` shows",
        )

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Decide for many virtual trials at once."""
        raise NotImplementedError

    def decider(self, plan: Plan) -> Callable[[LookData], Decisions]:
        """``decide`` for this plan; a design that must work out bounds first does it here, once for all blocks."""
        return lambda data: self.decide(data, plan)

    def evaluate(self, plan: Plan) -> DesignResult:
        """The design's characteristics, or what ``[solve]`` asks for."""
        raise NotImplementedError


def decide_once(data: LookData, critical: float) -> Decisions:
    """Decide for designs with one look: reject where z reaches ``critical``."""
    last = last_look(data)
    z = data.z[np.arange(len(last)), last]
    return Decisions(rejected_at=np.where(z >= critical, last, -1).astype(np.int64), stopped_at=last)


def last_look(data: LookData) -> IntArray:
    """The last look that took place in each trial."""
    looks = data.done.shape[1]
    return np.asarray(looks - 1 - np.argmax(data.done[:, ::-1], axis=1), np.int64)


def estimand_text(plan: Plan) -> str:
    """The estimand in words, from the plan's ``[trial]``; what is not stated is said not to be."""
    t = plan.trial
    alone = len(plan.arms) == 1
    arms = f"{plan.experimental} against the reference" if alone else f"{plan.experimental} against {plan.control}"
    origin = "entry" if alone and "time_origin" not in t.model_fields_set else t.time_origin  # nobody is randomised into one arm
    return (
        f"{t.endpoint} from {origin}, {arms}; population: {t.population or 'not stated'}; "
        f"intercurrent events, for example transplantation in first remission: {t.intercurrent or 'handling not stated'}."
    )
