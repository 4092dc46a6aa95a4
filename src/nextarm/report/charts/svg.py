"""From a Vega-Lite specification to SVG: drawn offline, freed of colours and fonts, dressed for a page or a file.

vl-convert draws without a browser and is not allowed any address. The raw drawing holds sentinel colours
(:mod:`nextarm.report.charts.palette`); :func:`for_page` turns them into CSS variables, :func:`for_file` into the light
theme's colours on paper.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from nextarm.report.charts.palette import COLOURS, sentinel

#: The font the drawing is measured with; pages replace it by the system's own.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

_TAG = re.compile(r"<[^>]*>")
_SIZE = re.compile(r'viewBox="([^"]*)"')
_ID = re.compile(r'\bid="([^"]+)"')
_REFERENCE = re.compile(r"url\(['\"]?#([^)'\"]+)['\"]?\)")
#: What Vega adds for its own use; the drawing is one image with one description.
_NOISE = re.compile(r'\s(?:class|role|aria-[a-z]+|pointer-events|font-family)="[^"]*"')
_COLOUR = re.compile("|".join(re.escape(sentinel(role)) for role in COLOURS), re.IGNORECASE)
_ROLE = {sentinel(role): role for role in COLOURS}
#: As xml.sax.saxutils has it, which would load the whole of urllib and ssl.
_IN_ATTRIBUTE = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def draw(spec: dict[str, Any]) -> str:
    """Draw ``spec`` as SVG text with sentinel colours; no address may be loaded."""
    import vl_convert

    text: str = vl_convert.vegalite_to_svg(json.dumps(spec), allowed_base_urls=[])
    return text


def for_page(svg: str, *, prefix: str, label: str) -> str:
    """The drawing for a page: themed by CSS variables, ids made unique by ``prefix``, ``label`` for a screen reader."""
    return _dressed(svg, prefix=prefix, label=label, root='<svg class="drawing"', colour=lambda role: f"var(--{role})")


def for_file(svg: str, *, label: str) -> str:
    """The drawing as a file of its own: the light theme's colours on paper, ``label`` for a screen reader."""
    root = f'<svg xmlns="http://www.w3.org/2000/svg" font-family="{FONT}"'
    return _dressed(svg, prefix="", label=label, root=root, colour=lambda role: COLOURS[role][0])


def to_png(svg: str, *, scale: float = 2.0) -> bytes:
    """A file drawing as PNG, ``scale`` pixels a unit."""
    import vl_convert

    image: bytes = vl_convert.svg_to_png(svg, scale=scale)
    return image


def _dressed(svg: str, *, prefix: str, label: str, root: str, colour: Callable[[str], str]) -> str:
    """Change tags only, never the words between them; ids are numbered anew, since Vega counts on from drawing to drawing."""
    box = _view_box(svg)
    width, height = box.split()[2:]
    ids: dict[str, str] = {}

    def renamed(old: str) -> str:
        return ids.setdefault(old, f"{prefix}{len(ids)}" if prefix else f"i{len(ids)}")

    def change(match: re.Match[str]) -> str:
        tag = match[0]
        if tag.startswith("<svg"):
            return f'{root} viewBox="{box}" width="{width}" height="{height}" role="img" aria-label="{label.translate(_IN_ATTRIBUTE)}">'
        tag = _NOISE.sub("", tag)
        tag = _ID.sub(lambda m: f'id="{renamed(m[1])}"', tag)
        tag = _REFERENCE.sub(lambda m: f"url(#{renamed(m[1])})", tag)
        return _COLOUR.sub(lambda m: colour(_ROLE[m[0].lower()]), tag)

    return _TAG.sub(change, svg)


def _view_box(svg: str) -> str:
    match = _SIZE.search(svg)
    if match is None:
        raise ValueError("the drawing has no viewBox")
    return match[1]
