"""EFS and OS of the same patients: after an event some are saved for good, the others die after an exponential time.

One uniform a patient decides both whether it is saved and, if not, when it dies: :mod:`nextarm.designs.overall_survival`.
"""

from __future__ import annotations

import math

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.truths import Distribution
from nextarm.simulation.draws import Draws, uniform
from nextarm.simulation.enrol import END, CellArray, Patients, entries, timed
from nextarm.simulation.philox import WordArray
from nextarm.simulation.simplify import times_of


def two_end_points(
    draws: Draws,
    after: WordArray,
    cell: CellArray,
    *,
    accrual: Accrual,
    survival: tuple[Distribution, ...],
    dropout: Distribution | None,
    limits: FloatArray,
    salvage: FloatArray,
    after_event: float,
) -> tuple[Patients, Patients]:
    """The patients as seen for EFS and for OS.

    ``cell`` (trials, patients) their arms, ``salvage`` (arms,), ``after`` words of their own (trials, patients).
    """
    entry = entries(draws, accrual)
    efs = timed(draws, entry, cell, survival=survival, dropout=None, limits=limits).own
    luck, saved = uniform(after), salvage[cell]
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = -np.log1p(-(luck - saved) / (1.0 - saved)) * (after_event / math.log(2.0))
    death = efs + np.where(luck < saved, np.inf, wait)
    if dropout is None:
        return Patients(entry, efs, cell), Patients(entry, death, cell)
    leaves = times_of(dropout, uniform(draws.dropout))
    ended = cell | np.uint8(END)
    first, second = (Patients(entry, np.minimum(time, leaves), np.where(time <= leaves, cell, ended)) for time in (efs, death))
    return first, second
