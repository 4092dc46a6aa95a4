"""From a maximum of the likelihood to the result: covariance, parameters, cure fractions, follow-up, warnings."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import Interval
from nextarm.core.units import FloatArray
from nextarm.survival.fit_design import arm_column
from nextarm.survival.fit_profile import profile_interval
from nextarm.survival.fit_result import CureFraction, ParameterEstimate, normal_quantile
from nextarm.survival.fit_setting import Climb, Setting
from nextarm.survival.models.distribution import Distribution
from nextarm.survival.models.family import from_predictor
from nextarm.survival.sufficient_follow_up import LARGEST_RATIO, SufficientFollowUp, sufficient_follow_up

#: A standard error beyond this, on a log or logit scale, says that the coefficient runs to infinity.
BOUNDLESS = 100.0


def covariance_of(information: FloatArray, free: NDArray[np.bool_], unit: FloatArray) -> tuple[FloatArray | None, NDArray[np.bool_]]:
    """The inverse information, rows of 0 for coefficients that are not free, and which of those ran to infinity.

    Coefficients whose standard errors are boundless are held one after the other, the worst first, until the others are
    determined; None where the information is singular even then.
    """
    keep = free.copy()
    while keep.any():
        inner = information[np.ix_(keep, keep)]
        variance = _inverse(inner)
        if variance is None:
            return None, free & ~keep
        errors = np.sqrt(np.diag(variance)) / unit[keep]
        if errors.max() <= BOUNDLESS:
            whole = np.zeros_like(information)
            whole[np.ix_(keep, keep)] = variance
            return whole, free & ~keep
        keep[np.flatnonzero(keep)[int(errors.argmax())]] = False
    return np.zeros_like(information), free & ~keep


def _inverse(information: FloatArray) -> FloatArray | None:
    diagonal = np.diag(information)
    if not (np.isfinite(information).all() and (diagonal > 0.0).all()):
        return None
    unit = 1.0 / np.sqrt(diagonal)
    roots, axes = np.linalg.eigh(information * unit[:, None] * unit)
    if roots[0] < 1e-13:
        return None
    return np.asarray((axes / roots) @ axes.T * unit[:, None] * unit, np.float64)


def parameters_of(setting: Setting, theta: FloatArray, covariance: FloatArray | None, level: float) -> tuple[ParameterEstimate, ...]:
    """Natural parameters at covariates of 0 with delta-method standard errors and back-transformed Wald limits."""
    layout, z = setting.layout, normal_quantile(level)
    links: dict[int, tuple[str, str]] = {
        at: (name, link) for at, name, link in zip(layout.intercepts, layout.family.parameters, layout.family.links, strict=True)
    }
    made = []
    for at, coefficient in enumerate(layout.names()):
        name, link = links.get(at, (coefficient, "identity"))
        value, slope = from_predictor(link, float(theta[at]))  # type: ignore[arg-type]
        variance = None if covariance is None else float(covariance[at, at])
        if not variance:
            made.append(ParameterEstimate(name=name, estimate=value, standard_error=None, low=None, high=None))
            continue
        error = math.sqrt(variance)
        ends = [from_predictor(link, float(theta[at]) + s * z * error)[0] for s in (-1.0, 1.0)]  # type: ignore[arg-type]
        made.append(ParameterEstimate(name=name, estimate=value, standard_error=abs(slope) * error, low=min(ends), high=max(ends)))
    return tuple(made)


def groups_of(setting: Setting, name: str) -> dict[str, FloatArray]:
    """The groups whose cure fractions are reported, with their cure covariates: each arm, or covariates at their means."""
    columns = setting.cure
    if not columns.names:
        return {name: np.zeros(0)}
    arms = [arm_column(arm) for arm in setting.patients.arms]
    if all(c in arms for c in columns.names):
        present = [setting.patients.arms[a] for a in np.unique(setting.patients.arm)]
        return {arm: np.array([float(arm_column(arm) == c) for c in columns.names]) for arm in present}
    return {f"{name}, covariates at their means": columns.centre}


def cure_fractions_of(
    setting: Setting,
    found: Climb,
    theta: FloatArray,
    covariance: FloatArray | None,
    *,
    name: str,
    without_cure: float | None,
    profile: bool,
    level: float,
) -> tuple[CureFraction, ...]:
    """The cure fraction of each group with Wald and profile-likelihood limits."""
    layout, made = setting.layout, []
    link = layout.family.links[0]
    for group, values in groups_of(setting, name).items():
        row = np.zeros(layout.size)
        row[0], row[layout.cure_at] = 1.0, values
        x = float(row @ theta)
        estimate, slope = from_predictor(link, x)
        error = math.sqrt(max(float(row @ covariance @ row), 0.0)) if covariance is not None else 0.0
        wald, limits = None, None
        if 0.0 < error < BOUNDLESS:
            ends = [from_predictor(link, x + s * normal_quantile(level) * error)[0] for s in (-1.0, 1.0)]
            wald = Interval(low=min(ends), high=max(ends), level=level)
        if profile:
            centred = found.best.theta.copy()
            if layout.cure:
                # About this group the first coefficient is the group's own predictor.
                centred[0] += float(((values - setting.cure.centre) / setting.cure.scale) @ centred[layout.cure_at])
            limits = profile_interval(
                setting.likelihood(values if layout.cure else None),
                centred,
                found.best.value,
                link=link,
                standard_error=error or None,
                without_cure=without_cure if not layout.cure else None,
                level=level,
                free=setting.free,
                unit=setting.unit,
            )
        made.append(CureFraction(group=group, estimate=estimate, standard_error=abs(slope) * error or None, wald=wald, profile=limits))
    return tuple(made)


def follow_up_of(setting: Setting, models: Mapping[str, Distribution]) -> tuple[SufficientFollowUp, ...]:
    """The follow-up of each group judged, with the share of uncured at its end under the fitted model."""
    made = []
    single = len(models) == 1
    for group, model in models.items():
        arm = group if not single else None
        some = setting.patients if arm is None else setting.patients.for_arm(arm)
        if not (some.event > 0).any():
            continue
        alive, plateau = float(model.survival(some.time.max())), model.plateau()
        share = (alive - plateau) / alive if alive > 0.0 else 1.0
        made.append(sufficient_follow_up(some, uncured_at_end=min(max(share, 0.0), 1.0), cure_fraction=plateau))
    return tuple(made)


def follow_up_warnings(judged: tuple[SufficientFollowUp, ...]) -> tuple[str, ...]:
    """One sentence for each group whose follow-up does not support its cure fraction."""
    made = []
    for one in judged:
        if one.sufficient:
            continue
        reasons = [f"Maller-Zhou alpha = {one.alpha_n:.3g} with {one.events_in_interval} events in the interval"]
        if one.uncured_at_end is not None:
            verdict = "above" if one.uncured_at_end >= LARGEST_RATIO else "below"
            reasons.append(f"{one.uncured_at_end:.1%} of those event-free at the end are not cured, {verdict} {LARGEST_RATIO:.0%}")
        made.append(f"follow-up of {one.arm!r} may be too short to read a cure fraction ({'; '.join(reasons)})")
    return tuple(made)


def cure_warnings(fractions: tuple[CureFraction, ...]) -> tuple[str, ...]:
    """One sentence for each group whose cure fraction the data do not tell from 0.

    The lower limit (profile, else Wald) is held against the smallest cure fraction worth the name, that of RECeUS.
    """
    made = []
    for one in fractions:
        limits = one.limits
        if limits is None or not one.unproven:
            continue
        made.append(
            f"the data do not exclude that nobody of {one.group!r} is cured: the {limits.level:.0%} interval of the cure fraction "
            f"goes from {limits.low:.1%} to {limits.high:.1%}"
        )
    return tuple(made)
