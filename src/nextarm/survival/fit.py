"""Fit a survival model, with or without a cure fraction, by maximum likelihood.

Newton's method on exact first and second derivatives from several starts; covariance from the observed information on the
estimation scale; profile-likelihood limits for the cure fraction; a judgement of the follow-up whenever one is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.trail import Trail
from nextarm.survival.fit_checks import refuse_degenerate, warnings_of
from nextarm.survival.fit_design import Columns, Covariates, Layout, columns_of
from nextarm.survival.fit_family import family_of
from nextarm.survival.fit_likelihood import FitData, fit_data
from nextarm.survival.fit_report import covariance_of, cure_fractions_of, cure_warnings, follow_up_of, follow_up_warnings, parameters_of
from nextarm.survival.fit_result import Fit
from nextarm.survival.fit_setting import Climb, Setting, climb
from nextarm.survival.fit_starts import starts
from nextarm.survival.models.family import from_predictor
from nextarm.survival.models.mixture_cure import MixtureCure
from nextarm.survival.models.promotion_time_cure import PromotionTimeCure
from nextarm.survival.selection import chosen, require_level
from nextarm.survival.table import Patients


def fit_model(
    patients: Patients,
    *,
    model: str = "weibull",
    arm: str | None = None,
    location: Covariates = None,
    cure: Covariates = None,
    cuts: Sequence[float] = (),
    cure_link: str = "",
    profile: bool = True,
    level: float = 0.95,
) -> Fit:
    """Fit ``model`` to right-censored, possibly left-truncated and weighted patients.

    ``model`` is a name of :data:`~nextarm.survival.models.MODELS` such as ``"weibull"``, or a cure model around one:
    ``"mixture-cure:weibull"``, ``"promotion-cure:log-normal"``; ``cuts`` (years) belong to ``"piecewise-exponential"``.
    ``arm`` takes the patients of one arm. Covariates act on the location (the log of the scale or rate, or mu) and on the
    cure fraction: ``"arm"``, or a mapping from names to one number for each patient. ``cure_link`` is "logit" (default in
    a mixture) or "log-log" (default in a promotion-time model, where effects are then log hazard ratios). Events of any
    cause count as events. Weights count patients.

    Raises :class:`CallError` for what was asked wrongly, :class:`RefusedError` where the data have no maximum: no events,
    events at a single time under a model that can put all its mass there, an event at time 0 under a model of log time.
    A cure fraction or rate at its boundary 0 is reported as 0 with a warning. References: Kalbfleisch and Prentice 2002,
    doi 10.1002/9781118032985; Venzon and Moolgavkar 1988 (profile limits), doi 10.2307/2347496.

    >>> from nextarm.survival import make_patients
    >>> fit = fit_model(make_patients([1, 2, 3, 4, 5], [1, 1, 0, 1, 0]), model="exponential")
    >>> round(fit.parameter("rate").estimate, 6), round(fit.log_likelihood, 6)
    (0.2, -7.828314)
    """
    level = require_level(level)
    group, name, notes = chosen(patients, arm)
    if isinstance(location, str) or isinstance(cure, str) or len(group.arms) == 1:
        notes = ()
    kind, _, inner = model.rpartition(":")
    family = family_of(model, cuts, cure_link)
    if cure is not None and not kind:
        raise CallError("cure covariates", rule=f"{model} has no cure fraction", cure=f"Use model='mixture-cure:{inner}'")
    cure_columns, location_columns = columns_of(group, cure, "cure"), columns_of(group, location, "location")
    layout = Layout(family, cure_columns.names, location_columns.names)
    data = fit_data(group)
    regression = bool(cure_columns.names or location_columns.names)
    refuse_degenerate(group, data, family, has_cure=bool(kind), regression=regression)
    free = _pieces_with_events(layout, data, [float(c) for c in cuts], bool(kind))
    setting = Setting(group, data, layout, cure_columns, location_columns, free)
    found = climb(setting, starts(group, data, layout))
    without = _without_cure(setting, inner, cuts) if kind == MixtureCure.name else None
    if kind == PromotionTimeCure.name:
        _refuse_vanished(setting, found, inner)
    if without is not None and not cure_columns.names and found.best.value <= without.best.value + 1e-7:
        setting, found = _no_cure(setting, without)
    return _report(
        setting,
        found,
        model=model,
        name=name,
        cuts=tuple(float(c) for c in cuts),
        cure_link=family.links[0] if kind else "",
        without_cure=without.best.value if without else None,
        notes=notes,
        profile=profile,
        level=level,
    )


def _pieces_with_events(layout: Layout, data: FitData, cuts: Sequence[float], has_cure: bool) -> NDArray[np.bool_]:
    """Which coefficients are free: the rate of a piece without events is 0 and no longer estimated."""
    free = np.ones(layout.size, bool)
    pieces = [(at, name) for at, name in zip(layout.intercepts, layout.family.parameters, strict=True) if name.startswith("rate[")]
    if not pieces:
        return free
    ends = [*cuts, np.inf]
    times = np.concatenate([data.events.times, data.censored.times])
    for (at, _), start, end in zip(pieces, [0.0, *cuts], ends, strict=True):
        if not np.any(times > start):
            raise CallError(f"cuts = {list(cuts)}", rule=f"nobody is followed beyond {start:g} years", cure="Leave that cut out")
        if not np.any((data.events.times >= start) & (data.events.times < end)):
            if has_cure:
                raise RefusedError(
                    f"no events from {start:g} to {end:g} years", rule="a cure fraction is not identified then", cure="Leave that cut out"
                )
            free[at] = False
    return free


def _without_cure(setting: Setting, inner: str, cuts: Sequence[float]) -> Climb | None:
    """The fit of the latency model alone, the limit of the mixture at a cure fraction of 0; None where it has no maximum."""
    layout = Layout(family_of(inner, cuts), (), setting.location.names)
    alone = Setting(
        setting.patients, setting.data, layout, Columns((), setting.cure.values[:, :0]), setting.location, np.ones(layout.size, bool)
    )
    try:
        return climb(alone, starts(setting.patients, setting.data, layout))
    except RefusedError:
        return None


def _no_cure(setting: Setting, without: Climb) -> tuple[Setting, Climb]:
    """The mixture at its boundary: cure fraction 0, the other coefficients those of the model without cure."""
    free = setting.free.copy()
    free[0] = False
    held = replace(setting, free=free)
    theta = held.held(np.concatenate([[0.0], without.best.theta]))
    return held, Climb(replace(without.best, theta=theta, at=held.likelihood()(theta)), without.starts, without.agreeing)


def _refuse_vanished(setting: Setting, found: Climb, inner: str) -> None:
    """A promotion-time model whose cure fraction runs to 0 has no maximum."""
    if setting.cure.names:
        return
    _, boundless = covariance_of(-found.best.at.hessian, setting.free, setting.unit)
    if boundless[0] or from_predictor(setting.layout.family.links[0], float(found.best.theta[0]))[0] < 1e-6:
        raise RefusedError(
            "the promotion-time model has no maximum on these data: its cure fraction runs to 0",
            rule="nothing speaks for a cure",
            cure=f"Use model={inner!r} or 'mixture-cure:{inner}'",
        )


def _report(
    setting: Setting,
    found: Climb,
    *,
    model: str,
    name: str,
    cuts: tuple[float, ...],
    cure_link: str,
    without_cure: float | None,
    notes: tuple[str, ...],
    profile: bool,
    level: float,
) -> Fit:
    layout, group = setting.layout, setting.patients
    T = layout.back(setting.cure, setting.location)
    inner, boundless = covariance_of(-found.best.at.hessian, setting.free, setting.unit)
    theta = T @ found.best.theta
    covariance = None if inner is None else T @ inner @ T.T
    names = layout.names()
    zeros = tuple(names[at] for at in np.flatnonzero(~setting.free))
    runs = tuple(names[at] for at in np.flatnonzero(boundless))
    made = [*notes, *warnings_of(group, setting.data, layout.size)]
    made += [f"{zero} stands at its boundary: the estimate is 0" for zero in _natural(setting)]
    if runs:
        made.append(f"{', '.join(runs)} run to infinity or are not determined by these data: no standard error")
    if inner is None:
        made.append("the information matrix is singular: the data do not determine all parameters")
    if found.agreeing < 2 and found.starts > 1:
        made.append(f"only 1 of {found.starts} starts reached this maximum")
    fit = Fit(
        trail=Trail(f"Maximum likelihood, {model}", "10.1002/9781118032985", inputs=(f"{group.n} {group.origin} patients of {name}",)),
        model=model,
        arm=name,
        origin=group.origin,
        n=group.n,
        events=group.events,
        cuts=cuts,
        cure_link=cure_link,
        cure_covariates=setting.cure.names,
        location_covariates=setting.location.names,
        coefficient_names=names,
        coefficients=theta,
        covariance=covariance,
        fixed=(*zeros, *runs),
        parameters=parameters_of(setting, theta, covariance, level),
        cure_fractions=(),
        follow_up=(),
        log_likelihood=found.best.value,
        aic=2.0 * layout.size - 2.0 * found.best.value,
        bic=float(np.log(group.n)) * layout.size - 2.0 * found.best.value,
        converged=found.best.converged,
        starts=found.starts,
        starts_agreeing=found.agreeing,
        largest_gradient=float(np.abs(found.best.at.gradient[setting.free]).max()) if setting.free.any() else 0.0,
        level=level,
        reference_arm=group.arms[int(group.arm.min())],
    )
    if not cure_link:
        return replace(fit, warnings=(*made, *_plateau_note(fit)))
    fractions = cure_fractions_of(setting, found, theta, covariance, name=name, without_cure=without_cure, profile=profile, level=level)
    if profile and any(f.profile is None for f in fractions):
        made.append("profile limits of the cure fraction could not be followed: the likelihood is too flat")
    by_arm = len(fractions) > 1
    judged = follow_up_of(setting, {f.group: fit.distribution(arm=f.group if by_arm else None) for f in fractions})
    return replace(
        fit, warnings=(*made, *cure_warnings(fractions), *follow_up_warnings(judged)), cure_fractions=fractions, follow_up=judged
    )


def _natural(setting: Setting) -> tuple[str, ...]:
    """Names of the natural parameters that stand at 0."""
    layout = setting.layout
    return tuple(name for at, name in zip(layout.intercepts, layout.family.parameters, strict=True) if not setting.free[at])


def _plateau_note(fit: Fit) -> tuple[str, ...]:
    """A model without a cure fraction of its own can still level off."""
    plateau = fit.distribution().plateau()
    return (f"the fitted curve levels off at {plateau:.4g}",) if plateau > 0.0 else ()
