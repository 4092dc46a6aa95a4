"""The reading drawn again over the figure, so that one look tells whether it is right; and the figure under rulers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from nextarm.figures.reading import FigureReading, Placed
from nextarm.figures.told_apart import colours_for, name_places

if TYPE_CHECKING:
    from nextarm.figures.vector.scene import Fill, Scene

#: Longest side of an overlay in pixels.
LONGEST = 1600
_FADE = 0.45


def scale_for(width: float, height: float) -> float:
    """Pixels a figure unit for a drawing of this size."""
    return float(np.clip(LONGEST / max(width, height, 1.0), 0.02, 4.0))


def drawn(scene: Scene, scale: float) -> Any:
    """A drawing painted plainly: fills, strokes, texts. For orientation, not for measuring."""
    from PIL import Image, ImageDraw

    from nextarm.figures.vector.scene import Stroke

    size = (max(1, round(scene.width * scale)), max(1, round(scene.height * scale)))
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image, "RGBA")
    things: list[Stroke | Fill] = [*scene.fills, *scene.strokes]
    for thing in sorted(things, key=lambda t: t.path)[:50_000]:
        points = [tuple(p) for p in np.clip(thing.points * scale, -1e5, 1e5).tolist()]
        colour = (*thing.colour, round(255 * min(1.0, thing.opacity)))
        if isinstance(thing, Stroke):
            pen.line(points, fill=colour, width=max(1, round(thing.width * scale)))
        elif len(points) > 2:
            pen.polygon(points, fill=colour)
    for glyph in scene.glyphs[:20_000]:
        for part in glyph.outline:
            if len(part) > 2:
                pen.polygon([tuple(p) for p in np.clip(part * scale, -1e5, 1e5).tolist()], fill=glyph.colour)
    for text in scene.texts[:5000]:
        if abs(text.angle) < 3 and not scene.glyphs and 2 < text.size * scale < 200:
            pen.text((text.left * scale, text.y * scale), _plain(text.text), fill=text.colour, anchor="ls", font=_font(text.size * scale))
    return np.asarray(image)


def paint(reading: FigureReading, *, scene: Scene | None = None, image: Any | None = None, scale: float | None = None) -> bytes:
    """PNG of the figure, faded, with curves, marks and axes as read; ``scale`` is pixels of ``image`` a figure unit."""
    from PIL import Image, ImageDraw

    if image is None:
        assert scene is not None
        scale = scale_for(scene.width, scene.height)
        image = drawn(scene, scale)
    assert scale is not None
    base = Image.fromarray(image)
    if max(base.size) > LONGEST:
        shrink = LONGEST / max(base.size)
        base = base.resize((max(1, round(base.width * shrink)), max(1, round(base.height * shrink))))
        scale *= shrink
    base = Image.blend(base.convert("RGB"), Image.new("RGB", base.size, "white"), _FADE)
    pen = ImageDraw.Draw(base, "RGBA")
    x, y = reading.x_axis, reading.y_axis

    line = max(1, round(max(base.size) / 700))
    box = reading.box
    pen.rectangle([box.left * scale, box.top * scale, box.right * scale, box.bottom * scale], outline=(120, 120, 120, 120))
    for position in x.pixels:
        _cross(pen, position * scale, box.bottom * scale, 4 * line)
    for position in y.pixels:
        _cross(pen, box.left * scale, position * scale, 4 * line)
    colours = colours_for([c.colour for c in reading.curves])
    for k, colour in enumerate(colours):
        _curve(pen, reading.positions(k), colour, scale, line)
    _names(pen, reading, colours, scale, max(11, round(max(base.size) / 75)))
    return _png(_under_key(base, reading, colours))


def _curve(pen: Any, place: Placed, colour: str, scale: float, line: int) -> None:
    """A curve with its marks, each with a white edge so that it stands out from the printed line below it."""
    across, down = (np.clip(a * scale, -1e5, 1e5) for a in (place.across, place.down))
    points = [(float(across[0]), float(down[0]))]
    for i in range(1, len(across)):
        points += [(float(across[i]), float(down[i - 1])), (float(across[i]), float(down[i]))]
    points.append((float(np.clip(place.end * scale, -1e5, 1e5)), float(down[-1])))
    pen.line(points, fill="white", width=line + 2)
    pen.line(points, fill=colour, width=line)
    levels = down[np.maximum(np.searchsorted(across, place.ticks * scale, side="right") - 1, 0)]
    for px, py in zip(np.clip(place.ticks * scale, -1e5, 1e5).tolist(), levels.tolist(), strict=True):
        pen.line([px, py - 5 * line, px, py + 5 * line], fill=colour, width=line)


def _names(pen: Any, reading: FigureReading, colours: tuple[str, ...], scale: float, height: int) -> None:
    """The name of each curve at its line."""
    font = _font(height)
    words = [_plain(c.arm[:40]) for c in reading.curves]
    widths = [(float(pen.textlength(w, font=font)) + 6) / scale for w in words]
    for name, colour, box in zip(words, colours, name_places(reading, widths, 1.3 * height / scale), strict=True):
        left, top, right, bottom = (float(np.clip(v * scale, -1e5, 1e5)) for v in (box.left, box.top, box.right, box.bottom))
        pen.rectangle([left, top, right, bottom], fill=(255, 255, 255, 225))
        pen.text((left + 3, top), name, fill=colour, font=font)


def ruled(image: Any, scale: float = 1.0) -> bytes:
    """PNG of the figure with rulers in figure units along its edges."""
    from PIL import Image, ImageDraw

    base = Image.fromarray(np.ascontiguousarray(image))
    if max(base.size) > LONGEST:
        shrink = LONGEST / max(base.size)
        base = base.resize((max(1, round(base.width * shrink)), max(1, round(base.height * shrink))))
        scale *= shrink
    pen = ImageDraw.Draw(base)
    step = next(s for s in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10**9) if s * scale >= 45)
    for k in range(int(base.width / scale / step) + 1):
        pen.line([k * step * scale, 0, k * step * scale, 8], fill="red")
        pen.text((k * step * scale + 2, 2), str(k * step), fill="red")
    for k in range(1, int(base.height / scale / step) + 1):
        pen.line([0, k * step * scale, 8, k * step * scale], fill="red")
        pen.text((10, k * step * scale - 5), str(k * step), fill="red")
    return _png(base)


def _cross(pen: Any, x: float, y: float, arm: float) -> None:
    pen.line([x - arm, y, x + arm, y], fill=(200, 0, 0, 200))
    pen.line([x, y - arm, x, y + arm], fill=(200, 0, 0, 200))


def _under_key(base: Any, reading: FigureReading, colours: tuple[str, ...]) -> Any:
    """The picture below its key: how each curve is drawn, what was read of it, and the colour in which it is printed."""
    from PIL import Image, ImageDraw

    pen, height = ImageDraw.Draw(base), max(11, round(max(base.size) / 90))
    font = _font(height)
    pieces = [(f"grade {reading.grade}", "#3c3c3c", "")]
    for c, colour in zip(reading.curves, colours, strict=True):
        words = f"{c.arm[:30]}: {int(np.count_nonzero(np.diff(c.survival) < 0))} drops, {int(c.tick_low.sum())} marks; printed in"
        pieces.append((words, colour, c.colour))
    x, y = 6.0, 4.0
    placed = []
    for words, colour, printed in pieces:
        swatch = 1.6 * height if printed else 0.0
        wide = float(pen.textlength(_plain(words), font=font)) + swatch
        if x > 6 and x + wide > base.width - 6:
            x, y = 6.0, y + 1.5 * height
        placed.append((x, y, wide, words, colour, printed))
        x += wide + 2 * height
    whole = Image.new("RGB", (base.width, base.height + round(y + 1.6 * height)), "white")
    whole.paste(base, (0, whole.height - base.height))
    pen = ImageDraw.Draw(whole)
    for x, y, wide, words, colour, printed in placed:
        pen.text((x, y), _plain(words), fill=colour, font=font)
        if printed:
            pen.rectangle([x + wide - 1.2 * height, y + 0.15 * height, x + wide, y + height], fill=printed, outline="#3c3c3c")
    return whole


def _plain(words: str) -> str:
    return "".join(c if " " <= c <= "ÿ" else "?" for c in words)[:200]


def _font(size: float) -> Any:
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size=max(6, round(size)))
    except (OSError, ImportError, TypeError):  # without FreeType there is one size
        return ImageFont.load_default()


def _png(image: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=False, compress_level=6)
    return buffer.getvalue()
