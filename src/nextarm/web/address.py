"""Addresses hold the whole state of a page: reading values out of them, and writing them.

Every value is checked here once; what does not fit is a :class:`CallError` that the page shows beside the form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from nextarm.core.errors import CallError

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: Most values in one address or form.
MOST = 300


@dataclass(frozen=True)
class Query:
    """The values of an address or a sent form, in their order."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, text: str) -> Query:
        """Read ``a=1&b=2``; :class:`CallError` for too many values or signs that no text has."""
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST, errors="strict")
        except (ValueError, UnicodeDecodeError):
            raise CallError("the address or form", rule=f"must be at most {MOST} values of UTF-8 text") from None
        if any(_CONTROL.search(part) for pair in pairs for part in pair):
            raise CallError("the address or form", rule="must not hold control characters")
        return cls(tuple((n, v.replace("\r\n", "\n")) for n, v in pairs))

    def text(self, name: str, default: str = "") -> str:
        """The last value of ``name``, ``default`` if it is missing or empty."""
        found = [v for n, v in self.pairs if n == name and v.strip()]
        return found[-1].strip() if found else default

    def has(self, name: str) -> bool:
        """Whether ``name`` stands in the address at all."""
        return any(n == name for n, _ in self.pairs)

    def many(self, name: str) -> tuple[str, ...]:
        """All values of ``name`` that are not empty, each once."""
        return tuple(dict.fromkeys(v for n, v in self.pairs if n == name and v.strip()))

    def choice(self, name: str, choices: Iterable[str], default: str) -> str:
        """One of ``choices``."""
        value, known = self.text(name, default), tuple(choices)
        if value not in known:
            raise CallError(f"{name} = {value[:60]!r}", rule=f"must be one of {', '.join(known)}")
        return value

    def number(self, name: str, default: float | None = None, *, low: float, high: float) -> float | None:
        """A number from ``low`` to ``high``, ``default`` where nothing was given."""
        text = self.text(name)
        if not text:
            return default
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise CallError(f"{name} = {text[:40]!r}", rule=f"must be a number from {low:g} to {high:g}")
        return value

    def needed(self, name: str, default: float, *, low: float, high: float) -> float:
        """A number that has a default."""
        value = self.number(name, default, low=low, high=high)
        return default if value is None else value

    def whole(self, name: str, default: int, *, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        text = self.text(name)
        if not text:
            return default
        if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) or not low <= int(text) <= high:
            raise CallError(f"{name} = {text[:40]!r}", rule=f"must be a whole number from {low} to {high}")
        return int(text)

    def changed(self, **values: str | Sequence[str] | None) -> Query:
        """A query with some names set anew; None takes a name out."""
        kept = [(n, v) for n, v in self.pairs if n not in values]
        for name, value in values.items():
            kept += [(name, v) for v in ([value] if isinstance(value, str) else value or ())]
        return Query(tuple(kept))

    def __str__(self) -> str:
        return urlencode(self.pairs)


def address(path: str, values: Mapping[str, object] | Query = Query()) -> str:
    """``path`` with ``values`` as its query; empty and missing ones are left out.

    >>> address("/study/infant-all/design", {"seed": 1, "plan": ""})
    '/study/infant-all/design?seed=1'
    """
    pairs = values.pairs if isinstance(values, Query) else [(k, str(v)) for k, v in values.items() if v is not None and v != ""]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def quoted(value: object) -> str:
    """A value as one word of a command line."""
    text = str(value)
    return text if re.fullmatch(r"[A-Za-z0-9._-]+", text) else "'" + text.replace("'", "'\\''") + "'"
