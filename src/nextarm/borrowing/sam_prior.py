"""Self-adapting mixture prior: the current data choose the weight of the history by a likelihood ratio.

The history's prior and a vague one are mixed with ``w = R / (1 + R)``, ``R = L(D | theta_h) / max L(D | theta_h +- delta)``: how much
better the history's estimate explains the current data than one a clinically relevant ``delta`` away (Yang et al. 2023, doi
10.1111/biom.13927). ``delta`` is on the scale of a clinician: a difference of probabilities (binary, cure fraction) or a log
hazard ratio common to all pieces. The weight uses the current data, so this is no joint Bayesian model and its
calibration cannot be checked by simulation; its operating characteristics are in docs/validation-borrowing.md.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nextarm.borrowing.arm_data import ArmData, BinaryData, CureData, counts_of, first_prior, require_alike, vague
from nextarm.borrowing.borrowed import Borrowed, borrowed_result
from nextarm.borrowing.joint_mixture import JointMixture
from nextarm.borrowing.multinormal import MultinormalMixture
from nextarm.borrowing.power_prior import powered
from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.core.units import require_positive

SAM = "10.1111/biom.13927"


def sam_weight(history: ArmData, current: ArmData, *, delta: float, first: Any = None) -> float:
    """The weight ``R / (1 + R)`` of the history; a shifted value outside the parameter's range has likelihood 0.

    ``theta_h`` is the mean of the history's prior (posterior mean of the history under ``first``).

    >>> from nextarm.borrowing.arm_data import binary_data
    >>> round(sam_weight(binary_data(39, 98), binary_data(12, 60), delta=0.15), 4)  # prior Beta(40, 60)
    0.0062
    """
    require_alike(history, current)
    d = require_positive(delta, "delta")
    prior = powered(history, np.ones(1), first_prior(history, first))
    if isinstance(history, CureData):
        assert isinstance(current, CureData)
        log_r = _cure_ratio(prior, current, d)
    elif isinstance(history, BinaryData):
        assert isinstance(current, BinaryData)
        centre = prior.marginal(0).mean()
        shifted = [p for p in (centre - d, centre + d) if 0.0 < p < 1.0]
        if not shifted:
            raise CallError(f"delta = {d:g}", rule="must leave one of theta_h - delta, theta_h + delta between 0 and 1")
        log_r = _binomial(current, centre) - max(_binomial(current, p) for p in shifted)
    else:
        events, years = counts_of(current)  # type: ignore[arg-type]
        total = float(events.sum())
        expected = float(sum(prior.marginal(j).mean() * t for j, t in enumerate(years)))
        log_r = -expected - max(sign * d * total - expected * math.exp(sign * d) for sign in (-1.0, 1.0))
    return 1.0 / (1.0 + math.exp(min(-log_r, 700.0)))


def sam_prior(
    history: ArmData, current: ArmData, *, delta: float, first: Any = None, level: float = 0.95, base: Trail | None = None
) -> Borrowed:
    """The posterior under the self-adapting mixture of ``history`` and the vague ``first`` (proper for cure models too)."""
    w = sam_weight(history, current, delta=delta, first=first)
    start = first_prior(history, first)
    prior = mixed(powered(history, np.ones(1), start), vague(history, start), w)
    if isinstance(prior, MultinormalMixture):
        assert isinstance(current, CureData)
        after: JointMixture | MultinormalMixture = prior.posterior(current.estimate, current.covariance)
        log_parts = prior.log_predictive(current.estimate, current.covariance)
    else:
        events, sizes = counts_of(current)  # type: ignore[arg-type]
        after, log_parts = prior.posterior(events, sizes), prior.log_evidence(events, sizes)
    held = prior.weights > 0.0
    top = float(log_parts[held].max())
    return borrowed_result(
        history,
        after,
        method="self-adapting mixture prior",
        reference=SAM,
        control="weight",
        control_mean=w,
        control_sd=None,
        share=float(after.weights[0]),
        assumptions=(
            f"a difference of {delta:g} is clinically relevant",
            f"prior weight of the history {w:.3f}, chosen by the current data",
        ),
        log_evidence=top + math.log(float(prior.weights[held] @ np.exp(log_parts[held] - top))),
        level=level,
        base=base,
    )


def mixed(
    one: JointMixture | MultinormalMixture, other: JointMixture | MultinormalMixture, weight: float
) -> JointMixture | MultinormalMixture:
    """Two priors of the same parameters, the first with ``weight``."""
    weights = np.concatenate([weight * one.weights, (1.0 - weight) * other.weights])
    if isinstance(one, MultinormalMixture) and isinstance(other, MultinormalMixture):
        return MultinormalMixture(
            weights=weights,
            means=np.concatenate([one.means, other.means]),
            covariances=np.concatenate([one.covariances, other.covariances]),
        )
    assert isinstance(one, JointMixture)
    assert isinstance(other, JointMixture)
    return JointMixture(
        family=one.family,
        weights=weights,
        first=np.concatenate([one.first, other.first]),
        second=np.concatenate([one.second, other.second]),
    )


def _binomial(data: BinaryData, p: float) -> float:
    return data.events * math.log(p) + (data.n - data.events) * math.log1p(-p)


def _cure_ratio(prior: JointMixture | MultinormalMixture, current: CureData, delta: float) -> float:
    """Log ratio of normal likelihoods at the history's parameters and at cure fractions ``delta`` away, latency the same."""
    assert isinstance(prior, MultinormalMixture)
    centre = prior.means_of()
    inverse = np.linalg.inv(current.covariance)
    cured = 1.0 / (1.0 + math.exp(-float(centre[0])))
    shifted = [c for c in (cured - delta, cured + delta) if 0.0 < c < 1.0]
    if not shifted:
        raise CallError(f"delta = {delta:g}", rule="must leave one of theta_h - delta, theta_h + delta between 0 and 1")

    def log_l(c: float) -> float:
        at = centre.copy()
        at[0] = math.log(c / (1.0 - c))
        off = current.estimate - at
        return -0.5 * float(off @ inverse @ off)

    return log_l(cured) - max(log_l(c) for c in shifted)
