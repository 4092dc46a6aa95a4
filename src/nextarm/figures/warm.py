"""What a child does before it is locked in, while nothing of a stranger has been looked at: load the reader of pictures.

Its inner loops are compiled once for a machine and kept in the cache of numba; a locked process can read that cache but not
write it. Where the cache is empty, a figure drawn here is read, which fills it.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any


def load() -> None:
    """Import the reader of pictures, see that its loops are compiled, and keep it from writing. Nothing happens where it is missing."""
    try:
        from nextarm.figures.raster import read
    except ImportError:
        return
    loops = _loops()
    if any(not _compiled(loop) for loop in loops):
        with contextlib.suppress(Exception):  # a figure of our own that cannot be read must not keep a user's from being read
            read.read_raster(drawn())
    for loop in loops:
        loop._cache.save_overload = _keep_nothing


def drawn() -> Any:
    """A small figure of two curves as an array of bytes."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (640, 480), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size=16)
    pen.rectangle([80, 40, 600, 400], outline="black")
    for k in range(6):
        pen.line([74, 400 - 72 * k, 80, 400 - 72 * k], fill="black")
        pen.text((70, 400 - 72 * k), f"{k / 5:.1f}", fill="black", anchor="rm", font=font)
        pen.line([80 + 104 * k, 400, 80 + 104 * k, 406], fill="black")
        pen.text((80 + 104 * k, 412), str(12 * k), fill="black", anchor="mt", font=font)
    for colour, fall in (("red", 9), ("blue", 5)):
        x, y = 80, 40
        for i in range(30):
            pen.line([x, y, x + 17, y], fill=colour, width=2)
            pen.line([x + 17, y, x + 17, y + fall], fill=colour, width=2)
            x, y = x + 17, y + fall
            if i % 7 == 3:
                pen.line([x + 8, y - 5, x + 8, y + 5], fill=colour, width=1)
    return np.asarray(image)


def _loops() -> list[Any]:
    """The compiled functions of the reader of pictures."""
    found = []
    for name, module in list(sys.modules.items()):
        if name.startswith("nextarm.figures.raster."):
            found += [f for f in vars(module).values() if hasattr(f, "py_func") and hasattr(f, "_cache")]
    return list({id(f): f for f in found}.values())


def _compiled(loop: Any) -> bool:
    try:
        return bool(loop._cache._cache_file._load_index())
    except Exception:  # numba keeps its cache in a way of its own; without an answer the loops are compiled anew
        return False


def _keep_nothing(*anything: object) -> None:
    """Stands where numba would write to its cache."""
