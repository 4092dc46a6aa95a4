"""Shapes of SVG as subpaths: path data, polyline, polygon, line, rect, circle, ellipse; and transforms."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.figures.vector.css import length
from nextarm.figures.vector.scene import IDENTITY, times

Subpath = tuple[FloatArray, bool]
MOST_POINTS = 1_000_000
_TOKEN = re.compile(r"[MmZzLlHhVvCcSsQqTtAa]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_FLOAT = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
_BEZIER = 8


def path_data(text: str) -> list[Subpath]:
    """Subpaths of the ``d`` of a path; curves become short chords; reading stops at the first error, as in browsers."""
    found: list[Subpath] = []
    points: list[tuple[float, float]] = []
    x = y = start_x = start_y = last_x = last_y = 0.0
    last = ""

    def close(closed: bool) -> None:
        if points:
            found.append((_array(points), closed))
            points.clear()

    for command, values in _commands(text):
        relative, letter = command.islower(), command.upper()
        ox, oy = (x, y) if relative else (0.0, 0.0)
        if letter == "M":
            close(False)
            x, y = ox + values[0], oy + values[1]
            start_x, start_y = x, y
            points.append((x, y))
        elif letter == "Z":
            x, y = start_x, start_y
            close(True)
        else:
            if not points:
                points.append((x, y))
            if letter == "L":
                x, y = ox + values[0], oy + values[1]
                points.append((x, y))
            elif letter == "H":
                x = ox + values[0]
                points.append((x, y))
            elif letter == "V":
                y = oy + values[0]
                points.append((x, y))
            elif letter == "A":
                ex, ey = ox + values[5], oy + values[6]
                points.extend(_arc(x, y, values[0], values[1], values[2], values[3] != 0, values[4] != 0, ex, ey))
                x, y = ex, ey
            else:
                mirrored = (2 * x - last_x, 2 * y - last_y) if (last in "CS" if letter == "S" else last in "QT") and last else (x, y)
                if letter in "CS":
                    c1 = (ox + values[0], oy + values[1]) if letter == "C" else mirrored
                    rest = values[2:] if letter == "C" else values
                    c2, (ex, ey) = (ox + rest[0], oy + rest[1]), (ox + rest[2], oy + rest[3])
                else:
                    q = (ox + values[0], oy + values[1]) if letter == "Q" else mirrored
                    rest = values[2:] if letter == "Q" else values
                    ex, ey = ox + rest[0], oy + rest[1]
                    c1 = (x + 2 / 3 * (q[0] - x), y + 2 / 3 * (q[1] - y))
                    c2 = (ex + 2 / 3 * (q[0] - ex), ey + 2 / 3 * (q[1] - ey))
                    last_x, last_y = q
                for i in range(1, _BEZIER + 1):
                    t = i / _BEZIER
                    a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
                    points.append((a * x + b * c1[0] + c * c2[0] + d * ex, a * y + b * c1[1] + c * c2[1] + d * ey))
                if letter in "CS":
                    last_x, last_y = c2
                x, y = ex, ey
        last = letter
        if len(points) > MOST_POINTS:
            break
    close(False)
    return found


def _commands(text: str) -> Iterator[tuple[str, list[float]]]:
    tokens = _TOKEN.findall(text)
    at, command = 0, ""
    while at < len(tokens):
        if tokens[at].isalpha():
            command = tokens[at]
            at += 1
            if command in "Zz":
                yield command, []
                continue
        elif not command or command in "Zz":
            return
        need = _TAKES[command.upper()]
        values = tokens[at : at + need]
        if len(values) < need or any(v.isalpha() for v in values):
            return
        numbers = [float(v) for v in values]
        if not all(abs(v) < 1e9 for v in numbers):
            return
        yield command, numbers
        at += need
        command = {"M": "L", "m": "l"}.get(command, command)


def _arc(
    x: float, y: float, rx: float, ry: float, turn: float, large: bool, sweep: bool, ex: float, ey: float
) -> list[tuple[float, float]]:
    """Points of an elliptical arc (centre form of SVG 1.1, appendix F.6)."""
    rx, ry = abs(rx), abs(ry)
    if rx < 1e-12 or ry < 1e-12 or (x == ex and y == ey):
        return [(ex, ey)]
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    dx, dy = (x - ex) / 2, (y - ey) / 2
    px, py = c * dx + s * dy, -s * dx + c * dy
    grow = math.sqrt(max(1.0, (px / rx) ** 2 + (py / ry) ** 2))
    rx, ry = rx * grow, ry * grow
    under = (rx * ry) ** 2 - (rx * py) ** 2 - (ry * px) ** 2
    root = math.sqrt(max(0.0, under / ((rx * py) ** 2 + (ry * px) ** 2))) * (-1 if large == sweep else 1)
    qx, qy = root * rx * py / ry, -root * ry * px / rx
    mx, my = c * qx - s * qy + (x + ex) / 2, s * qx + c * qy + (y + ey) / 2
    first = math.atan2((py - qy) / ry, (px - qx) / rx)
    span = math.atan2((-py - qy) / ry, (-px - qx) / rx) - first
    if sweep and span < 0:
        span += 2 * math.pi
    elif not sweep and span > 0:
        span -= 2 * math.pi
    steps = max(2, math.ceil(abs(span) / (math.pi / 8)))
    made = []
    for i in range(1, steps + 1):
        a = first + span * i / steps
        u, v = rx * math.cos(a), ry * math.sin(a)
        made.append((c * u - s * v + mx, s * u + c * v + my))
    return made


def _array(points: list[tuple[float, float]]) -> FloatArray:
    return np.array(points, float).reshape(-1, 2)


def shape(name: str, attributes: dict[str, str], size: tuple[float, float]) -> list[Subpath]:
    """Subpaths of a shape element; ``size`` is what percent refer to."""
    get = attributes.get
    if name == "path":
        return path_data(get("d", ""))
    if name in ("polyline", "polygon"):
        numbers = [float(v) for v in _FLOAT.findall(get("points", ""))[: 2 * MOST_POINTS]]
        numbers = numbers[: len(numbers) // 2 * 2]
        if not numbers or not all(abs(v) < 1e9 for v in numbers):
            return []
        return [(np.array(numbers).reshape(-1, 2), name == "polygon")]

    def along(key: str, axis: int) -> float:
        return length(get(key), of=size[axis])

    if name == "line":
        return [(np.array([[along("x1", 0), along("y1", 1)], [along("x2", 0), along("y2", 1)]]), False)]
    if name == "rect":
        x, y, w, h = along("x", 0), along("y", 1), along("width", 0), along("height", 1)
        return [(np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]), True)] if w > 0 and h > 0 else []
    if name in ("circle", "ellipse"):
        rx = along("r" if name == "circle" else "rx", 0)
        ry = rx if name == "circle" else along("ry", 1)
        turn = np.linspace(0.0, 2 * np.pi, 17)[:-1]
        return [(np.column_stack([along("cx", 0) + rx * np.cos(turn), along("cy", 1) + ry * np.sin(turn)]), True)] if rx > 0 else []
    return []


def transform(text: str | None) -> FloatArray:
    """The 2 x 3 matrix of a ``transform`` attribute; one that is not understood is the identity."""
    made = IDENTITY
    for name, inside in re.findall(r"(\w+)\s*\(([^)]*)\)", text or "")[:64]:
        v = [float(n) for n in _FLOAT.findall(inside)]
        if not v or not all(abs(n) < 1e9 for n in v):
            continue
        if name == "matrix" and len(v) == 6:
            step = np.array([[v[0], v[2], v[4]], [v[1], v[3], v[5]]])
        elif name == "translate":
            step = np.array([[1.0, 0.0, v[0]], [0.0, 1.0, v[1] if len(v) > 1 else 0.0]])
        elif name == "scale":
            step = np.array([[v[0], 0.0, 0.0], [0.0, v[1] if len(v) > 1 else v[0], 0.0]])
        elif name == "rotate":
            c, s = math.cos(math.radians(v[0])), math.sin(math.radians(v[0]))
            px, py = (v[1], v[2]) if len(v) == 3 else (0.0, 0.0)
            step = np.array([[c, -s, px - c * px + s * py], [s, c, py - s * px - c * py]])
        elif name == "skewX":
            step = np.array([[1.0, math.tan(math.radians(v[0])), 0.0], [0.0, 1.0, 0.0]])
        elif name == "skewY":
            step = np.array([[1.0, 0.0, 0.0], [math.tan(math.radians(v[0])), 1.0, 0.0]])
        else:
            continue
        made = times(made, step)
    return made
