"""The ink that censor marks of one curve are looked for in, and the pixels that say nothing about them.

Far from other curves this is the ink the curve was fitted to. On and beside the stroke of another curve the lightness does not tell
whose ink a pixel holds, but the colour often does: a mark painted over the other curve is seen, one painted under it is hidden, and
an empty pixel is empty.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nextarm.figures.raster.arms import Draft, beyond_frame, stroke_of, without_slivers
from nextarm.figures.raster.colours import Ink
from nextarm.figures.raster.identity import paler
from nextarm.figures.raster.ink import Canvas, Image, Mask
from nextarm.figures.raster.levels import level_again
from nextarm.figures.raster.refine import refine
from nextarm.figures.raster.start import from_the_top
from nextarm.figures.raster.ticks import bar_height

#: Share of its own ink from which a pixel beside another curve belongs to a mark; share of any ink below which it is empty.
OWN, EMPTY = 0.6, 0.2
#: How far beside another stroke (pixels) its edge mixes with what lies there.
BESIDE = 3.0


def ink_for_marks(draft: Draft, drafts: list[Draft], inks: tuple[Ink, ...], canvas: Canvas) -> tuple[Image, Mask]:
    """The share of ink (rows, columns) and the pixels that are hidden, for the marks of ``draft`` among ``drafts``."""
    ink = inks[draft.ink]
    hidden = canvas.neutral | beyond_frame(canvas)
    share = draft.own
    with_curves = {d.ink for d in drafts}
    for j, mask in enumerate(ink.other):
        if j not in with_curves and not (paler(inks[j], ink) or paler(ink, inks[j])):  # shades of one ink are one ink
            hidden = hidden | (mask & (ink.own < OWN))
    for other in drafts:
        if other is draft:
            continue
        zone = stroke_of(other.steps, other.width + BESIDE, hidden.shape)
        if other.ink == draft.ink:
            hidden = hidden | zone
            continue
        theirs = inks[other.ink].own
        zone |= ink.other[other.ink]
        mine = ink.own >= OWN
        empty = (ink.own < EMPTY) & (theirs < EMPTY) & (draft.own < EMPTY)
        share = np.where(zone, np.where(mine, np.minimum(ink.own / max(draft.level, 0.3), 1.0), np.float32(0)), share).astype(np.float32)
        hidden = hidden | (zone & ~mine & ~empty)
    return share, hidden


def fitted_to_marks(draft: Draft, share: Image, hidden: Mask, canvas: Canvas) -> Draft:
    """The draft with its levels fitted once more, now with its censor bars; the same draft where it has few of them."""
    steps = from_the_top(draft.steps, share, hidden, top=canvas.top, width=draft.width)
    height = bar_height(share, hidden, steps, width=draft.width, blur=draft.blur)
    if height > 0:
        again = level_again(steps, share, hidden, width=draft.width, height=height)
        if again is not steps:
            steps = without_slivers(refine(share, hidden, again, width=draft.width, blur=draft.blur))
    return draft if steps is draft.steps else replace(draft, steps=steps)
