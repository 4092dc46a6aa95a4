"""A chart as files: its specification (Vega-Lite), SVG and PNG, wide and narrow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nextarm.report.charts.palette import COLOURS, sentinel
from nextarm.report.charts.svg import draw, for_file, to_png
from nextarm.report.document import Chart


def coloured(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with the light theme's colours instead of their sentinels, ready for any Vega-Lite viewer."""
    text = json.dumps(spec)
    for role, (light, _) in COLOURS.items():
        text = text.replace(sentinel(role), light)
    made: dict[str, Any] = json.loads(text)
    return {"$schema": "https://vega.github.io/schema/vega-lite/v5.json"} | made


def chart_files(chart: Chart, folder: str | Path) -> dict[Path, str | bytes]:
    """What to write for ``chart``: ``id.vl.json``, ``id.svg``, ``id.png`` and the same with ``-narrow``; nothing is written here."""
    made: dict[Path, str | bytes] = {}
    for spec, ending in ((chart.wide, ""), (chart.narrow, "-narrow")):
        stem = Path(folder) / f"{chart.id}{ending}"
        svg = for_file(draw(spec), label=chart.alt)
        made[stem.with_name(f"{stem.name}.vl.json")] = json.dumps(coloured(spec), indent=1) + "\n"
        made[stem.with_name(f"{stem.name}.svg")] = svg
        made[stem.with_name(f"{stem.name}.png")] = to_png(svg)
    return made
