"""A drawn demonstration of curve to patients: simulated patients, their curve read with an error, patients rebuilt from it.

No published figure is used. Truth is known here, so the reader sees what a reconstruction can and cannot give back.
"""

from __future__ import annotations

import numpy as np

from nextarm.core.random import block_stream
from nextarm.core.trail import Trail
from nextarm.patients import reconstruct
from nextarm.report import Block, Heading, Note, number, paragraph, say
from nextarm.report.charts import Curve, survival_curves
from nextarm.survival import Patients, kaplan_meier
from nextarm.survival.models import MixtureCure, Weibull

PATIENTS, SEED, READING_ERROR, PURPOSE = 80, 20261123, 0.005, 7


def drawn_patients() -> Patients:
    """Simulated patients: cure fraction 0.4, Weibull latency, followed for 2 to 6 years."""
    stream = block_stream(SEED, 0, PURPOSE)
    truth = MixtureCure(cure_fraction=0.4, latency=Weibull(shape=1.3, scale=0.9))
    event, follow = truth.quantile(stream.random(PATIENTS)), 2.0 + 4.0 * stream.random(PATIENTS)
    return Patients(
        time=np.minimum(event, follow),
        event=(event <= follow).astype(np.int64),
        arm=np.zeros(PATIENTS, np.int64),
        arms=("drawn",),
        origin="simulated",
        time_origin="diagnosis",
    )


def blocks() -> tuple[Block, ...]:
    """The demonstration as blocks of a report."""
    patients = drawn_patients()
    km = kaplan_meier(patients)
    grid = np.linspace(0.0, 6.0, 61)
    true = np.array([1.0, *(s if s == s else km.survival[-1] for s in km.survival_at(grid[1:]))])
    noise = READING_ERROR * block_stream(SEED, 1, PURPOSE).standard_normal(grid.size)
    read = np.clip(true + noise, 0.0, 1.0)
    read[0] = 1.0
    table_times = np.arange(0.0, 6.0)
    at_risk = np.array([np.count_nonzero(patients.time >= t) for t in table_times])
    made = reconstruct((grid, read), at_risk=(table_times, at_risk), versions=20, seed=SEED)
    fit = made.arms[0]
    base = Trail(
        method="reconstruction of patients by summing over all integer ways through curve and at-risk table",
        inputs=(
            f"a curve drawn from {PATIENTS} simulated patients and read with an error of {READING_ERROR}: a demonstration, not evidence",
        ),
        seed=SEED,
    )
    steps = Curve(
        name="drawn", origin="simulated", time=tuple(map(float, km.time)), survival=tuple(map(float, km.survival)),
        at_risk=tuple((float(t), int(n)) for t, n in zip(table_times, at_risk, strict=True)),
    )  # fmt: skip
    rebuilt = Curve(
        name="rebuilt", origin="reconstructed", time=tuple(map(float, fit.fine_time)), survival=tuple(map(float, fit.fine_survival)),
        low=tuple(map(float, fit.fine_low)), high=tuple(map(float, fit.fine_high)), steps=False,
    )  # fmt: skip
    return (
        Heading("From a curve to patients: a drawn demonstration"),
        Note("information", say("The curve below was drawn from simulated patients. It is a demonstration and no evidence of anything.")),
        survival_curves(
            (steps, rebuilt),
            id="demonstration-curve",
            title="A drawn curve and the patients rebuilt from 61 readings of it",
            trail=base,
            x_max=6.0,
            caption=say("The band is the range over 20 plausible versions. Readings carry an error; the at-risk table holds exactly."),
        ),
        paragraph(
            "Rebuilt: ",
            number(fit.n, "count", name="demonstration.n", trail=base, marks=("reconstructed",)),
            " patients and ",
            number(fit.events, "count", name="demonstration.events", trail=base, marks=("reconstructed",)),
            " events, where ",
            number(patients.n, "count", name="demonstration.true-n", trail=base, marks=("simulated",)),
            " and ",
            number(patients.events, "count", name="demonstration.true-events", trail=base, marks=("simulated",)),
            " were drawn; reading error estimated at ",
            number(fit.reading_error, "decimal(4)", name="demonstration.reading-error", trail=base, marks=("reconstructed",)),
            ".",
        ),
    )
