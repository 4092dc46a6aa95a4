"""Whether a panel shows survival, which falls, or its complement, which rises."""

from __future__ import annotations

import re

import numpy as np

from nextarm.figures.raster.channels import largest
from nextarm.figures.raster.frame import Frame
from nextarm.figures.raster.panel import Box
from nextarm.figures.raster.words import Image

RISING = re.compile(
    r"incidence|failure|mortality|1\s*[-–]\s*|cumulative (event|risk|prob|hazard|prop)|"
    r"probability of (event|death|relapse|progression|failure)|relapse rate",
    re.I,
)
FALLING = re.compile(r"surviv|alive|free|remission|survival", re.I)


def is_upward(rgb: Image, frame: Frame, exclude: list[Box], label: str | None) -> tuple[bool, tuple[str, ...]]:
    """Whether curves rise, from how high the ink reaches where it begins: all survival curves begin at the top.

    The label of the axis settles a doubt, then the drift of the ink from the start to the end.

    Returns:
        The answer, and a warning where ink and label disagree.
    """
    a, b, c, d = int(frame.left) + 5, int(frame.right) - 4, int(frame.top) + 5, int(frame.bottom) - 4
    if b - a < 20 or d - c < 20:
        return False, ()
    part = largest(np.abs(rgb[c:d, a:b].astype(np.int16) - np.array(frame.background, np.int16))) > 60
    for box in exclude:
        part[max(0, box.top - c - 2) : max(0, box.bottom - c + 2), max(0, box.left - a - 2) : max(0, box.right - a + 2)] = False
    part[:, part.mean(0) > 0.9] = False
    part[part.mean(1) > 0.9, :] = False
    heights = np.arange(d - c)[:, None]
    count = part.sum(0)
    mean = np.where(count > 0, (part * heights).sum(0) / np.maximum(count, 1), np.nan)
    used = np.flatnonzero(~np.isnan(mean))
    said = label or ""
    text = bool(RISING.search(said)), bool(FALLING.search(said))
    if used.size < 10:
        return text == (True, False), ()
    first = used[: max(3, used.size // 30)]
    highest = float(np.median(part[:, first].argmax(0))) / (d - c)
    if highest < 0.4 or highest > 0.6:
        rising = highest > 0.6
    else:
        cut = max(3, used.size // 6)
        drift = float(np.nanmean(mean[used[-2 * cut :]]) - np.nanmean(mean[used[:cut]])) / (d - c)
        rising = text == (True, False) or (text != (False, True) and drift < -0.02)
    doubt: tuple[str, ...] = ()
    if (rising and text == (False, True)) or (not rising and text == (True, False)):
        doubt = (f"the curves {'rise' if rising else 'fall'}, while the axis is labelled '{said}'",)
    return rising, doubt
