"""Dose finding, many trials at once: what BOIN and rolling six do with given luck, and the dose they choose.

A patient's luck is a uniform number: the toxic event (dose-limiting toxicity, DLT) happens where it falls below the true rate of the dose
given, so that trials of different rates share their luck. Doses are numbered from the lowest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.boin import BoinTable
from nextarm.designs.rolling_six import MOST_AT_DOSE
from nextarm.designs.seam import BoolArray


@dataclass(frozen=True)
class DoseTrials:
    """What became of many trials: ``chosen`` (trials,) the dose, -1 for none; ``patients`` and ``toxic`` (trials, doses).

    ``duration`` in years until the choice; ``turned_away`` patients who came while the trial was on hold; ``decided`` False where the
    patients ran out before the rule had come to its end.
    """

    chosen: IntArray
    patients: IntArray
    toxic: IntArray
    duration: FloatArray
    turned_away: IntArray
    decided: BoolArray


def boin_trials(
    chance: FloatArray,
    entry: FloatArray,
    rates: FloatArray,
    *,
    table: BoinTable,
    target: float,
    eliminate: float,
    cohort: int,
    start: int,
    enough: int | None,
    window: float,
    lowest: float | None = None,
) -> DoseTrials:
    """BOIN in cohorts of ``cohort``; the next cohort waits until the last is observed for ``window`` years.

    ``table`` is for every number of patients from 1 to those of ``chance`` (or those that can be met).
    ``chance`` and ``entry`` (trials, patients): luck, and when each patient would come if the trial were always open. Waiting
    shifts all later patients: nobody is turned away. ``enough``: stop once a dose has so many patients and the rule stays at it, as the
    authors' program does.
    ``lowest``: the lowest dose is closed above this posterior probability of a rate above the target already, from 3 patients on.
    """
    from scipy.special import betainc

    trials, most = chance.shape
    doses = len(rates)
    up, down, close = np.full(most + 1, -1), np.full(most + 1, most + 1), np.full(most + 1, most + 1)
    sizes = np.asarray(table.sizes)
    up[sizes], down[sizes], close[sizes] = table.escalate, table.deescalate, [most + 1 if c is None else c for c in table.close]
    rows, dose, open_doses = np.arange(trials), np.full(trials, start), np.full(trials, doses)
    patients, toxic = np.zeros((trials, doses), np.int64), np.zeros((trials, doses), np.int64)
    going, clock = np.ones(trials, np.bool_), np.zeros(trials)
    before = np.zeros(trials)
    for first in range(0, most, cohort):
        end = min(first + cohort, most)
        here = rows[going]
        d = dose[here]
        events = (chance[here, first:end] < rates[d][:, None]).sum(axis=1)
        patients[here, d] += end - first
        toxic[here, d] += events
        clock[here] += entry[here, end - 1] - before[here] + window
        before[here] = entry[here, end - 1]
        n, y = patients[here, d], toxic[here, d]
        closed = y >= close[n]
        if lowest is not None:
            closed |= (d == 0) & (n >= 3) & (1.0 - betainc(y + 1.0, n - y + 1.0, target) > lowest)
        open_doses[here] = np.where(closed, np.minimum(open_doses[here], d), open_doses[here])
        rise = (y <= up[n]) & (d + 1 < open_doses[here])
        fall = (y >= down[n]) & (d > 0) & ~rise
        dose[here] = d + rise - fall
        over = open_doses[here] == 0  # the lowest dose is closed, and all with it
        if enough is not None:
            over |= (n >= enough) & (dose[here] == d)
        going[here] = ~over
        if not going.any():
            break
    chosen = boin_choice(patients, toxic, target=target, eliminate=eliminate)
    chosen = np.where(open_doses == 0, -1, chosen)
    return DoseTrials(chosen, patients, toxic, clock, np.zeros(trials, np.int64), np.ones(trials, np.bool_))


def boin_choice(patients: IntArray, toxic: IntArray, *, target: float, eliminate: float) -> IntArray:
    """The dose whose isotonic estimate is nearest to ``target``, -1 for none; arrays (trials, doses).

    Only doses that were given and are not closed; estimates (toxic + .05) / (patients + .1), weighted by the inverse beta variance,
    ties to the lower dose above the target and the higher below it (Yan et al. 2020, doi 10.18637/jss.v094.i13).
    """
    from scipy.special import betainc

    over = (patients >= 3) & (1.0 - betainc(toxic + 1.0, patients - toxic + 1.0, target) > eliminate)
    usable = (patients > 0) & (np.cumsum(over, axis=1) == 0)
    a, b = toxic + 0.05, patients - toxic + 0.05
    estimate, total = a / (a + b), a + b
    weight = np.where(usable, total * total * (total + 1.0) / (a * b), 0.0)
    smooth = isotonic(np.where(usable, estimate, 0.0), weight) + 1e-10 * (1.0 + np.arange(patients.shape[1]))
    gap = np.where(usable, np.abs(smooth - target), np.inf)
    return np.where(usable.any(axis=1), np.argmin(gap, axis=1), -1).astype(np.int64)


def isotonic(values: FloatArray, weight: FloatArray) -> FloatArray:
    """The nearest rising rows to ``values`` (rows, columns) by weighted squares: max over starts of min over ends of mean.

    Columns without weight take no part.
    """
    columns = values.shape[1]
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values * weight, axis=1)], axis=1)
    weights = np.concatenate([np.zeros((len(values), 1)), np.cumsum(weight, axis=1)], axis=1)
    made = np.empty_like(values)
    for j in range(columns):
        best = np.full(len(values), -np.inf)
        for i in range(j + 1):
            w = weights[:, j + 1 :] - weights[:, i : i + 1]
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = np.where(w > 0.0, (sums[:, j + 1 :] - sums[:, i : i + 1]) / w, np.inf)
            low = mean.min(axis=1)
            best = np.where(np.isfinite(low), np.maximum(best, low), best)
        made[:, j] = best
    return made


def rolling_six_trials(
    chance: FloatArray, entry: FloatArray, moment: FloatArray, rates: FloatArray, *, start: int, window: float
) -> DoseTrials:
    """Rolling six: each patient who comes is placed by what is known then, or turned away while the trial is on hold.

    ``moment`` (trials, patients): the share of ``window`` at which a toxic event happens. A dose is chosen once six patients have had at
    most one toxic event and no higher dose is open; with the highest open dose three free of it go on to six.
    """
    trials, comers = chance.shape
    doses = len(rates)
    rows = np.arange(trials)
    dose, open_doses = np.full(trials, start), np.full(trials, doses)
    given = np.full((trials, comers), -1)
    harmed, known = np.zeros((trials, comers), np.bool_), np.full((trials, comers), np.inf)
    going, end = np.ones(trials, np.bool_), np.zeros(trials)
    chosen, turned, decided = np.full(trials, -1), np.zeros(trials, np.int64), np.zeros(trials, np.bool_)

    def settle(now: FloatArray, upto: int) -> BoolArray:
        """Move every trial as far as what is known ``now`` moves it; True where the next patient is to be placed."""
        place = np.zeros(trials, np.bool_)
        moving = going.copy()
        while moving.any():
            same = given[:, :upto] == dose[:, None]
            seen = known[:, :upto] <= now[:, None]
            n, dlt = same.sum(axis=1), (same & harmed[:, :upto] & seen).sum(axis=1)
            pending = (same & ~seen).sum(axis=1)
            act = rolling_six_actions(n, dlt, pending)
            up = moving & (act == 1)
            ends = up & (dose + 1 >= open_doses) & (n == MOST_AT_DOSE)
            stay = moving & ((act == 0) | (up & (dose + 1 >= open_doses) & (n < MOST_AT_DOSE)))
            hold, down = moving & (act == 2), moving & (act == -1)
            place |= stay
            resolved = np.where(seen & same, known[:, :upto], 0.0).max(axis=1, initial=0.0)
            # a stop for toxicity below comes back to patients of long ago: the time is that of the last thing learnt
            lately = np.maximum(end, resolved)
            end[moving & ~hold & ~stay] = lately[moving & ~hold & ~stay]
            chosen[ends], decided[ends], going[ends] = dose[ends], True, False
            rise = up & ~ends & ~stay
            dose[rise] += 1
            open_doses[down] = dose[down]
            dose[down] -= 1
            out = down & (dose < 0)
            decided[out], going[out] = True, False
            dose[out] = 0
            moving = rise | (down & ~out)
        return place

    for i in range(comers):
        now = entry[:, i]
        place = settle(now, i)
        turned += going & ~place
        here = rows[place]
        given[here, i] = dose[here]
        bad = chance[here, i] < rates[dose[here]]
        harmed[here, i] = bad
        known[here, i] = now[here] + window * np.where(bad, moment[here, i], 1.0)
        if not going.any():
            break
    last = np.where(np.isfinite(known), known, 0.0).max(axis=1)
    settle(np.full(trials, np.inf), comers)
    end = np.where(decided, end, last)
    patients = np.stack([(given == d).sum(axis=1) for d in range(doses)], axis=1)
    toxic = np.stack([((given == d) & harmed).sum(axis=1) for d in range(doses)], axis=1)
    return DoseTrials(chosen, patients, toxic, end, turned, decided)


def rolling_six_actions(enrolled: IntArray, dlt: IntArray, pending: IntArray) -> IntArray:
    """:func:`~nextarm.designs.rolling_six.rolling_six` for arrays: -1 de-escalate, 0 stay, 1 escalate, 2 hold."""
    full = enrolled == MOST_AT_DOSE
    rise = ((dlt + pending == 0) & (enrolled >= 3)) | (full & (dlt + pending <= 1))
    return np.where(dlt >= 2, -1, np.where(rise, 1, np.where(full, 2, 0))).astype(np.int64)
