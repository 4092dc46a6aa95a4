"""The part of CSS that drawings use: rules by element, class, id and descendant, style attributes, colours, lengths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from nextarm.figures.vector.scene import Rgb

MOST_RULES = 5000
#: Properties that children take over from their parents.
INHERITED = frozenset(
    ("fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity", "stroke-opacity", "font-size", "text-anchor", "visibility",
     "color", "dominant-baseline", "font-family")
)  # fmt: skip
WANTED = INHERITED | {"opacity", "display", "clip-path", "transform", "baseline-shift"}
_SIMPLE = re.compile(r"(\*|[A-Za-z][\w-]*)?((?:[.#][\w-]+)*)$")


@dataclass(frozen=True)
class Rule:
    """One selector (a chain of compound selectors, the last names the element) with its declarations."""

    chain: tuple[tuple[str, frozenset[str], str], ...]
    weight: tuple[int, int, int]
    declarations: tuple[tuple[str, str], ...]


def declarations(text: str) -> dict[str, str]:
    """``a: b; c: d`` as a dict of the properties that matter here."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, colon, value = part.partition(":")
        name = name.strip().lower()
        if colon and name in WANTED:
            found[name] = value.replace("!important", "").strip()
    return found


def rules_of(text: str) -> list[Rule]:
    """The rules of a style sheet; at-rules and selectors that are not understood are skipped."""
    text = re.sub(r"/\*.*?(\*/|\Z)", "", text, flags=re.S).replace("<!--", "").replace("-->", "")
    found: list[Rule] = []
    at = 0
    while len(found) < MOST_RULES:
        brace = text.find("{", at)
        if brace < 0:
            break
        head = text[at:brace].rpartition(";")[2].strip()
        close = text.find("}", brace)
        close = len(text) if close < 0 else close
        at = close + 1
        if head.startswith("@"):
            depth = 1
            for found_brace in re.finditer(r"[{}]", text[brace + 1 :]):
                depth += 1 if found_brace.group() == "{" else -1
                if not depth:
                    at = brace + 2 + found_brace.start()
                    break
            else:
                break
            continue
        given = tuple(declarations(text[brace + 1 : close]).items())
        if not given:
            continue
        for selector in head.split(","):
            chain = _chain(selector.replace(">", " "))
            if chain:
                weight = (sum(bool(c[2]) for c in chain), sum(len(c[1]) for c in chain), sum(c[0] not in ("", "*") for c in chain))
                found.append(Rule(chain, weight, given))
    return sorted(found, key=lambda rule: rule.weight)


def _chain(selector: str) -> tuple[tuple[str, frozenset[str], str], ...]:
    chain = []
    for word in selector.split():
        match = _SIMPLE.match(word)
        if not match:
            return ()
        marks = re.findall(r"[.#][\w-]+", match.group(2))
        classes = frozenset(m[1:] for m in marks if m[0] == ".")
        ids = [m[1:] for m in marks if m[0] == "#"]
        chain.append((match.group(1) or "", classes, ids[0] if ids else ""))
    return tuple(chain)


Seen = tuple[str, frozenset[str], str]


def applies(rule: Rule, path: tuple[Seen, ...]) -> bool:
    """Whether a rule meets an element; ``path`` is (name, classes, id) from the root down to it."""
    if not _meets(rule.chain[-1], path[-1]):
        return False
    at = len(path) - 2
    for wanted in reversed(rule.chain[:-1]):
        while at >= 0 and not _meets(wanted, path[at]):
            at -= 1
        if at < 0:
            return False
        at -= 1
    return True


def _meets(wanted: Seen, seen: Seen) -> bool:
    return wanted[0] in ("", "*", seen[0]) and wanted[1] <= seen[1] and wanted[2] in ("", seen[2])


_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(px|pt|pc|mm|cm|in|em|ex|%)?")
#: CSS: 96 pixels an inch.
_UNIT = {None: 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0, "em": 16.0, "ex": 8.0, "%": 0.01}


def length(text: str | None, default: float = 0.0, *, of: float | None = None) -> float:
    """A length in pixels; percent are of ``of`` where given."""
    match = _NUMBER.match(text or "")
    if not match:
        return default
    value = float(match.group(1))
    if match.group(2) == "%" and of is not None:
        return value / 100.0 * of
    value *= _UNIT[match.group(2)]
    return value if abs(value) < 1e9 else default


def lengths(text: str | None) -> tuple[float, ...]:
    """A list of lengths."""
    return tuple(length(part) for part in re.split(r"[\s,]+", (text or "").strip())[:64] if part)


@lru_cache(maxsize=4096)
def colour(text: str, current: Rgb = (0, 0, 0)) -> Rgb | None:
    """A CSS colour; None for none and transparent; black for a paint that is not a plain colour."""
    word = text.strip().lower()
    if word in ("none", "transparent", ""):
        return None
    if word == "currentcolor":
        return current
    if match := re.fullmatch(r"#([0-9a-f]{3,8})", word):
        digits = match.group(1)
        if len(digits) in (3, 4):
            digits = "".join(d + d for d in digits)
        return (int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)) if len(digits) >= 6 else (0, 0, 0)
    if match := re.fullmatch(r"rgba?\(([^)]*)\)", word):
        parts = [p for p in re.split(r"[\s,/]+", match.group(1).strip()) if p]
        if len(parts) >= 3:
            if len(parts) > 3 and length(parts[3], 1.0) == 0.0:
                return None
            return tuple(max(0, min(255, round(length(p) * (255 if p.endswith("%") else 1)))) for p in parts[:3])  # type: ignore[return-value]
    return NAMED.get(word, (0, 0, 0))


def alpha(text: str) -> float:
    """The opacity that a colour itself carries: rgba() or #rrggbbaa."""
    word = text.strip().lower()
    if match := re.fullmatch(r"rgba?\(([^)]*)\)", word):
        parts = [p for p in re.split(r"[\s,/]+", match.group(1).strip()) if p]
        return min(1.0, max(0.0, length(parts[3], 1.0))) if len(parts) > 3 else 1.0
    if match := re.fullmatch(r"#[0-9a-f]{6}([0-9a-f]{2})", word):
        return int(match.group(1), 16) / 255
    return 1.0


NAMED: dict[str, Rgb] = {
    "black": (0, 0, 0), "white": (255, 255, 255), "red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255),
    "lime": (0, 255, 0), "yellow": (255, 255, 0), "cyan": (0, 255, 255), "aqua": (0, 255, 255), "magenta": (255, 0, 255),
    "fuchsia": (255, 0, 255), "gray": (128, 128, 128), "grey": (128, 128, 128), "silver": (192, 192, 192),
    "maroon": (128, 0, 0), "olive": (128, 128, 0), "purple": (128, 0, 128), "teal": (0, 128, 128), "navy": (0, 0, 128),
    "orange": (255, 165, 0), "brown": (165, 42, 42), "pink": (255, 192, 203), "gold": (255, 215, 0),
    "darkred": (139, 0, 0), "darkgreen": (0, 100, 0), "darkblue": (0, 0, 139), "darkorange": (255, 140, 0),
    "steelblue": (70, 130, 180), "firebrick": (178, 34, 34), "crimson": (220, 20, 60), "tomato": (255, 99, 71),
    "coral": (255, 127, 80), "salmon": (250, 128, 114), "forestgreen": (34, 139, 34), "seagreen": (46, 139, 87),
    "royalblue": (65, 105, 225), "dodgerblue": (30, 144, 255), "skyblue": (135, 206, 235), "indigo": (75, 0, 130),
    "violet": (238, 130, 238), "orchid": (218, 112, 214), "lightgray": (211, 211, 211), "lightgrey": (211, 211, 211),
    "darkgray": (169, 169, 169), "darkgrey": (169, 169, 169), "dimgray": (105, 105, 105), "dimgrey": (105, 105, 105),
    "gainsboro": (220, 220, 220), "whitesmoke": (245, 245, 245), "tan": (210, 180, 140), "khaki": (240, 230, 140),
    "turquoise": (64, 224, 208), "chocolate": (210, 105, 30), "sienna": (160, 82, 45), "lightblue": (173, 216, 230),
}  # fmt: skip
