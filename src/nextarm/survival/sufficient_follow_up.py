"""Was follow-up long enough for a cure fraction to be read from a plateau?

Three views of the same question, none of them proof:

- Maller and Zhou (1992, doi 10.1093/biomet/79.4.731; 1994, doi 10.1080/01621459.1994.10476889): with t_n the last time and t*_n
  the last event, N_n events lie in (2 t*_n - t_n, t*_n]. Many events there mean that the events went on up to the start of
  the plateau. alpha_n = (1 - N_n / n)^n is read like a p value of "follow-up is not sufficient"; q_n = N_n / n.
- Shen (2000, doi 10.1016/S0167-7152(00)00063-8) keeps the idea with an interval that is not empty when follow-up ends soon
  after the last event: [g t*_n / t_n, t*_n] with g = w t*_n + (1 - w) t_n and w = 1 - t*_n / t_n.
- RECeUS (Selukar and Othus 2023, doi 10.1002/sim.9610): r_n = S_latency(t_n) / S(t_n), the share of those still followed
  at the end who are not cured, from a fitted cure model. Follow-up suffices where r_n < 0.05 and the cure fraction
  exceeds 0.025.
"""

from __future__ import annotations

import numpy as np

from nextarm.core.errors import RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.survival.selection import chosen
from nextarm.survival.table import Patients

#: alpha_n below this counts as sufficient.
LEVEL = 0.05

#: RECeUS: largest share of uncured among those followed to the end, and smallest cure fraction worth the name.
LARGEST_RATIO, SMALLEST_CURE = 0.05, 0.025


@record
class SufficientFollowUp(Result):
    """Times in years. ``alpha_n`` and ``shen_alpha`` near 0 speak for sufficient follow-up.

    ``uncured_at_end`` is RECeUS' r_n where a cure model was fitted, else None. ``sufficient`` holds where every view that
    could be taken says so.
    """

    arm: str
    n: int
    events: int
    last_time: float
    last_event: float
    events_in_interval: int
    q_n: float
    alpha_n: float
    shen_alpha: float
    uncured_at_end: float | None
    cure_fraction: float | None
    sufficient: bool


def sufficient_follow_up(
    patients: Patients, *, arm: str | None = None, uncured_at_end: float | None = None, cure_fraction: float | None = None
) -> SufficientFollowUp:
    """Judge the follow-up of one arm (or of all patients).

    ``uncured_at_end`` and ``cure_fraction`` come from a fitted cure model and add the RECeUS view. Weights and delayed
    entry do not enter the nonparametric views, which count patients. Refused without events.

    >>> from nextarm.survival import make_patients
    >>> r = sufficient_follow_up(make_patients([1, 2, 3, 4, 10], [1, 1, 1, 1, 0]))
    >>> r.events_in_interval, r.q_n, round(r.alpha_n, 5), r.sufficient
    (4, 0.8, 0.00032, True)
    """
    group, name, notes = chosen(patients, arm)
    happened = group.event > 0
    if not happened.any():
        raise RefusedError("no events", rule="sufficient follow-up is judged by when the events end")
    last, last_event = float(group.time.max()), float(group.time[happened].max())
    early = max(0.0, 2.0 * last_event - last)
    event_time = group.time[happened]
    # An interval that begins at 0 holds events at 0 too.
    inside = int(np.sum((event_time > early) | (early == 0.0)))
    alpha = (1.0 - inside / group.n) ** group.n
    share = last_event / last if last > 0.0 else 1.0
    shens = int(np.sum(event_time >= ((1.0 - share) * last_event + share * last) * share)) if share < 1.0 else 0
    shen = (1.0 - shens / group.n) ** group.n
    views = [alpha < LEVEL]
    if uncured_at_end is not None and cure_fraction is not None:
        views.append(uncured_at_end < LARGEST_RATIO and cure_fraction > SMALLEST_CURE)
    return SufficientFollowUp(
        trail=Trail("Tests of sufficient follow-up: Maller and Zhou, Shen, RECeUS", "10.1093/biomet/79.4.731"),
        warnings=notes,
        arm=name,
        n=group.n,
        events=int(happened.sum()),
        last_time=last,
        last_event=last_event,
        events_in_interval=inside,
        q_n=inside / group.n,
        alpha_n=float(alpha),
        shen_alpha=float(shen),
        uncured_at_end=uncured_at_end,
        cure_fraction=cure_fraction,
        sufficient=all(views),
    )
