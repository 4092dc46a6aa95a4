"""The figure as a plain picture in the reader's own positions, for a screen that draws the reading over it. Runs inside the child."""

from __future__ import annotations

import io
from typing import Any

from nextarm.core.errors import CallError
from nextarm.figures.read_file import LEAST_BITMAP, PAGE_DPI, WIDEST_PAGE, _cropped, _largest, _share, pixels_of
from nextarm.figures.reading import FigureRefused, Kind

#: Longest side of a picture in pixels; a larger one is made smaller, its ``width`` and ``height`` stay.
LONGEST = 2400


def picture_of(data: bytes, *, kind: Kind, page: int = 1) -> tuple[dict[str, float], bytes]:
    """Width and height in figure units, and a PNG that covers just that.

    A page of a PDF that holds a drawing is the page in points, one that holds only a picture that picture's pixels.
    """
    if kind == "svg":
        from nextarm.figures.overlay import drawn, scale_for
        from nextarm.figures.vector.svg import read_svg

        scene = read_svg(data)
        return {"width": scene.width, "height": scene.height}, _png(drawn(scene, scale_for(scene.width, scene.height)))
    if kind != "pdf":
        image = pixels_of(data, kind)
        return {"width": image.shape[1], "height": image.shape[0]}, _png(image)
    from nextarm.figures.overlay import scale_for
    from nextarm.figures.vector.pdf import opened, read_page, render_page
    from nextarm.figures.vector.read import read_drawing

    with opened(data) as document:
        scene = read_page(document, page)
        held = _largest(scene)
        if held is not None and _share(held, scene) >= LEAST_BITMAP:
            try:
                read_drawing(scene, kind="pdf", page=page)
            except FigureRefused as refusal:
                if not (refusal.found and "panel" in refusal.found[0]):
                    scale = min(PAGE_DPI / 72, WIDEST_PAGE / max(scene.width, scene.height))
                    image = _cropped(render_page(document, page, scale), held, scale)
                    return {"width": image.shape[1], "height": image.shape[0]}, _png(image)
            except CallError:
                pass
        return {"width": scene.width, "height": scene.height}, _png(render_page(document, page, scale_for(scene.width, scene.height)))


def _png(array: Any) -> bytes:
    import numpy as np
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(array))
    if max(image.size) > LONGEST:
        shrink = LONGEST / max(image.size)
        image = image.resize((max(1, round(image.width * shrink)), max(1, round(image.height * shrink))), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
