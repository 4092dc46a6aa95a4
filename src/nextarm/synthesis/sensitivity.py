"""How a pooled estimate depends on its studies: without each, by era, by subgroup, without doubtful rows, influence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.synthesis.estimates import BINOMIAL, StudyEstimate, extend, scale_all
from nextarm.synthesis.pool import PooledEstimate, chi2_tail, pool
from nextarm.synthesis.tau import Model, estimator

#: Subsets a reader asks for: a name, and the marks whose rows are left out.
WITHOUT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("all rows", ()),
    ("without binomial standard errors", (BINOMIAL,)),
    ("without derived rows", ("derived", "derived SE")),
    ("without secondary rows", ("secondary",)),
    ("without any of these", (BINOMIAL, "derived", "derived SE", "secondary")),
)


@record
class Named:
    """A pooled estimate under a name; ``pooled`` is None where ``why`` says that nothing could be pooled."""

    name: str
    pooled: PooledEstimate | None
    why: str = ""


@record
class Influence:
    """What one study does to the pool (Viechtbauer & Cheung 2010, doi 10.1002/jrsm.11).

    ``rstudent`` the residual against the pool of the others, in its standard deviations; ``dffits`` the shift of the
    mean in its standard errors, ``cook`` its square with all studies' precision; ``cov_ratio`` the change in precision;
    ``hat`` its share of the weight.
    """

    label: str
    rstudent: float
    dffits: float
    cook: float
    cov_ratio: float
    hat: float


@record
class Subgroups(Result):
    """Pools of subgroups with the test that they are equal: ``q_between`` on ``df`` (chi-square)."""

    groups: tuple[Named, ...]
    q_between: float | None
    df: int
    p: float | None


def _try(name: str, studies: Iterable[StudyEstimate], pooling: Callable[..., PooledEstimate]) -> Named:
    try:
        return Named(name=name, pooled=pooling(tuple(studies)))
    except RefusedError as refusal:
        return Named(name=name, pooled=None, why=str(refusal))


def leave_one_out(studies: Iterable[StudyEstimate], **options: Any) -> tuple[Named, ...]:
    """Pool without each study in turn; ``options`` as in :func:`~nextarm.synthesis.pool.pool`."""
    given = tuple(studies)
    pooling = partial(pool, **options)
    return tuple(_try(f"without {s.label}", (o for o in given if o is not s), pooling) for s in given)


def cumulative(studies: Iterable[StudyEstimate], *, by: str = "year", **options: Any) -> tuple[Named, ...]:
    """Pool the first study, the first two and so on, in order of ``by`` (``year`` or ``time``; without one: last)."""
    if by not in ("year", "time"):
        raise CallError(f"by = {by!r}", rule="must be year or time")
    given = sorted(studies, key=lambda s: math.inf if getattr(s, by) is None else getattr(s, by))
    pooling = partial(pool, **options)
    return tuple(_try(f"+ {s.label}", given[: i + 1], pooling) for i, s in enumerate(given))


def with_and_without(studies: Iterable[StudyEstimate], *, measure: str = "cloglog", **options: Any) -> tuple[Named, ...]:
    """Pool all rows, and again without those marked binomial, derived or secondary (:data:`WITHOUT`)."""
    given = tuple(studies)
    scaled, _ = scale_all(given, measure=measure, probability=options.get("probability", True))
    marks = {id(u.study): set(u.marks) for u in scaled}
    pooling = partial(pool, measure=measure, **options)
    return tuple(_try(name, (s for s in given if not marks.get(id(s), set()) & set(drop)), pooling) for name, drop in WITHOUT)


def subgroups(
    studies: Iterable[StudyEstimate],
    *,
    of: Callable[[StudyEstimate], str] | None = None,
    base: Trail | None = None,
    **options: Any,
) -> Subgroups:
    """Pool each subgroup on its own (tau2 of its own) and test whether the subgroups differ.

    ``of`` names the subgroup of a study (default: its ``group``). ``Q = sum (mu_g - mu)^2 / se_g^2`` over subgroups
    with ``mu`` their inverse-variance mean, chi-square on subgroups - 1 (Borenstein 2009, chapter 19).
    """
    given = tuple(studies)
    name_of = of or (lambda s: s.group or "(no group)")
    names = sorted({name_of(s) for s in given})
    pooling = partial(pool, base=base, **options)
    found = tuple(_try(n, (s for s in given if name_of(s) == n), pooling) for n in names)
    pools = [n.pooled for n in found if n.pooled is not None and n.pooled.mu_se > 0.0]
    q: float | None = None
    if len(pools) > 1:
        mu, w = np.array([p.mu for p in pools]), np.array([p.mu_se**-2 for p in pools])
        q = float(w @ (mu - w @ mu / w.sum()) ** 2)
    df = max(len(pools) - 1, 0)
    return Subgroups(
        trail=extend(base, method="subgroups pooled on their own, compared by Q between"),
        groups=found,
        q_between=q,
        df=df,
        p=chi2_tail(df, q) if q is not None else None,
    )


def influence(
    studies: Iterable[StudyEstimate],
    *,
    measure: str = "cloglog",
    method: str = "reml",
    probability: bool = True,
    binomial: bool = True,
) -> tuple[Influence, ...]:
    """Deletion diagnostics of every study (Wald standard errors); needs at least three."""
    used, _ = scale_all(studies, measure=measure, binomial=binomial, probability=probability)
    if len(used) < 3:
        raise RefusedError(f"{len(used)} usable studies", rule="influence needs at least three")
    y, v = np.array([u.y for u in used]), np.array([u.v for u in used])
    tau = estimator(method)
    model = Model(y, v)
    tau2 = float(tau(model))
    beta, inverse = model.beta(tau2)
    mu, variance = float(beta[0]), float(inverse[0, 0])
    hat = model.weights(tau2) * variance
    found = []
    for i, u in enumerate(used):
        rest = Model(np.delete(y, i), np.delete(v, i))
        tau2_i = float(tau(rest))
        beta_i, inverse_i = rest.beta(tau2_i)
        mu_i, variance_i = float(beta_i[0]), float(inverse_i[0, 0])
        leverage = float(hat[i])
        found.append(
            Influence(
                label=u.study.label,
                rstudent=(u.y - mu_i) / math.sqrt(u.v + tau2_i + variance_i),
                dffits=(mu - mu_i) / math.sqrt(leverage * (tau2_i + u.v)),
                cook=(mu - mu_i) ** 2 / variance,
                cov_ratio=variance_i / variance,
                hat=leverage,
            )
        )
    return tuple(found)


@record
class BaujatPoint:
    """One study of a Baujat plot (Baujat 2002, doi 10.1002/sim.1221): ``heterogeneity``, its share of the generalised Q at tau2,
    and ``influence``, the squared shift of the mean without it over the variance of that mean."""

    label: str
    heterogeneity: float
    influence: float


def baujat(
    studies: Iterable[StudyEstimate],
    *,
    measure: str = "cloglog",
    method: str = "reml",
    probability: bool = True,
    binomial: bool = True,
) -> tuple[BaujatPoint, ...]:
    """What each study adds to the heterogeneity and how far it moves the mean; needs at least three studies.

    ``(y - mu)^2 / (v + tau2)`` and ``(mu - mu_without)^2 / var(mu_without)``, tau2 estimated anew without the study.
    """
    used, _ = scale_all(studies, measure=measure, binomial=binomial, probability=probability)
    if len(used) < 3:
        raise RefusedError(f"{len(used)} usable studies", rule="a Baujat plot needs at least three")
    y, v = np.array([u.y for u in used]), np.array([u.v for u in used])
    tau = estimator(method)
    model = Model(y, v)
    tau2 = float(tau(model))
    mu = float(model.beta(tau2)[0][0])
    found = []
    for i, u in enumerate(used):
        rest = Model(np.delete(y, i), np.delete(v, i))
        beta, variance = rest.beta(float(tau(rest)))
        shift = (mu - float(beta[0])) ** 2 / float(variance[0, 0])
        found.append(BaujatPoint(label=u.study.label, heterogeneity=(u.y - mu) ** 2 / (u.v + tau2), influence=shift))
    return tuple(found)
