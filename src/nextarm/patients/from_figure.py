"""A figure that was read, or a curve that was saved, as the input of a reconstruction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.figures import FigureReading, at_risk_columns, curve_columns, tick_columns
from nextarm.figures.reading import CurveReading
from nextarm.patients.picture import Visible, cleaned
from nextarm.patients.reconstruct import reconstruct as rebuild
from nextarm.patients.record import Reconstruction
from nextarm.patients.tables import Rows, by_arm, match_arms, read_columns
from nextarm.patients.traced import Columns, Picture, SavedCurve, saved_curve, traced_of


def reconstruct(curve: Any, **options: Any) -> Reconstruction:
    """:func:`nextarm.patients.reconstruct` for a curve in any form, a figure that was read or a curve that was saved among them.

    A :class:`SavedCurve`, or the path of one (``NAME.curve.csv`` of a study, ``curves.csv`` of ``read-figure``), is taken with the
    files saved beside it, so that it gives the patients that the figure gave; what ``options`` give counts more.

    Of a picture, drops that no death makes and marks for which the numbers at risk leave no room are left out first
    (:mod:`nextarm.patients.picture`), and readings are as coarse as a pixel. If no numbers of deaths fit all the same, the marks read
    from the figure (not those given in ``options``) are left out for the arms that do not fit. ``warnings`` say so.
    :class:`CallError` if nothing tells the unit of time.
    """
    source = saved_curve(curve) or curve if isinstance(curve, str | Path) else curve
    if not isinstance(source, FigureReading | SavedCurve):
        return rebuild(source, **options)
    traced = traced_of(source)
    beside = {Path(name).absolute() for name in traced.inputs}
    options = {name: value for name, value in options.items() if not (isinstance(value, str | Path) and Path(value).absolute() in beside)}
    ours = traced.about.read_from == "figure" and "ticks" not in options
    given: dict[str, Any] = {"unit": traced.about.unit, "at_risk": traced.at_risk, "ticks": traced.ticks} | traced.printed | options
    if given["unit"] is None:
        what = "the figure does not say its time unit" if traced.about.read_from else "the curve does not say the unit of its times"
        raise CallError(what, rule="must be years, months, weeks or days", cure="Give it: --unit months")
    columns, said = traced.curve, list[str]()
    if traced.about.read_from == "figure":
        given = {"points": "corners"} | given
    if traced.about.picture is not None:
        columns, given, said = _of_picture(columns, given, traced.about.picture, ours=ours)
    while True:
        try:
            made = rebuild(columns, **given)
        except RefusedError as error:
            arms = set(given["ticks"]["arm"]) if ours and given["ticks"] else set()
            misfits = {arm for arm in arms for p in error.problems if p.where == f"arm {arm}"}
            if not misfits:
                raise
            said += [
                f"arm {arm}: the censoring marks read from the figure do not fit its curve and were left out" for arm in sorted(misfits)
            ]
            given["ticks"] = _without(given["ticks"], misfits)
        else:
            trail = replace(made.trail, inputs=traced.inputs) if traced.inputs else made.trail
            return replace(made, trail=trail, warnings=(*made.warnings, *said))


def _of_picture(columns: Columns, given: dict[str, Any], picture: Picture, *, ours: bool) -> tuple[Columns, dict[str, Any], list[str]]:
    """The curve with what patients can have made, options with the pixel's half-widths, and what was left out.

    ``ours``: the marks were read from the picture, so that those for which there is no room are left out.
    """
    arms = by_arm(read_columns(columns, ("time", "survival"), what="curve"), ("time", "survival"))
    names = tuple(arms)

    def table(name: str, needed: tuple[str, ...]) -> dict[str, Rows]:
        return {} if given[name] is None else match_arms(by_arm(read_columns(given[name], needed, what=name), needed), names, name)

    risks, marks = table("at_risk", ("time", "at_risk")), table("ticks", ("time",))
    panel, kept, said = Visible(lowest=picture.lowest, latest=picture.latest), list[CurveReading](), list[str]()
    for name, rows in arms.items():
        curve, left, left_out, away = cleaned(_as_read(name, rows, risks.get(name), marks.get(name), picture), panel)
        kept.append(replace(curve, ticks=left, tick_low=np.ones(len(left), np.int64)))
        if away:
            said.append(f"arm {name}: the curve leaves the axis at {curve.end_time:g}: patients followed beyond are censored there")
        if left_out and ours:
            said.append(f"arm {name}: {left_out} of the censoring marks read are more than the numbers at risk leave, and were left out")
    finest = max(a.time for a in picture.arms.values()), min(max(min(a.survival for a in picture.arms.values()), 1e-4), 0.05)
    found: dict[str, Any] = {"at_risk": at_risk_columns(kept)} | ({"ticks": tick_columns(kept)} if ours else {})
    return curve_columns(kept), {"resolution": finest} | given | {k: v if v["arm"] else None for k, v in found.items()}, said


def _as_read(name: str, rows: Rows, risk: Rows | None, marks: Rows | None, picture: Picture) -> CurveReading:
    """An arm as its reader gave it: its last row is the end of the line where that is level."""
    time, survival = rows["time"], rows["survival"]
    corners = len(time) - int(len(time) > 1 and survival[-1] == survival[-2])
    fine = picture.arms.get(name) or max(picture.arms.values(), key=lambda a: a.time)
    ticks, none = marks["time"] if marks else np.zeros(0), np.zeros(0)
    one = np.ones(len(ticks), np.int64)
    return CurveReading(
        arm=name, named_by=None, colour="", dash="", time=time[:corners], survival=survival[:corners], end_time=float(time[-1]),
        ticks=ticks, tick_low=one, tick_high=one, at_risk_times=risk["time"] if risk else none, at_risk=risk["at_risk"] if risk else none,
        band=np.full(corners, fine.survival), time_band=fine.time,
    )  # fmt: skip


def _without(columns: Columns, arms: set[str]) -> Columns | None:
    """Columns of marks without those of some arms; None if none is left."""
    keep = [k for k, arm in enumerate(columns["arm"]) if arm not in arms]
    return {name: [values[k] for k in keep] for name, values in columns.items()} if keep else None
