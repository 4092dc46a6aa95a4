"""Patients against patients as a question: two groups by name, what is compared, and the sections that answer it.

The Borrowing screen asks it by its address and the report of a study by ``report.toml``; both are answered here.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from nextarm.borrowing import DriftPrior, PatientComparison, compare_files, drift_prior, sensitivity_array
from nextarm.core.errors import CallError, DataError, NextarmError
from nextarm.evidence import Package
from nextarm.patients import Reconstruction
from nextarm.patients.from_figure import reconstruct
from nextarm.patients.traced import PATIENTS, SavedCurve, arm_tones
from nextarm.report.compared import patient_sections
from nextarm.report.document import Block, Section
from nextarm.survival import Patients, kaplan_meier, read_patients
from nextarm.synthesis.select import select_rows
from nextarm.synthesis.trend import era_trend

#: Years at which the cohorts that drift is learnt from are read, and within how many of them.
DRIFT_AT = (5.0, 1.0)
#: Root of the random numbers by which patients are rebuilt.
SEED = 1

#: A saved curve, or patients as the text of their CSV file.
Source = SavedCurve | str


@dataclass(frozen=True)
class Group:
    """One group: a saved curve (``given``: patients of a file) by ``name``, the arm of it ("" where it has one), how to read it.

    ``n`` are its patients where no table says; ``landmark`` (years) keeps those free of the event then and starts their clock there.
    """

    name: str
    given: bool = False
    arm: str = ""
    unit: str = "months"
    n: int | None = None
    origin: str = "not-stated"
    landmark: float | None = None

    @property
    def words(self) -> str:
        """The source, and the arm of it."""
        return self.name + (f", {self.arm}" if self.arm else "")


@dataclass(frozen=True)
class GroupsQuestion:
    """Treated against control: end point, years, where drift is learnt ("": nowhere), whether cure fractions are compared too.

    ``adjust`` are covariates, columns of both files of patients, on which the control is weighted to the treated.
    """

    treated: Group
    control: Group
    endpoint: str = "EFS"
    times: tuple[float, ...] = (2.0,)
    drift: str = ""
    cure: bool = False
    assume_origin: bool = False
    adjust: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[Group, Group]:
        """Both groups, the treated first."""
        return self.treated, self.control

    @property
    def one_curve(self) -> bool:
        """Whether both groups are of one source, which may have been randomised."""
        return (self.treated.name, self.treated.given) == (self.control.name, self.control.given)

    @property
    def words(self) -> str:
        """The groups, the end point and its years."""
        years = ", ".join(f"{t:g}" for t in self.times)
        return f"{self.treated.words} against {self.control.words}: {self.endpoint} at {years} years"


def patients_frame(text: str) -> Any:
    """Patients of a CSV text as a frame; :class:`DataError` where it is none."""
    import polars as pl

    try:
        return pl.read_csv(io.StringIO(text), infer_schema_length=None)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise DataError("the patients", rule=f"cannot be read as CSV ({str(error).splitlines()[0][:120]})") from None


@lru_cache(maxsize=32)
def rebuilt(curve: SavedCurve, unit: str, n: int | None) -> Reconstruction:
    """Patients of a saved curve, kept."""
    return reconstruct(curve, unit=unit, seed=SEED, **({"n": n} if n else {}))


@lru_cache(maxsize=32)
def _table(source: Source, unit: str, n: int | None, origin: str) -> tuple[Patients, Patients]:
    """The patients, and all their plausible versions (the same where they were given)."""
    if isinstance(source, str):
        given = read_patients(patients_frame(source), unit=unit, time_origin=origin)
        return given, given
    made = rebuilt(source, unit, n)
    return made.patients, made.versions


def _from(group: Group, source: Source) -> str:
    """Where a group comes from, for the trail."""
    if isinstance(source, str):
        return f"curves/{group.name}{PATIENTS}"
    return f"{', '.join(source.files) or group.name}, times in {group.unit}, rebuilt with seed {SEED}"


@lru_cache(maxsize=64)
def compared(question: GroupsQuestion, sources: tuple[Source, Source]) -> PatientComparison:
    """The comparison of the verb ``compare_patients``, kept; what was refused is not."""
    a, b = question.groups
    tables: list[Any] = []
    for group, source in zip(question.groups, sources, strict=True):
        if not question.adjust:
            tables.append(_table(source, group.unit, group.n, group.origin)[1])
        elif isinstance(source, str):
            tables.append(patients_frame(source))
        else:
            rule = f"are weighted on, and the curve {group.name} has none"
            raise CallError(f"covariates {', '.join(question.adjust)}", rule=rule, cure="Give patients on both sides, or leave them out")
    return compare_files(
        *tables, arm=a.arm or None, control_arm=b.arm or None, unit=a.unit, control_unit=b.unit, adjust=question.adjust,
        treated_origin=a.origin, control_origin=b.origin,
        landmark_treated=a.landmark, landmark_control=b.landmark, milestones=question.times, endpoint=question.endpoint,
        assume_origin=question.assume_origin, one_analysis=question.one_curve, cure_model="mixture-cure:weibull" if question.cure else None,
        inputs=tuple(f"{side}: {_from(g, s)}" for side, g, s in zip(("treated", "control"), question.groups, sources, strict=True)),
    )  # fmt: skip


@lru_cache(maxsize=32)
def _drift(package: Package, pool_set: str, endpoint: str, assume: bool) -> DriftPrior:
    """Drift of controls, kept; packages are told apart by identity."""
    at, within = DRIFT_AT
    found = select_rows(package, pool_set=pool_set, endpoint=endpoint, time=at, window=within, assume_origin=assume)
    return drift_prior(era_trend(found.studies, base=found.trail()))


def _learnt(question: GroupsQuestion, package: Package) -> tuple[DriftPrior | None, str]:
    """The prior on drift that is asked for, and where it comes from or why there is none."""
    if not question.drift:
        return None, ""
    try:
        learnt = _drift(package, question.drift, question.endpoint, question.assume_origin)
    except NextarmError as refusal:
        return None, f"No drift can be learnt from {question.drift}: {refusal}"
    at, within = DRIFT_AT
    assumed = "; ".join(learnt.trail.assumptions)
    return learnt, f"Drift is learnt from the {learnt.k} cohorts of {question.drift} at {at:g} years within {within:g}: {assumed}."


def _tones(question: GroupsQuestion, sources: tuple[Source, Source]) -> tuple[int | None, int | None]:
    """The colours of both groups as their figures print them, where these tell them apart."""
    one, two = (None if isinstance(s, str) else arm_tones(s).get(g.arm) for s, g in zip(sources, question.groups, strict=True))
    return (None, None) if one == two else (one, two)


def answer(
    question: GroupsQuestion, sources: tuple[Source, Source], *, package: Package, notes: tuple[Block, ...] = ()
) -> tuple[Section, ...]:
    """Both curves, every effect, and the milestones under stated biases; ``sources`` are the treated and the control.

    Raises :class:`RefusedError` with the reason where the two cannot be compared.
    """
    found = compared(replace(question, drift=""), sources)  # kept for any drift
    learnt, words = _learnt(question, package)
    arrays = [sensitivity_array(m, drift=learnt) for m in found.milestones if m.log_ratio is not None]
    curves = [
        (f"{title}: {g.words}", kaplan_meier(_table(s, g.unit, g.n, g.origin)[0], arm=g.arm or None))
        for title, g, s in zip(("Treated", "Control"), question.groups, sources, strict=True)
    ]
    return patient_sections(found, curves, arrays, drift=words, notes=notes, tones=_tones(question, sources))
