"""What a prior is worth in events and in patients, with the conversion said.

An effective sample size is in units of one observation of its sampling model: one patient followed to the time (beta), one
year of follow-up (gamma), one event (normal on a log hazard: the information of d events is d). The others follow:

- survival or cure fraction, beta: events = patients x (1 - mean);
- event probability, beta: events = patients x mean;
- rate, gamma: events = years x mean rate; patients = years / expected follow-up within ``horizon`` years,
  ``(1 - exp(-rate horizon)) / rate`` at the mean rate (exponential times, nobody lost);
- log hazard, normal: patients = events / (1 - exp(-hazard horizon)) at the median hazard.
"""

from __future__ import annotations

import math

from nextarm.borrowing.beta_mixture import BetaMixture
from nextarm.borrowing.ess import METHODS, effective_sample_size
from nextarm.borrowing.gamma_mixture import GammaMixture
from nextarm.borrowing.normal_mixture import NormalMixture
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import record
from nextarm.core.units import require_positive

#: Kinds of parameter a prior can be of.
SURVIVAL, PROBABILITY, RATE, LOG_HAZARD, CURE, MEAN = (
    "survival", "event-probability", "event-rate", "log-hazard", "mixture-cure", "mean",
)  # fmt: skip
PARAMETERS: tuple[str, ...] = (SURVIVAL, PROBABILITY, RATE, LOG_HAZARD, "piecewise-hazards", CURE, MEAN)


@record
class Worth:
    """An effective sample size by one definition; a field is None where it cannot be said, ``why`` then tells."""

    method: str
    patients: float | None
    events: float | None
    years: float | None
    conversion: str
    why: str = ""


def worth(
    mixture: BetaMixture | GammaMixture | NormalMixture, *, parameter: str, horizon: float | None = None, sigma: float | None = None
) -> tuple[Worth, ...]:
    """What ``mixture`` of a ``parameter`` is worth by each definition of an effective sample size.

    ``horizon`` is the follow-up in years that a patient will have (needed for patients from rates and hazards); ``sigma`` the
    standard deviation of one patient's observation (means only).

    >>> from nextarm.borrowing.beta_mixture import beta_mixture
    >>> first = worth(beta_mixture([1.0], [15.0], [5.0]), parameter="survival")[0]
    >>> first.method, round(first.patients, 6), round(first.events, 6)
    ('elir', 20.0, 5.0)
    """
    if parameter not in PARAMETERS:
        raise CallError(f"parameter = {parameter!r}", rule=f"must be one of {', '.join(PARAMETERS)}")
    if horizon is not None:
        require_positive(horizon, "horizon", "years")
    made = []
    for method in METHODS:
        try:
            made.append(_one(mixture, method, parameter, horizon, sigma))
        except RefusedError as refusal:
            made.append(Worth(method=method, patients=None, events=None, years=None, conversion="", why=str(refusal)))
    return tuple(made)


def _one(
    mixture: BetaMixture | GammaMixture | NormalMixture, method: str, parameter: str, horizon: float | None, sigma: float | None
) -> Worth:
    if isinstance(mixture, BetaMixture):
        patients, mean = effective_sample_size(mixture, method=method), mixture.mean()
        if patients <= 0.0:
            why = f"{method} would be {patients:.3g}: the density of the prior is highest at the edge of its range"
            raise RefusedError(why, cure="Use another definition")
        if parameter == PROBABILITY:
            return Worth(
                method=method, patients=patients, events=patients * mean, years=None, conversion=f"events = patients x mean {mean:.3f}"
            )
        return Worth(
            method=method, patients=patients, events=patients * (1.0 - mean), years=None,
            conversion=f"events = patients x (1 - mean {mean:.3f})",
        )  # fmt: skip
    if isinstance(mixture, GammaMixture):
        years, mean = effective_sample_size(mixture, method=method), mixture.mean()
        events, said = years * mean, f"events = years x mean rate {mean:.3g}"
        if horizon is None:
            return Worth(method=method, patients=None, events=events, years=years, conversion=said, why="patients need --horizon")
        each = -math.expm1(-mean * horizon) / mean
        return Worth(
            method=method, patients=years / each, events=events, years=years,
            conversion=f"{said}; patients = years / {each:.3g}, the follow-up expected in {horizon:g} years",
        )  # fmt: skip
    if parameter == LOG_HAZARD:
        events = effective_sample_size(mixture, method=method, sigma=1.0)
        if horizon is None:
            said = "one event is worth 1 on the log hazard"
            return Worth(method=method, patients=None, events=events, years=None, conversion=said, why="patients need --horizon")
        share = -math.expm1(-math.exp(mixture.quantile(0.5)) * horizon)
        said = f"patients = events / {share:.3f}, the share with an event in {horizon:g} years at the median hazard"
        return Worth(method=method, patients=events / share, events=events, years=None, conversion=said)
    if sigma is None:
        why = "a mean needs the standard deviation of one patient's observation (--sigma)"
        return Worth(method=method, patients=None, events=None, years=None, conversion="", why=why)
    return Worth(
        method=method, patients=effective_sample_size(mixture, method=method, sigma=sigma), events=None, years=None,
        conversion=f"one patient has standard deviation {sigma:g}",
    )  # fmt: skip
