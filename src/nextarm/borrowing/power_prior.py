"""Power prior and normalised power prior: the history's likelihood raised to a power between 0 and 1.

``p(theta | D0, a0) ~ L(theta; D0)^a0 p(theta)`` with a0 fixed (Ibrahim & Chen 2000, doi 10.1214/ss/1009212673), or with a prior on
a0 and the normalising constant that makes it a joint distribution (Duan, Ye & Smith 2006, doi 10.1002/env.752): then
``p(a0 | D) ~ p(a0) int L(theta; D) p(theta | D0, a0) dtheta``. Given a0 all is conjugate (beta, gamma, normal), so the normalised
prior needs one dimension of quadrature, on panels that grow from 0.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from nextarm.borrowing.arm_data import ArmData, BinaryData, CureData, counts_of, first_prior, require_alike
from nextarm.borrowing.borrowed import Borrowed, borrowed_result
from nextarm.borrowing.joint_mixture import JointMixture
from nextarm.borrowing.multinormal import MultinormalMixture
from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, require_probability
from nextarm.survival.gauss import legendre_nodes

POWER, NORMALISED = "10.1214/ss/1009212673", "10.1002/env.752"
_ORDER = 16


def power_prior(
    history: ArmData, current: ArmData | None = None, *, a0: float, first: Any = None, level: float = 0.95, base: Trail | None = None
) -> Borrowed:
    """Borrow ``history`` with the fixed power ``a0``; without ``current`` the prior itself.

    ``first`` is the first prior: (a, b) of a beta, (shape, rate) of gammas, (means, sds) of a cure model (flat if None).

    >>> from nextarm.borrowing.arm_data import binary_data
    >>> found = power_prior(binary_data(20, 50), binary_data(8, 20), a0=0.5)
    >>> round(found.parameters[0].mean, 6), found.borrowed_n
    (0.404255, 25.0)
    """
    weight = require_probability(a0, "a0")
    require_alike(history, current)
    start = first_prior(history, first)
    if weight == 0.0 and start[0] is None and current is None:
        raise CallError("a0 = 0 with a flat first prior", rule="leaves no proper prior")
    if weight == 0.0 and isinstance(history, CureData) and start[0] is None:
        assert isinstance(current, CureData)
        made: JointMixture | MultinormalMixture = _single(current.estimate, current.covariance)
        evidence: FloatArray | None = None
    else:
        made, evidence = _updated(history, current, powered(history, np.array([weight]), start))
    return borrowed_result(
        history,
        made,
        method=f"power prior, a0 = {weight:g}",
        reference=POWER,
        control="a0",
        control_mean=weight,
        control_sd=None,
        share=weight,
        assumptions=(f"the history counts {weight:g} times",),
        log_evidence=None if evidence is None else float(evidence[0]),
        level=level,
        base=base,
    )


def normalised_power_prior(
    history: ArmData,
    current: ArmData | None = None,
    *,
    a0_prior: tuple[float, float] = (1.0, 1.0),
    first: Any = None,
    level: float = 0.95,
    base: Trail | None = None,
) -> Borrowed:
    """Borrow ``history`` with a0 learnt: ``a0_prior`` are the parameters of its beta prior (uniform by default).

    >>> from nextarm.borrowing.arm_data import binary_data
    >>> alike = normalised_power_prior(binary_data(40, 100), binary_data(8, 20))
    >>> apart = normalised_power_prior(binary_data(40, 100), binary_data(16, 20))
    >>> alike.control_mean > 0.5 > apart.control_mean
    True
    """
    require_alike(history, current)
    start = first_prior(history, first)
    if not all(math.isfinite(v) and v > 0.0 for v in a0_prior):
        raise CallError(f"a0_prior = {a0_prior}", rule="must be two numbers above 0")
    nodes, log_weights = power_nodes(a0_prior)
    prior = powered(history, nodes, start)
    made, evidence = _updated(history, current, prior.__class__(**{**vars(prior), "weights": np.exp(log_weights)}))
    log_all = log_weights if evidence is None else log_weights + evidence
    top = float(log_all.max())
    total = top + math.log(float(np.exp(log_all - top).sum()))
    mean = float(made.weights @ nodes)
    return borrowed_result(
        history,
        _light_dropped(made),
        method="normalised power prior",
        reference=NORMALISED,
        control="a0",
        control_mean=mean,
        control_sd=math.sqrt(max(0.0, float(made.weights @ (nodes - mean) ** 2))),
        share=mean,
        assumptions=(f"a0 ~ Beta({a0_prior[0]:g}, {a0_prior[1]:g})",),
        log_evidence=None if evidence is None else total,
        level=level,
        base=base,
    )


def power_nodes(a0_prior: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """Nodes of a0 on (0, 1) with log weights times its beta prior, normalised: panels that halve towards both ends."""
    from scipy.special import xlog1py, xlogy

    near = 0.5 ** np.arange(22, 0, -1.0)
    edges = np.concatenate([[0.0], near, 1.0 - near[::-1][1:], [1.0]])
    x, w = legendre_nodes(_ORDER)
    half = np.diff(edges)[:, None] / 2.0
    nodes = (edges[:-1, None] + half * (x + 1.0)).ravel()
    log_w = np.log((half * w).ravel()) + xlogy(a0_prior[0] - 1.0, nodes) + xlog1py(a0_prior[1] - 1.0, -nodes)
    top = float(log_w.max())
    return nodes, np.asarray(log_w - top - math.log(float(np.exp(log_w - top).sum())), np.float64)


def powered(history: ArmData, a0: FloatArray, start: tuple[Any, Any]) -> JointMixture | MultinormalMixture:
    """The power prior at every a0 (m,): one conjugate component each, equal weights."""
    equal = np.full(a0.size, 1.0 / a0.size)
    if isinstance(history, CureData):
        inverse = np.linalg.inv(history.covariance)
        precision = a0[:, None, None] * inverse + (0.0 if start[0] is None else start[1])
        right = a0[:, None] * (inverse @ history.estimate) + (0.0 if start[0] is None else start[1] @ start[0])
        covariances = np.linalg.inv(precision)
        return MultinormalMixture(weights=equal, means=np.einsum("mij,mj->mi", covariances, right), covariances=covariances)
    d, size = counts_of(history)
    family: Literal["beta", "gamma"] = "beta" if isinstance(history, BinaryData) else "gamma"
    second = size - d if family == "beta" else size
    return JointMixture(family=family, weights=equal, first=start[0] + a0[:, None] * d, second=start[1] + a0[:, None] * second)


def _updated(
    history: ArmData, current: ArmData | None, prior: JointMixture | MultinormalMixture
) -> tuple[JointMixture | MultinormalMixture, FloatArray | None]:
    """The prior after the current data, and each component's log evidence (None without data)."""
    if current is None:
        return prior, None
    if isinstance(prior, MultinormalMixture):
        assert isinstance(current, CureData)
        return prior.posterior(current.estimate, current.covariance), prior.log_predictive(current.estimate, current.covariance)
    assert not isinstance(current, CureData)
    d, size = counts_of(current)
    return prior.posterior(d, size), prior.log_evidence(d, size)


def _single(mean: FloatArray, covariance: FloatArray) -> MultinormalMixture:
    return MultinormalMixture(weights=np.ones(1), means=mean[None], covariances=covariance[None])


def _light_dropped(mixture: JointMixture | MultinormalMixture) -> JointMixture | MultinormalMixture:
    """The mixture without components of no weight, which would only slow it."""
    held = mixture.weights > 1e-12
    w = mixture.weights[held] / mixture.weights[held].sum()
    if isinstance(mixture, MultinormalMixture):
        return MultinormalMixture(weights=w, means=mixture.means[held], covariances=mixture.covariances[held])
    return JointMixture(family=mixture.family, weights=w, first=mixture.first[held], second=mixture.second[held])
