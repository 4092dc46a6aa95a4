"""A trial over calendar time: one line a patient from entry to event, dropout or end of follow-up, looks as upright lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.direct import line_key
from nextarm.report.charts.frame import NARROW, WIDE, Frame, axis_x, both, finish, marks_of, pixel, text_layer
from nextarm.report.charts.palette import DASHES, SERIES, sentinel
from nextarm.report.charts.rows import Names
from nextarm.report.document import Chart, Column, DataTable, Inline, Parts, Play, Row, number, say

#: Lines beyond which a patient's is no longer seen; more patients are thinned evenly.
MOST_LINES = 240
#: The axis goes on a little after the last look.
AIR = 1.02
OUTCOMES = ("event", "dropout", "followed")


@dataclass(frozen=True)
class PatientLine:
    """A patient: calendar ``start`` and ``end`` (years), the arm's position, and ``event``, ``dropout`` or ``followed``."""

    start: float
    end: float
    arm: int
    outcome: str


def calendar(
    patients: Sequence[PatientLine],
    *,
    arms: Sequence[str],
    looks: Sequence[tuple[float, str]],
    planned: int = 0,
    id: str,
    title: str,
    trail: Trail,
    caption: Inline | Parts = (),
) -> Chart:
    """Draw ``patients`` in the order of entry (the first on top) and ``looks`` (time, label) of up to four arms.

    The trial ends at the last of the looks; ``planned`` is how many there were to be (0: not fixed).
    """
    if not patients or not 1 <= len(arms) <= SERIES:
        raise CallError(f"chart {id!r}: {len(patients)} patients in {len(arms)} arms", rule=f"needs patients and 1 to {SERIES} arms")
    step = -(-len(patients) // MOST_LINES)
    shown = sorted(patients, key=lambda p: p.start)[::step]
    top = max([p.end for p in shown] + [t for t, _ in looks])

    def build(width: int) -> dict[str, Any]:
        return _draw(shown, width, arms=arms, looks=looks, top=top)

    wide, narrow = both(build)
    names = Names(id)
    rows: list[Row] = []
    for i, arm in enumerate(arms):
        mine = [p for p in patients if p.arm == i]
        counts = [len(mine), *(sum(p.outcome == kind for p in mine) for kind in ("event", "dropout", "followed"))]
        titles = ("patients", "events", "dropouts", "followed")
        rows.append((arm, *(number(n, "count", name=names(arm, what), trail=trail) for n, what in zip(counts, titles, strict=True))))
    columns: tuple[Column | str, ...] = (
        "Arm",
        *(Column(c, align="right") for c in ("Patients", "Events", "Dropouts", "Followed to the end")),
    )
    said = "; ".join(f"{label} at {time:.2f} years" for time, label in looks)
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=f"{len(patients)} patients as lines over calendar time, in the order of entry. Looks: {said}.",
        wide=wide,
        narrow=narrow,
        table=DataTable(caption=f"Data: {title}", columns=columns, rows=tuple(rows)),
        play=Play(
            lines=tuple((p.start, p.end, p.arm, OUTCOMES.index(p.outcome)) for p in patients),
            arms=tuple(arms),
            looks=tuple(looks),
            planned=planned,
            end=top * AIR,
            wide=_plot(_frame(len(shown), WIDE, len(arms))),
            narrow=_plot(_frame(len(shown), NARROW, len(arms))),
        ),
    )


def _pitch(count: int) -> float:
    """Pixels from line to line."""
    return min(max(420.0 / count, 1.8), 9.0)


def _frame(count: int, width: int, arms: int) -> Frame:
    """The sheet of ``count`` lines under a key of ``arms``."""
    return Frame(width, _pitch(count) * count + 6.0, 12.0, 18.0, 17.0 * arms + 46.0, 48.0)


def _plot(frame: Frame) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of the plot on the sheet."""
    return frame.left, frame.left + frame.plot, frame.top, frame.top + frame.height


def _draw(
    shown: Sequence[PatientLine], width: int, *, arms: Sequence[str], looks: Sequence[tuple[float, str]], top: float
) -> dict[str, Any]:
    pitch, frame = _pitch(len(shown)), _frame(len(shown), width, len(arms))
    scale = {"domain": [0.0, top * AIR], "nice": False, "zero": True}
    line = axis_x("Years from the first possible day of entry", "decimal(1)", narrow=frame.narrow)

    def at(field: str) -> vega.Channel:
        return vega.channel(f"{field}:Q", scale=scale, axis=line)

    layers: list[Any] = []
    data = [
        {"a": p.start, "b": p.end, "y": 3.0 + pitch * (i + 0.5), "arm": p.arm, "outcome": p.outcome} for i, p in enumerate(shown)
    ]  # fmt: skip
    for i in range(len(arms)):
        mine = [d for d in data if d["arm"] == i]
        if mine:
            stroke = marks_of(mine).mark(
                "rule", color=sentinel(f"s{i + 1}"), strokeWidth=min(pitch * 0.55, 1.6), strokeDash=list(DASHES[i]), opacity=0.75
            )
            layers.append(stroke.encode(x=at("a"), x2="b", y=pixel("y", frame.height)))
    for outcome, shape, colour, filled in (("event", "circle", "ink", True), ("dropout", "cross", "muted", False)):
        ends = [d for d in data if d["outcome"] == outcome]
        if ends:
            size = min(pitch * 8.0, 34.0)
            dot = marks_of(ends).mark("point", shape=shape, filled=filled, size=size, opacity=1, color=sentinel(colour), strokeWidth=1.1)
            layers.append(dot.encode(x=at("b"), y=pixel("y", frame.height)))
    for k, (time, text) in enumerate(looks):
        rule = marks_of([{"v": time}]).mark("rule", color=sentinel("caution"), strokeDash=[4, 3], strokeWidth=1.5)
        layers.append(rule.encode(x=at("v")))
        label = text_layer(
            [{"v": time, "text": text}],
            x=at("v"),
            y=vega.value(-8 - 14 * ((len(looks) - 1 - k) % 2)),
            size=11,
            colour="caution",
            align="right",
        )
        layers.append(label)
    layers += line_key(list(arms), left=4 - frame.left, top=12 - frame.top, width=frame.width - 8)
    return finish(layers, frame)
