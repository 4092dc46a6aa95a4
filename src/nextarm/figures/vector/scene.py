"""A drawing as flat lists: strokes, filled shapes, texts and bitmaps, all in one coordinate system (y downward).

What SVG and PDF have in common once transforms, styles and references are resolved; the reader sees only this.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.figures.reading import Box

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Stroke:
    """One subpath that is drawn as a line. ``points`` is (n, 2); ``dash`` the pattern in figure units, empty if solid."""

    points: FloatArray
    colour: Rgb
    width: float
    dash: tuple[float, ...] = ()
    opacity: float = 1.0
    closed: bool = False
    clip: Box | None = None
    filled: bool = False
    #: Paths drawn by one command share a number; it rises in the order of drawing.
    path: int = 0

    @property
    def box(self) -> Box:
        """The bounding box of the points."""
        return bounds(self.points)


@dataclass(frozen=True)
class Fill:
    """One filled subpath."""

    points: FloatArray
    colour: Rgb
    opacity: float = 1.0
    clip: Box | None = None
    path: int = 0

    @property
    def box(self) -> Box:
        """The bounding box of the points."""
        return bounds(self.points)


@dataclass(frozen=True)
class Text:
    """A line of text. (``x``, ``y``) is where it is anchored (start, middle or end) on its baseline; ``angle`` in degrees, 90 reads upward.

    ``left`` and ``right`` are its extent along the baseline as far as known (estimated from the font size where the file
    does not say; ``exact_anchor`` says which of the three positions the file itself gives).
    """

    text: str
    x: float
    y: float
    size: float
    angle: float = 0.0
    anchor: str = "start"
    colour: Rgb = (0, 0, 0)
    left: float = 0.0
    right: float = 0.0
    path: int = 0
    #: The middle of the ink, where known better than from the size.
    ink_y: float | None = None

    @property
    def middle(self) -> float:
        """The middle along the baseline (x for horizontal text)."""
        return 0.5 * (self.left + self.right)

    @property
    def centre_y(self) -> float:
        """Roughly the middle of a figure's height above the baseline, for horizontal text."""
        return self.y - 0.36 * self.size if self.ink_y is None else self.ink_y


@dataclass(frozen=True)
class Glyph:
    """One character drawn: ``char`` is None where the file draws its outline without naming it.

    (``x``, ``y``) is its origin on the baseline, ``box`` its cell (its ink in an SVG), ``angle`` the direction of the baseline.
    """

    char: str | None
    x: float
    y: float
    size: float
    box: Box
    angle: float = 0.0
    colour: Rgb = (0, 0, 0)
    outline: tuple[FloatArray, ...] = ()
    path: int = 0
    ink: Box | None = None
    #: Characters of one string share a number, where the file has strings.
    string: int = 0
    #: The name by which the file refers to the outline.
    name: str = ""


@dataclass
class Scene:
    """All that a page draws; ``glyphs`` are characters not yet joined to texts."""

    width: float
    height: float
    strokes: list[Stroke] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    bitmaps: list[Box] = field(default_factory=list)
    glyphs: list[Glyph] = field(default_factory=list)
    #: Strings of one character, each with its own ink: a PDF's text may drop those that overlap.
    singles: list[Glyph] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def bounds(points: FloatArray) -> Box:
    """The bounding box of (n, 2) points."""
    low, high = points.min(axis=0), points.max(axis=0)
    return Box(left=float(low[0]), top=float(low[1]), right=float(high[0]), bottom=float(high[1]))


def meet(a: Box | None, b: Box | None) -> Box | None:
    """What two boxes have in common; None is the whole plane."""
    if a is None or b is None:
        return a or b
    left, top = max(a.left, b.left), max(a.top, b.top)
    return Box(left=left, top=top, right=max(left, min(a.right, b.right)), bottom=max(top, min(a.bottom, b.bottom)))


def around(a: Box, b: Box) -> Box:
    """The smallest box that holds two."""
    return Box(left=min(a.left, b.left), top=min(a.top, b.top), right=max(a.right, b.right), bottom=max(a.bottom, b.bottom))


def transformed(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Points (n, 2) through a 2 x 3 affine matrix."""
    out: FloatArray = points @ matrix[:, :2].T + matrix[:, 2]
    return out


def times(a: FloatArray, b: FloatArray) -> FloatArray:
    """The affine matrix that applies ``b`` first, then ``a``."""
    linear = a[:, :2] @ b[:, :2]
    return np.column_stack([linear, a[:, :2] @ b[:, 2] + a[:, 2]])


def scale_of(matrix: FloatArray) -> float:
    """The mean scale of an affine matrix."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


IDENTITY: FloatArray = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def hex_of(colour: Rgb) -> str:
    """``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def far(a: Rgb, b: Rgb) -> float:
    """Euclidean distance of two colours, 0 to 441."""
    return float(np.linalg.norm(np.subtract(a, b)))
