"""Dose finding designs: BOIN and rolling six (:mod:`nextarm.designs.dose_finding`). The arms of the plan, in its order, are the doses.

Each arm states its ``toxicity``, the true rate of dose-limiting toxic events (DLT) by the milestone, which is the time each patient is
observed for them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import CallError, Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.boin import BoinTable, boin_table
from nextarm.designs.count_design import count_fields, only_solves
from nextarm.designs.design import DesignResult, DesignTable
from nextarm.designs.dose_finding import DoseTrials, boin_trials, rolling_six_trials
from nextarm.designs.one_arm_count import planned_n
from nextarm.designs.tables import unit
from nextarm.designs.virtual_one_arm import share_se

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan

#: Virtual trials behind the characteristics that ``evaluate`` shows, and their seed.
TRIALS, SEED = 20_000, 20261129
#: The most patients of a dose finding trial: every virtual trial is gone through patient by patient.
MOST_PATIENTS = 500


@record
class DoseOutcome:
    """One dose: its true rate, how often it is chosen, and mean patients and toxic events, each with its Monte-Carlo standard error."""

    name: str
    toxicity: float
    chosen: float
    chosen_se: float
    patients: float
    patients_se: float
    toxic: float
    toxic_se: float


@record
class DoseFinding(DesignResult):
    """A dose finding design in 20,000 virtual trials; ``power`` is the share that chooses the dose with the rate nearest the target.

    ``none_chosen`` the share that closes every dose, or is left undecided when the patients have come (``undecided``); ``power_se`` and
    the others are Monte-Carlo standard errors; ``duration`` mean years until the choice; ``turned_away`` mean patients who came while
    the trial was on hold; ``overdosed`` the mean share of patients at doses with a rate above 1.4 times the target. ``decisions``: BOIN's
    table of counts (None for rolling six). ``n`` is the most patients, ``events`` the mean toxic events; alpha plays no part.
    """

    target: float
    right_dose: str
    power_se: float
    none_chosen: float
    undecided: float
    patients: float
    duration: float
    turned_away: float
    overdosed: float
    doses: tuple[DoseOutcome, ...]
    decisions: BoinTable | None

    shown: ClassVar[tuple[str, ...]] = (
        "kind_of_design", "power", "power_se", "right_dose", "target", "n", "patients", "events", "duration", "turned_away", "none_chosen",
        "overdosed",
    )  # fmt: skip

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """How often each dose is chosen, and how many get it."""
        made: dict[str, float | str | bool | None] = {}
        for dose in self.doses:
            made |= {f"chosen_{dose.name}": dose.chosen, f"patients_{dose.name}": dose.patients}
        return made

    def dose_table(self) -> pl.DataFrame:
        """One row a dose."""
        import polars as pl

        names = ("name", "toxicity", "chosen", "chosen_se", "patients", "patients_se", "toxic", "toxic_se")
        return pl.DataFrame([{n: getattr(d, n) for n in names} for d in self.doses])


class DoseTable(DesignTable):
    """Base of the ``[design]`` tables of dose finding."""

    target: Annotated[float, Field(gt=0.0, lt=1.0, description="The DLT rate looked for", json_schema_extra=unit("proportion"))] = 0.25
    start: Annotated[str | None, Field(description="The arm to start with; default the first")] = None

    more_arms: ClassVar[bool] = True
    outcomes: ClassVar[tuple[str, ...]] = ("toxicity",)
    by_trials: ClassVar[int] = TRIALS
    method_words: ClassVar[str] = ""
    source: ClassVar[str] = ""

    def error_allowed(self, plan: Plan) -> float | None:
        """Dose finding tests no null: it chooses a dose."""
        return None

    def problems(self, plan: Plan) -> list[Problem]:
        """The dose to start with must be there."""
        found = only_solves(plan, "power")
        if plan.accrual_model().total > MOST_PATIENTS:
            what = f"kind = {self.kind!r} with {plan.accrual_model().total:,.0f} patients"
            found.append(Problem(what, "", f"has at most {MOST_PATIENTS} patients", "Make the accrual shorter"))
        if self.start is not None and self.start not in plan.arms:
            found.append(Problem(f"start = {self.start!r}", "", f"must be one of the arms {', '.join(plan.arms)}"))
        return found

    def rates(self, plan: Plan) -> FloatArray:
        """The true rate of each dose."""
        return np.array([arm.toxicity for arm in plan.arms.values() if arm.toxicity is not None])

    def first_dose(self, plan: Plan) -> int:
        """The dose to start with, from 0."""
        return 0 if self.start is None else list(plan.arms).index(self.start)

    def decisions(self, plan: Plan) -> BoinTable | None:
        """The table of decisions, where there is one."""
        return None

    def run(self, plan: Plan, rates: FloatArray, *, chance: FloatArray, entry: FloatArray, moment: FloatArray) -> DoseTrials:
        """Many trials at once; arrays (trials, patients), ``entry`` in years."""
        raise NotImplementedError

    def evaluate(self, plan: Plan) -> DoseFinding:
        """Characteristics at the plan's truth, from virtual trials with a fixed seed."""
        rates, n, random = self.rates(plan), planned_n(plan), np.random.default_rng(SEED)
        chance, moment = random.random((self.trials, n)), random.random((self.trials, n))
        entry = plan.accrual_model().entry_time(np.sort(random.random((self.trials, n)), axis=1))
        got = self.run(plan, rates, chance=chance, entry=entry, moment=moment)
        right = int(np.argmin(np.abs(rates - self.target)))
        names = list(plan.arms)
        doses = tuple(
            DoseOutcome(
                name=name, toxicity=float(rates[k]), chosen=float((got.chosen == k).mean()),
                chosen_se=share_se(float((got.chosen == k).mean()), self.trials), patients=float(got.patients[:, k].mean()),
                patients_se=float(got.patients[:, k].std() / math.sqrt(self.trials)), toxic=float(got.toxic[:, k].mean()),
                toxic_se=float(got.toxic[:, k].std() / math.sqrt(self.trials)),
            )
            for k, name in enumerate(names)
        )  # fmt: skip
        total = got.patients.sum(axis=1)
        warnings = []
        if np.any(np.diff(rates) < 0.0):
            warnings.append("the true rates do not rise with the dose, which the rule takes for granted")
        undecided = 1.0 - float(got.decided.mean())
        if undecided > 0.01:
            warnings.append(f"{undecided:.1%} of trials have not come to the end of the rule when their {n} patients have come")
        fields = count_fields(
            plan, n=n, n_by_arm={d.name: d.patients for d in doses}, events_by_arm={d.name: d.toxic for d in doses},
            power=doses[right].chosen,
        )  # fmt: skip
        fields["estimand"] = (
            f"{plan.trial.endpoint} within {plan.trial.milestone:g} years at the doses {', '.join(names)}; "
            f"population: {plan.trial.population or 'not stated'}."
        )
        return DoseFinding(
            **fields,
            trail=Trail(
                method=f"{self.method_words}, {self.trials:,} virtual trials", reference=self.source, seed=SEED,
                assumptions=(f"each patient is observed for {plan.trial.milestone:g} years", "the true rates are those of the plan"),
            ),
            warnings=tuple(warnings),
            target=self.target,
            right_dose=names[right],
            power_se=doses[right].chosen_se,
            none_chosen=float((got.chosen < 0).mean()),
            undecided=undecided,
            patients=float(total.mean()),
            duration=float(got.duration.mean()),
            turned_away=float(got.turned_away.mean()),
            overdosed=float((got.patients[:, rates > 1.4 * self.target].sum(axis=1) / np.maximum(total, 1)).mean()),
            doses=doses,
            decisions=self.decisions(plan),
        )  # fmt: skip


class BoinDesignTable(DoseTable):
    """``[design]`` of a BOIN trial."""

    kind: Literal["boin"] = "boin"
    too_low: Annotated[float | None, Field(gt=0.0, lt=1.0, description="Highest rate that is too low; default 0.6 target")] = None
    too_high: Annotated[float | None, Field(gt=0.0, lt=1.0, description="Lowest rate that is too high; default 1.4 target")] = None
    eliminate: Annotated[float, Field(ge=0.5, lt=1.0, description="Close a dose above this posterior probability")] = 0.95
    cohort: Annotated[int, Field(ge=1, le=30, description="Patients in a cohort", json_schema_extra=unit("patients"))] = 3
    lowest: Annotated[float | None, Field(ge=0.5, lt=1.0, description="Close the lowest dose above this posterior probability already")] = (
        None
    )
    enough: Annotated[
        int | None, Field(ge=1, description="End once a dose has so many and the rule stays at it", json_schema_extra=unit("patients"))
    ] = None

    method_words: ClassVar[str] = "BOIN in cohorts, isotonic choice"
    source: ClassVar[str] = "10.18637/jss.v094.i13"

    def problems(self, plan: Plan) -> list[Problem]:
        """The table of decisions must exist."""
        found = super().problems(plan)
        if self.cohort > planned_n(plan):
            found.append(Problem(f"cohort = {self.cohort}", "", f"must be at most the {planned_n(plan)} patients of the accrual"))
        if self.lowest is not None and self.lowest > self.eliminate:
            found.append(Problem(f"lowest = {self.lowest:g}", "", f"must be at most eliminate = {self.eliminate:g}"))
        try:
            self.decisions(plan)
        except CallError as error:
            found += [Problem(p.what, "", p.rule, p.cure) for p in error.problems]
        return found

    def decisions(self, plan: Plan) -> BoinTable:
        """For every number of patients at a dose."""
        sizes = tuple(range(1, planned_n(plan) + 1))
        return boin_table(sizes, target=self.target, too_low=self.too_low, too_high=self.too_high, eliminate=self.eliminate)

    def run(self, plan: Plan, rates: FloatArray, *, chance: FloatArray, entry: FloatArray, moment: FloatArray) -> DoseTrials:
        """Cohort after cohort."""
        return boin_trials(
            chance, entry, rates, table=self.decisions(plan), target=self.target, eliminate=self.eliminate, cohort=self.cohort,
            start=self.first_dose(plan), enough=self.enough, window=plan.trial.milestone, lowest=self.lowest,
        )  # fmt: skip


class RollingSixTable(DoseTable):
    """``[design]`` of a rolling-six trial; ``target`` only says which dose is the right one."""

    kind: Literal["rolling-six"] = "rolling-six"

    method_words: ClassVar[str] = "rolling six, patients placed as they come"
    source: ClassVar[str] = "10.1001/jamanetworkopen.2020.4787"

    def run(self, plan: Plan, rates: FloatArray, *, chance: FloatArray, entry: FloatArray, moment: FloatArray) -> DoseTrials:
        """Patient after patient."""
        return rolling_six_trials(chance, entry, moment, rates, start=self.first_dose(plan), window=plan.trial.milestone)
