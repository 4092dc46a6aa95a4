"""The reading drawn again over the figure, so that one look tells whether it is right; and the figure under rulers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from nextarm.figures.reading import FigureReading

if TYPE_CHECKING:
    from nextarm.figures.vector.scene import Fill, Scene

#: Longest side of an overlay in pixels.
LONGEST = 1600
#: Colours of the curves as read: told apart by readers who do not see all colours.
PALETTE = ((213, 94, 0), (0, 114, 178), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233))
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

    def at(time: float, survival: float) -> tuple[float, float]:
        shown = 1.0 - survival if reading.upward else survival
        across, down = (time - x.intercept) / x.slope, (shown - y.intercept) / y.slope
        return float(np.clip(across * scale, -1e5, 1e5)), float(np.clip(down * scale, -1e5, 1e5))

    line = max(1, round(max(base.size) / 700))
    box = reading.box
    pen.rectangle([box.left * scale, box.top * scale, box.right * scale, box.bottom * scale], outline=(120, 120, 120, 120))
    for position in x.pixels:
        _cross(pen, position * scale, box.bottom * scale, 4 * line)
    for position in y.pixels:
        _cross(pen, box.left * scale, position * scale, 4 * line)
    for k, curve in enumerate(reading.curves):
        colour = PALETTE[k % len(PALETTE)]
        points = [at(curve.time[0], curve.survival[0])]
        for i in range(1, len(curve.time)):
            points += [at(curve.time[i], curve.survival[i - 1]), at(curve.time[i], curve.survival[i])]
        points.append(at(curve.end_time, curve.survival[-1]))
        pen.line(points, fill=(*colour, 230), width=line)
        levels = curve.survival_at(np.minimum(curve.ticks, curve.end_time))
        for time, level in zip(curve.ticks, levels, strict=True):
            px, py = at(float(time), float(level))
            pen.line([px, py - 5 * line, px, py + 5 * line], fill=(*colour, 230), width=line)
    _key(pen, reading, base.size)
    return _png(base)


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


def _key(pen: Any, reading: FigureReading, size: tuple[int, int]) -> None:
    """What was read, in words, along the lower edge."""
    height = max(11, round(max(size) / 90))
    font = _font(height)
    pieces = [(f"grade {reading.grade}", (60, 60, 60))]
    for k, c in enumerate(reading.curves):
        words = f"{c.arm[:30]}: {int(np.count_nonzero(np.diff(c.survival) < 0))} drops, {int(c.tick_low.sum())} marks"
        pieces.append((words, PALETTE[k % len(PALETTE)]))
    x, y = 6.0, 4.0
    for words, colour in pieces:
        wide = float(pen.textlength(_plain(words), font=font))
        if x > 6 and x + wide > size[0] - 6:
            x, y = 6.0, y + 1.5 * height
        pen.rectangle([x - 3, y - 2, x + wide + 3, y + 1.25 * height], fill=(255, 255, 255, 215))
        pen.text((x, y), _plain(words), fill=colour, font=font)
        x += wide + 2 * height


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
