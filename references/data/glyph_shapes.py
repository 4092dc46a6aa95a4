"""Remake the shapes by which outlined characters are told: src/nextarm/figures/vector/glyph_shapes.json.

    python references/data/glyph_shapes.py FONT.ttf [FONT.ttf ...]

Made from DejaVu Sans and Liberation Sans (both free to use, embed and derive from). A shape is the character's ink in a grid of 16 x 16
cells over its own box, with the box in ems: width, height, bottom above the baseline.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

from nextarm.figures.vector.outlines import shape_of

CHARACTERS = "".join(chr(c) for c in range(33, 127)) + "–−≥≤±×"
#: Drawn here: a one without a foot, as faces like Helvetica have it (x, y in ems, y downward).
ONE = np.array(
    [(0, -0.5), (0.075, -0.512), (0.135, -0.56), (0.17, -0.709), (0.24, -0.709), (0.24, 0), (0.152, 0), (0.152, -0.505), (0, -0.505)]
)
OUT = Path(__file__).resolve().parents[2] / "src/nextarm/figures/vector/glyph_shapes.json"


def contours(font: TTFont, name: str) -> list[np.ndarray]:
    """The outline in ems, y downward; curves as chords."""
    glyphs, em = font.getGlyphSet(), font["head"].unitsPerEm
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    found: list[list[tuple[float, float]]] = []
    for step, points in pen.value:
        if step == "moveTo":
            found.append([points[0]])
        elif step == "lineTo":
            found[-1].append(points[0])
        elif step == "qCurveTo":
            offs, last = list(points[:-1]), points[-1]
            for i, off in enumerate(offs):
                end = last if i == len(offs) - 1 else tuple((np.add(off, offs[i + 1]) / 2).tolist())
                start = found[-1][-1]
                p, q, r = np.array(start), np.array(off), np.array(end)
                found[-1] += [tuple(((1 - t) ** 2 * p + 2 * t * (1 - t) * q + t * t * r).tolist()) for t in np.linspace(0, 1, 9)[1:]]
        elif step == "curveTo":
            a, b, c, d = (np.array(p) for p in (found[-1][-1], *points))
            for t in np.linspace(0, 1, 9)[1:]:
                found[-1].append(tuple(((1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t * t * (1 - t) * c + t**3 * d).tolist()))
    return [np.array(c) / em * [1, -1] for c in found if len(c) > 2]


def _row(char: str, outline: list[np.ndarray]) -> list[object]:
    bits, width, height, bottom = shape_of(outline)
    return [char, round(width, 4), round(height, 4), round(bottom, 4), np.packbits(bits.ravel()).tobytes().hex()]


def main() -> None:
    shapes = [_row("1", [ONE])]
    for path in sys.argv[1:]:
        font = TTFont(path)
        names = font.getBestCmap()
        outlines = [(c, contours(font, names[ord(c)])) for c in CHARACTERS if ord(c) in names]
        shapes += [_row(char, outline) for char, outline in outlines if outline]
    OUT.write_text("[\n" + ",\n".join(json.dumps(s, ensure_ascii=False) for s in shapes) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
