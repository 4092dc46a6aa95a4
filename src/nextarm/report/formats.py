"""How a number looks: percent, points, years, counts, ratios, p values, and intervals of each.

A format is a word with, if wanted, its digits: ``"percent"``, ``"percent(1)"``, ``"decimal(3)"``. Inside, numbers keep
their own scale (a probability stays between 0 and 1); only the text is scaled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from nextarm.core.errors import CallError

NO_BREAK = "\u202f"  # a narrow space that does not break the line: 37 %
MINUS = "\u2212"


@dataclass(frozen=True)
class Format:
    """One way to write a number: digits after the point, factor to the screen, what follows it, unit of the raw value."""

    digits: int
    scale: float = 1.0
    suffix: str = ""
    unit: str = ""
    signed: bool = False


#: The formats by name. ``unit`` is that of the raw value and is written to results.json.
FORMATS: dict[str, Format] = {
    "percent": Format(0, 100.0, f"{NO_BREAK}%", "proportion"),
    "points": Format(1, 100.0, " points", "difference of proportions"),
    "signed-points": Format(1, 100.0, " points", "difference of proportions", signed=True),
    "decimal": Format(2),
    "signed-decimal": Format(2, signed=True),
    "probability": Format(2, unit="proportion"),
    "years": Format(1, suffix=" years", unit="years"),
    "months": Format(1, 12.0, " months", "years"),
    "count": Format(0, unit="count"),
    "per-year": Format(0, suffix=" a year", unit="per year"),
    "rate": Format(3, suffix=" a year", unit="per year"),
    "hazard-ratio": Format(2, unit="hazard ratio"),
    "ratio": Format(2, unit="ratio"),
    "p": Format(3, unit="probability"),
    "year": Format(0, unit="calendar year"),
    "seconds": Format(1, suffix=" s", unit="seconds"),
}

_SPEC = re.compile(r"([a-z-]+)(?:\((\d)\))?")


def parse_format(spec: str) -> tuple[str, Format]:
    """Return the name and the :class:`Format` of ``"percent"`` or ``"percent(1)"``; :class:`CallError` if unknown."""
    match = _SPEC.fullmatch(spec)
    if match is None or match[1] not in FORMATS:
        raise CallError(f"format = {spec!r}", rule=f"must be one of {', '.join(FORMATS)}, with digits as in percent(1) if wanted")
    kind = FORMATS[match[1]]
    if match[2] is None:
        return match[1], kind
    return match[1], Format(int(match[2]), kind.scale, kind.suffix, kind.unit, kind.signed)


def format_number(
    value: float | None,
    spec: str = "decimal",
    *,
    low: float | None = None,
    high: float | None = None,
    interval: bool = False,
    missing: str = "not reached",
) -> str:
    """Write ``value`` in the format ``spec``; with ``interval`` also ``low`` and ``high``, or the two alone if no value.

    >>> format_number(0.365, "percent")
    '37\u202f%'
    >>> format_number(0.37, "hazard-ratio", low=0.31, high=0.43, interval=True)
    '0.37 (0.31 to 0.43)'
    >>> format_number(None, "years")
    'not reached'
    >>> format_number(0.0004, "p")
    '<\u202f0.001'
    """
    main, bounds = format_parts(value, spec, low=low, high=high, interval=interval, missing=missing)
    if main and bounds:
        return f"{main} ({bounds})"
    return main or bounds


def format_parts(
    value: float | None,
    spec: str,
    *,
    low: float | None = None,
    high: float | None = None,
    interval: bool = False,
    missing: str = "not reached",
) -> tuple[str, str]:
    """The value and its interval as two texts (either may be empty), so that a page can set them apart."""
    name, how = parse_format(spec)
    if not interval:
        return (missing if value is None else _one(value, name, how) + how.suffix), ""
    ends = [missing if end is None else _one(end, name, how) for end in (low, high)]
    bounds = f"{ends[0]} to {ends[1]}"
    if value is None:
        return "", bounds + how.suffix
    return _one(value, name, how) + how.suffix, bounds


def _one(value: float, name: str, how: Format) -> str:
    if name == "year" and how.digits == 0 and value != int(value):
        return f"{value:.1f}"  # the middle of an odd number of years; rounding it would name another year
    if name == "p" and how == FORMATS["p"] and value >= 0.1:
        how = replace(how, digits=2)
    if name == "p" and 0.0 <= value < 10.0**-how.digits:
        return f"<{NO_BREAK}{10.0**-how.digits:.{how.digits}f}"
    # decimal, half up: a printed 0.365 is 37 % to a reader, not the 36 of binary floats rounded half to even
    exact = abs(Decimal(repr(value)) * Decimal(repr(how.scale)))
    rounded = exact.quantize(Decimal(1).scaleb(-how.digits), ROUND_HALF_UP)
    text = f"{rounded:f}" if name == "year" else f"{rounded:,f}"
    if not rounded:
        return text
    return (MINUS if value < 0 else "+" if how.signed else "") + text
