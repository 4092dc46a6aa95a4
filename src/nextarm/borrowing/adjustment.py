"""The recipe by which two groups are weighted, applied again to every version and every bootstrap draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nextarm.borrowing.covariates import Baseline, Covariates
from nextarm.borrowing.weighting import LEAST_SIZE, Weighting, match_groups, match_to_baseline
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.units import FloatArray
from nextarm.survival import Patients
from nextarm.survival.table import replaced

#: What no calculation can show.
EXTERNAL: tuple[str, ...] = (
    "external control, not randomised: the groups were treated and followed in the same way but for the treatment named",
)
#: The same of two arms of one file or curve, which may have been randomised.
ONE_SOURCE: tuple[str, ...] = (
    "two arms of one source: whether chance made these groups is for it to say; they were treated and followed in the same way but for "
    "the treatment named",
)


@dataclass(frozen=True)
class Adjustment:
    """How the groups are weighted: covariates of the treated, and either those of the control or its published baseline table.

    With ``baseline`` the treated are weighted to it (MAIC); with ``control`` the groups are weighted by ``method`` and
    ``estimand`` (:func:`~nextarm.borrowing.weighting.match_groups`). Rows follow the patients' tables.
    """

    treated: Covariates
    control: Covariates | None = None
    baseline: tuple[Baseline, ...] = ()
    method: str = "entropy"
    estimand: str = "att"
    standard_deviations: bool = False
    least_size: float = LEAST_SIZE

    def weigh(self, treated: Any = slice(None), control: Any = slice(None), *, least_size: float | None = None) -> Weighting:
        """The weights for the patients at the given rows of each side."""
        least = self.least_size if least_size is None else least_size
        if self.baseline:
            return match_to_baseline(
                self.treated.where(treated), self.baseline, standard_deviations=self.standard_deviations, least_size=least
            )
        assert self.control is not None
        return match_groups(
            self.treated.where(treated), self.control.where(control), method=self.method, estimand=self.estimand,
            standard_deviations=self.standard_deviations, least_size=least,
        )  # fmt: skip

    def require_rows(self, treated: Patients, control: Patients) -> None:
        """Refuse an adjustment that does not fit the patients."""
        if (self.control is None) == (not self.baseline):
            raise CallError("adjustment", rule="needs either the control's covariates or its baseline table")
        for name, table, group in (("treated", self.treated, treated), ("control", self.control, control)):
            if table is not None and table.n != group.n:
                raise CallError(f"covariates of the {name} have {table.n} rows", rule=f"must have one for each of {group.n} patients")
        if self.baseline and treated.weight is not None:
            raise RefusedError(
                "the treated patients carry weights already", rule="weights are not matched twice", cure="Leave out the column weight"
            )


def weighted(group: Patients, weights: FloatArray | None) -> Patients:
    """The patients with ``weights`` on top of their own; None leaves them as they are."""
    if weights is None:
        return group
    return replaced(group, weight=weights if group.weight is None else weights * group.weight)
