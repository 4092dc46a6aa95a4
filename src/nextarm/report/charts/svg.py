"""From a Vega-Lite specification to SVG: drawn offline, freed of colours and fonts, dressed for a page or a file.

vl-convert draws without a browser and is not allowed any address. The raw drawing holds sentinel colours
(:mod:`nextarm.report.charts.palette`); :func:`for_page` turns them into CSS variables, :func:`for_file` into the light
theme's colours on paper.
"""

from __future__ import annotations

import json
import re
from typing import Any
from xml.sax.saxutils import quoteattr

from nextarm.report.charts.palette import COLOURS, sentinel

#: The font the drawing is measured with; pages replace it by the system's own.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

_ROOT = re.compile(r"<svg\b[^>]*>")
_SIZE = re.compile(r'viewBox="([^"]*)"')
_FONT_FAMILY = re.compile(r'\sfont-family="[^"]*"')
_COLOUR = re.compile("|".join(re.escape(sentinel(role)) for role in COLOURS), re.IGNORECASE)
_ROLE = {sentinel(role): role for role in COLOURS}


def draw(spec: dict[str, Any]) -> str:
    """Draw ``spec`` as SVG text with sentinel colours; no address may be loaded."""
    import vl_convert

    text: str = vl_convert.vegalite_to_svg(json.dumps(spec), allowed_base_urls=[])
    return text


def for_page(svg: str, *, prefix: str, label: str) -> str:
    """The drawing for a page: themed by CSS variables, ids made unique by ``prefix``, ``label`` for a screen reader."""
    box = _view_box(svg)
    width, height = box.split()[2:]
    root = f'<svg class="drawing" viewBox="{box}" width="{width}" height="{height}" role="img" aria-label={quoteattr(label)}>'
    body = _ROOT.sub(lambda _: root, svg, count=1)
    body = _COLOUR.sub(lambda m: f"var(--{_ROLE[m[0].lower()]})", body)
    body = _FONT_FAMILY.sub("", body)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', body)
    return re.sub(r'url\("?#([^")]+)"?\)', rf"url(#{prefix}\1)", body)


def for_file(svg: str, *, label: str) -> str:
    """The drawing as a file of its own: light theme on paper, title for a screen reader."""
    box = _view_box(svg)
    width, height = box.split()[2:]
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{width}" height="{height}" role="img" '
        f"aria-label={quoteattr(label)}>"
    )
    body = _ROOT.sub(lambda _: root, svg, count=1)
    return _COLOUR.sub(lambda m: COLOURS[_ROLE[m[0].lower()]][0], body)


def _view_box(svg: str) -> str:
    match = _SIZE.search(svg)
    if match is None:
        raise ValueError("the drawing has no viewBox")
    return match[1]
