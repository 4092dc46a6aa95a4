"""Patients against an external control: two tables of patients, observed or rebuilt, weighted or not.

The groups must count time from one stated origin (:mod:`nextarm.borrowing.alignment`). Where a table holds several versions of
rebuilt patients, version k of one side meets version k of the other and the results are joined by Rubin's rules, so that the
uncertainty of the reconstruction is carried. Weights come from a recipe (:class:`Adjustment`) applied within each version.

Unless both groups come from one analysis, the control is external, not randomised: the result says what the numbers are, not what
the treatment does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nextarm.borrowing.adjustment import EXTERNAL, ONE_SOURCE, Adjustment, weighted
from nextarm.borrowing.alignment import immortal_time_warnings, require_one_origin
from nextarm.borrowing.group_effects import Effect, Pair, cure_gap, hazard_ratio, milestone, one_arm, rmst_gap
from nextarm.borrowing.landmark import LandmarkComparison
from nextarm.borrowing.resampling import Resampled, resample_comparison
from nextarm.borrowing.weighting import Weighting
from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import IntArray, require_positive
from nextarm.survival import Patients
from nextarm.survival.selection import require_level
from nextarm.survival.table import long_times, replaced

if TYPE_CHECKING:
    import polars as pl

UNADJUSTED = "no adjustment for differences between the patients of the two groups"
CURE_MODEL = "mixture-cure:weibull"


@record
class PatientComparison(Result):
    """Treated patients against an external control, or two arms of one source (``one_analysis``).

    ``milestones`` are full landmark comparisons: :func:`~nextarm.borrowing.tipping_point`, ``e_value`` and
    ``sceptical_posterior`` take them. An effect that does not exist is None and a warning says why.
    """

    endpoint: str
    origin: str
    labels: tuple[str, str]
    n: tuple[int, int]
    events: tuple[float, float]
    versions: int
    level: float
    milestones: tuple[LandmarkComparison, ...]
    hazard_ratio: Effect | None
    rmst: Effect | None
    cure: Effect | None
    weighting: Weighting | None = None
    resampled: Resampled | None = None
    one_analysis: bool = False

    shown: ClassVar[tuple[str, ...]] = ()

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Every effect there is, milestones first."""
        made = [
            Effect(
                measure=f"S({c.time:g}) difference", time=c.time, treated=c.treated.survival, control=c.control.survival,
                estimate=c.difference, ci=c.difference_ci, p=c.difference_p_two_sided, standard_error=None, rebuilt_share=None,
            )
            for c in self.milestones
        ]  # fmt: skip
        return (*made, *(e for e in (self.hazard_ratio, self.rmst, self.cure) if e is not None))

    def table(self) -> pl.DataFrame:
        """One row an effect."""
        import polars as pl

        rows = [
            {
                "effect": e.measure, "to": e.time, "treated": e.treated, "control": e.control, "estimate": e.estimate,
                "ci_low": e.ci.low, "ci_high": e.ci.high, "p_two_sided": e.p, "rebuilt_share": e.rebuilt_share,
            }
            for e in self.effects
        ]  # fmt: skip
        return pl.DataFrame(rows, infer_schema_length=None)


def compare_patients(
    treated: Patients,
    control: Patients,
    *,
    milestones: Sequence[float] = (),
    tau: float | None = None,
    cure_model: str | None = CURE_MODEL,
    adjust: Adjustment | None = None,
    endpoint: str = "",
    labels: tuple[str, str] = ("treated", "external control"),
    one_analysis: bool = False,
    assume_origin: bool = False,
    replicates: int = 0,
    seed: int = 1,
    level: float = 0.95,
    base: Trail | None = None,
) -> PatientComparison:
    """Compare ``treated`` patients with an external ``control`` (each one group of patients; its arms are taken together).

    ``milestones`` and ``tau`` in years; ``cure_model`` None leaves the cure fractions out. Both tables carry their
    ``time_origin``; ``one_analysis`` and ``assume_origin`` as in :func:`~nextarm.borrowing.alignment.require_one_origin`.
    ``replicates`` above 0 adds bootstrap intervals with the weights estimated again.

    Raises :class:`RefusedError` for different or unstated origins, milestones beyond the follow-up, weights that explode;
    :class:`CallError` for values outside their domain.

    >>> from nextarm.survival import make_patients
    >>> new = make_patients([1, 5, 5, 5, 5, 5], [1, 0, 0, 0, 0, 0], time_origin="diagnosis")
    >>> old = make_patients([1, 2, 2, 5, 5, 5], [1, 1, 1, 0, 0, 0], time_origin="diagnosis")
    >>> found = compare_patients(new, old, milestones=(4.0,), cure_model=None)
    >>> round(found.milestones[0].difference, 4), round(found.hazard_ratio.estimate, 3)
    (0.3333, 0.315)
    """
    require_level(level)
    times = tuple(require_positive(float(t), "milestone", "years") for t in milestones)
    if tau is not None:
        require_positive(tau, "tau", "years")
    if cure_model is not None and not cure_model.startswith("mixture-cure:"):
        raise CallError(f"cure_model = {cure_model!r}", rule="must be a mixture-cure model such as mixture-cure:weibull")
    if adjust is not None:
        adjust.require_rows(treated, control)
    origin = require_one_origin(treated.time_origin, control.time_origin, one_analysis=one_analysis, assume_origin=assume_origin)
    pairs, weighting, notes = _pairs(treated, control, adjust)
    assumed = (
        *(ONE_SOURCE if one_analysis else EXTERNAL),
        *origin.assumptions,
        *(weighting.trail.assumptions if weighting else (UNADJUSTED,)),
    )
    how = ("comparison of two arms of one source" if one_analysis else "external comparison of patients") + (
        f", {weighting.trail.method}" if weighting else ", unadjusted"
    )
    rebuilt = [w for w, g in zip(labels, (treated, control), strict=True) if g.origin == "reconstructed"]
    before = base or Trail(method="")
    trail = replace(
        before,
        method=how + (f"; {len(pairs)} versions joined by Rubin's rules" if len(pairs) > 1 else ""),
        reference=weighting.trail.reference if weighting else "10.1002/sim.3095",
        assumptions=(*before.assumptions, *assumed),
        inputs=(*before.inputs, f"{labels[0]}: {pairs[0][0].n} patients; {labels[1]}: {pairs[0][1].n} patients"),
    )
    said = (
        [*dict.fromkeys((*long_times(treated), *long_times(control))), *origin.warnings]
        + notes
        + (list(weighting.warnings) if weighting else [])
    )
    if rebuilt:
        said.append(f"patients of {' and '.join(rebuilt)} were rebuilt from published curves")
        if len(pairs) == 1:
            said.append("one version of rebuilt patients: the uncertainty of the reconstruction is not in the intervals; give several")
    said += immortal_time_warnings(*pairs[0])
    if any(g.entry is not None and np.any(g.entry > 0.0) for g in pairs[0]):
        said.append("delayed entry: patients count from their entry on")
    points = tuple(milestone(pairs, t, endpoint=endpoint, labels=labels, level=level, base=trail) for t in times)
    ratio, why = hazard_ratio(pairs, level=level)
    said += why
    area, why = rmst_gap(pairs, tau=tau, level=level)
    said += why
    cure = None
    if cure_model is not None:
        cure, why = cure_gap(pairs, model=cure_model, level=level)
        said += why
    return PatientComparison(
        trail=trail,
        warnings=tuple(dict.fromkeys((*said, *(w for p in points for w in p.warnings)))),
        endpoint=endpoint,
        origin=origin.origin,
        labels=labels,
        n=(pairs[0][0].n, pairs[0][1].n),
        events=_events(pairs),
        versions=len(pairs),
        level=level,
        milestones=points,
        hazard_ratio=ratio,
        rmst=area,
        cure=cure,
        weighting=weighting,
        resampled=resample_comparison(treated, control, adjust=adjust, milestones=times, replicates=replicates, seed=seed, level=level)
        if replicates
        else None,
        one_analysis=one_analysis,
    )


def _events(pairs: Sequence[Pair]) -> tuple[float, float]:
    one, two = (float(np.mean([(pair[i].event > 0).sum() for pair in pairs])) for i in (0, 1))
    return one, two


def _pairs(treated: Patients, control: Patients, adjust: Adjustment | None) -> tuple[list[Pair], Weighting | None, list[str]]:
    """One pair of groups a version, weighted; the weighting of the first version is the one shown."""
    counts = [len(g.versions) or 1 for g in (treated, control)]
    several = [c for c in counts if c > 1]
    m = min(several) if several else 1
    notes = [] if len(set(several)) < 2 else [f"{counts[0]} and {counts[1]} versions: the first {m} of each are used"]
    pairs: list[Pair] = []
    first = None
    for k in range(m):
        rows = [_rows(g, k) for g in (treated, control)]
        groups = [
            one_arm(replaced(g.where(r), version=None), name)
            for g, r, name in zip((treated, control), rows, ("treated", "control"), strict=True)
        ]
        if adjust is not None:
            made = adjust.weigh(*rows)
            first = first or made
            groups = [weighted(g, w) for g, w in zip(groups, (made.treated, made.control), strict=True)]
        pairs.append((groups[0], groups[1]))
    return pairs, first, notes


def _rows(group: Patients, k: int) -> IntArray:
    if group.version is None:
        return np.arange(group.n)
    versions = group.versions
    return np.flatnonzero(group.version == versions[k if len(versions) > 1 else 0])
