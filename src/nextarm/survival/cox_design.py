"""The arrays a Cox fit works on: covariates centred and scaled, patients sorted by stratum and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.table import Patients, one_version


@dataclass(frozen=True)
class CoxData:
    """Covariates ``x`` (n, p) centred and divided by ``scale``; everything the compiled passes take."""

    names: tuple[str, ...]
    x: FloatArray
    scale: FloatArray
    time: FloatArray
    event: IntArray
    weight: FloatArray
    stratum: IntArray
    entry: FloatArray
    order: IntArray
    entry_order: IntArray
    efron: bool

    @property
    def n(self) -> int:
        """Number of patients."""
        return int(self.time.size)

    @property
    def p(self) -> int:
        """Number of covariates."""
        return len(self.names)

    @property
    def arrays(self) -> tuple[Any, ...]:
        """What follows ``beta`` in a call of the kernels."""
        return (self.x, self.time, self.event, self.weight, self.stratum, self.order, self.entry, self.entry_order, self.efron)

    def likelihood(self, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Log partial likelihood, gradient and information at ``beta`` (for the scaled covariates)."""
        from nextarm.survival.cox_kernel import likelihood

        made: tuple[float, FloatArray, FloatArray] = likelihood(beta, *self.arrays)
        return made


def cox_data(
    patients: Patients, *, covariates: Mapping[str, Any] | None, arm: bool | None, stratified: bool | None, efron: bool
) -> CoxData:
    """Check and arrange; :class:`CallError` for covariates that cannot be used."""
    patients = one_version(patients)
    columns: dict[str, FloatArray] = {}
    present = np.unique(patients.arm)
    if arm is None:
        arm = present.size > 1
    if arm:
        columns |= {f"arm: {patients.arms[a]}": (patients.arm == a).astype(float) for a in present[1:]}
    for name, values in (covariates or {}).items():
        try:
            column = np.asarray(values, float)
        except (TypeError, ValueError):
            raise CallError(f"covariate {name!r}", rule="must be numbers", cure="Code categories as 0/1 columns") from None
        if column.shape != (patients.n,) or not np.isfinite(column).all():
            raise CallError(f"covariate {name!r}", rule=f"must have one finite number for each of {patients.n} patients")
        columns[str(name)] = column
    if not columns:
        raise CallError("no covariates", rule="a Cox model needs at least one", cure="Give covariates= or a table with two arms")
    if stratified and patients.stratum is None:
        raise CallError("stratified = True", rule="the patients carry no stratum column")
    X = np.column_stack(list(columns.values()))
    X = X - X.mean(axis=0)
    scale = X.std(axis=0)
    if (flat := scale == 0.0).any():
        raise CallError(f"covariate {list(columns)[int(np.flatnonzero(flat)[0])]!r}", rule="is the same for all patients")
    stratum = np.zeros(patients.n, np.int64)
    if patients.stratum is not None and stratified is not False:
        stratum = np.unique(patients.stratum, return_inverse=True)[1].astype(np.int64)
    late = np.zeros(0, np.int64) if patients.entry is None else np.flatnonzero(patients.entry > 0.0)
    entry = np.zeros(patients.n) if patients.entry is None else patients.entry
    return CoxData(
        names=tuple(columns),
        x=np.ascontiguousarray(X / scale),
        scale=scale,
        time=patients.time,
        event=(patients.event > 0).astype(np.int64),
        weight=np.ones(patients.n) if patients.weight is None else patients.weight,
        stratum=stratum,
        entry=entry,
        order=np.lexsort((-patients.time, stratum)).astype(np.int64),
        entry_order=late[np.lexsort((-entry[late], stratum[late]))].astype(np.int64),
        efron=efron,
    )
