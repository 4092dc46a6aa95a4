"""From covariates to the linear predictors of a model.

The coefficients stand in this order: for each parameter its intercept; behind the cure fraction's the cure covariates; at the
end the covariates of the location. Covariates are centred and scaled for the fit and carried back afterwards, so that
intercepts belong to covariates of 0 (the reference arm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray
from nextarm.survival.models.family import Family
from nextarm.survival.table import Patients

#: Covariates: "arm" (one column an arm but the first), or numbers by name, one for each patient.
Covariates = str | Mapping[str, Any] | None


@dataclass(frozen=True)
class Columns:
    """Covariate columns as given: names and a matrix (patients, columns)."""

    names: tuple[str, ...]
    values: FloatArray

    @property
    def centre(self) -> FloatArray:
        """Mean of each column."""
        return np.asarray(self.values.mean(axis=0), np.float64)

    @property
    def scale(self) -> FloatArray:
        """Standard deviation of each column."""
        return np.asarray(self.values.std(axis=0), np.float64)


def arm_column(arm: str) -> str:
    """The name of the 0/1 column of an arm."""
    return f"arm: {arm}"


def columns_of(patients: Patients, given: Covariates, role: str) -> Columns:
    """Check covariates and arrange them; :class:`CallError` for what cannot be used."""
    if given is None:
        return Columns((), np.zeros((patients.n, 0)))
    if isinstance(given, str):
        if given != "arm":
            raise CallError(f"{role} = {given!r}", rule="must be 'arm' or a mapping from names to one number for each patient")
        present = np.unique(patients.arm)
        if present.size < 2:
            raise CallError(f"{role} = 'arm'", rule="the table must hold at least two arms")
        made = {arm_column(patients.arms[a]): (patients.arm == a).astype(float) for a in present[1:]}
    else:
        made = {}
        for name, values in given.items():
            try:
                column = np.asarray(values, float)
            except (TypeError, ValueError):
                raise CallError(f"{role} covariate {name!r}", rule="must be numbers", cure="Code categories as 0/1 columns") from None
            if column.shape != (patients.n,) or not np.isfinite(column).all():
                raise CallError(f"{role} covariate {name!r}", rule=f"must have one finite number for each of {patients.n} patients")
            made[str(name)] = column
    X = np.column_stack(list(made.values())) if made else np.zeros((patients.n, 0))
    full = np.column_stack([np.ones(patients.n), X])
    for j, name in enumerate(made):
        if X[:, j].std() == 0.0:
            raise CallError(f"{role} covariate {name!r}", rule="is the same for all patients")
    if np.linalg.matrix_rank(full / np.maximum(np.abs(full).max(axis=0), 1e-300)) < full.shape[1]:
        raise CallError(f"{role} covariates {', '.join(made)}", rule="are linearly dependent", cure="Leave one of them out")
    return Columns(tuple(made), X)


@dataclass(frozen=True)
class Layout:
    """Where each coefficient stands."""

    family: Family
    cure: tuple[str, ...]
    location: tuple[str, ...]

    @property
    def intercepts(self) -> tuple[int, ...]:
        """Position of each parameter's intercept."""
        shift = len(self.cure)
        return tuple(j if j == 0 else j + shift for j in range(self.family.k))

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return self.family.k + len(self.cure) + len(self.location)

    @property
    def cure_at(self) -> slice:
        """Positions of the cure covariates."""
        return slice(1, 1 + len(self.cure))

    @property
    def location_at(self) -> slice:
        """Positions of the location covariates."""
        return slice(self.size - len(self.location), self.size)

    def names(self) -> tuple[str, ...]:
        """Coefficient names, such as ``log(scale)`` and ``scale: arm: new``."""
        found = [""] * self.size
        for at, name, link in zip(self.intercepts, self.family.parameters, self.family.links, strict=True):
            found[at] = name if link == "identity" else f"{link}({name})"
        found[self.cure_at] = [f"cure_fraction: {c}" for c in self.cure]
        place = self.family.parameters[self.family.location[0]] if len(self.family.location) == 1 else "rates"
        found[self.location_at] = [f"{place}: {c}" for c in self.location]
        return tuple(found)

    def matrices(self, cure: FloatArray, location: FloatArray) -> list[FloatArray]:
        """One matrix (patients, coefficients) a parameter, from covariate values (patients, columns)."""
        n = max(cure.shape[0], location.shape[0])
        blocks = []
        for j, at in enumerate(self.intercepts):
            block = np.zeros((n, self.size))
            block[:, at] = 1.0
            if j == 0 and self.cure:
                block[:, self.cure_at] = cure
            if j in self.family.location:
                block[:, self.location_at] = location
            blocks.append(block)
        return blocks

    def back(self, cure: Columns, location: Columns) -> FloatArray:
        """The matrix from coefficients of centred and scaled covariates to those of the covariates as given."""
        T = np.eye(self.size)
        for j, c in enumerate(range(self.cure_at.start, self.cure_at.stop)):
            T[c, c] = 1.0 / cure.scale[j]
            T[0, c] = -cure.centre[j] / cure.scale[j]
        for j, c in enumerate(range(self.location_at.start, self.location_at.stop)):
            T[c, c] = 1.0 / location.scale[j]
            for parameter in self.family.location:
                T[self.intercepts[parameter], c] = -location.centre[j] / location.scale[j]
        return T


def standardised(columns: Columns, centre: Sequence[float] | FloatArray | None = None) -> FloatArray:
    """Columns centred at their means (or at ``centre``) and divided by their standard deviations."""
    middle = columns.centre if centre is None else np.asarray(centre, float)
    return np.asarray((columns.values - middle) / columns.scale, np.float64)
