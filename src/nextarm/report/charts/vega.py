"""Vega-Lite specifications as plain dicts: layers of marks over rows, their channels, scales and axes.

Only what the charts here use. A specification is built in well under a millisecond, so that a page may ask for a new one while
a slider moves; the tests check every chart against the published schema.

>>> dots = Layer([{"x": 1, "y": 2}]).mark("point", size=40).encode(x=channel("x:Q"), y=value(3))
>>> dots.spec()["encoding"]
{'x': {'field': 'x', 'type': 'quantitative'}, 'y': {'value': 3}}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

#: The version of the language, which the tests check the charts against.
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.4.1.json"
Channel: TypeAlias = dict[str, Any]
Scale: TypeAlias = dict[str, Any]
Axis: TypeAlias = dict[str, Any]
_TYPES = {"Q": "quantitative", "N": "nominal", "O": "ordinal", "T": "temporal"}


def channel(shorthand: str, **how: Any) -> Channel:
    """A channel that shows a field: ``"x:Q"`` is the field x, a quantity; ``how`` holds its scale and axis."""
    name, _, kind = shorthand.rpartition(":")
    return {"field": name, "type": _TYPES[kind], **how} if name else {"field": kind, **how}


def value(constant: float | str) -> Channel:
    """A channel that is the same everywhere: a number of pixels, a colour."""
    return {"value": constant}


@dataclass(frozen=True)
class Layer:
    """Marks over rows: made by ``Layer(rows).mark("rule", ...).encode(x=..., y=...)``."""

    rows: Sequence[dict[str, Any]]
    look: dict[str, Any] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)

    def mark(self, kind: str, **how: Any) -> Layer:
        """The kind of mark (text, rule, point, rect, line, area) and how it looks."""
        return replace(self, look={"type": kind, **how})

    def encode(self, **channels: Channel | str) -> Layer:
        """The channels; a bare name (``x2="high"``) is a field that shares the other end's scale."""
        return replace(self, channels={n: {"field": c} if isinstance(c, str) else c for n, c in channels.items()})

    def spec(self) -> dict[str, Any]:
        """The layer as Vega-Lite."""
        return {"data": {"values": [dict(row) for row in self.rows]}, "mark": dict(self.look), "encoding": dict(self.channels)}
