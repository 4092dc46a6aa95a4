"""What a request to pool asks for: studies of a file, rows of the evidence, counts, or whole curves; and what it may not mix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nextarm.core.errors import CallError
from nextarm.evidence import Package
from nextarm.synthesis.curve import PooledCurve
from nextarm.synthesis.increments import IncrementCurve
from nextarm.synthesis.pool import PooledEstimate, pool
from nextarm.synthesis.proportions import PooledProportion, pool_proportions
from nextarm.synthesis.read import read_studies
from nextarm.synthesis.read_curves import pool_curves
from nextarm.synthesis.regression import MetaRegression, meta_regression
from nextarm.synthesis.select import leave_out, pool_evidence, select_rows
from nextarm.synthesis.several_times import SeveralTimes

Pooled = PooledEstimate | MetaRegression | PooledProportion | PooledCurve | SeveralTimes | IncrementCurve


def pool_any(
    data: Any,
    *,
    package: Callable[[], Package],
    endpoint: str | None,
    pool_set: str | None,
    time: float | None,
    window: float,
    time_origin: str | None,
    assume_origin: bool,
    measure: str,
    method: str,
    interval: str,
    prediction: str,
    level: float,
    moderators: tuple[str, ...],
    percent: bool,
    model: str,
    curves: str | Path | None,
    curve_model: str,
    times: Iterable[float] | None,
    unit: str,
    without: Iterable[str] = (),
    package_named: bool = False,
) -> Pooled:
    """Pool what is asked for, as :func:`nextarm.verbs.pool` describes; :class:`CallError` for requests that contradict themselves.

    ``package`` is called only where rows of the evidence are wanted.
    """
    probability, without = measure in ("cloglog", "logit"), tuple(without)
    if package_named and (data is not None or curves is not None):
        raise CallError("package and studies of a file", rule="a package holds evidence rows, a file its own studies", cure="Give one")
    if without and not pool_set:
        raise CallError("without", rule="leaves arms out of a pool set of the evidence", cure="Give --pool-set too")
    if curves is not None:
        if data is not None or endpoint or pool_set or moderators:
            raise CallError("curves were given with other studies or moderators", rule="curves are pooled on their own")
        return pool_curves(curves, model=curve_model, times=times, unit=unit, percent=percent, level=level, method=method)
    if times is not None:
        raise CallError("times", rule="belong to curves", cure="Give --curves, or one --time of the evidence")
    if model != "normal":
        if data is None or moderators:
            raise CallError(f"model = {model!r}", rule="pools events of n from a file, without moderators", cure="Give a file of counts")
        counted = read_studies(data, percent=percent, level=level)
        return pool_proportions(counted, model=model, level=level)
    if data is not None:
        if endpoint or pool_set or time is not None:
            raise CallError("both data and a selection of evidence were given", rule="give one of the two")
        studies = read_studies(data, percent=percent, level=level, probability=probability, moderators=moderators)
        base = None
    elif endpoint and pool_set:
        chosen = select_rows(
            package(),
            pool_set=pool_set,
            endpoint=endpoint,
            time=time,
            window=window,
            time_origin=time_origin,
            assume_origin=assume_origin,
        )
        if not moderators and time is not None:
            return pool_evidence(
                package(), pool_set=pool_set, endpoint=endpoint, time=time, window=window, time_origin=time_origin,
                assume_origin=assume_origin, without=without, measure=measure, method=method, interval=interval, prediction=prediction,
                level=level,
            )  # fmt: skip
        chosen = leave_out(chosen, package(), without)
        studies, base, probability = chosen.studies, chosen.trail(), True
    else:
        rule = "give a file of studies, or a pool set and an endpoint of the evidence"
        raise CallError("nothing to pool", rule=rule, cure="For example --pool-set frontline-kmt2a-r --endpoint EFS --time 4")
    if moderators:
        return meta_regression(
            studies,
            moderators=moderators,
            measure=measure,
            method=method,
            interval=interval,
            level=level,
            probability=probability,
            base=base,
        )
    return pool(
        studies, measure=measure, method=method, interval=interval, prediction=prediction, level=level, probability=probability, base=base
    )
