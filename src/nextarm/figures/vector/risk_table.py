"""The table of numbers at risk: rows of counts under (or over) the axis, each with its arm."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.figures.vector.curves import Line
from nextarm.figures.vector.numbers import value_of
from nextarm.figures.vector.panels import Panel
from nextarm.figures.vector.scene import Scene, Text, far

_CELL = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)\s*(?:[(\[/|].*)?$")
_RISK = re.compile(r"(?i)\bat[ -]risk\b|\bn\.?[ _.]?risk\b")
_OTHER = re.compile(r"(?i)\bevents?\b|\bcensor|\bdeaths?\b|\bcum\b|\brelaps|survival|\bprobab|%")


@dataclass(frozen=True)
class Row:
    """One row: what stands left of it, the line of text above it, its cells as (time, count)."""

    label: Text | None
    heading: str
    y: float
    times: FloatArray
    counts: FloatArray

    @property
    def at_risk(self) -> bool:
        """Whether the row counts patients at risk, by its words."""
        label = self.label.text if self.label else ""
        if _RISK.search(label):
            return True
        if _OTHER.search(label) and not re.search(r"[a-z]=", label):
            return False
        return bool(_RISK.search(self.heading)) or not _OTHER.search(self.heading)

    @property
    def names(self) -> tuple[str, ...]:
        """What may name the arm: the label, unless it only says "at risk", then the heading."""
        found = (self.label.text if self.label else "", self.heading)
        return tuple(t for t in found if t and not _RISK.search(t))[:1]


def rows_of(
    scene: Scene, panel: Panel, floor: float, axis_label: str | None, *, within: tuple[float, float] = (-np.inf, np.inf)
) -> list[Row]:
    """All rows of counts below the labels of the time axis, down to ``floor``, in the order of the page.

    ``axis_label`` is no heading of the table; what begins outside ``within`` (x positions) belongs to another panel.
    """
    x = panel.x
    texts = sorted((t for t in scene.texts if abs(t.angle) < 3), key=lambda t: (t.centre_y, t.left))
    labels = {id(n.text) for n in x.labels}
    below = [
        t for t in texts if panel.y.last + 0.3 * x.size < t.centre_y < floor and id(t) not in labels and within[0] <= t.left <= within[1]
    ]
    lines: list[list[Text]] = []
    for text in below:
        if lines and abs(text.centre_y - lines[-1][0].centre_y) <= 0.4 * text.size:
            lines[-1].append(text)
        else:
            lines.append([text])
    spacing = float(np.diff(np.sort(x.positions)).min())
    rows: list[Row] = []
    heading = ""
    for line in lines:
        line = sorted(line, key=lambda t: t.left)
        cells = [(t, c) for t in line if (c := _count(t.text)) is not None and t.middle > x.first - 0.6 * spacing]
        words = [t for t in line if _count(t.text) is None and value_of(t.text) is None and t.text != axis_label]
        if len(cells) > 1 and not words and cells[1][0].middle < x.first + 0.4 * spacing:
            words, cells = [cells[0][0]], cells[1:]  # a symbol or a number that names the row, left of the first column
        label = words[0] if words and (not cells or words[0].left < cells[0][0].left) else None
        if (
            label is not None
            and (split := _split(label, x.first, spacing)) is not None
            and not (cells and cells[0][0].middle < x.first + 0.4 * spacing)
        ):
            label, first = split
            cells.insert(0, first)
        if len(cells) < 2 or (len(cells) < 3 and len(x.positions) > 4 and not label):
            if words and not cells and words[0].left < x.first + 2 * spacing:
                heading = words[0].text
            continue
        placed = _placed(cells, panel, spacing)
        if placed is None:
            continue
        times, counts = placed
        if label is None and len(times) >= 3 and _is_axis(times, counts):
            continue  # the axis labels once more, under the table
        rows.append(Row(label, heading, cells[0][0].centre_y, times, counts))
    return rows


def _count(words: str) -> int | None:
    match = _CELL.match(words.strip())
    return int(match.group(1).replace(",", "")) if match and len(match.group(1)) <= 9 else None


def _split(label: Text, first: float, spacing: float) -> tuple[Text, tuple[Text, int]] | None:
    """A label and the first count run together ("At risk 60"), when the count ends where the first column stands."""
    match = re.match(r"(.*\D)\s+(\d+)$", label.text)
    if not match or abs(label.right - first) > 0.4 * spacing:
        return None
    from dataclasses import replace

    width = 0.56 * label.size * len(match.group(2))
    cell = replace(label, text=match.group(2), left=label.right - width)
    return replace(label, text=match.group(1).strip(), right=cell.left), (cell, int(match.group(2)))


def _is_axis(times: FloatArray, counts: FloatArray) -> bool:
    return bool(np.allclose(times, counts))


def _placed(cells: list[tuple[Text, int]], panel: Panel, spacing: float) -> tuple[FloatArray, FloatArray] | None:
    """Cells on the labelled times, by the edge (middle, right, left) that lies nearest to the tick marks."""
    x = panel.x
    order = np.argsort(x.positions)
    grid, values = x.positions[order], x.values[order]
    if len(grid) > 1 and np.ptp(np.diff(grid)) < 0.05 * spacing:  # a table may go on where the axis has no labels any more
        further = np.arange(1, 6)
        grid = np.concatenate([grid, grid[-1] + further * spacing])
        values = np.concatenate([values, values[-1] + further * (values[-1] - values[-2])])
    best: tuple[float, list[int]] | None = None
    for edge in ("middle", "right", "left"):
        at = np.array([getattr(t, edge) for t, _ in cells])
        near = np.abs(at[:, None] - grid[None, :]).argmin(axis=1)
        gap = at - grid[near]
        spread = float(np.median(np.abs(gap - np.median(gap))) + 0.2 * abs(np.median(gap)))
        if len(set(near.tolist())) == len(near) and np.abs(gap).max() < 0.45 * spacing and (best is None or spread < best[0] - 0.05):
            best = (spread, near.tolist())
    if best is None:
        return None
    by_time = np.argsort([values[k] for k in best[1]])
    return np.array([values[best[1][i]] for i in by_time]), np.array([float(cells[i][1]) for i in by_time])


@dataclass(frozen=True)
class Assigned:
    """The row of a curve, and how it was found to be its row."""

    row: Row
    how: str


def assign(
    rows: list[Row], lines: list[Line], names: list[str | None], panel: Panel, scene: Scene
) -> tuple[list[Assigned | None], list[str]]:
    """The at-risk row of each curve: by name, by colour, by being the only one, or because no other order agrees with the curves."""
    rows = [r for r in rows if r.at_risk and not np.any(np.diff(r.counts) > 0)]
    if not rows:
        return [None] * len(lines), []
    found: list[Assigned | None] = [None] * len(lines)
    free = list(rows)
    for strict in (True, False):
        for k, name in enumerate(names):
            if found[k] is None and name:
                hits = [r for r in free if any(_same(name, n, strict) for n in r.names)]
                if len(hits) == 1 or (strict and hits):
                    found[k] = Assigned(hits[0], "name")
                    free.remove(hits[0])
    for k, line in enumerate(lines):
        if found[k] is None and sum(far(line.chain.colour, o.chain.colour) < 30 for o in lines) == 1:
            hits = [r for r in free if _row_has_colour(r, line, scene)]
            if len(hits) == 1:
                found[k] = Assigned(hits[0], "colour")
                free.remove(hits[0])
    left = [k for k in range(len(lines)) if found[k] is None]
    if len(left) == 1 and len(free) == 1 and (len(lines) == 1 or _consistent(free[0], lines[left[0]], panel)):
        found[left[0]] = Assigned(free[0], "only")
    elif 1 < len(left) <= 5 and len(left) == len(free):
        fits = [o for o in itertools.permutations(free) if all(_consistent(r, lines[k], panel) for k, r in zip(left, o, strict=True))]
        if len(fits) == 1:
            for k, r in zip(left, fits[0], strict=True):
                found[k] = Assigned(r, "curve")
    missing = [k for k in range(len(lines)) if found[k] is None]
    notes = []
    if missing:
        notes.append(f"{len(rows)} rows of an at-risk table were seen, but which belongs to {len(missing)} of the curves is not certain")
    for k, pair in enumerate(found):
        if pair is not None and not _consistent(pair.row, lines[k], panel):
            notes.append(f"the at-risk row of {names[k] or f'curve {k + 1}'} does not agree with its curve")
    return found, notes


def _same(a: str, b: str, strict: bool) -> bool:
    a, b = (re.sub(r"[\W_]+", " ", t.rpartition("=")[2]).strip().casefold() for t in (a, b))
    if not a or not b:
        return False
    return a == b if strict else a.startswith(b) or b.startswith(a)


def _row_has_colour(row: Row, line: Line, scene: Scene) -> bool:
    colour = line.chain.colour
    if row.label is not None and max(row.label.colour) - min(row.label.colour) >= 40 and far(row.label.colour, colour) < 12:
        return True
    return any(
        far(f.colour, colour) < 12 and f.box.top - 2 <= row.y <= f.box.bottom + 2 and f.box.right - f.box.left < 60 for f in scene.fills
    )


def _consistent(row: Row, line: Line, panel: Panel) -> bool:
    """n(t) is at most n(0) S(t-), and a curve that ends has nobody left long after."""
    if not row.counts.size or row.counts[0] <= 0:
        return False
    if row.times[0] > 1e-9 + 0.01 * panel.x.values.max():
        return True
    inside = np.array([panel.x.where(float(t)) for t in row.times])
    before = np.array([panel.survival(float(v)) for v in line.y_at(inside - 0.1)])
    allowed = row.counts[0] * before + 0.5 + 0.01 * row.counts[0]
    return bool(np.all((row.counts <= allowed) | (inside > line.end)))
