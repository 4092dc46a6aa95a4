"""A look at a running trial, from numbers or from files of patients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nextarm.core.errors import CallError
from nextarm.designs.analysis import LookAnalysis, analyse_look

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan


def look(
    plan: Plan,
    *,
    events: Sequence[float] = (),
    z: Sequence[float] = (),
    patients: Sequence[str | Path] = (),
    unit: str = "years",
    hazard_ratio: float | None = None,
    ended: bool = False,
) -> LookAnalysis:
    """Analyse a trial of ``plan`` at its latest look.

    Either ``events`` and log-rank ``z`` (positive: the experimental arm does better) of every look so far, or ``patients``, a
    CSV file of each with the columns arm, time, event (times in ``unit``). ``hazard_ratio`` and ``ended`` as in
    :func:`~nextarm.designs.analysis.analyse_look`. Raises :class:`CallError` for both or for numbers that do not fit.
    """
    from nextarm.survival import read_patients

    if patients and (events or z):
        raise CallError("patients with events and z", rule="give one or the other")
    tables = [read_patients(source, unit=unit) for source in patients]
    return analyse_look(plan, tables, events=events, z=z, hazard_ratio=hazard_ratio, ended=ended)
