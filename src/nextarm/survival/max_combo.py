"""MaxCombo: the best of several weighted log-rank tests, with the p value of the maximum.

The statistics are jointly normal under the null hypothesis with the correlation of their scores, so
p = 1 - P(all Z_a below the maximum seen). Lin et al. 2020, doi 10.1080/19466315.2019.1697738.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival.normal_box import normal_box
from nextarm.survival.rank_scores import arms_taken, rank_scores
from nextarm.survival.table import Patients
from nextarm.survival.weighted_log_rank import fleming_harrington_weights

#: Fleming-Harrington pairs of the usual MaxCombo.
USUAL = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))


@record
class MaxCombo(Result):
    """The combined test. ``z`` are the single statistics (below 0: the second arm does better) for ``weights``."""

    arms: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    z: FloatArray
    correlation: FloatArray
    statistic: float
    p_value: float
    p_one_sided: float

    shown = ("statistic", "p_value", "p_one_sided")


def max_combo(
    patients: Patients,
    *,
    weights: Sequence[tuple[float, float]] = USUAL,
    arms: Sequence[str] | None = None,
    stratified: bool | None = None,
) -> MaxCombo:
    """Combine Fleming-Harrington tests (``weights`` are (p, q) pairs) of two arms.

    ``p_value`` refers to max |z|, ``p_one_sided`` to max(-z): the second arm does better under at least one weight. Where
    an arm has no event at risk together with the other, p is 1 with a warning.
    """
    pairs = tuple(tuple(float(x) for x in pair) for pair in weights)
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise CallError(f"weights = {weights}", rule="must be at least one (p, q) pair")
    taken, names = arms_taken(patients, arms)
    if len(names) != 2:
        raise CallError(f"{len(names)} arms", rule="MaxCombo compares two arms", cure='Name them: arms=("control", "new")')
    scores = rank_scores(taken, [fleming_harrington_weights(p, q) for p, q in pairs], stratified=stratified)
    U, V = scores.score[:, 1], scores.covariance[:, 1, :, 1]
    sd = np.sqrt(np.diag(V))
    use = np.flatnonzero(sd > 1e-12 * max(float(sd.max()), 1e-300))
    left_out = [f"({pairs[a][0]:g}, {pairs[a][1]:g})" for a in range(len(pairs)) if a not in use]
    notes = (f"no information under weights {', '.join(left_out)}; left out",) if left_out else ()
    trail = Trail("MaxCombo of Fleming-Harrington tests", "10.1080/19466315.2019.1697738")
    z = np.divide(U, sd, out=np.zeros_like(U), where=sd > 0.0)
    R = np.divide(V, np.outer(sd, sd), out=np.eye(len(pairs)), where=np.outer(sd, sd) > 0.0)
    np.fill_diagonal(R, 1.0)
    if not use.size:
        return MaxCombo(
            trail=trail, warnings=notes, arms=names, weights=pairs, z=z, correlation=R, statistic=0.0, p_value=1.0, p_one_sided=1.0
        )
    sub = R[np.ix_(use, use)]
    both, one = float(np.abs(z[use]).max()), float((-z[use]).max())
    return MaxCombo(
        trail=trail,
        warnings=notes,
        arms=names,
        weights=pairs,
        z=z,
        correlation=R,
        statistic=both,
        p_value=float(np.clip(1.0 - normal_box(sub, -both, both), 0.0, 1.0)),
        p_one_sided=float(np.clip(1.0 - normal_box(sub, -np.inf, one), 0.0, 1.0)),
    )
