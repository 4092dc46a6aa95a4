"""The reference of a one-arm trial: its milestone survival, how well that is known, and where it comes from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nextarm.core.errors import PlanError
from nextarm.core.result import record
from nextarm.core.trail import RowRef, Source
from nextarm.designs.truths import truths_from_specs

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan
    from nextarm.evidence import Outcome

_Z95 = 1.959963984540054


@record
class Reference:
    """Milestone ``survival`` of the reference with its standard error ``se`` (0 and ``fixed`` if declared known)."""

    survival: float
    se: float
    fixed: bool
    assumptions: tuple[str, ...] = ()
    rows: tuple[RowRef, ...] = ()
    sources: tuple[Source, ...] = ()
    warnings: tuple[str, ...] = ()


def reference_of(plan: Plan) -> Reference:
    """Read the plan's ``[reference]`` at its milestone; :class:`PlanError` if an evidence row cannot serve.

    A standard error comes from ``se``, from ``n`` (binomial) or from the row: printed, else from its 95 % interval on
    the cloglog scale, else binomial from its n.
    """
    table = plan.reference
    assert table is not None  # the plan was checked
    if table.row is not None:
        return _from_row(table.row, plan)
    if table.milestone_survival is not None:
        survival = table.milestone_survival
    else:
        assert table.survival is not None
        survival = float(truths_from_specs({"reference": table.survival})["reference"].survival(np.asarray(plan.trial.milestone)))
    if not 0.0 < survival < 1.0:
        raise PlanError(f"reference survival = {survival:g} at the milestone", rule="must lie between 0 and 1")
    if table.fixed:
        words = f"the reference's survival of {survival:.4g} is taken as known without error"
        return Reference(survival=survival, se=0.0, fixed=True, assumptions=(words,), warnings=(words + ", as the plan declares",))
    if table.se is not None:
        return Reference(survival=survival, se=table.se, fixed=False)
    assert table.n is not None
    words = f"binomial standard error of the reference as if {table.n:g} patients had been followed to the milestone"
    return Reference(survival=survival, se=math.sqrt(survival * (1.0 - survival) / table.n), fixed=False, assumptions=(words,))


def _from_row(spec: str, plan: Plan) -> Reference:
    from nextarm.evidence import load_package

    assert plan.reference is not None
    parts = spec.split(":")
    if len(parts) not in (3, 4):
        raise PlanError(f"reference.row = {spec!r}", rule="must read PACKAGE:ARM_ID:ENDPOINT or PACKAGE:ARM_ID:ENDPOINT:DATA_LOCK")
    package = load_package(parts[0])
    milestone = plan.trial.milestone
    found = [
        row
        for row in package.outcomes
        if row.arm_id == parts[1]
        and row.endpoint == parts[2]
        and row.time_years == milestone
        and (len(parts) == 3 or row.data_lock == parts[3])
    ]
    preferred = [row for row in found if row.preferred is not False]
    if len(preferred) != 1:
        times = sorted(
            {f"{r.endpoint} at {r.time_years:g} years" for r in package.outcomes if r.arm_id == parts[1] and r.time_years is not None}
        )
        rule = f"{len(preferred)} rows at the milestone of {milestone:g} years, there must be one"
        raise PlanError(f"reference.row = {spec!r}", rule=rule, cure=f"The arm has {', '.join(times) or 'no rows'}")
    row = preferred[0]
    se, how = _standard_error(row)
    if plan.reference.fixed:
        se, how = 0.0, "taken as known without error, as the plan declares"
    ref = package.ref(row)
    return Reference(
        survival=row.estimate,
        se=se,
        fixed=plan.reference.fixed,
        assumptions=(f"precision of the reference: {how}",),
        rows=(ref,),
        sources=(package.source(row.source_id),),
        warnings=tuple(f"the reference row is marked {mark}" for mark in ref.marks),
    )


def _standard_error(row: Outcome) -> tuple[float, str]:
    if not 0.0 < row.estimate < 1.0:
        raise PlanError(f"the reference row has an estimate of {row.estimate:g}", rule="must lie between 0 and 1")
    if row.se:
        return row.se, "printed standard error"
    if row.ci_low and row.ci_high and 0.0 < row.ci_low < row.ci_high < 1.0:
        low, high = math.log(-math.log(row.ci_high)), math.log(-math.log(row.ci_low))
        se = (high - low) / (2.0 * _Z95) * abs(row.estimate * math.log(row.estimate))
        return se, "from the printed 95 % interval on the cloglog scale"
    if row.n:
        return math.sqrt(row.estimate * (1.0 - row.estimate) / row.n), f"binomial from n = {row.n}, all assumed followed to the milestone"
    raise PlanError(
        "the reference row prints neither standard error, interval nor n",
        rule="a one-arm design needs the reference's precision",
        cure="Give milestone_survival with se or n, or declare fixed = true",
    )
