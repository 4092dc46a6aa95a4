"""Censoring marks: short strokes, small shapes and glyphs that sit on a curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.figures.vector.curves import Line
from nextarm.figures.vector.panels import Panel
from nextarm.figures.vector.scene import Fill, Glyph, Rgb, Scene, Stroke, far

#: A mark sits on its curve within this (figure units); glyphs are known less exactly.
ON, ON_GLYPH = 0.13, 0.4
#: Marks are smaller than this share of the panel's height, and than so many units.
LARGEST_SHARE, LARGEST = 0.08, 24.0
MARKS = "+|x×*o○●∣│┃❘△▲□■◇◆†"


@dataclass(frozen=True)
class Mark:
    """A possible mark: its centre, top and bottom, colour, kind and how many were drawn on the very same place."""

    x: float
    y: float
    top: float
    bottom: float
    colour: Rgb
    kind: str
    count: int = 1


def ticks_of(scene: Scene, panel: Panel, lines: list[Line]) -> tuple[list[tuple[FloatArray, IntArray]], list[str]]:
    """For each curve the x positions of its marks and how many were drawn at each; with notes on what is not certain."""
    used = {p for line in lines for p in line.chain.paths}
    drawn = _stacked([m for m in _drawn(scene, panel, used) if m.kind != "h"])
    anchors = {k: _assigned([_anchored(m, k) for m in drawn], lines, ON) for k in ("y", "bottom", "top")}
    best = max(anchors, key=lambda k: (sum(a is not None for a in anchors[k][0]), k == "y"))
    pairs = [(m, a) for m, a in zip(drawn, anchors[best][0], strict=True) if a is not None]
    doubtful = anchors[best][1]
    written = _written(scene, panel)
    for char in sorted({m.kind for m in written}):
        same = _stacked([m for m in written if m.kind == char])
        shift = _common_shift(same, lines)
        if shift is None:
            continue
        moved = [Mark(m.x, m.y - shift, m.top, m.bottom, m.colour, m.kind, m.count) for m in same]
        found, unsure = _assigned(moved, lines, ON_GLYPH)
        pairs += [(m, a) for m, a in zip(moved, found, strict=True) if a is not None]
        doubtful += unsure
    notes = []
    if doubtful:
        notes.append(f"{doubtful} censoring marks lie on two curves at once; which curve they belong to is not certain")
    made = []
    for k in range(len(lines)):
        own = sorted((m.x, m.count) for m, a in pairs if a == k)
        xs, counts = np.array([x for x, _ in own]), np.array([c for _, c in own], np.int64)
        made.append((xs, counts))
    return made, notes


def _anchored(mark: Mark, which: str) -> Mark:
    return mark if which == "y" else Mark(mark.x, getattr(mark, which), mark.top, mark.bottom, mark.colour, mark.kind, mark.count)


def _drawn(scene: Scene, panel: Panel, used: set[int]) -> list[Mark]:
    """Small strokes and fills within the panel; the two strokes of a plus or cross share their centre and become one later."""
    box = panel.box
    largest = min(LARGEST, LARGEST_SHARE * (box.bottom - box.top) + 2.0)
    found: list[Mark] = []
    stroked: set[int] = set()
    shapes: list[Stroke | Fill] = [*scene.strokes, *scene.fills]
    for shape in shapes:
        is_stroke = isinstance(shape, Stroke)
        if shape.path in used or (not is_stroke and shape.path in stroked) or (isinstance(shape, Stroke) and shape.dash):
            continue
        b = shape.box
        wide, high = b.right - b.left, b.bottom - b.top
        if max(wide, high) > largest or max(wide, high) < 0.4:
            continue
        x, y = 0.5 * (b.left + b.right), 0.5 * (b.top + b.bottom)
        if not (box.left - largest <= x <= box.right + largest and box.top - largest <= y <= box.bottom + largest):
            continue
        if is_stroke:
            stroked.add(shape.path)
        kind = "v" if wide < 0.06 * high else "h" if high < 0.06 * wide else "shape"
        found.append(Mark(x, y, b.top, b.bottom, shape.colour, kind))
    return found


def _written(scene: Scene, panel: Panel) -> list[Mark]:
    """Single characters used as marks: glyph by glyph where the file has glyphs, else texts of one character."""
    known = {_size_of(g): g.char for g in scene.singles if g.char is not None and g.char in MARKS}
    found = []
    for g in scene.singles or scene.glyphs:
        # A string whose character is lost is the mark that has its size and colour.
        char = g.char or known.get(_size_of(g), "")
        if char and char in MARKS:
            b = g.ink or g.box
            found.append(Mark(0.5 * (b.left + b.right), 0.5 * (b.top + b.bottom), b.top, b.bottom, g.colour, char))
    if not found:
        found += [
            Mark(t.x if t.anchor == "middle" else t.middle, t.centre_y, t.y - t.size, t.y, t.colour, t.text)
            for t in scene.texts
            if t.text in MARKS and len(t.text) == 1
        ]
    box = panel.box
    return [m for m in found if box.left - 2 <= m.x <= box.right + 2 and box.top - 20 <= m.y <= box.bottom + 20]


def _size_of(glyph: Glyph) -> tuple[float, float, Rgb]:
    b = glyph.box
    return round(b.right - b.left, 1), round(b.bottom - b.top, 1), glyph.colour


def _stacked(marks: list[Mark]) -> list[Mark]:
    """Marks of one colour on the very same place as one, with their number."""
    groups: dict[tuple[float, float, Rgb], list[Mark]] = {}
    for mark in marks:
        groups.setdefault((round(mark.x, 2), round(mark.y, 2), mark.colour), []).append(mark)
    made = []
    for same in groups.values():
        kinds = {m.kind for m in same}
        count = max(sum(m.kind == k for m in same) for k in kinds)
        first = next((m for m in same if m.kind == "v"), same[0])
        made.append(Mark(first.x, first.y, first.top, first.bottom, first.colour, first.kind, count))
    return made


def _distances(mark: Mark, lines: list[Line]) -> FloatArray:
    """How far the mark is from each curve (both levels count where the curve steps); infinite beyond its ends."""
    out = np.full(len(lines), np.inf)
    for k, line in enumerate(lines):
        if line.x[0] - 0.1 <= mark.x <= line.end + 0.1:
            near = line.y_at(np.array([mark.x - 0.03, mark.x, mark.x + 0.03]))
            out[k] = np.abs(near - mark.y).min()
    return out


def _assigned(marks: list[Mark], lines: list[Line], within: float) -> tuple[list[int | None], int]:
    """The curve of each mark: on it, and of its colour where two curves are there."""
    found: list[int | None] = []
    unsure = 0
    for mark in marks:
        distance = _distances(mark, lines)
        near = [k for k in range(len(lines)) if distance[k] <= within]
        own = [k for k in near if far(lines[k].chain.colour, mark.colour) < 30]
        chosen = own or near
        if len(chosen) > 1:
            chosen = sorted(chosen, key=lambda k: distance[k])
            unsure += int(distance[chosen[1]] - distance[chosen[0]] < 0.03)
        found.append(chosen[0] if chosen else None)
    return found, unsure


def _common_shift(marks: list[Mark], lines: list[Line]) -> float | None:
    """How far below its curve a character's middle is written: the shift that most marks share."""
    shifts = []
    for mark in marks:
        for k, line in enumerate(lines):
            if line.x[0] - 0.1 <= mark.x <= line.end + 0.1 and far(lines[k].chain.colour, mark.colour) < 30:
                shifts.append(mark.y - float(line.y_at(np.array([mark.x]))[0]))
    if not shifts:
        for mark in marks:
            shifts += [mark.y - float(k.y_at(np.array([mark.x]))[0]) for k in lines if k.x[0] - 0.1 <= mark.x <= k.end + 0.1]
    reach = 0.6 * (marks[0].bottom - marks[0].top) if marks else 0.0
    near = np.array([s for s in shifts if abs(s) <= max(reach, 3.0)])
    if not near.size:
        return None
    counts = (np.abs(near[:, None] - near[None, :]) < 0.5 * ON_GLYPH).sum(axis=1)
    return float(np.median(near[np.abs(near - near[np.argmax(counts)]) < 0.5 * ON_GLYPH]))
