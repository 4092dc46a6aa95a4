"""Several designs that OS guards decide on the same virtual trials, which are drawn once and seen at the looks of all.

What a trial shows after a time does not depend on who looks at it, nor on the other looks; designs that differ in their guard alone say the
same of EFS, and equal guards of OS pass the same trials. So each design's counts are those
that :func:`~nextarm.simulation.run.simulate` gives it alone; a test says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.core.random import blocks_of
from nextarm.designs.plan import Plan
from nextarm.designs.toml_text import toml_text
from nextarm.simulation.characteristics import OperatingCharacteristics
from nextarm.simulation.guarded_block import GuardedPrepared, Once, at_looks, guarded_prepared
from nextarm.simulation.run import characteristics_of
from nextarm.simulation.totals import Totals


def simulate_guarded(plans: Sequence[Plan], *, trials: int, seed: int) -> tuple[OperatingCharacteristics, ...]:
    """The operating characteristics of each of ``plans``, all with ``[design.os_guard]``, in their order.

    Plans with the same truths of EFS and OS share their trials; others have their own. Errors as in ``simulate``.
    """
    made = [guarded_prepared(plan) for plan in plans]
    totals = [Totals(len(m.truths), m.looks, m.sum_rows, each=False) for m in made]
    groups: dict[object, list[int]] = {}
    for i, m in enumerate(made):
        groups.setdefault(_what_is_drawn(m), []).append(i)
    for group in groups.values():
        times = sorted({time for i in group for time in made[i].times})
        looks = {i: np.array([times.index(time) for time in made[i].times]) for i in group}
        for block, size in blocks_of(trials):
            seen, once = made[group[0]].seen(times, seed=seed, block=block, trials=size), Once()
            for i in group:
                own = [(at_looks(efs, looks[i]), at_looks(os, looks[i])) for efs, os in seen]
                totals[i].add(size, made[i].counted(own, once, seed=seed, block=block))
    return tuple(characteristics_of(m, seed, None, total) for m, total in zip(made, totals, strict=True))


def _what_is_drawn(made: GuardedPrepared) -> object:
    """All that what is seen depends on: the plan without its design, how many are saved after an event, where restricted means end."""
    data = {key: table for key, table in made.plan.to_data().items() if key != "design"}
    limits = tuple((truth.limits.tobytes(), truth.shares) for truth in made.truths)
    tau = made.own.schedule.measured.tau
    return toml_text(data), limits, tau, made.guard.after_event, tuple(share.tobytes() for share in made.salvage)
