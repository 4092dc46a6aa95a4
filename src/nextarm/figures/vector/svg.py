"""An SVG file as a flat drawing: transforms, styles, classes, groups, ``use``, clips and text positions resolved.

Scripts, animations, foreign objects, filters and links are not looked at; a reference out of the file is never followed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np

from nextarm.core.errors import DataError
from nextarm.core.units import FloatArray
from nextarm.figures.reading import Box
from nextarm.figures.vector import css
from nextarm.figures.vector.scene import IDENTITY, Fill, Glyph, Rgb, Scene, Stroke, Text, around, bounds, meet, scale_of, times, transformed
from nextarm.figures.vector.svg_shapes import Subpath, shape, transform
from nextarm.figures.vector.xml_reader import Element, read_xml

SHAPES = ("path", "polyline", "polygon", "line", "rect", "circle", "ellipse")
SKIPPED = ("defs", "symbol", "clipPath", "mask", "pattern", "marker", "style", "metadata", "title", "desc", "filter", "linearGradient",
           "radialGradient", "script", "foreignObject", "animate", "animateTransform", "set", "font", "a-none")  # fmt: skip
DEEPEST_USE, MOST_DRAWN, MOST_POINTS = 16, 100_000, 3_000_000
#: Names that programs give to a glyph's outline; the second form is drawn a hundred units an em.
_GLYPH = re.compile(r"(?i)glyph|^[\w-]+-[0-9a-f]{2,6}$")
_CODED = re.compile(r"^[A-Za-z][\w-]*-([0-9a-f]{2,6})$")


@dataclass(frozen=True)
class _State:
    matrix: FloatArray
    style: dict[str, str]
    path: tuple[css.Seen, ...]
    opacity: float
    clip: Box | None
    uses: int = 0


def read_svg(data: bytes) -> Scene:
    """Everything that an SVG file draws; :class:`DataError` if it is not one or breaks a limit."""
    root = read_xml(data)
    if root.name != "svg":
        raise DataError(f"the root element is {root.name[:40]!r}", rule="must be svg")
    return _Walk(root).scene


class _Walk:
    """One walk over the tree; everything found is appended to ``scene``."""

    def __init__(self, root: Element) -> None:
        box = css.lengths(root.attributes.get("viewBox"))
        width = css.length(root.attributes.get("width"), of=box[2] if len(box) == 4 else 720.0)
        height = css.length(root.attributes.get("height"), of=box[3] if len(box) == 4 else 576.0)
        matrix = IDENTITY
        if len(box) == 4 and box[2] > 0 and box[3] > 0:
            width, height = box[2], box[3]
            matrix = np.array([[1.0, 0.0, -box[0]], [0.0, 1.0, -box[1]]])
        self.size = (width if 0 < width < 1e6 else 720.0, height if 0 < height < 1e6 else 576.0)
        self.scene = Scene(*self.size)
        self.ids: dict[str, Element] = {}
        self.rules: list[css.Rule] = []
        self.drawn = self.points = self.number = 0
        self._collect(root)
        self.rules.sort(key=lambda rule: rule.weight)
        self._element(root, _State(matrix, {}, (), 1.0, None))

    def _collect(self, root: Element) -> None:
        stack, notes = [root], set()
        while stack:
            element = stack.pop()
            if name := element.attributes.get("id"):
                self.ids.setdefault(name, element)
            if element.name == "style" and len(self.rules) < css.MOST_RULES:
                self.rules += css.rules_of(element.text)
            if element.name in ("script", "foreignObject"):
                notes.add(f"a {element.name} in the file was not looked at")
            href = element.attributes.get("href", "")
            if element.name in ("use", "image") and href and not href.startswith(("#", "data:")):
                notes.add("a reference out of the file was not followed")
            stack.extend(c for c in element.children if isinstance(c, Element))
        self.scene.warnings += sorted(notes)

    def _count(self, points: int) -> None:
        self.drawn += 1
        self.points += points
        if self.drawn > MOST_DRAWN or self.points > MOST_POINTS:
            raise DataError("the drawing is too large", rule=f"at most {MOST_DRAWN:,} shapes and {MOST_POINTS:,} points")

    def _style(self, element: Element, state: _State) -> _State | None:
        """The state inside an element; None if it is not shown."""
        attributes = element.attributes
        seen = (element.name, frozenset(attributes.get("class", "").split()), attributes.get("id", ""))
        path = (*state.path, seen)
        own = {k: v.strip() for k, v in attributes.items() if k in css.WANTED}
        for rule in self.rules:
            if css.applies(rule, path):
                own.update(rule.declarations)
        own.update(css.declarations(attributes.get("style", "")))
        if own.get("display") == "none":
            return None
        own = {k: v for k, v in own.items() if v != "inherit"}
        style = {k: v for k, v in state.style.items() if k in css.INHERITED} | own
        if (size := own.get("font-size", "")).strip().endswith(("em", "%")):
            base = css.length(state.style.get("font-size"), 16.0)
            style["font-size"] = str(css.length(size, of=base) * (base / 16.0 if size.strip().endswith("em") else 1.0))
        moved = attributes.get("transform") or own.get("transform")
        matrix = times(state.matrix, transform(moved)) if moved else state.matrix
        opacity = state.opacity * min(1.0, max(0.0, css.length(own.get("opacity"), 1.0)))
        clip = state.clip
        if (wanted := own.get("clip-path", "")).startswith("url("):
            clip = meet(clip, self._clip(wanted[4:].split(")")[0].strip("\"' "), matrix))
        return _State(matrix, style, path, opacity, clip, state.uses)

    def _clip(self, reference: str, matrix: FloatArray) -> Box | None:
        target = self.ids.get(reference.removeprefix("#")) if reference.startswith("#") else None
        if target is None or target.name != "clipPath":
            return None
        found: Box | None = None
        inner = times(matrix, transform(target.attributes.get("transform")))
        for child in target.children[:100]:
            if isinstance(child, Element) and child.name in SHAPES:
                local = times(inner, transform(child.attributes.get("transform")))
                for points, _ in shape(child.name, child.attributes, self.size):
                    box = bounds(transformed(local, points))
                    found = box if found is None else around(found, box)
        return found

    def _element(self, element: Element, state: _State) -> None:
        if element.name in SKIPPED:
            return
        inside = self._style(element, state)
        if inside is None:
            return
        if element.name in SHAPES:
            if inside.style.get("visibility") not in ("hidden", "collapse"):
                self._draw(shape(element.name, element.attributes, self.size), inside)
        elif element.name == "use":
            self._use(element, inside)
        elif element.name == "text":
            self._text(element, inside)
        elif element.name == "image":
            x, y = (css.length(element.attributes.get(k)) for k in ("x", "y"))
            w, h = (css.length(element.attributes.get(k), of=s) for k, s in zip(("width", "height"), self.size, strict=True))
            self._count(4)
            self.scene.bitmaps.append(bounds(transformed(inside.matrix, np.array([[x, y], [x + w, y + h]]))))
        else:
            if element.name == "svg" and state.path:
                x, y = (css.length(element.attributes.get(k)) for k in ("x", "y"))
                inside = replace(inside, matrix=times(inside.matrix, np.array([[1.0, 0.0, x], [0.0, 1.0, y]])))
            spoken = ""
            for child in element.children:
                if isinstance(child, Element):
                    before = len(self.scene.glyphs)
                    self._element(child, inside)
                    if spoken and len(self.scene.glyphs) > before:
                        self._name(spoken, before)
                        spoken = ""
                else:
                    spoken = child

    def _name(self, spoken: str, first: int) -> None:
        """Name outlines drawn after a comment that holds their text (as matplotlib writes it)."""
        made = self.scene.glyphs[first:]
        for words in (spoken, spoken.replace(" ", "")):
            if len(words) == len(made):
                self.scene.glyphs[first:] = [replace(g, char=c) for g, c in zip(made, words, strict=True)]
                return

    def _use(self, element: Element, state: _State) -> None:
        reference = element.attributes.get("href", "")
        target = self.ids.get(reference[1:]) if reference.startswith("#") else None
        if target is None or state.uses >= DEEPEST_USE:
            return
        self._count(1)
        shift = np.array([[1.0, 0.0, css.length(element.attributes.get("x"))], [0.0, 1.0, css.length(element.attributes.get("y"))]])
        inside = replace(state, matrix=times(state.matrix, shift), uses=state.uses + 1)
        if _GLYPH.search(reference[1:]) and self._glyph(reference[1:], target, inside):
            return
        if target.name in ("symbol", "svg"):
            for child in target.children:
                if isinstance(child, Element):
                    self._element(child, inside)
        else:
            self._element(target, inside)

    def _glyph(self, name: str, target: Element, state: _State) -> bool:
        """Take a reference as a character if its target is one bare outline."""
        parts = [target] if target.name == "path" else [c for c in target.children if isinstance(c, Element)]
        if len(parts) > 1 or any(p.name != "path" for p in parts):
            return False
        if state.style.get("visibility") in ("hidden", "collapse"):
            return True
        matrix = state.matrix
        for part in [target] if target.name == "path" else [target, *parts]:
            matrix = times(matrix, transform(part.attributes.get("transform")))
        found = [transformed(matrix, p) for part in parts for p, _ in shape("path", part.attributes, self.size) if len(p) > 1]
        origin = transformed(matrix, np.zeros((1, 2)))[0]
        ahead = matrix[:, 0]
        angle = math.degrees(math.atan2(-ahead[1], ahead[0]))
        box = bounds(np.vstack(found)) if found else bounds(np.array([origin]))
        size = 100.0 * scale_of(state.matrix) if _CODED.match(name) else 0.0
        self._count(sum(len(p) for p in found))
        paint = css.colour(state.style.get("fill", "black")) or (0, 0, 0)
        self.number += 1
        self.scene.glyphs.append(
            Glyph(None, float(origin[0]), float(origin[1]), size, box, angle, paint, tuple(found), self.number, name=name)
        )
        return True

    def _draw(self, subpaths: list[Subpath], state: _State) -> None:
        style, grow = state.style, scale_of(state.matrix)
        current = css.colour(style.get("color", "black")) or (0, 0, 0)
        line, fill = css.colour(style.get("stroke", "none"), current), css.colour(style.get("fill", "black"), current)
        width = css.length(style.get("stroke-width"), 1.0) * grow
        line_opacity = state.opacity * css.length(style.get("stroke-opacity"), 1.0) * css.alpha(style.get("stroke", ""))
        fill_opacity = state.opacity * css.length(style.get("fill-opacity"), 1.0) * css.alpha(style.get("fill", ""))
        pattern = style.get("stroke-dasharray", "none")
        dash = () if pattern == "none" else tuple(d * grow for d in css.lengths(pattern))
        dash = dash if any(d > 0 for d in dash) else ()
        self.number += 1
        for points, closed in subpaths:
            self._count(len(points))
            at = transformed(state.matrix, points)
            filled = fill is not None and fill_opacity > 0.0 and len(at) > 2
            if filled and fill is not None:
                self.scene.fills.append(Fill(at, fill, fill_opacity, state.clip, self.number))
            if line is not None and line_opacity > 0.0 and width > 0.0:
                whole = np.vstack([at, at[:1]]) if closed else at
                self.scene.strokes.append(Stroke(whole, line, width, dash, line_opacity, closed, state.clip, filled, self.number))

    def _text(self, element: Element, state: _State) -> None:
        """A text with its tspans; every piece with a position of its own is a text."""
        pen = [css.lengths(element.attributes.get(k))[:1] for k in ("x", "y")]
        at = [pen[0][0] if pen[0] else 0.0, pen[1][0] if pen[1] else 0.0]
        self._pieces(element, state, at, 0)

    def _pieces(self, element: Element, state: _State, at: list[float], depth: int) -> None:
        if depth > 8:
            return
        at[0] += sum(css.lengths(element.attributes.get("dx"))[:1])
        at[1] += sum(css.lengths(element.attributes.get("dy"))[:1])
        texts = dict[int, str]()
        for index, text in element.tail_texts:
            texts[index] = texts.get(index, "") + text
        xs = css.lengths(element.attributes.get("x"))
        for index in range(len(element.children) + 1):
            raw = texts.get(index, "")
            words = " ".join(raw.split())
            if len(columns := re.split(r" {3,}", raw.strip())) > 1 and "\n" not in raw:
                at[0] += self._columns(columns, raw.strip("\n"), state, at[0], at[1])
            elif words:
                spread = (
                    css.length(element.attributes.get("textLength")) if not any(isinstance(c, Element) for c in element.children) else 0.0
                )
                if len(xs) > 1 and len(xs) >= len(words):
                    spread = xs[len(words) - 1] - xs[0] + 0.5 * css.length(state.style.get("font-size"), 16.0)
                at[0] += self._place(words, state, at[0], at[1], spread)
            if index < len(element.children):
                child = element.children[index]
                if isinstance(child, Element) and child.name in ("tspan", "a", "textPath"):
                    inside = self._style(child, state)
                    if inside is not None:
                        for k, axis in (("x", 0), ("y", 1)):
                            if own := css.lengths(child.attributes.get(k)):
                                at[axis] = own[0]
                        self._pieces(child, inside, at, depth + 1)

    def _columns(self, columns: list[str], raw: str, state: _State, x: float, y: float) -> float:
        """A text that is set in columns by many spaces: a text for each."""
        size = css.length(state.style.get("font-size"), 16.0)
        whole = _width(raw) * size
        left = x - {"middle": 0.5, "end": 1.0}.get(state.style.get("text-anchor", "start"), 0.0) * whole
        place, plain = 0, replace(state, style=state.style | {"text-anchor": "start"})
        for column in columns:
            place = raw.index(column, place)
            self._place(column, plain, left + _width(raw[:place]) * size, y, 0.0)
            place += len(column)
        return whole

    def _place(self, words: str, state: _State, x: float, y: float, spread: float) -> float:
        """Add one text; returns its width, by which the pen moves on."""
        size = css.length(state.style.get("font-size"), 16.0)
        anchor = state.style.get("text-anchor", "start")
        width = spread if spread > 0 else _width(words) * size
        base = state.style.get("dominant-baseline", "")
        down = 0.36 * size if base in ("central", "middle") else 0.75 * size if base in ("hanging", "text-before-edge") else 0.0
        spot = transformed(state.matrix, np.array([[x, y + down]]))[0]
        ahead = state.matrix[:, 0]
        grow = scale_of(state.matrix)
        angle = math.degrees(math.atan2(-ahead[1], ahead[0]))
        before = {"middle": 0.5, "end": 1.0}.get(anchor, 0.0) * width * grow
        along = spot[0] if abs(math.cos(math.radians(angle))) > 0.7 else -spot[1]
        if state.style.get("visibility") not in ("hidden", "collapse") and size > 0:
            self._count(1)
            self.number += 1
            paint: Rgb = css.colour(state.style.get("fill", "black")) or (0, 0, 0)
            left = along - before
            self.scene.texts.append(
                Text(words, float(spot[0]), float(spot[1]), size * grow, angle, anchor, paint, left, left + width * grow, self.number)
            )
        return width if anchor == "start" else 0.0


def _width(words: str) -> float:
    """The width of a text in ems, by the usual widths of a sans-serif face."""
    narrow, wide = "ijl.,;:'|!()[] -fItr", "mwMW%@"
    return sum(0.3 if c in narrow else 0.85 if c in wide else 0.56 for c in words)
