"""Weights that make two groups comparable, with what they cost: balance, effective sample size, histogram, and a refusal.

Two situations. One side has patients, the other a published baseline table: the patients are weighted to its means
(:func:`match_to_baseline`, MAIC). Both sides have patients: either is weighted to the other or both to a common population
(:func:`match_groups`, entropy balancing or propensity scores).

The effective sample size is Kish's ``(sum w)^2 / sum w^2``. Below ``least_size`` the weights have exploded: a handful of patients
would carry the comparison, and it is refused. Weights balance what was matched and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nextarm.borrowing.balancing import balancing_weights, effective_size
from nextarm.borrowing.covariates import Baseline, Covariates, check_baseline
from nextarm.borrowing.propensity import ESTIMANDS, propensity_scores, propensity_weights
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray

if TYPE_CHECKING:
    import polars as pl

#: Effective sample size of a weighted group below which nothing is compared.
LEAST_SIZE = 10.0
#: Shares of the patients kept and held by one patient at which a warning is due.
SMALL_SHARE, LARGE_WEIGHT = 0.5, 0.1
METHODS: tuple[str, ...] = ("maic", "entropy", "propensity")
_ENTROPY = "10.1093/pan/mpr025"
_OVERLAP = "10.1080/01621459.2016.1260466"


@record
class Balance:
    """Means of one covariate before and after weighting; ``smd_*`` are differences in standard deviations before weighting."""

    covariate: str
    treated_before: float
    treated_after: float
    control_before: float
    control_after: float
    smd_before: float
    smd_after: float


@record
class Weighting(Result):
    """Weights of the treated and of the control patients, each rescaled to mean 1; None for a side that has no patients.

    ``histogram`` counts the weights of the weighted patients in the bins ``edges``; ``largest_share`` is the largest
    weight's part of its group. ``scores`` are propensity scores, treated first, where the method has them.
    """

    method: str
    estimand: str
    covariates: tuple[str, ...]
    moments: tuple[str, ...]
    treated: FloatArray | None
    control: FloatArray | None
    treated_n: int | None
    control_n: int | None
    treated_size: float | None
    control_size: float | None
    least_size: float
    largest_share: float
    balance: tuple[Balance, ...]
    edges: FloatArray
    histogram: tuple[int, ...]
    scores: FloatArray | None = None

    shown: ClassVar[tuple[str, ...]] = (
        "method", "estimand", "treated_n", "treated_size", "control_n", "control_size", "largest_share",
    )  # fmt: skip

    def balance_table(self) -> pl.DataFrame:
        """One row a covariate."""
        import polars as pl

        names = ("covariate", "treated_before", "treated_after", "control_before", "control_after", "smd_before", "smd_after")
        return pl.DataFrame([{n: getattr(b, n) for n in names} for b in self.balance], infer_schema_length=None)

    def histogram_lines(self, width: int = 40) -> list[str]:
        """The histogram as text, one line a bin."""
        top = max(self.histogram) or 1
        bins = zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), self.histogram, strict=True)
        return [f"{low:8.2f} to {high:6.2f}  {count:5d}  {'#' * round(width * count / top)}" for low, high, count in bins]


def match_to_baseline(
    patients: Covariates, baseline: Iterable[Baseline], *, standard_deviations: bool = False, least_size: float = LEAST_SIZE
) -> Weighting:
    """Weight ``patients`` to the means of a published baseline table (MAIC).

    ``standard_deviations`` also matches the printed standard deviations of covariates that are not 0/1, through the second
    moment ``sd^2 + mean^2``. Raises :class:`DataError` for a table that does not fit the patients, :class:`RefusedError` where
    no weights exist or the effective sample size falls below ``least_size``.

    >>> from nextarm.borrowing.covariates import make_covariates
    >>> old = make_covariates({"cns": [0, 1] * 15})
    >>> found = match_to_baseline(old, [Baseline(covariate="cns", mean=0.25)])
    >>> round(found.treated_size, 6), found.treated.round(6).tolist()[:2]
    (24.0, [1.5, 0.5])
    """
    rows = tuple(baseline)
    check_baseline(rows, patients)
    columns, goals, moments = [], [], []
    for r in rows:
        x = patients.column(r.covariate)
        columns.append(x)
        goals.append(r.mean)
        moments.append(f"mean of {r.covariate}")
        if standard_deviations and r.sd is not None and not patients.binary(r.covariate):
            columns.append((x - r.mean) ** 2)
            goals.append(r.sd**2)
            moments.append(f"sd of {r.covariate}")
    weights = balancing_weights(np.column_stack(columns), np.array(goals), names=moments)
    balance = []
    for r in rows:
        x = patients.column(r.covariate)
        after, spread = float(weights @ x), float(x.std())
        before = float(x.mean())
        balance.append(
            Balance(
                covariate=r.covariate, treated_before=before, treated_after=after, control_before=r.mean, control_after=r.mean,
                smd_before=_ratio(before - r.mean, spread), smd_after=_ratio(after - r.mean, spread),
            )
        )  # fmt: skip
    return _weighting(
        method="maic",
        estimand="population of the baseline table",
        covariates=tuple(r.covariate for r in rows),
        moments=tuple(moments),
        treated=weights * patients.n,
        control=None,
        weighted=("treated",),
        balance=tuple(balance),
        least_size=least_size,
        reference=_ENTROPY,
        words="matching-adjusted indirect comparison (method of moments, the same as entropy balancing)",
    )


def match_groups(
    treated: Covariates,
    control: Covariates,
    *,
    method: str = "entropy",
    estimand: str = "att",
    standard_deviations: bool = False,
    least_size: float = LEAST_SIZE,
) -> Weighting:
    """Weight two groups of patients with the same covariates to one population.

    ``method`` is ``entropy`` (means of the target met exactly) or ``propensity`` (logistic regression). ``estimand``: ``att`` the
    treated, ``atc`` the control, ``ate`` all together, ``overlap`` those who could have been in either (propensity only).

    Raises :class:`CallError` for unknown words or covariates that differ, :class:`RefusedError` as :func:`match_to_baseline`.

    >>> from nextarm.borrowing.covariates import make_covariates
    >>> new, old = make_covariates({"cns": [0, 0, 0, 1] * 10}), make_covariates({"cns": [0, 1] * 20})
    >>> found = match_groups(new, old)
    >>> round(found.control_size, 6), round(found.balance[0].control_after, 12)
    (32.0, 0.25)
    """
    if method not in ("entropy", "propensity"):
        raise CallError(f"method = {method!r}", rule="must be entropy or propensity when both sides have patients")
    allowed = ESTIMANDS if method == "propensity" else ESTIMANDS[:3]
    if estimand not in allowed:
        raise CallError(f"estimand = {estimand!r}", rule=f"must be one of {', '.join(allowed)} for method {method}")
    if treated.names != control.names:
        raise CallError("the groups' covariates differ", rule=f"{', '.join(treated.names)} against {', '.join(control.names)}")
    scores = None
    names, X1, X0 = _moments(treated, control, standard_deviations)
    if method == "entropy":
        goal = {"att": X1, "atc": X0, "ate": np.vstack([X1, X0])}[estimand].mean(axis=0)
        w1 = np.full(treated.n, 1.0 / treated.n) if estimand == "att" else balancing_weights(X1, goal, names=names)
        w0 = np.full(control.n, 1.0 / control.n) if estimand == "atc" else balancing_weights(X0, goal, names=names)
    else:
        t = np.r_[np.ones(treated.n), np.zeros(control.n)]
        scores = propensity_scores(np.vstack([X1, X0]), t, names=names)
        w = propensity_weights(scores, t, estimand=estimand)
        w1, w0 = w[: treated.n] / w[: treated.n].sum(), w[treated.n :] / w[treated.n :].sum()
    balance = []
    for j, name in enumerate(treated.names):
        a, b = treated.values[:, j], control.values[:, j]
        spread = float(np.sqrt((a.var() + b.var()) / 2.0))
        after = float(w1 @ a), float(w0 @ b)
        balance.append(
            Balance(
                covariate=name, treated_before=float(a.mean()), treated_after=after[0], control_before=float(b.mean()),
                control_after=after[1],
                smd_before=_ratio(float(a.mean() - b.mean()), spread), smd_after=_ratio(after[0] - after[1], spread),
            )
        )  # fmt: skip
    weighted = {"att": ("control",), "atc": ("treated",)}.get(estimand, ("treated", "control"))
    return _weighting(
        method=method,
        estimand=estimand,
        covariates=treated.names,
        moments=names,
        treated=w1 * treated.n,
        control=w0 * control.n,
        weighted=weighted,
        balance=tuple(balance),
        least_size=least_size,
        reference=_ENTROPY if method == "entropy" else _OVERLAP,
        words="entropy balancing" if method == "entropy" else "propensity score weighting, logistic regression",
        scores=scores,
    )


def _moments(treated: Covariates, control: Covariates, squares: bool) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Columns to balance: the covariates and, with ``squares``, their squares around a common mean where they are not 0/1."""
    names = [f"mean of {n}" for n in treated.names]
    one, zero = [*treated.values.T], [*control.values.T]
    for j, name in enumerate(treated.names):
        if squares and not (treated.binary(name) and control.binary(name)):
            middle = float(np.r_[treated.values[:, j], control.values[:, j]].mean())
            names.append(f"second moment of {name}")
            one.append((treated.values[:, j] - middle) ** 2)
            zero.append((control.values[:, j] - middle) ** 2)
    return tuple(names), np.column_stack(one), np.column_stack(zero)


def _ratio(gap: float, spread: float) -> float:
    return gap / spread if spread > 0.0 else 0.0


def _weighting(
    *,
    method: str,
    estimand: str,
    covariates: tuple[str, ...],
    moments: tuple[str, ...],
    treated: FloatArray,
    control: FloatArray | None,
    weighted: tuple[str, ...],
    balance: tuple[Balance, ...],
    least_size: float,
    reference: str,
    words: str,
    scores: FloatArray | None = None,
) -> Weighting:
    groups = {k: v for k, v in (("treated", treated), ("control", control)) if v is not None}
    sizes = {k: effective_size(v) for k, v in groups.items()}
    chosen = np.concatenate([groups[k] for k in weighted])
    share = max(float(groups[k].max() / groups[k].sum()) for k in weighted)
    for k in weighted:
        if sizes[k] < least_size:
            held = float(np.sort(groups[k])[::-1][:3].sum() / groups[k].sum())
            raise RefusedError(
                f"the weights of the {k} patients explode: {sizes[k]:.1f} of {groups[k].size} patients are left",
                rule=f"an effective sample size below {least_size:g} is not compared; three patients would hold {held:.0%} of the weight",
                cure="Match fewer covariates and say which were left out; with --least-size another limit holds, recorded and shown",
            )
    said = [
        f"weighting leaves {sizes[k]:.1f} of {groups[k].size} {k} patients: the populations overlap little"
        for k in weighted
        if sizes[k] < SMALL_SHARE * groups[k].size
    ]
    said += [
        f"only {v.size} {k} patient{'' if v.size == 1 else 's'}: their means are a poor target"
        for k, v in groups.items()
        if k not in weighted and v.size < LEAST_SIZE
    ]
    if share > LARGE_WEIGHT:
        said.append(f"one patient holds {share:.0%} of the weight of its group")
    left = max((abs(b.smd_after) for b in balance), default=0.0)
    if left > 0.1:
        said.append(f"after weighting means still differ by up to {left:.2f} standard deviations")
    if least_size != LEAST_SIZE:
        said.append(f"the limit of the effective sample size was set to {least_size:g} (usual {LEAST_SIZE:g})")
    counts, edges = np.histogram(chosen, bins=12, range=(0.0, float(chosen.max()) * (1.0 + 1e-9)))
    return Weighting(
        trail=Trail(
            method=words,
            reference=reference,
            assumptions=(
                f"all that matters for the outcome and differs between the groups is among {', '.join(covariates)}",
                f"weighted to: {estimand}",
            ),
        ),
        warnings=tuple(said),
        method=method,
        estimand=estimand,
        covariates=covariates,
        moments=moments,
        treated=treated,
        control=control,
        treated_n=int(treated.size),
        control_n=None if control is None else int(control.size),
        treated_size=sizes["treated"],
        control_size=sizes.get("control"),
        least_size=least_size,
        largest_share=share,
        balance=balance,
        edges=np.asarray(edges, np.float64),
        histogram=tuple(int(c) for c in counts),
        scores=scores,
    )
