"""Names of curves: from keys of a legend, from texts in a curve's colour, from texts at a curve's end."""

from __future__ import annotations

from nextarm.figures.reading import NamedBy
from nextarm.figures.vector.curves import Line
from nextarm.figures.vector.numbers import value_of
from nextarm.figures.vector.panels import Panel
from nextarm.figures.vector.scene import Rgb, Scene, Text, far

Name = tuple[str, NamedBy]


def names_of(scene: Scene, panel: Panel, lines: list[Line], *, several_panels: bool = False) -> list[Name | None]:
    """The printed name of each curve, where one is found; a name belongs to one curve only."""
    used = {p for line in lines for p in line.chain.paths}
    texts = [t for t in scene.texts if abs(t.angle) < 3 and t.text.strip()]
    found: list[Name | None] = [None] * len(lines)
    for k, line in enumerate(lines):
        rivals = [other for other in lines if other is not line]
        for find in (_by_line_key, _by_patch_key):
            text = find(scene, panel, line, rivals, texts, used)
            if text is not None:
                found[k] = (_whole(text, texts), "legend")
                break
    for k, line in enumerate(lines):
        if found[k] is None and (near := _by_colour(panel, line, lines, texts) or _by_end(line, lines, texts)) is not None:
            found[k] = (near.text, "direct")
    repeated = {n[0] for n in found if n is not None and sum(m is not None and m[0] == n[0] for m in found) > 1}
    return [None if n is not None and n[0] in repeated else n for n in found]


def dash_word(dash: tuple[float, ...], width: float) -> str:
    """solid, dotted, dashed or dash-dotted, for a pattern; dots are about as long as the line is wide."""
    if not dash:
        return "solid"
    if len(dash) >= 4 and max(dash[::2]) > 1.8 * min(dash[::2]):
        return "dash-dotted"
    return "dotted" if max(dash[::2]) <= 1.5 * width else "dashed"


def _alike(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return len(a) == len(b) and all(abs(x - y) <= 0.15 * max(x, y) + 0.05 for x, y in zip(a, b, strict=True))


def _right_of(x: float, y: float, texts: list[Text], reach: float = 3.0) -> Text | None:
    """The text that begins right of (x, y) on the same height."""
    near = [t for t in texts if -0.2 * t.size <= t.left - x <= reach * t.size and abs(t.centre_y - y) <= 0.65 * t.size]
    return min(near, key=lambda t: (t.left - x) + 2 * abs(t.centre_y - y)) if near else None


def _by_line_key(scene: Scene, panel: Panel, line: Line, rivals: list[Line], texts: list[Text], used: set[int]) -> Text | None:
    widest = 0.2 * (panel.box.right - panel.box.left) + 10
    best: tuple[float, Text] | None = None
    for stroke in scene.strokes:
        if stroke.path in used or far(stroke.colour, line.chain.colour) > 6 or not _alike(stroke.dash, line.chain.dash):
            continue
        b = stroke.box
        if b.bottom - b.top > 0.3 or not 3.0 <= b.right - b.left <= widest:
            continue
        # Where another curve looks the same but for its width, the key must have the width of this one.
        twins = [r for r in rivals if far(r.chain.colour, line.chain.colour) <= 6 and _alike(r.chain.dash, line.chain.dash)]
        if twins and abs(stroke.width - line.chain.width) > 0.1 * line.chain.width:
            continue
        text = _right_of(b.right, 0.5 * (b.top + b.bottom), texts)
        if text is None or text.text in "+|x":
            continue
        inside = panel.box.left <= b.left <= panel.box.right and panel.box.top <= b.top <= panel.box.bottom
        gap = text.left - b.right + (10 if value_of(text.text) is not None else 0) + (0 if inside else 20)
        if best is None or gap < best[0]:
            best = (gap, text)
    return best[1] if best else None


def _by_patch_key(scene: Scene, panel: Panel, line: Line, rivals: list[Line], texts: list[Text], used: set[int]) -> Text | None:
    if any(far(r.chain.colour, line.chain.colour) <= 6 for r in rivals):
        return None
    best: tuple[float, Text] | None = None
    for fill in scene.fills:
        b = fill.box
        if far(fill.colour, line.chain.colour) > 6 or not (2 <= b.right - b.left <= 60 and 1 <= b.bottom - b.top <= 30):
            continue
        text = _right_of(b.right, 0.5 * (b.top + b.bottom), texts)
        if text is not None and text.text not in "+|x" and (best is None or text.left - b.right < best[0]):
            best = (text.left - b.right, text)
    return best[1] if best else None


def _grey(colour: Rgb) -> bool:
    return max(colour) - min(colour) < 40


def _by_colour(panel: Panel, line: Line, lines: list[Line], texts: list[Text]) -> Text | None:
    """The one text in the panel in the curve's own colour, if that colour is no grey and no other curve has it."""
    if _grey(line.chain.colour) or sum(far(k.chain.colour, line.chain.colour) < 30 for k in lines) > 1:
        return None
    box = panel.box
    own = [
        t for t in texts
        if far(t.colour, line.chain.colour) <= 12 and value_of(t.text) is None and any(c.isalnum() for c in t.text)
        and box.left <= t.middle <= box.right + 12 * t.size and box.top - 2 * t.size <= t.centre_y <= box.bottom
    ]  # fmt: skip
    return own[0] if len(own) == 1 else None


def _by_end(line: Line, lines: list[Line], texts: list[Text]) -> Text | None:
    """A text that begins where the curve ends, nearer to it than to any other."""
    end_y = float(line.y[-1])
    near = [t for t in texts if -0.2 * t.size <= t.left - line.end <= 2.5 * t.size and abs(t.centre_y - end_y) <= 0.7 * t.size]
    near = [t for t in near if any(c.isalpha() for c in t.text)]
    near = [t for t in near if all(abs(t.centre_y - k.y[-1]) > abs(t.centre_y - end_y) for k in lines if k is not line)]
    return near[0] if len(near) == 1 else None


def _whole(text: Text, texts: list[Text]) -> str:
    """A name that continues on the next line, when that line has no other beginning."""
    return text.text.strip().strip("+|").strip() or text.text
