"""A page of a PDF as a flat drawing, through pypdfium2: paths with their strokes, text by characters, places of bitmaps.

Nothing of a PDF is run: the library is built without JavaScript and forms are not initialised.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nextarm.core.errors import CallError, DataError
from nextarm.core.units import FloatArray
from nextarm.figures.reading import Box
from nextarm.figures.vector.glyphs import join
from nextarm.figures.vector.scene import Fill, Glyph, Rgb, Scene, Stroke, bounds, meet, scale_of, times, transformed

MOST_PAGES, MOST_OBJECTS, MOST_POINTS, DEEPEST_FORM, MOST_CHARACTERS = 50, 100_000, 2_000_000, 8, 200_000
LARGEST_PAGE = 14_400.0
_BEZIER = 8
#: Between cells of characters, in ems.
_SPACE = 0.15


@contextmanager
def opened(data: bytes) -> Iterator[Any]:
    """The document; :class:`DataError` for one that cannot be opened, is locked or has too many pages."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        locked = "password" in str(error).lower()
        what = "the PDF is locked by a password" if locked else "the PDF is damaged"
        raise DataError(what, cure="Save the figure from a viewer as PNG or as an unlocked PDF" if locked else "") from None
    try:
        if not 1 <= len(document) <= MOST_PAGES:
            raise DataError(
                f"the PDF has {len(document)} pages", rule=f"from 1 to {MOST_PAGES}", cure="Give the page with the figure alone"
            )
        yield document
    finally:
        document.close()


def read_page(document: Any, number: int) -> Scene:
    """Page ``number`` (from 1) as a drawing; its upper left corner is the origin, a point the unit."""
    import pypdfium2 as pdfium

    if not 1 <= number <= len(document):
        raise CallError(f"page = {number}", rule=f"the PDF has pages 1 to {len(document)}")
    try:
        page = document[number - 1]
    except pdfium.PdfiumError:
        raise DataError(f"page {number} of the PDF is damaged") from None
    try:
        return _Page(page).scene
    finally:
        page.close()


def render_page(document: Any, number: int, scale: float) -> Any:
    """Page ``number`` (from 1) as an (h, w, 3) array of bytes, ``scale`` pixels a point."""
    page = document[number - 1]
    try:
        width, height = page.get_size()
        if not (0 < width * scale <= 40_000 and 0 < height * scale <= 40_000 and width * height * scale * scale <= 40e6):
            raise DataError("the page is too large to draw", rule="at most 40 megapixels")
        bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
        array = np.array(bitmap.to_numpy()[:, :, :3])
        bitmap.close()
        return array
    finally:
        page.close()


class _Page:
    """One walk over the objects of a page."""

    def __init__(self, page: Any) -> None:
        import pypdfium2.raw as raw

        self.raw = raw
        width, height = page.get_size()
        if not (1.0 <= width <= LARGEST_PAGE and 1.0 <= height <= LARGEST_PAGE):
            raise DataError(f"the page measures {width:g} x {height:g} points", rule=f"from 1 to {LARGEST_PAGE:g}")
        self.scene = Scene(width, height)
        self.to_page = _page_matrix(page)
        self.objects = self.points = self.number = 0
        count = raw.FPDFPage_CountObjects(page)
        self.text = raw.FPDFText_LoadPage(page)
        if not self.text:
            raise DataError("the text of the page is damaged")
        try:
            for i in range(max(0, count)):
                self._object(raw.FPDFPage_GetObject(page, i), self.to_page, None, 0)
            self.scene.glyphs = list(self._characters())
        finally:
            raw.FPDFText_ClosePage(self.text)
        self.scene.texts = join(self.scene.glyphs, space=_SPACE)

    def _count(self, points: int) -> None:
        self.objects += 1
        self.points += points
        if self.objects > MOST_OBJECTS or self.points > MOST_POINTS:
            raise DataError("the page is too full", rule=f"at most {MOST_OBJECTS:,} objects and {MOST_POINTS:,} points")

    def _object(self, item: Any, outer: FloatArray, clip: Box | None, depth: int) -> None:
        raw = self.raw
        kind = raw.FPDFPageObj_GetType(item)
        self._count(0)
        if kind == raw.FPDF_PAGEOBJ_TEXT:
            self._single(item, outer)
            return
        own = self._matrix(item)
        clip = meet(clip, self._clip(item, outer))
        if kind == raw.FPDF_PAGEOBJ_PATH:
            self._path(item, times(outer, own), clip)
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            unit = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
            self.scene.bitmaps.append(bounds(transformed(times(outer, own), unit)))
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth < DEEPEST_FORM:
            inner = times(outer, own)
            for i in range(max(0, raw.FPDFFormObj_CountObjects(item))):
                self._object(raw.FPDFFormObj_GetObject(item, i), inner, clip, depth + 1)

    def _single(self, item: Any, outer: FloatArray) -> None:
        """A string of one character, as censoring marks are written."""
        raw = self.raw
        buffer = (ctypes.c_ushort * 4)()
        size = raw.FPDFTextObj_GetText(item, self.text, buffer, 8)
        words = bytes(buffer)[: max(0, min(size, 8) - 2)].decode("utf-16-le", "replace").strip("\0 ")
        if size > 6 or len(words) > 1:
            return
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        if not raw.FPDFPageObj_GetBounds(item, left, bottom, right, top):
            return
        corners = np.array([[left.value, bottom.value], [right.value, top.value]])
        if not np.isfinite(corners).all() or np.abs(corners).max() > 1e6:
            return
        colour, _ = self._colour(item, raw.FPDFPageObj_GetFillColor)
        box = bounds(transformed(outer, corners))
        self.scene.singles.append(Glyph(words or None, box.left, box.bottom, box.bottom - box.top, box, 0.0, colour))

    def _matrix(self, item: Any) -> FloatArray:
        found = self.raw.FS_MATRIX()
        if not self.raw.FPDFPageObj_GetMatrix(item, found):
            return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        made = np.array([[found.a, found.c, found.e], [found.b, found.d, found.f]])
        return made if np.isfinite(made).all() and np.abs(made).max() < 1e7 else np.zeros((2, 3))

    def _clip(self, item: Any, outer: FloatArray) -> Box | None:
        raw = self.raw
        path = raw.FPDFPageObj_GetClipPath(item)
        found: Box | None = None
        for i in range(min(20, max(0, raw.FPDFClipPath_CountPaths(path) if path else 0))):
            count = min(500, max(0, raw.FPDFClipPath_CountPathSegments(path, i)))
            points = [self._point(raw.FPDFClipPath_GetPathSegment(path, i, k)) for k in range(count)]
            if points:
                found = meet(found, bounds(transformed(outer, np.array(points))))
        return found

    def _point(self, segment: Any) -> tuple[float, float]:
        x, y = ctypes.c_float(), ctypes.c_float()
        self.raw.FPDFPathSegment_GetPoint(segment, x, y)
        fine = math.isfinite(x.value) and math.isfinite(y.value) and abs(x.value) < 1e7 and abs(y.value) < 1e7
        return (x.value, y.value) if fine else (0.0, 0.0)

    def _path(self, item: Any, matrix: FloatArray, clip: Box | None) -> None:
        raw = self.raw
        mode, stroked = ctypes.c_int(), ctypes.c_int()
        raw.FPDFPath_GetDrawMode(item, mode, stroked)
        if not (mode.value or stroked.value):
            return
        subpaths = self._subpaths(item)
        line, line_opacity = self._colour(item, raw.FPDFPageObj_GetStrokeColor)
        fill, fill_opacity = self._colour(item, raw.FPDFPageObj_GetFillColor)
        width = ctypes.c_float()
        raw.FPDFPageObj_GetStrokeWidth(item, width)
        grow = scale_of(matrix)
        dash = self._dash(item, grow)
        self.number += 1
        for points, closed in subpaths:
            self._count(len(points))
            at = transformed(matrix, points)
            if not np.isfinite(at).all():
                continue
            filled = bool(mode.value) and fill_opacity > 0 and len(at) > 2
            if filled:
                self.scene.fills.append(Fill(at, fill, fill_opacity, clip, self.number))
            if stroked.value and line_opacity > 0:
                whole = np.vstack([at, at[:1]]) if closed else at
                self.scene.strokes.append(
                    Stroke(whole, line, max(0.01, width.value * grow), dash, line_opacity, closed, clip, filled, self.number)
                )

    def _subpaths(self, item: Any) -> list[tuple[FloatArray, bool]]:
        raw = self.raw
        count = max(0, raw.FPDFPath_CountSegments(item))
        self._count(count)
        found: list[tuple[FloatArray, bool]] = []
        points: list[tuple[float, float]] = []
        handles: list[tuple[float, float]] = []
        for i in range(count):
            segment = raw.FPDFPath_GetPathSegment(item, i)
            kind, at = raw.FPDFPathSegment_GetType(segment), self._point(segment)
            if kind == raw.FPDF_SEGMENT_MOVETO:
                if points:
                    found.append((np.array(points), False))
                points, handles = [at], []
            elif kind == raw.FPDF_SEGMENT_LINETO:
                points.append(at)
            else:
                handles.append(at)
                if len(handles) == 3 and points:
                    (x, y), (c1, c2, end) = points[-1], handles
                    for k in range(1, _BEZIER + 1):
                        t = k / _BEZIER
                        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
                        points.append((a * x + b * c1[0] + c * c2[0] + d * end[0], a * y + b * c1[1] + c * c2[1] + d * end[1]))
                    handles = []
            if raw.FPDFPathSegment_GetClose(segment) and points:
                found.append((np.array(points), True))
                points, handles = [], []
        if points:
            found.append((np.array(points), False))
        return found

    def _colour(self, item: Any, ask: Any) -> tuple[Rgb, float]:
        r, g, b, a = (ctypes.c_uint() for _ in range(4))
        if not ask(item, r, g, b, a):
            return (0, 0, 0), 1.0
        return (r.value & 255, g.value & 255, b.value & 255), (a.value & 255) / 255

    def _dash(self, item: Any, grow: float) -> tuple[float, ...]:
        raw = self.raw
        count = raw.FPDFPageObj_GetDashCount(item)
        if not 0 < count <= 64:
            return ()
        values = (ctypes.c_float * count)()
        if not raw.FPDFPageObj_GetDashArray(item, values, count):
            return ()
        dash = tuple(float(v) * grow for v in values)
        return dash if all(math.isfinite(v) for v in dash) and any(v > 0 for v in dash) else ()

    def _characters(self) -> Iterator[Glyph]:
        raw, text = self.raw, self.text
        count = raw.FPDFText_CountChars(text)
        if count > MOST_CHARACTERS:
            raise DataError("the page holds too much text", rule=f"at most {MOST_CHARACTERS:,} characters")
        strings: dict[int, int] = {}
        x, y = ctypes.c_double(), ctypes.c_double()
        cell, ink = raw.FS_RECTF(), [ctypes.c_double() for _ in range(4)]
        r, g, b, a = (ctypes.c_uint() for _ in range(4))
        for i in range(max(0, count)):
            char = chr(min(raw.FPDFText_GetUnicode(text, i), 0x10FFFF))
            if raw.FPDFText_IsGenerated(text, i) == 1 or char in "\r\n\0":
                continue
            if not (raw.FPDFText_GetCharOrigin(text, i, x, y) and raw.FPDFText_GetLooseCharBox(text, i, cell)):
                continue
            corners = np.array([[cell.left, cell.top], [cell.right, cell.bottom], [x.value, y.value]])
            if not np.isfinite(corners).all() or np.abs(corners).max() > 1e6:
                continue
            at = transformed(self.to_page, corners)
            angle = math.degrees(raw.FPDFText_GetCharAngle(text, i))
            angle = round((-angle if angle <= 180 else 360.0 - angle) + _turned(self.to_page), 1)
            box = bounds(at[:2])
            if char.strip() and raw.FPDFText_GetCharBox(text, i, *ink) and ink[1].value > ink[0].value:
                tight = bounds(transformed(self.to_page, np.array([[ink[0].value, ink[3].value], [ink[1].value, ink[2].value]])))
            else:
                tight = box
            upright = abs(math.cos(math.radians(angle))) > 0.7
            size = box.bottom - box.top if upright else box.right - box.left
            item = raw.FPDFText_GetTextObject(text, i)
            raw.FPDFText_GetFillColor(text, i, r, g, b, a)
            paint = (r.value & 255, g.value & 255, b.value & 255)
            yield Glyph(
                char,
                float(at[2, 0]),
                float(at[2, 1]),
                max(size, 0.01),
                box,
                angle,
                paint,
                path=i,
                ink=tight,
                string=strings.setdefault(ctypes.addressof(item.contents) if item else 0, len(strings)),
            )


def _turned(matrix: FloatArray) -> float:
    return math.degrees(math.atan2(-matrix[1, 0], matrix[0, 0]))


def _page_matrix(page: Any) -> FloatArray:
    """From the coordinates of the page's objects to points from its upper left corner as seen."""
    left, bottom, right, top = page.get_bbox()  # knows boxes that a page inherits, unlike its crop box
    turn = page.get_rotation() % 360
    if turn == 90:
        return np.array([[0.0, 1.0, -bottom], [1.0, 0.0, -left]])
    if turn == 180:
        return np.array([[-1.0, 0.0, right], [0.0, 1.0, -bottom]])
    if turn == 270:
        return np.array([[0.0, -1.0, top], [-1.0, 0.0, right]])
    return np.array([[1.0, 0.0, -left], [0.0, -1.0, top]])
