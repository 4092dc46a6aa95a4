"""From the bytes of a file to a reading: a drawing where the file is one, else its bitmap. Runs inside the child."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from nextarm.core.errors import CallError, DataError, NextarmError
from nextarm.figures.marks import CurveMark, Marks
from nextarm.figures.reading import Box, FigureReading, FigureRefused, Kind

if TYPE_CHECKING:
    from nextarm.figures.vector.scene import Scene

MOST_PIXELS = 40_000_000
#: Pages with a bitmap figure are drawn at this many pixels an inch, fewer where the page is large.
PAGE_DPI, WIDEST_PAGE = 250, 4000
#: A bitmap on a page is a figure from this share of the page on.
LEAST_BITMAP = 0.04


class PictureOnPage(NextarmError):  # noqa: N818 (an answer, not a failure)
    """The page holds a picture of the figure, and the reader of pictures was not asked for."""


def read_file(
    data: bytes, *, kind: Kind, page: int | None = None, panel: int | None = None, marks: Marks | None = None, pictures: bool = True
) -> tuple[FigureReading, bytes]:
    """The reading of a figure and its overlay as PNG; errors as in :func:`nextarm.figures.door.read_figure`.

    Without ``pictures`` a page that holds a picture of the figure is :class:`PictureOnPage`.
    """
    if kind != "pdf" and page not in (None, 1):
        raise CallError(f"page = {page}", rule=f"the file is a {'drawing' if kind == 'svg' else 'picture'} and has one page")
    if kind == "svg":
        return _drawing(data, panel, marks)
    if kind == "pdf":
        return _pdf(data, page, panel, marks, pictures)
    return _bitmap(pixels_of(data, kind), kind, 1, panel, marks)


def _drawing(data: bytes, panel: int | None, marks: Marks | None) -> tuple[FigureReading, bytes]:
    from nextarm.figures.overlay import paint
    from nextarm.figures.vector.read import read_drawing
    from nextarm.figures.vector.svg import read_svg

    scene = read_svg(data)
    try:
        reading = read_drawing(scene, kind="svg", panel=panel, marks=marks)
    except FigureRefused as refusal:
        raise _with_help(refusal, scene, None) from None
    return reading, paint(reading, scene=scene)


def _pdf(data: bytes, page: int | None, panel: int | None, marks: Marks | None, pictures: bool) -> tuple[FigureReading, bytes]:
    from nextarm.figures.overlay import paint, scale_for
    from nextarm.figures.vector.pdf import opened, read_page, render_page
    from nextarm.figures.vector.read import read_drawing

    with opened(data) as document:
        pages = [page] if page is not None else list(range(1, len(document) + 1))
        refusals: list[tuple[int, FigureRefused, Scene]] = []
        read: list[FigureReading] = []
        for number in pages:
            scene = read_page(document, number)
            try:
                read.append(read_drawing(scene, kind="pdf", page=number, panel=panel, marks=marks))
            except FigureRefused as refusal:
                refusals.append((number, refusal, scene))
            except CallError:
                if page is not None or len(document) == 1:
                    raise
        several = [r for r in refusals if r[1].found and "panel" in r[1].found[0]]
        if len(read) + len(several) > 1:
            seen = sorted([r.page for r in read] + [r[0] for r in several])
            raise FigureRefused(
                f"figures are on pages {', '.join(map(str, seen))}", rule="one is read at a time", cure="Choose one with --page",
                found=tuple(f"page {n}" for n in seen),
            )  # fmt: skip
        if read:
            scale = scale_for(read[0].width, read[0].height)
            return read[0], paint(read[0], image=render_page(document, read[0].page, scale), scale=scale)
        if several:
            number, why, scene = several[0]
            raise _with_help(why, scene, render_page(document, number, scale_for(scene.width, scene.height)))
        held = [(n, s) for n, _, s in refusals if (box := _largest(s)) is not None and _share(box, s) >= LEAST_BITMAP]
        if len(held) == 1 and (marks is None or page is not None or len(document) == 1):
            if not pictures:
                raise PictureOnPage("the page holds a picture")
            number, scene = held[0]
            scale = min(PAGE_DPI / 72, WIDEST_PAGE / max(scene.width, scene.height))
            return _bitmap(_cropped(render_page(document, number, scale), _largest(scene), scale), "pdf", number, panel, marks)
        if len(held) > 1:
            listed = ", ".join(str(n) for n, _ in held)
            raise FigureRefused(f"pages {listed} hold pictures", rule="one page is read at a time", cure="Choose one with --page")
        number, why, scene = refusals[0] if refusals else (1, FigureRefused("no page holds a figure"), read_page(document, 1))
        raise _with_help(why, scene, render_page(document, number, scale_for(scene.width, scene.height)))


def _largest(scene: Scene) -> Box | None:
    return max(scene.bitmaps, key=lambda b: (b.right - b.left) * (b.bottom - b.top), default=None)


def _share(box: Box, scene: Scene) -> float:
    return (box.right - box.left) * (box.bottom - box.top) / (scene.width * scene.height)


def _cropped(image: Any, box: Box | None, scale: float) -> Any:
    if box is None:
        return image
    height, width = image.shape[:2]
    left, top = max(0, int(box.left * scale)), max(0, int(box.top * scale))
    right, bottom = min(width, int(box.right * scale) + 1), min(height, int(box.bottom * scale) + 1)
    return image[top:bottom, left:right] if right - left > 50 and bottom - top > 50 else image


def pixels_of(data: bytes, kind: Kind) -> Any:
    """The picture as an (h, w, 3) array of bytes on white; only the decoder of its own kind is used."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with Image.open(io.BytesIO(data), formats=[kind.upper()]) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise DataError(f"the picture has {width} x {height} pixels", rule="at most 40 megapixels", cure="Make it smaller")
            if min(width, height) < 2:
                raise DataError(f"the picture has {width} x {height} pixels", rule="too small for a figure")
            image.load()
            if image.mode in ("I;16", "I;16B", "I"):
                array = np.asarray(image, np.float64)
                gray = np.clip(array / max(float(array.max()), 1.0) * 255, 0, 255).astype(np.uint8)
                return np.repeat(gray[:, :, None], 3, axis=2)
            if "A" not in image.getbands() and "a" not in image.getbands() and "transparency" not in image.info:
                return np.asarray(image.convert("RGB"))
            rgba = image.convert("RGBA")
            white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
            return np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise DataError("the picture is too large", rule="at most 40 megapixels", cure="Make it smaller") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct_error()) as error:
        said = "" if isinstance(error, UnidentifiedImageError) else str(error)[:80]
        raise DataError(f"the {kind.upper()} picture is damaged", rule=said) from None


def struct_error() -> type[Exception]:
    """What decoders raise on short data."""
    import struct

    return struct.error


def _bitmap(rgb: Any, kind: Kind, page: int, panel: int | None, marks: Marks | None) -> tuple[FigureReading, bytes]:
    """A picture through the reader of pixels."""
    from dataclasses import replace

    from nextarm.figures.overlay import paint, ruled

    try:
        from nextarm.figures.raster.read import read_raster
    except ImportError as missing:
        cure = "pip install 'nextarm[figures]'" if not str(missing.name or "").startswith("nextarm") else "Give the figure as SVG or PDF"
        raise CallError("pictures cannot be read here", rule=f"{missing.name} is missing", cure=cure) from None
    try:
        reading = read_raster(rgb, marks=marks, panel=panel)
    except FigureRefused as refusal:
        refusal.marks = refusal.marks or Marks()
        refusal.image = ruled(rgb)
        raise
    reading = replace(reading, file_kind=kind, page=page)
    return reading, paint(reading, image=rgb, scale=1.0)


def _with_help(refusal: FigureRefused, scene: Scene, image: Any | None) -> FigureRefused:
    """The refusal with a picture under rulers and marks in which the colours of the lines are filled in."""
    from nextarm.figures.overlay import drawn, ruled, scale_for
    from nextarm.figures.vector.chains import chains
    from nextarm.figures.vector.scene import hex_of

    scale = scale_for(scene.width, scene.height)
    refusal.image = ruled(image if image is not None else drawn(scene, scale), scale)
    if refusal.marks is None:
        steps = [c for c in chains(scene.strokes) if len(c.points) > 6]
        colours = list(dict.fromkeys(hex_of(c.colour) for c in sorted(steps, key=lambda c: -len(c.points))))[:6]
        refusal.marks = Marks(curves=tuple(CurveMark(colour=c) for c in colours))
    return refusal
