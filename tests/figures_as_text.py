"""Figures drawn by the tests themselves, with known truth: SVG and PDF as text, pictures through Pillow."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

#: Panel of every figure here (SVG units, y downward): x = 80 + 8 * month, y = 360 - 320 * S.
LEFT, TOP, RIGHT, BOTTOM = 80.0, 40.0, 560.0, 360.0
PER_MONTH, PER_ONE = 8.0, 320.0
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd")


@dataclass(frozen=True)
class Arm:
    """One arm: step times and levels (starting with 0, 1), end, censoring marks, at-risk counts every 12 months."""

    name: str
    time: tuple[float, ...]
    survival: tuple[float, ...]
    end: float
    ticks: tuple[float, ...] = ()
    at_risk: tuple[int, ...] = ()


def exponential_arm(name: str, n: int, *, median: float = 20.0, ticks: bool = True) -> Arm:
    """The closed form: of n patients the i-th event of k comes where S falls to (n - i) / n, then all others leave one by one at the end."""
    k = int(0.6 * n)
    time = [0.0] + [-median / np.log(2) * float(np.log(1 - i / n)) for i in range(1, k + 1)]
    survival = [1 - i / n for i in range(k + 1)]
    left = n - k
    marks = tuple(float(v) for v in np.linspace(time[-1] + 1, 58, left)) if ticks else ()
    counts = tuple(sum(t >= x - 1e-9 for t in time[1:]) + sum(t >= x - 1e-9 for t in marks) for x in range(0, 60, 12)) if ticks else ()
    return Arm(name, tuple(time), tuple(survival), 58.0, marks, counts)


def px(month: float, survival: float) -> tuple[float, float]:
    return LEFT + PER_MONTH * month, BOTTOM - PER_ONE * survival


def step_points(arm: Arm, *, upward: bool = False) -> list[tuple[float, float]]:
    show = (lambda s: 1 - s) if upward else (lambda s: s)
    points = [px(arm.time[0], show(arm.survival[0]))]
    for i in range(1, len(arm.time)):
        points += [px(arm.time[i], show(arm.survival[i - 1])), px(arm.time[i], show(arm.survival[i]))]
    return [*points, px(arm.end, show(arm.survival[-1]))]


def svg(
    arms: list[Arm], *, percent: bool = False, upward: bool = False, broken: bool = False, legend: bool = True, table: bool = True,
    x_label: str = "Time (months)", extra: str = "", shift: float = 0.0, dashes: bool = False, black: bool = False, wrap: bool = True,
) -> str:  # fmt: skip
    """An SVG figure; ``broken`` draws each curve as single segments, ``dashes`` one pattern an arm, ``black`` all in black."""
    out = [
        f'<g transform="translate({shift} 0)">',
        f'<rect x="{LEFT}" y="{TOP}" width="{RIGHT - LEFT}" height="{BOTTOM - TOP}" class="frame"/>',
    ]
    for k in range(6):
        value, y = k / 5, BOTTOM - PER_ONE * k / 5
        out.append(f'<line x1="{LEFT - 5}" y1="{y}" x2="{LEFT}" y2="{y}" class="axis"/>')
        shown = f"{100 * value:.0f}%" if percent else f"{value:.1f}"
        out.append(f'<text x="{LEFT - 8}" y="{y + 4}" class="end">{shown}</text>')
    for month in range(0, 61, 12):
        x = LEFT + PER_MONTH * month
        out.append(
            f'<line x1="{x}" y1="{BOTTOM}" x2="{x}" y2="{BOTTOM + 5}" class="axis"/><text x="{x}" y="{BOTTOM + 18}" class="mid">{month}</text>'
        )
    out.append(f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 36}" class="mid">{x_label}</text>')
    out.append(f'<text transform="translate(30 200) rotate(-90)" class="mid">{"Incidence" if upward else "Survival"}</text>')
    for k, arm in enumerate(arms):
        colour = "#000000" if black else COLOURS[k]
        dash = f' stroke-dasharray="{(0, "6,3", "2,2", "6,2,2,2")[k]}"' if dashes and k else ""
        points = step_points(arm, upward=upward)
        if broken:
            for (ax, ay), (bx, by) in pairwise(points):
                out.append(f'<path d="M{ax:.3f},{ay:.3f}L{bx:.3f},{by:.3f}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}/>')
        else:
            text = " ".join(f"{x:.3f},{y:.3f}" for x, y in points)
            out.append(f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}/>')
        for t in arm.ticks:
            s = arm.survival[int(np.searchsorted(arm.time, t, side="right")) - 1]
            x, y = px(t, 1 - s if upward else s)
            out.append(f'<path d="M{x:.3f},{y - 4:.3f}v8" stroke="{colour}" stroke-width="1" fill="none"/>')
        if legend:
            y = TOP + 20 + 16 * k
            out.append(
                f'<line x1="440" y1="{y}" x2="465" y2="{y}" stroke="{colour}" stroke-width="1.5"{dash}/><text x="470" y="{y + 4}">{arm.name}</text>'
            )
        if table and arm.at_risk:
            y = BOTTOM + 76 + 16 * k
            out.append(f'<text x="10" y="{y}">{arm.name}</text>')
            out += [f'<text x="{LEFT + PER_MONTH * 12 * i}" y="{y}" class="mid">{n}</text>' for i, n in enumerate(arm.at_risk)]
    if table:
        out.append(f'<text x="10" y="{BOTTOM + 60}">Number at risk</text>')
    out += [extra, "</g>"]
    return document("\n".join(out)) if wrap else "\n".join(out)


def document(body: str, *, width: float = 620, height: float = 500, head: str = "") -> str:
    style = ".frame { fill: none; stroke: #333 } .axis { stroke: #333 } text { font-size: 12px } .mid { text-anchor: middle } .end { text-anchor: end }"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"><style>{style}</style>{body}</svg>'
    )


def pdf(
    contents: list[bytes], *, box: str = "0 0 620 500", resources: str = "", extra: dict[int, bytes] | None = None, trailer: str = ""
) -> bytes:
    """A PDF with one page for each content stream; objects ``extra`` (numbers from 100) are added as they are."""
    objects: dict[int, bytes] = {}
    kids = " ".join(f"{10 + 2 * i} 0 R" for i in range(len(contents)))
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[2] = f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} /MediaBox [{box}] >>".encode()
    objects[3] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    for i, content in enumerate(contents):
        objects[10 + 2 * i] = (
            f"<< /Type /Page /Parent 2 0 R /Contents {11 + 2 * i} 0 R /Resources << /Font << /F1 3 0 R >> {resources} >> >>"
        ).encode()
        objects[11 + 2 * i] = stream(content)
    objects |= extra or {}
    out, places = io.BytesIO(), {}
    out.write(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    for number, body in sorted(objects.items()):
        places[number] = out.tell()
        out.write(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")
    start, top = out.tell(), max(places) + 1
    out.write(f"xref\n0 {top}\n0000000000 65535 f \n".encode())
    for number in range(1, top):
        out.write(f"{places[number]:010d} 00000 n \n".encode() if number in places else b"0000000000 00000 f \n")
    out.write(f"trailer\n<< /Size {top} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def stream(content: bytes, *, packed: bool = True) -> bytes:
    body = zlib.compress(content) if packed else content
    kind = "/Filter /FlateDecode " if packed else ""
    return f"<< {kind}/Length {len(body)} >>\nstream\n".encode() + body + b"\nendstream"


def page(arms: list[Arm], *, height: float = 500.0) -> bytes:
    """The same figure as the content stream of a PDF page."""
    out = ["0.2 0.2 0.2 RG 1 w", f"{LEFT} {height - BOTTOM} {RIGHT - LEFT} {BOTTOM - TOP} re S"]

    def text(x: float, y: float, words: str, size: float = 12) -> None:
        out.append(f"BT /F1 {size} Tf {x:.2f} {height - y:.2f} Td ({words}) Tj ET")

    for k in range(6):
        y = BOTTOM - PER_ONE * k / 5
        out.append(f"{LEFT - 5} {height - y} m {LEFT} {height - y} l S")
        text(LEFT - 26, y + 4, f"{k / 5:.1f}")
    for month in range(0, 61, 12):
        x = LEFT + PER_MONTH * month
        out.append(f"{x} {height - BOTTOM} m {x} {height - BOTTOM - 5} l S")
        text(x - (3.3 if month < 10 else 6.7), BOTTOM + 18, str(month))
    text(280, BOTTOM + 36, "Time (months)")
    for k, arm in enumerate(arms):
        r, g, b = (int(COLOURS[k][i : i + 2], 16) / 255 for i in (1, 3, 5))
        out.append(f"{r:.3f} {g:.3f} {b:.3f} RG 1.5 w")
        points = step_points(arm)
        out.append(" ".join(f"{x:.3f} {height - y:.3f} {'l' if i else 'm'}" for i, (x, y) in enumerate(points)) + " S")
        for t in arm.ticks:
            s = arm.survival[int(np.searchsorted(arm.time, t, side="right")) - 1]
            x, y = px(t, s)
            out.append(f"{x:.3f} {height - y - 4:.3f} m {x:.3f} {height - y + 4:.3f} l S")
        y = TOP + 20 + 16 * k
        out.append(f"440 {height - y} m 465 {height - y} l S")
        text(470, y + 4, arm.name)
        if arm.at_risk:
            text(10, BOTTOM + 76 + 16 * k, arm.name)
            for i, n in enumerate(arm.at_risk):
                text(LEFT + PER_MONTH * 12 * i - 3.35 * len(str(n)), BOTTOM + 76 + 16 * k, str(n))
    text(10, BOTTOM + 60, "Number at risk")
    return "\n".join(out).encode()


def picture(kind: str, *, size: tuple[int, int] = (400, 300), mode: str = "RGB", **options: object) -> bytes:
    """A small picture of a step line in a frame."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    w, h = size
    pen.rectangle([w // 8, h // 10, w - 10, h - h // 6], outline="black")
    pen.line([w // 8, h // 10, w // 3, h // 10, w // 3, h // 3, w // 2, h // 3, w // 2, h // 2, w - 20, h // 2], fill="red", width=2)
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, kind.upper(), **options)
    return buffer.getvalue()
