"""Power of the log-rank test by the average hazard ratio, where the hazard ratio is constant in pieces of time.

In piece k the log hazard ratio b_k is estimated from e0_k and e1_k expected events with information
(1 / e0_k + 1 / e1_k)^-1. The average sum(e_k b_k) / sum(e_k) is tested with the information r0 r1 sum(e_k) under the null
and the sum of the pieces' under the alternative (Mukhopadhyay and others 2020, doi 10.1080/10543406.2020.1815035).
"""

from __future__ import annotations

import math

import numpy as np

from nextarm.designs.expected_events import integration_breaks
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.quadrature import follow_up_nodes
from nextarm.designs.setting import Setting
from nextarm.designs.truths import break_points


def average_hazard_ratio_power(setting: Setting, *, alpha: float, margin: float = 1.0) -> float | None:
    """Power in ``setting``; None where the hazard ratio changes within a piece."""
    from scipy.special import ndtr

    control, new = setting.truths[setting.control], setting.truths[setting.experimental]
    time, share = setting.analysis_time, setting.shares[setting.experimental]
    cuts = sorted({*break_points(control), *break_points(new)})
    s, w = follow_up_nodes(time, [*integration_breaks((control, new), setting.accrual, time), *cuts])
    inside = w * setting.accrual.entered(time - s) * setting.accrual.still_in(s)
    deaths = [part * inside * np.asarray(m.density(s)) for part, m in ((1.0 - share, control), (share, new))]
    h0, h1 = (np.asarray(m.hazard(s), np.float64) for m in (control, new))
    piece = np.searchsorted(np.array(cuts), s, side="right")
    events = total = information = 0.0
    for k in np.unique(piece):
        here = piece == k
        e0, e1 = (float(d[here].sum()) for d in deaths)
        if e0 <= 1e-12 or e1 <= 1e-12:
            continue
        b = np.log(h1[here] / h0[here])
        if float(np.ptp(b)) > 1e-6:
            return None
        events += e0 + e1
        total += (e0 + e1) * float(b.mean())
        information += 1.0 / (1.0 / e0 + 1.0 / e1)
    if events <= 0.0:
        return alpha
    theta = math.log(margin) - total / events
    return float(ndtr(math.sqrt(information) * (theta - z_of(alpha) / math.sqrt(share * (1.0 - share) * events))))
